"""The type checker: what type every part of an expression has, and which overloads a call may mean.

It finds what cel-go finds, at the same places and in the same words, and goes on after a finding with a type that
fits everywhere, so that one mistake is one message. Upstream: `cel-go/checker/checker.go` and `errors.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.cel.functions import Functions, Overload
from k8snb.machinery.cel.nodes import Bind, Call, CompileError, Fold, Ident, ListNode, Literal, MapNode, Node, Select
from k8snb.machinery.cel.types import (
    BASIC,
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    TYPE,
    UINT,
    Bindings,
    Struct,
    Type,
    assignable,
    is_dyn,
    is_optional,
    joined,
    list_of,
    map_of,
    optional_of,
    substitute,
)
from k8snb.machinery.cel.values import TypeValue, UInt

_LITERALS = {bool: BOOL, int: INT, UInt: UINT, float: DOUBLE, str: STRING, bytes: BYTES, type(None): NULL}
TYPE_NAMES: Mapping[str, str] = {
    **{name: name for name in BASIC if name not in ("null", "timestamp", "duration", "dyn")},
    "list": "list",
    "map": "map",
    "type": "type",
    "null_type": "null_type",
    "google.protobuf.Timestamp": "google.protobuf.Timestamp",
    "google.protobuf.Duration": "google.protobuf.Duration",
}
"""Names that stand for types: `type(x) == int`."""


class Checked:
    """What checking found out about the nodes of an expression."""

    __slots__ = ("names", "overloads", "type", "types")

    def __init__(self) -> None:
        self.types: dict[Any, Type] = {}
        self.overloads: dict[Any, tuple[Overload, ...]] = {}
        self.names: dict[Any, str | TypeValue] = {}
        self.type: Type = DYN


class Checker:
    """Checks one expression against variables, structs and functions."""

    def __init__(
        self,
        source: str,
        variables: Mapping[str, Type],
        structs: Mapping[str, Struct],
        functions: Functions,
        messages: Sequence[str] = (),
    ) -> None:
        self._source = source
        self._scopes: list[Mapping[str, Type]] = [variables]
        self._structs = structs
        self._functions = functions
        self._messages = messages
        self._bound: Bindings = {}
        self._fresh = 0
        self.checked = Checked()
        self._findings: list[tuple[int, str]] = []
        self._mixed: set[ListNode] = set()
        """Lists whose items may be of different types: the arguments of `format`."""

    def check(self, node: Node) -> Checked:
        """Check the whole expression. Raises CompileError with every finding."""
        self.checked.type = substitute(self._type(node), self._bound, to_dyn=True)
        if self._findings:
            ordered = sorted(dict.fromkeys(self._findings))
            raise CompileError(self._source, ordered)
        for each, type in self.checked.types.items():
            self.checked.types[each] = substitute(type, self._bound, to_dyn=True)
        return self.checked

    def _found(self, at: int, message: str) -> Type:
        self._findings.append((at, message))
        return ERROR

    def _type(self, node: Node) -> Type:
        type = substitute(_CHECKS[node.__class__](self, node), self._bound)
        self.checked.types[node] = type
        return type

    # -- names -------------------------------------------------------------------------------------

    def _variable(self, name: str) -> Type | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def _qualified(self, node: Node) -> str:
        """`a.b.c` as a dotted name; empty for anything else."""
        if isinstance(node, Ident):
            return node.name
        if isinstance(node, Select) and not node.test and not node.optional:
            lead = self._qualified(node.operand)
            return f"{lead}.{node.field}" if lead else ""
        return ""

    def _ident(self, node: Ident) -> Type:
        found = self._variable(node.name)
        if found is not None:
            return found
        if node.name in TYPE_NAMES:
            self.checked.names[node] = TypeValue(TYPE_NAMES[node.name])
            return TYPE
        return self._found(node.at, f"undeclared reference to '{node.name}' (in container '')")

    def _select(self, node: Select) -> Type:
        dotted = "" if node.test or node.optional else self._qualified(node)
        if dotted in TYPE_NAMES:
            self.checked.names[node] = TypeValue(TYPE_NAMES[dotted])
            return TYPE
        if dotted and (found := self._variable(dotted)) is not None:
            self.checked.names[node] = dotted
            return found
        target = self._type(node.operand)
        unwrapped = target.params[0] if is_optional(target) else target
        field = self._field(node, substitute(unwrapped, self._bound))
        if node.test:
            return BOOL
        return optional_of(field) if (node.optional or is_optional(target)) and field is not ERROR else field

    def _field(self, node: Select, target: Type) -> Type:
        if is_dyn(target) or target.kind == "param":
            return DYN
        if target.kind == "map":
            return target.params[1]
        struct = self._structs.get(target.name) if target.kind == "struct" else None
        if struct is None:
            return self._found(node.at, f"type '{target}' does not support field selection")
        found = struct.fields.get(node.field)
        return self._found(node.at, f"undefined field '{node.field}'") if found is None else found

    # -- literals ----------------------------------------------------------------------------------

    def _literal(self, node: Literal) -> Type:
        return _LITERALS[node.value.__class__]

    def _list(self, node: ListNode) -> Type:
        item: Type | None = None
        for index, each in enumerate(node.items):
            found = self._type(each)
            if index in node.optional:
                found = found.params[0] if is_optional(found) else DYN
            if node in self._mixed:
                found = DYN
            item = found if item is None else self._alike(item, found, each.at)
        return list_of(self._parameter() if item is None else item)

    def _alike(self, first: Type, found: Type, at: int) -> Type:
        """The common type of two items; literals have to be of one kind."""
        common = joined(first, found, self._bound)
        if common is DYN and not is_dyn(first) and not is_dyn(found):
            self._found(at, f"expected type '{first}' but found '{found}'")
            return first
        return common

    def _map(self, node: MapNode) -> Type:
        if node.name:
            return self._message(node)
        key_type: Type | None = None
        value_type: Type | None = None
        for key, value, optional in node.entries:
            found = self._type(key)
            key_type = found if key_type is None else self._alike(key_type, found, key.at)
            found = self._type(value)
            if optional:
                found = found.params[0] if is_optional(found) else DYN
            value_type = found if value_type is None else self._alike(value_type, found, value.at)
        return map_of(key_type or self._parameter(), value_type or self._parameter())

    def _message(self, node: MapNode) -> Type:
        struct = self._structs.get(node.name)
        if struct is None and node.name.partition(".")[0] in self._messages:
            for _, value, _ in node.entries:
                self._type(value)
            return Type("struct", node.name.partition(".")[0])
        if struct is None:
            return self._found(node.at, f"undeclared reference to '{node.name}' (in container '')")
        for key, value, optional in node.entries:
            given = self._type(value)
            assert isinstance(key, Literal)
            wanted = struct.fields.get(str(key.value))
            if wanted is None:
                self._found(value.at, f"undefined field '{key.value}'")
                continue
            if optional and is_optional(given):
                given = given.params[0]
            if not assignable(wanted, given, self._bound):
                text = f"expected type of field '{key.value}' is '{wanted}' but provided type is '{given}'"
                self._found(value.at, text)
        return struct.type

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Type:
        args = node.args
        if node.target is not None:
            dotted = self._qualified(node.target)
            name = f"{dotted}.{node.function}" if dotted else ""
            if name in self._functions and self._variable(dotted.partition(".")[0]) is None:
                self.checked.names[node] = name
                return self._resolve(node, name, [self._type(each) for each in args], member=False)
            args = [node.target, *args]
            if node.function == "format":
                self._mixed.update(each for each in node.args if isinstance(each, ListNode))
        types = [self._type(each) for each in args]
        return self._resolve(node, node.function, types, member=node.target is not None)

    def _resolve(self, node: Call, name: str, args: list[Type], *, member: bool) -> Type:
        overloads = self._functions.get(name)
        if overloads is None:
            return self._found(node.at, f"undeclared reference to '{name}' (in container '')")
        if any(each is ERROR for each in args):
            return ERROR
        result: Type | None = None
        fitting: list[Overload] = []
        for overload in overloads:
            if overload.member is not member or len(overload.params) != len(args):
                continue
            names: Bindings = {}
            trial = dict(self._bound)
            params = [self._renamed(each, names) for each in overload.params]
            if not all(assignable(wanted, given, trial) for wanted, given in zip(params, args, strict=True)):
                continue
            fitting.append(overload)
            found = substitute(self._renamed(overload.result, names), trial)
            if result is None:
                result, self._bound = found, trial
            elif result != found:
                result = DYN
        if result is None:
            shown = [str(substitute(each, self._bound, to_dyn=True)) for each in args]
            applied = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
            return self._found(node.at, f"found no matching overload for '{name}' applied to '{applied}'")
        self.checked.overloads[node] = tuple(fitting)
        return result

    def _renamed(self, type: Type, names: Bindings) -> Type:
        """The type with fresh parameters, so that two calls do not bind each other's."""
        if type.kind == "param":
            found = names.get(type.name)
            if found is None:
                found = names[type.name] = self._parameter()
            return found
        if not type.params:
            return type
        return Type(type.kind, type.name, tuple(self._renamed(each, names) for each in type.params))

    def _parameter(self) -> Type:
        self._fresh += 1
        return Type("param", f"_var{self._fresh}")

    # -- loops -------------------------------------------------------------------------------------

    def _fold(self, node: Fold) -> Type:
        range = substitute(self._type(node.range), self._bound)
        first, second = self._items(node, range)
        scope = {node.variable: first}
        if node.second:
            scope[node.second] = second
        self._scopes.append(scope)
        result = self._looped(node, first)
        self._scopes.pop()
        return result

    def _items(self, node: Fold, range: Type) -> tuple[Type, Type]:
        """The types of the one or two variables."""
        if range.kind == "list":
            return (INT, range.params[0]) if node.second else (range.params[0], DYN)
        if range.kind == "map":
            return range.params[0], range.params[1]
        if is_dyn(range) or range.kind == "param":
            return DYN, DYN
        text = f"expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)"
        self._found(node.range.at, text)
        return ERROR, ERROR

    def _looped(self, node: Fold, item: Type) -> Type:
        test = self._type(node.test) if node.test is not None else BOOL
        operator = {"all": "_&&_", "exists": "_||_"}.get(node.macro, "_?_:_")
        if not assignable(BOOL, test, self._bound):
            self._wrong_test(node, operator, test, item)
        if node.macro in ("all", "exists", "existsOne"):
            return BOOL
        if node.macro == "filter":
            return list_of(item)
        assert node.make is not None
        made = self._type(node.make)
        if node.macro in ("map", "transformList"):
            return list_of(made)
        if node.macro == "transformMap":
            return map_of(self._key(node), made)
        return made if made.kind == "map" else map_of(DYN, DYN)

    def _key(self, node: Fold) -> Type:
        """The type of the keys of what a `transformMap` makes."""
        return self._variable(node.variable) or DYN

    def _wrong_test(self, node: Fold, operator: str, test: Type, item: Type) -> None:
        if operator == "_?_:_":
            other = "int, int" if node.macro == "existsOne" else f"list({item}), list({item})"
            applied = f"({test}, {other})"
        else:
            applied = f"(bool, {test})"
        self._found(node.at, f"found no matching overload for '{operator}' applied to '{applied}'")

    def _bind(self, node: Bind) -> Type:
        self._scopes.append({node.name: self._type(node.value)})
        result = self._type(node.body)
        self._scopes.pop()
        return result


_CHECKS: Mapping[type, Any] = {
    Literal: Checker._literal,
    Ident: Checker._ident,
    Select: Checker._select,
    Call: Checker._call,
    ListNode: Checker._list,
    MapNode: Checker._map,
    Fold: Checker._fold,
    Bind: Checker._bind,
}


def walk(node: Any) -> Sequence[Any]:
    """A node and everything below it."""
    found = [node]
    for each in found:
        found += _below(each)
    return found


def _below(node: Any) -> list[Any]:
    if isinstance(node, Select):
        return [node.operand]
    if isinstance(node, Call):
        return [*([node.target] if node.target is not None else []), *node.args]
    if isinstance(node, ListNode):
        return list(node.items)
    if isinstance(node, MapNode):
        return [part for key, value, _ in node.entries for part in (key, value)]
    if isinstance(node, Fold):
        return [each for each in (node.range, node.test, node.make) if each is not None]
    return [node.value, node.body] if isinstance(node, Bind) else []
