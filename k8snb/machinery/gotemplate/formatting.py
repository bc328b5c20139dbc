"""Go's fmt: values as text, and `Printf` with its verbs, flags and complaints. Upstream: `fmt/print.go`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from k8snb.machinery.gotemplate.lexer import quoted, unicode_name
from k8snb.machinery.gotemplate.values import NO_VALUE, is_list, type_name

_DIRECTIVE = re.compile(r"%([+\-# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.)?", re.DOTALL)


def sprint(values: Sequence[Any]) -> str:
    """`Sprint`: a space between two values of which neither is text."""
    text = ""
    for at, value in enumerate(values):
        apart = at and not isinstance(value, str) and not isinstance(values[at - 1], str)
        text += (" " if apart else "") + plain(value)
    return text


def sprintln(values: Sequence[Any]) -> str:
    """`Sprintln`: spaces between all, and a line break at the end."""
    return " ".join(map(plain, values)) + "\n"


def plain(value: Any) -> str:
    """`%v`: `map[a:1 b:[x y]]`."""
    if value is None or value is NO_VALUE:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{plain(key)}:{plain(value[key])}' for key in sorted(value))}]"
    if is_list(value):
        return f"[{' '.join(map(plain, value))}]"
    return f"[{' '.join(map(str, value))}]" if isinstance(value, bytes) else str(value)


def number(value: float) -> str:
    """A float as `%v` writes it: as short as it can be, with an exponent from 1e+06 on."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    mantissa, exponent = _shortest(value)
    if -4 <= exponent < 6:
        return f"{value:.{max(0, len(mantissa) - 1 - exponent)}f}"
    sign = "-" if value < 0 else ""
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{sign}{mantissa[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _shortest(value: float) -> tuple[str, int]:
    """The digits that tell a float from its neighbours, and its decimal exponent."""
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    return "".join(map(str, digits)), int(exponent) + len(digits) - 1


def sprintf(format: str, values: Sequence[Any]) -> str:
    """`Sprintf`."""
    return _Printf(list(values)).write(format)


class _Printf:
    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.at = 0

    def write(self, format: str) -> str:
        text = _DIRECTIVE.sub(self._directive, format)
        rest = self.values[self.at :]
        if rest:
            text += f"%!(EXTRA {', '.join(_typed(value) for value in rest)})"
        return text

    def _directive(self, match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb is None:
            return "%!(NOVERB)"
        wide, exact = self._number(width), self._number(precision)
        if verb == "%":
            return "%"
        if wide is not None and wide < 0:
            flags, wide = flags + "-", -wide
        if self.at >= len(self.values):
            return f"%!{verb}(MISSING)"
        value = self.values[self.at]
        self.at += 1
        return _padded(_formatted(value, verb, flags, exact), flags, wide or 0, value)

    def _number(self, text: str | None) -> int | None:
        if text is None:
            return None
        if text != "*":
            return int(text or 0)
        value = self.values[self.at] if self.at < len(self.values) else None
        self.at += 1
        return value if isinstance(value, int) else None


def _padded(text: str, flags: str, width: int, value: Any) -> str:
    missing = width - len(text)
    if missing <= 0:
        return text
    if "-" in flags:
        return text + " " * missing
    if "0" not in flags:
        return " " * missing + text
    sign = text[0] if text[:1] in ("+", "-") and isinstance(value, (int, float)) else ""
    return sign + "0" * missing + text[len(sign) :]


def _typed(value: Any) -> str:
    return "<nil>" if value is None else f"{type_name(value)}={plain(value)}"


def _formatted(value: Any, verb: str, flags: str, precision: int | None) -> str:
    if verb == "T":
        return "<nil>" if value is None else type_name(value)
    if verb == "v":
        shown = _go_syntax(value) if "#" in flags else _signed(plain(value), value, flags)
        return shown if precision is None or not isinstance(value, str) else shown[:precision]
    if value is None:
        return f"%!{verb}(<nil>)"
    if is_list(value) and verb not in "p":
        return f"[{' '.join(_formatted(item, verb, flags, precision) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = ((_formatted(each, verb, flags, precision) for each in (key, value[key])) for key in sorted(value))
        return f"map[{' '.join(':'.join(pair) for pair in pairs)}]"
    text = _one(value, verb, flags, precision)
    return f"%!{verb}({_typed(value)})" if text is None else text


def _one(value: Any, verb: str, flags: str, precision: int | None) -> str | None:
    if isinstance(value, bool):
        return plain(value) if verb == "t" else None
    if isinstance(value, str):
        return _text(value, verb, flags, precision)
    if isinstance(value, int):
        return _integer(value, verb, flags)
    if isinstance(value, float):
        return _float(value, verb, flags, precision)
    return str(value) if verb == "s" else None


def _text(value: str, verb: str, flags: str, precision: int | None) -> str | None:
    if verb == "s":
        return value if precision is None else value[:precision]
    if verb == "q":
        return f"`{value}`" if "#" in flags and "`" not in value else quoted(value)
    if verb in "xX":
        text = value.encode().hex(" ") if " " in flags else value.encode().hex()
        return text.upper() if verb == "X" else text
    return None


def _integer(value: int, verb: str, flags: str) -> str | None:
    if verb == "d":
        return _signed(str(value), value, flags)
    if verb in "bxXo":
        lead = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}[verb] if "#" in flags else ""
        sign = "-" if value < 0 else ""
        return f"{sign}{lead}{abs(value):{verb}}"
    if verb == "c":
        return chr(value)
    if verb == "q":
        return f"'{chr(value)}'"
    return unicode_name(chr(value)).partition(" ")[0] if verb == "U" else None


def _float(value: float, verb: str, flags: str, precision: int | None) -> str | None:
    if verb in "fF":
        return _signed(f"{value:.{6 if precision is None else precision}f}", value, flags)
    if verb in "eE":
        return _signed(f"{value:.{6 if precision is None else precision}{verb}}", value, flags)
    if verb in "gG":
        text = number(value) if precision is None else f"{value:.{precision or 1}g}"
        return _signed(text.upper() if verb == "G" else text, value, flags)
    return None


def _signed(text: str, value: Any, flags: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or text.startswith(("-", "+")):
        return text
    return f"+{text}" if "+" in flags else f" {text}" if " " in flags else text


def _go_syntax(value: Any) -> str:
    """`%#v`."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        shown = ", ".join(f"{_go_syntax(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{shown}}}"
    if is_list(value):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    return plain(value)
