"""`-f`, `--set` and friends: the values that a command line gives. Upstream: `pkg/cli/values/options.go`.

Files come first, in their order; then the flags by kind: `--set-json`, `--set`, `--set-string`, `--set-file`,
`--set-literal`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from k8snb.helm.chart.loading import read_values
from k8snb.helm.errors import HelmError
from k8snb.helm.values import strvals
from k8snb.helm.values.merging import merged_maps
from k8snb.helm.yamltext import from_json
from k8snb.kubectl.flags import Flag, Flags

FLAGS = (
    Flag("values", "f", kind="list"),
    Flag("set", kind="texts"),
    Flag("set-string", kind="texts"),
    Flag("set-file", kind="texts"),
    Flag("set-json", kind="texts"),
    Flag("set-literal", kind="texts"),
)


def values_of(flags: Flags, stdin: str) -> dict[str, Any]:
    """The values that the flags give. Raises HelmError."""

    def read(name: str) -> str:
        if name.strip() == "-":
            return stdin
        if name.startswith(("http://", "https://")):
            raise HelmError(f"this helm reads files, not addresses: {name}")
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise HelmError(f"open {name}: {(error.strerror or '').lower()}") from None

    values: dict[str, Any] = {}
    for name in flags.texts("values"):
        values = merged_maps(values, read_values(read(name), f"failed to parse {name}"))
    for text in flags.texts("set-json"):
        values = _with_json(values, text)
    readers: dict[str, strvals.Reader] = {"set": strvals.typed, "set-string": str, "set-file": read}
    for flag, reader in readers.items():
        for text in flags.texts(flag):
            try:
                strvals.parse_into(text, values, reader)
            except HelmError as error:
                raise HelmError(f"failed parsing --{flag} data: {error}") from None
    for text in flags.texts("set-literal"):
        try:
            strvals.parse_literal_into(text, values)
        except HelmError as error:
            raise HelmError(f"failed parsing --set-literal data: {error}") from None
    return values


def _with_json(values: dict[str, Any], text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        try:
            return merged_maps(values, from_json(text))
        except ValueError as error:
            raise HelmError(f"failed parsing --set-json data JSON: {text}: {error}") from None
    try:
        strvals.parse_json_into(text, values)
    except (HelmError, json.JSONDecodeError) as error:
        raise HelmError(f"failed parsing --set-json data {text}") from error
    return values
