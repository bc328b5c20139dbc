"""Functions of instant vectors, of texts and of the moment.

Source: `promql/functions.go`.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from k8snb.machinery.goregexp import GoRegexpError
from k8snb.metrics.labels import VALID_NAME, Labels, anchored, changed, labels, nameless, value
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.nodes import Node, Range, Selector, unwrapped
from k8snb.metrics.promql.operators import ARITHMETIC
from k8snb.metrics.promql.values import Vector

_divided = ARITHMETIC["/"]
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+)|\$)", re.ASCII)


Function = Callable[[float], float]


def _guarded(function: Function, otherwise: Function = lambda _: math.nan) -> Function:
    """A function of Go's, which answers NaN or infinity where Python's raises."""

    def guarded(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return otherwise(x)

    return guarded


def _whole(rounding: Callable[[float], int]) -> Function:
    return lambda x: float(rounding(x)) if math.isfinite(x) else x


def _logarithm(function: Function) -> Function:
    return _guarded(function, lambda x: -math.inf if not x else math.nan)


def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


OF_NUMBER: dict[str, Function] = {
    "abs": abs,
    "acos": _guarded(math.acos),
    "acosh": _guarded(math.acosh),
    "asin": _guarded(math.asin),
    "asinh": math.asinh,
    "atan": math.atan,
    "atanh": _guarded(math.atanh, lambda x: math.copysign(math.inf, x) if abs(x) == 1 else math.nan),
    "ceil": _whole(math.ceil),
    "cos": _guarded(math.cos),
    "cosh": _guarded(math.cosh, lambda x: math.inf),
    "deg": lambda x: x * 180 / math.pi,
    "exp": _guarded(math.exp, lambda x: math.inf),
    "floor": _whole(math.floor),
    "ln": _logarithm(math.log),
    "log10": _logarithm(math.log10),
    "log2": _logarithm(math.log2),
    "rad": lambda x: x * math.pi / 180,
    "sgn": _sign,
    "sin": _guarded(math.sin),
    "sinh": _guarded(math.sinh, lambda x: math.copysign(math.inf, x)),
    "sqrt": _guarded(math.sqrt),
    "tan": _guarded(math.tan),
    "tanh": math.tanh,
}
"""One number from one number, sample by sample."""

OF_MOMENT: dict[str, Callable[[datetime], int]] = {
    "day_of_month": lambda moment: moment.day,
    "day_of_week": lambda moment: moment.isoweekday() % 7,
    "day_of_year": lambda moment: moment.timetuple().tm_yday,
    "days_in_month": lambda moment: monthrange(moment.year, moment.month)[1],
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "month": lambda moment: moment.month,
    "year": lambda moment: moment.year,
}
"""What a time in seconds since 1970 says (UTC)."""


def calendar(name: str, vector: Vector) -> Vector:
    """A part of the date that each sample's value is."""
    read = OF_MOMENT[name]
    return [(nameless(of), float(read(datetime.fromtimestamp(int(number), UTC)))) for of, number in vector]


def clamped(vector: Vector, least: float, most: float) -> Vector:
    """Values within two borders; nothing, where there is nothing between them."""
    if most < least:
        return []
    return [(nameless(of), _lower(_higher(number, least), most)) for of, number in vector]


def _lower(a: float, b: float) -> float:
    return math.nan if a != a or b != b else min(a, b)


def _higher(a: float, b: float) -> float:
    return math.nan if a != a or b != b else max(a, b)


def rounded(vector: Vector, nearest: float = 1.0) -> Vector:
    """To the nearest multiple; halves go up."""
    inverse = _divided(1.0, nearest)
    return [(nameless(of), _floored(number * inverse + 0.5) / inverse) for of, number in vector]


def _floored(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def ordered(vector: Vector, *, falling: bool) -> Vector:
    """By value, NaN last."""
    sign = -1 if falling else 1
    return sorted(vector, key=lambda sample: (sample[1] != sample[1], sign * sample[1]))


def ordered_by(vector: Vector, names: Sequence[str], *, falling: bool) -> Vector:
    """By the texts of labels, numbers within them by their size."""
    return sorted(vector, key=lambda sample: [_natural(value(sample[0], n)) for n in names], reverse=falling)


def _natural(text: str) -> list[tuple[bool, int, str]]:
    parts: list[tuple[bool, int, str]] = []
    for character in text:
        if character.isdigit() and parts and parts[-1][2] == "":
            parts[-1] = (False, parts[-1][1] * 10 + int(character), "")
        else:
            parts.append((False, int(character), "") if character.isdigit() else (True, 0, character))
    return parts


def relabelled(vector: Vector, arguments: Sequence[str]) -> Vector:
    """label_replace: a label from what a pattern found in another."""
    target, replacement, source, pattern = arguments
    try:
        match = anchored(pattern)
    except GoRegexpError:
        raise PromQLError(f"invalid regular expression in label_replace(): {pattern}") from None
    if not VALID_NAME.fullmatch(target):
        raise PromQLError(f"invalid destination label name in label_replace(): {target}")
    found: Vector = []
    for of, number in vector:
        match_here = match.search(value(of, source))
        found.append((changed(of, {target: expanded(replacement, match_here)}) if match_here else of, number))
    return found


def expanded(template: str, match: re.Match[str]) -> str:
    """`$1`, `${1}` and `${name}` replaced by what the groups found, as Go's `Expand` does."""

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return str(match.group(int(name) if name.isdigit() else name) or "")
        except IndexError:
            return ""

    return _REFERENCE.sub(group, template)


def joined(vector: Vector, arguments: Sequence[str]) -> Vector:
    """label_join: a label from the texts of others."""
    target, separator, *sources = arguments
    for name in sources:
        if not VALID_NAME.fullmatch(name):
            raise PromQLError(f"invalid source label name in label_join(): {name}")
    if not VALID_NAME.fullmatch(target):
        raise PromQLError(f"invalid destination label name in label_join(): {target}")
    return [(changed(of, {target: separator.join(value(of, s) for s in sources)}), number) for of, number in vector]


def absent_labels(node: Node) -> Labels:
    """The labels that what is missing would have had: those that its selector names exactly, and once."""
    node = unwrapped(node)
    selector = node.selector if isinstance(node, Range) else node
    if not isinstance(selector, Selector):
        return ()
    known: dict[str, str] = {}
    several: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == "__name__":
            continue
        if matcher.type == "=" and matcher.name not in known and matcher.name not in several:
            known[matcher.name] = matcher.text
        else:
            known.pop(matcher.name, None)
            several.add(matcher.name)
    return labels(known)
