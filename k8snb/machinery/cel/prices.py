"""What calls cost, estimated from the sizes that their arguments can have (`costs` is about those that run).

The unit is what a simple operation takes. Most calls cost one; those that go through texts or lists cost by their
length. An estimate sees the target of a method as its first argument and gives the cost with, where
it is known, the size of the result. Upstream: `apiserver/pkg/cel/library/cost.go`, `cel-go/checker/cost.go`,
`cel-go/interpreter/runtimecost.go`, `cel-go/ext/lists.go` and `ext/sets.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from k8snb.machinery.cel.functions import Overload
from k8snb.machinery.cel.nodes import Literal, Node
from k8snb.machinery.cel.ranges import MOST, NOTHING, ONE, UNKNOWN, Range, exactly
from k8snb.machinery.cel.types import Type

LIST, MAP, MESSAGE = 10, 30, 40
"""What making one of these costs."""
TEXT, PATTERN = 0.1, 0.25
"""What a character of a text, and of a regular expression, costs."""
CHECK = 350_000
"""What asking the authorizer costs: an expression can do it twice."""
LONGEST_PATTERN, _LONGEST_FORMAT = 128, 64
_ADDRESS = Range(4, 16)
WORDS_OF_SELECTOR = 0.5
_ONE_OR_TWO = Range(1, 2)


class Part(NamedTuple):
    """An argument of a call, as far as it is known before it runs. `element` is the size of what a list holds."""

    node: Node | None
    type: Type
    size: Range | None
    element: Range | None

    @property
    def sized(self) -> Range:
        return UNKNOWN if self.size is None else self.size


class Price(NamedTuple):
    """What a call costs without its arguments, and how large its result can be, if that follows from them."""

    cost: Range
    size: Range | None = None


Estimate: TypeAlias = Callable[[Sequence[Part], Overload], Price | None]


def estimated(function: str, overload: Overload, parts: Sequence[Part]) -> Price:
    """The price of a call of a function before it runs."""
    found = _ESTIMATES.get(function)
    price = found(parts, overload) if found is not None and parts else None
    return Price(ONE) if price is None else price


def _nominal(parts: Sequence[Part], overload: Overload) -> Price:
    return Price(ONE)


def _of_first(factor: float, *, sized: bool = False) -> Estimate:
    """By the length of the first argument; `sized` if the result is as long."""

    def estimate(parts: Sequence[Part], overload: Overload) -> Price:
        size = parts[0].sized
        return Price(size.scaled(factor), size if sized else None)

    return estimate


def _of_second(parts: Sequence[Part], overload: Overload) -> Price:
    return Price(parts[1].sized.scaled(TEXT))


def _looked_through(parts: Sequence[Part], overload: Overload) -> Price:
    """A list, or a text, looked through once."""
    whole = parts[0]
    if not whole.type.params:
        return Price(whole.sized.scaled(TEXT))
    each = ONE
    if whole.type.params[0].kind in ("string", "bytes"):
        each += (UNKNOWN if whole.element is None else whole.element).scaled(TEXT)
    return Price(whole.sized * each)


def _selector(parts: Sequence[Part], overload: Overload) -> Price:
    length = parts[1].sized
    words = length.scaled(WORDS_OF_SELECTOR).scaled(LIST + MESSAGE)
    return Price(exactly(LIST) + length.scaled(TEXT) + words)


def _replaced(parts: Sequence[Part], overload: Overload) -> Price:
    text, old, new = (each.sized for each in parts[:3])
    most = _replacements(text.most, old.least, longer=new.most > old.least)
    least = _replacements(text.least, old.most, longer=old.most > new.least)
    count, kept = Range(least[0], most[0]), Range(least[1], most[1])
    return Price(text.scaled(2 * TEXT), count * new + kept)


def _replacements(text: int, old: int, *, longer: bool) -> tuple[int, int]:
    """How often a text can be replaced in another, and how much of that stays."""
    if old == 0:
        return min(text + 1, MOST), text
    return (math.ceil(float(text) / float(old)), 0) if longer else (0, text)


def _split(parts: Sequence[Part], overload: Overload) -> Price:
    size = parts[0].sized
    most = _literal(parts[2], size.most) if len(parts) > 2 else size.most
    return Price(size.scaled(2 * TEXT), Range(0, most))


def _joined(parts: Sequence[Part], overload: Overload) -> Price:
    items = parts[0].sized
    size = items * (UNKNOWN if parts[0].element is None else parts[0].element)
    if len(parts) > 1:
        size += parts[1].sized * Range(max(items.least - 1, 0), max(items.most - 1, 0))
    return Price(size.scaled(TEXT), size)


def _matched(text: Range, pattern: Range) -> Range:
    return (text + ONE).scaled(TEXT) * pattern.scaled(PATTERN)


def _found(parts: Sequence[Part], overload: Overload) -> Price:
    text = parts[0].sized
    return Price(_matched(text, parts[1].sized), Range(0, text.most))


def _matches(parts: Sequence[Part], overload: Overload) -> Price | None:
    return Price(_matched(parts[0].sized, parts[1].sized)) if overload.member else None


def _contained(parts: Sequence[Part], overload: Overload) -> Price:
    return Price(parts[0].sized.scaled(TEXT) * parts[1].sized.scaled(TEXT))


def _address(parts: Sequence[Part], overload: Overload) -> Price:
    return Price(ONE) if overload.member else Price(parts[0].sized.scaled(TEXT))


def _in_block(extra: Range) -> Estimate:
    def estimate(parts: Sequence[Part], overload: Overload) -> Price:
        cost = (_ADDRESS + _ADDRESS).scaled(TEXT) + extra
        if overload.params[1].kind == "string":
            cost += parts[1].sized.scaled(TEXT)
        return Price(cost)

    return estimate


def _validated(parts: Sequence[Part], overload: Overload) -> Price:
    return Price(parts[1].sized.scaled(TEXT).scaled(LONGEST_PATTERN * PATTERN))


_SIMPLY_EQUAL = frozenset({
    "net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver", "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.PathCheck", "kubernetes.authorization.GroupCheck",
    "kubernetes.authorization.ResourceCheck", "kubernetes.authorization.Decision",
})  # fmt: skip


def _equal(parts: Sequence[Part], overload: Overload) -> Price:
    first, second = parts
    if first.type == second.type and first.type.name:
        if first.type.name in _SIMPLY_EQUAL:
            return Price(ONE)
        if first.type.name == "kubernetes.NamedFormat":
            return Price(Range(1, _LONGEST_FORMAT).scaled(TEXT))
        if first.type.name == "kubernetes.URL":
            return Price(Range(1, 1 if second.size is None else second.size.most).scaled(TEXT))
    return _compared(parts, overload)


def _compared(parts: Sequence[Part], overload: Overload) -> Price:
    most = min(parts[0].sized.most, parts[1].sized.most)
    return Price(Range(min(most, 1), most).scaled(TEXT))


def _ordered(parts: Sequence[Part], overload: Overload) -> Price | None:
    return _compared(parts, overload) if _kinds(overload) in (["string"] * 2, ["bytes"] * 2) else None


def _kinds(overload: Overload) -> list[str]:
    return [each.kind for each in overload.params]


def _member(parts: Sequence[Part], overload: Overload) -> Price | None:
    return Price(parts[1].sized) if overload.params[1].kind == "list" else None


def _added(parts: Sequence[Part], overload: Overload) -> Price | None:
    kind = overload.params[0].kind
    size = parts[0].sized + parts[1].sized
    if kind == "list":
        return Price(ONE, size)
    return Price(size.scaled(TEXT), size) if kind in ("string", "bytes") else None


def _decoded(parts: Sequence[Part], overload: Overload) -> Price | None:
    size = parts[0].sized
    return Price(size.scaled(TEXT), Range(size.least // 4, size.most)) if overload.params[0].kind == "bytes" else None


def _encoded(parts: Sequence[Part], overload: Overload) -> Price | None:
    size = parts[0].sized
    if overload.params[0].kind != "string":
        return None
    return Price(size.scaled(TEXT), Range(size.least, min(size.most * 4, MOST)))


def _quoted(parts: Sequence[Part], overload: Overload) -> Price:
    size = parts[0].sized
    return Price(size.scaled(TEXT), size * _ONE_OR_TWO + exactly(2))


def _sets(factor: float) -> Estimate:
    return lambda parts, overload: Price((parts[0].sized * parts[1].sized).scaled(factor) + ONE)


def _made_list(factor: float, size: Range) -> Price:
    return Price(size.scaled(factor) + ONE + exactly(LIST), size)


def _literal(part: Part, otherwise: int) -> int:
    """The number that an argument is, if it stands there."""
    node = part.node
    return node.value if isinstance(node, Literal) and type(node.value) is int and node.value >= 0 else otherwise


def _sliced(parts: Sequence[Part], overload: Overload) -> Price:
    most = _literal(parts[2], parts[0].sized.most)
    return _made_list(1, exactly(max(most - _literal(parts[1], 0), 0)))


def _counted(parts: Sequence[Part], overload: Overload) -> Price:
    return _made_list(1, exactly(_literal(parts[0], MOST)))


def _reversed(parts: Sequence[Part], overload: Overload) -> Price | None:
    return _made_list(1, parts[0].sized) if overload.params[0].kind == "list" else None


def _flattened(parts: Sequence[Part], overload: Overload) -> Price:
    return _made_list(_literal(parts[1], MOST) if len(parts) > 1 else 1, parts[0].sized)


def _against_itself(parts: Sequence[Part], overload: Overload) -> Price:
    size, items = parts[0].sized, overload.params[0].params[0].kind
    return _made_list(2 + (TEXT if items in ("string", "bytes") else 0), size * size)


_NOMINAL = (
    "serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed", "reason", "error",
    "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback", "isLinkLocalMulticast",
    "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign", "asInteger", "isInteger", "asApproximateFloat",
    "isGreaterThan", "isLessThan", "compareTo", "add", "sub", "major", "minor", "patch", "getScheme", "getHostname",
    "getHost", "getPort", "getEscapedPath", "getQuery",
)  # fmt: skip
THROUGH = ("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf")
READ = ("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver")

_ESTIMATES: Mapping[str, Estimate] = {
    **dict.fromkeys(_NOMINAL, _nominal),
    **dict.fromkeys(THROUGH, _looked_through),
    **dict.fromkeys(READ, _of_first(TEXT)),
    **dict.fromkeys(("url", "jsonpatch.escapeKey", "lowerAscii", "upperAscii", "substring", "trim"),
                    _of_first(TEXT, sized=True)),
    **dict.fromkeys(("fieldSelector", "labelSelector"), _selector),
    **dict.fromkeys(("find", "findAll"), _found),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _ordered),
    **dict.fromkeys(("startsWith", "endsWith"), _of_second),
    **dict.fromkeys(("sort", "distinct"), _against_itself),
    "check": lambda parts, overload: Price(exactly(CHECK)),
    "replace": _replaced,
    "split": _split,
    "join": _joined,
    "ip": _address,
    "ip.isCanonical": _of_first(2 * TEXT),
    "containsIP": _in_block(NOTHING),
    "containsCIDR": _in_block(_ADDRESS.scaled(TEXT) + ONE),
    "validate": _validated,
    "_==_": _equal,
    "_!=_": _compared,
    "_+_": _added,
    "@in": _member,
    "matches": _matches,
    "contains": _contained,
    "string": _decoded,
    "bytes": _encoded,
    "format": _of_first(TEXT),
    "strings.quote": _quoted,
    "sets.contains": _sets(1),
    "sets.intersects": _sets(1),
    "sets.equivalent": _sets(2),
    "slice": _sliced,
    "lists.range": _counted,
    "reverse": _reversed,
    "flatten": _flattened,
}  # fmt: skip
