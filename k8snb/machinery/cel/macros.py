"""Macros: calls that are rewritten while an expression is read.

`has` asks for a field; the others loop over a list or a map, with one variable or with two. Upstream:
`cel-go/parser/macro.go`, `ext/comprehensions.go`, `ext/bindings.go` and `cel/library.go` (optionals).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.machinery.cel.nodes import Bind, Call, Fold, Ident, Node, Select
from k8snb.machinery.cel.syntax import Parser

_LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_TWO = frozenset({"all", "exists", "exists_one", "existsOne", "transformList", "transformMap", "transformMapEntry"})
_NUMBER_WORDS = frozenset({"greatest", "least"})


def expand(parser: Parser, call: Call) -> Node | None:
    """What a call stands for, None if it is no macro. Raises CompileError."""
    if call.target is None:
        return _has(parser, call) if call.function == "has" and len(call.args) == 1 else None
    if isinstance(call.target, Ident):
        if call.target.name == "cel" and call.function == "bind" and len(call.args) == 3:
            name = _simple(parser, call.args[0], "cel.bind() variable names must be simple identifiers")
            return Bind(call.at, name, call.args[1], call.args[2])
        if call.target.name == "math" and call.function in _NUMBER_WORDS:
            return _extreme(parser, call)
    build = _MACROS.get((call.function, len(call.args)))
    return None if build is None else build(parser, call)


def _simple(parser: Parser, node: Node, message: str = "argument must be a simple name") -> str:
    if not isinstance(node, Ident):
        raise parser.refuse(node.at, message)
    return node.name


def _has(parser: Parser, call: Call) -> Node:
    argument = call.args[0]
    if not isinstance(argument, Select) or argument.test:
        raise parser.refuse(argument.at, "invalid argument to has() macro")
    return Select(call.at, argument.operand, argument.field, test=True, optional=argument.optional)


def _extreme(parser: Parser, call: Call) -> Node:
    """`math.greatest(a, b, …)`: of one list."""
    name = f"math.@{call.function}"
    if not call.args:
        raise parser.refuse(call.at, f"math.{call.function}() requires at least one argument")
    return Call(call.at, name, None, list(call.args))


def _loop(parser: Parser, call: Call) -> Node:
    variable = _simple(parser, call.args[0])
    assert call.target is not None
    body = call.args[1]
    macro = "existsOne" if call.function == "exists_one" else call.function
    if macro == "map":
        return Fold(call.at, macro, call.target, variable, "", None, body)
    return Fold(call.at, macro, call.target, variable, "", body, None)


def _filtered_map(parser: Parser, call: Call) -> Node:
    """`map(x, condition, value)`, and the quantifiers with two variables: both have three arguments."""
    variable = _simple(parser, call.args[0])
    assert call.target is not None
    if call.function == "map":
        return Fold(call.at, "map", call.target, variable, "", call.args[1], call.args[2])
    second = _second(parser, call, variable)
    macro = "existsOne" if call.function == "exists_one" else call.function
    if macro.startswith("transform"):
        return Fold(call.at, macro, call.target, variable, second, None, call.args[2])
    return Fold(call.at, macro, call.target, variable, second, call.args[2], None)


def _second(parser: Parser, call: Call, first: str) -> str:
    second = _simple(parser, call.args[1])
    if second == first:
        raise parser.refuse(call.args[1].at, f"duplicate variable name: {first}")
    return second


def _filtered_transform(parser: Parser, call: Call) -> Node:
    variable = _simple(parser, call.args[0])
    assert call.target is not None
    second = _second(parser, call, variable)
    return Fold(call.at, call.function, call.target, variable, second, call.args[2], call.args[3])


def _opt_map(parser: Parser, call: Call) -> Node:
    """`optional.optMap(x, value)`: the optional of the value if there is one, nothing otherwise."""
    name = _simple(parser, call.args[0], "optMap() variable name must be a simple identifier")
    assert call.target is not None
    value = Bind(call.at, name, Call(call.at, "value", call.target, []), call.args[1])
    made: Node = value if call.function == "optFlatMap" else Call(call.at, "optional.of", None, [value])
    nothing = Call(call.at, "optional.none", None, [])
    return Call(call.at, "_?_:_", None, [Call(call.at, "hasValue", call.target, []), made, nothing])


Build = Callable[[Parser, Call], Node]
_MACROS: Mapping[tuple[str, int], Build] = {
    **{(name, 2): _loop for name in _LOOPS},
    ("map", 3): _filtered_map,
    **{(name, 3): _filtered_map for name in _TWO},
    **{(name, 4): _filtered_transform for name in ("transformList", "transformMap", "transformMapEntry")},
    ("optMap", 2): _opt_map,
    ("optFlatMap", 2): _opt_map,
}
