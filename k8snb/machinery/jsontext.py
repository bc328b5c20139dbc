"""JSON as Go writes it: `<`, `>` and `&` escaped, and the keys of maps in order."""

from __future__ import annotations

import json
from typing import Any

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TABLE = str.maketrans(_ESCAPES)


_IN_BYTES = [(plain.encode(), escape.encode()) for plain, escape in _ESCAPES.items()]


def escaped(data: bytes) -> bytes:
    """JSON as Go's encoder leaves it, of JSON with nothing escaped that need not be."""
    if b"<" in data or b">" in data or b"&" in data or not data.isascii():
        for plain, escape in _IN_BYTES:
            data = data.replace(plain, escape)
    return data


def json_text(value: Any, *, indent: int | None = None, ordered: bool = True) -> str:
    """The value as JSON. `ordered` sorts keys, as Go does for maps; structs keep the order of their fields."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, sort_keys=ordered, indent=indent, separators=separators)
    return text.translate(_TABLE)
