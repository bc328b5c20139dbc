"""The difference of two values as text, as the API server appends it to a refusal.

Upstream prints both sides as indented JSON of its internal types and shows the unified difference of the lines
(`apimachinery/pkg/util/diff`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.errors import Struct
from k8snb.machinery.internal import internal
from k8snb.typing import Object


def difference(type: str, old: Object, new: Object) -> str:
    """The hunks of a unified difference, each line ended; empty when nothing differs. `type` is an internal one."""
    lines = difflib.unified_diff(_lines(type, old), _lines(type, new), lineterm="")
    return "".join(f"{line}\n" for line in list(lines)[2:])


def _lines(type: str, value: Object) -> list[str]:
    return json.dumps(_sorted(internal(type, value)), indent=1, ensure_ascii=False).split("\n")


def _sorted(value: Any) -> Any:
    """The value with the keys of its maps sorted, as Go writes them; structs keep their order."""
    if isinstance(value, Mapping):
        names = value if isinstance(value, Struct) else sorted(value)
        return {name: _sorted(value[name]) for name in names}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_sorted(item) for item in value]
    return value
