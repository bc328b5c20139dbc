"""The grammar of `--set`: `a.b=1,c[0].d=x,e={f,g}`. Upstream: `pkg/strvals`.

A comma parts assignments, a dot goes into a map, `[n]` into a list, `{a,b}` is a list, and a backslash takes what
follows literally. What a value becomes depends on the flag: a reader turns its text into data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from k8snb.helm.errors import HelmError
from k8snb.helm.yamltext import floats
from k8snb.machinery.gotemplate import sprintf, type_name
from k8snb.machinery.gotemplate.values import Int64
from k8snb.machinery.schema.gojson import complaint

MAX_INDEX = 65536
MAX_DEPTH = 30
Reader = Callable[[str], Any]


def typed(text: str) -> Any:
    """`--set`: true, false, null and whole numbers are what they look like, the rest is text."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if lower == "null":
        return None
    if text == "0":
        return Int64(0)
    if re.fullmatch(r"[+-]?[0-9]+", text) and text[0] != "0" and -(1 << 63) <= int(text) < 1 << 63:
        return Int64(text)
    return text


def parse_into(text: str, values: dict[str, Any], reader: Reader = typed) -> None:
    """Carry out the assignments in `values`. Raises HelmError."""
    _Parser(text, reader).run(values)


def parse_json_into(text: str, values: dict[str, Any]) -> None:
    """`--set-json`: every value is JSON, or the whole is an object."""
    _Parser(text, typed, is_json=True).run(values)


def parse_literal_into(text: str, values: dict[str, Any]) -> None:
    """`--set-literal`: one assignment, of everything behind the first `=`."""
    _Parser(text, typed, is_literal=True).run(values)


class _End(Exception):
    """The text is over."""


class _Parser:
    def __init__(self, text: str, reader: Reader, *, is_json: bool = False, is_literal: bool = False) -> None:
        self.text = text
        self.at = 0
        self.reader = reader
        self.is_json = is_json
        self.is_literal = is_literal

    def run(self, values: dict[str, Any]) -> None:
        try:
            while True:
                self.key(values, 0)
        except _End:
            return

    # -- reading -----------------------------------------------------------------------------------

    def until(self, stops: str) -> tuple[str, str]:
        """The text up to one of the stops, and that stop, which is empty at the end."""
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return "".join(out), char
            if char == "\\" and not self.is_literal:
                if self.at >= len(self.text):
                    break
                char = self.text[self.at]
                self.at += 1
            out.append(char)
        return "".join(out), ""

    def key(self, data: dict[str, Any], depth: int) -> None:
        name, stop = self.until("=[." if self.is_literal else "=[,.")
        match stop:
            case "":
                if not name:
                    raise _End
                raise HelmError(f"key {_quoted(name)} has no value")
            case "[":
                self.item(data, name, depth)
            case "=":
                self.assign(lambda value: _set(data, name, value))
            case ",":
                _set(data, name, "")
                raise HelmError(f"key {_quoted(name)} has no value (cannot end with ,)")
            case _:
                self.inner(data, name, depth + 1)

    def item(self, data: dict[str, Any], name: str, depth: int) -> None:
        index = self.index()
        known = data.get(name, [])
        if known is None:
            known = []
        if not isinstance(known, list):
            raise HelmError(
                f"unable to parse key: interface conversion: interface {{}} is {type_name(known)}, not []interface {{}}"
            )
        items = list(known)
        try:
            self.list_item(items, index, depth)
        finally:
            _set(data, name, items)

    def inner(self, data: dict[str, Any], name: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise HelmError(f"value name nested level is greater than maximum supported nested level of {MAX_DEPTH}")
        inner = data.get(name, {})
        inner = {} if inner is None else inner
        if not isinstance(inner, dict):
            raise HelmError(
                "unable to parse key: interface conversion: interface {} is "
                f"{type_name(inner)}, not map[string]interface {{}}"
            )
        try:
            self.key(inner, depth)
        except _End:
            if inner:
                _set(data, name, inner)
            raise
        if not inner:
            raise HelmError(f"key map {_quoted(name)} has no value")
        _set(data, name, inner)

    def index(self) -> int:
        text, stop = self.until("]")
        if not stop:
            raise HelmError("error parsing index: EOF")
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise HelmError(f"error parsing index: strconv.Atoi: parsing {_quoted(text)}: invalid syntax")
        return int(text)

    # -- lists -------------------------------------------------------------------------------------

    def list_item(self, items: list[Any], index: int, depth: int) -> None:
        if index < 0:
            raise HelmError(f"negative {index} index not allowed")
        rest, stop = self.until("[.=")
        if rest:
            raise HelmError(f"unexpected data at end of array index: {_quoted(rest)}")
        if not stop:
            raise _End
        if stop == "=":
            self.assign(lambda value: _set_index(items, index, value))
        elif stop == "[":
            following = self.index()
            known = items[index] if index < len(items) else None
            inner = list(known) if isinstance(known, list) else []
            self.list_item(inner, following, depth)
            _set_index(items, index, inner)
        else:
            known = items[index] if index < len(items) else None
            table = known if isinstance(known, dict) else {}
            _set_index(items, index, table)
            self.key(table, depth)

    # -- values ------------------------------------------------------------------------------------

    def assign(self, put: Callable[[Any], None]) -> None:
        """Read the value behind `=` and put it where it belongs."""
        if self.is_json:
            put(self.json_value())
        elif self.is_literal:
            put(self.text[self.at :])
            self.at = len(self.text)
        elif self.at >= len(self.text):
            put("")
            raise _End
        elif self.text[self.at] == "{":
            self.at += 1
            put(self.list_value())
        else:
            put(self.reader(self.until(",")[0]))

    def list_value(self) -> list[Any]:
        items: list[Any] = []
        while True:
            text, stop = self.until(",}")
            if not stop:
                raise HelmError("list must terminate with '}'")
            items.append(self.reader(text))
            if stop == "}":
                if self.text[self.at : self.at + 1] == ",":
                    self.at += 1
                return items

    def json_value(self) -> Any:
        if self.nothing():
            return None
        try:
            value, end = json.JSONDecoder().raw_decode(self.text, self.at)
        except ValueError:
            raise HelmError(complaint(self.text[self.at :])) from None
        self.at = end
        self.nothing()
        return floats(value)

    def nothing(self) -> bool:
        """Whether only spaces come before a comma or the end, which are passed over."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == ",":
                self.at += 1
                return True
            if not char.isspace():
                return False
            self.at += 1
        return True


def _quoted(text: str) -> str:
    return sprintf("%q", [text])


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    if name:
        data[name] = value


def _set_index(items: list[Any], index: int, value: Any) -> None:
    if index > MAX_INDEX:
        raise HelmError(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
    items += [None] * (index + 1 - len(items))
    items[index] = value
