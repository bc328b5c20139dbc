"""TOML as BurntSushi's encoder writes it: plain keys first, then tables, each level two spaces further in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.machinery.gotemplate.formatting import number
from k8snb.machinery.gotemplate.values import is_list

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


def toml_text(value: Any) -> str:
    """The value as a TOML document; what is no map is told as a complaint, as helm does."""
    if not isinstance(value, Mapping):
        return "toml: top-level values must be Go maps or structs"
    return "\n".join(_table(value, ())).lstrip("\n") + "\n" if value else ""


def _table(value: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    pad = "  " * len(path)
    given = {key: each for key, each in sorted(value.items()) if each is not None}
    for key, each in given.items():
        if not isinstance(each, Mapping) and not _tables(each):
            yield f"{pad}{_key(key)} = {_value(each)}"
    for key, each in given.items():
        inner = (*path, key)
        title = ".".join(map(_key, inner))
        if isinstance(each, Mapping):
            yield from ("", f"{pad}[{title}]") if not path else (f"{pad}[{title}]",)
            yield from _table(each, inner)
        elif _tables(each):
            for item in each:
                yield from ("", f"{pad}[[{title}]]")
                yield from _table(item, inner)


def _tables(value: Any) -> bool:
    return is_list(value) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        text = number(value)
        return text if "." in text or "e" in text else f"{text}.0"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(value[key])}" for key in sorted(value)) + "}"
    return f"[{', '.join(map(_value, value))}]" if is_list(value) else str(value)
