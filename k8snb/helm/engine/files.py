"""`.Files`: what a template can read of its chart. Upstream: `pkg/engine/files.go`."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterable
from typing import Any

from k8snb.helm.chart.chart import File
from k8snb.helm.chart.ignoring import glob_pattern
from k8snb.helm.yamltext import yaml_text


class Files(dict[str, bytes]):
    """Files by name, with `.Get`, `.GetBytes`, `.Glob`, `.Lines`, `.AsConfig` and `.AsSecrets`."""

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        super().__init__(files)
        self.template_fields = {
            "AsConfig": self.as_config,
            "AsSecrets": self.as_secrets,
            "Get": self.text,
            "GetBytes": self.content,
            "Glob": self.glob,
            "Lines": self.lines,
        }

    @staticmethod
    def of(files: Iterable[File]) -> Files:
        """The files of a chart."""
        return Files((file.name, file.data) for file in files)

    def content(self, name: str) -> bytes:
        """What a file holds; nothing for one that is not there."""
        return self.get(name, b"")

    def text(self, name: str) -> str:
        """What a file says."""
        return self.content(name).decode("utf-8", "surrogateescape")

    def glob(self, pattern: str) -> Files:
        """The files whose names a pattern matches; `**` goes through folders."""
        match = glob_pattern(pattern, deep=True)
        return Files((name, data) for name, data in sorted(self.items()) if match.fullmatch(name))

    def lines(self, name: str) -> list[str]:
        """The lines of a file."""
        text = self.text(name)
        return text.removesuffix("\n").split("\n") if text else []

    def as_config(self) -> str:
        """The files as the `data` of a ConfigMap."""
        return self._data({posixpath.basename(name): self.text(name) for name in self})

    def as_secrets(self) -> str:
        """The files as the `data` of a Secret."""
        return self._data({posixpath.basename(name): base64.b64encode(self[name]).decode() for name in self})

    def _data(self, data: dict[str, Any]) -> str:
        return yaml_text(data).removesuffix("\n") if data else ""
