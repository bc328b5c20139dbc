"""A volume that is exchanged as a whole: what a kubelet makes of config maps, secrets and the like.

The files lie in a directory that is named after the moment they were written; `..data` is a link to it, and what one
sees in the volume are links through `..data`. An update writes a new directory and turns that one link, so nobody
ever reads half an update. Upstream: `pkg/volume/util/atomic_writer.go`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from k8snb.kubelet.images.filesystem import Files, Volume

DATA = "..data"
DEFAULT_MODE = 0o644


class File(NamedTuple):
    """Content and permissions of one file."""

    text: str
    mode: int = DEFAULT_MODE


Payload = Mapping[str, File]
Filling = tuple[Payload, float]
"""What is in the volume, and since when."""


class AtomicVolume(Volume):
    """Files by path, and the links that lead to them. `fill` is asked for both when somebody looks."""

    __slots__ = ("_fill", "_given", "_texts")

    def __init__(self, fill: Callable[[], Filling]) -> None:
        super().__init__(source=self._files)
        self._fill = fill
        self._given: Payload | None = None
        self._texts: Files = {}

    def _files(self) -> Files:
        payload, _ = self._fill()
        if payload is not self._given:
            self._given, self._texts = payload, {path: file.text for path, file in payload.items()}
        return self._texts

    @property
    def changed_at(self) -> float:
        """When its content was written."""
        return self._fill()[1]

    @property
    def directory(self) -> str:
        """The name of the directory that `..data` leads to."""
        payload, when = self._fill()
        moment = datetime.fromtimestamp(when, UTC).strftime("%Y_%m_%d_%H_%M_%S")
        return f"..{moment}.{zlib.crc32(repr((sorted(payload.items()), moment)).encode())}"

    def _inner(self, path: str) -> str | None:
        """The path behind the links; None for a directory that is no longer there."""
        first, _, rest = path.partition("/")
        if first in (DATA, self.directory):
            return rest
        return None if first.startswith("..2") else path

    def read(self, path: str) -> str | None:
        inner = self._inner(path)
        return None if inner is None else super().read(inner)

    def is_directory(self, path: str) -> bool:
        inner = self._inner(path)
        return inner is not None and super().is_directory(inner)

    def children(self, path: str) -> list[str]:
        inner = self._inner(path)
        found = [] if inner is None else super().children(inner)
        return sorted([*found, DATA, self.directory]) if not path else found

    def link(self, path: str) -> str:
        if path == DATA:
            return self.directory
        return f"{DATA}/{path}" if path and "/" not in path and not path.startswith("..") else ""

    def mode(self, path: str) -> int:
        inner = self._inner(path)
        file = self._fill()[0].get(inner or "")
        return 0o777 if not path else super().mode(path) if file is None else file.mode
