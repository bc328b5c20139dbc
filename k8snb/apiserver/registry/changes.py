"""The difference of two values as text, as the API server appends it to a refusal.

Upstream prints both sides as indented JSON of its internal types and shows the unified difference of the
lines (`apimachinery/pkg/util/diff`). Here the JSON is that of the API with the names in Go's spelling, so
fields that are not set are missing from it and line numbers are smaller.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_MAPS = {"nodeSelector", "labels", "annotations", "matchLabels", "limits", "requests", "overhead"}
"""Fields whose keys are the user's, not field names."""


def difference(old: Any, new: Any) -> str:
    """The hunks of a unified difference, each line ended; empty when nothing differs."""
    lines = difflib.unified_diff(_lines(old), _lines(new), lineterm="")
    return "".join(f"{line}\n" for line in list(lines)[2:])


def _lines(value: Any) -> list[str]:
    return json.dumps(_spelled(value), indent=1, ensure_ascii=False).split("\n")


def _spelled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            f"{name[:1].upper()}{name[1:]}": dict(inner) if name in _MAPS and inner else _spelled(inner)
            for name, inner in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_spelled(item) for item in value]
    return value
