"""Strategic merge patch: a merge patch that knows from the schema which lists are merged, and by what key.

The order of a merged list is `$setElementOrder` before the order in the patch before the order it had, as
upstream does it: items that only the server has keep their place relative to their neighbours.

Upstream: `apimachinery/pkg/util/strategicpatch/patch.go`. Unlike there, nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError, bad_request
from k8snb.machinery.gotext import go_text, go_type
from k8snb.machinery.schema.types import ANY, Type, type_of
from k8snb.typing import Object

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList"
SET_ORDER = "$setElementOrder"

Items = Sequence[Any]

BAD_ORDER = "invalid patch format of setElementOrder list"
BAD_DELETIONS = "invalid patch format of primitive list"
BAD_RETAIN_KEYS = "invalid patch format of retainKeys"


def strategic_merge_patch(document: Object, patch: Object, api_version: str, kind: str) -> dict[str, Any]:
    """The document with the patch applied, by the rules of the kind's schema.

    Raises BadRequest for directives of the wrong form and InternalError for what upstream has no status for.
    """
    schema = type_of(api_version, kind)
    if schema is None:
        raise bad_request("strategic merge patch format is not supported")
    return _merge_struct(document, patch, schema)


def unknown(message: str) -> StatusError:
    """An error that upstream's handlers pass on as it is."""
    return StatusError(500, "", message)


def is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


class Rule:
    """How the schema wants one field merged."""

    __slots__ = ("key", "merge", "replace", "retain", "type")

    def __init__(self, type: Type, strategies: Sequence[str] = (), key: str = "") -> None:
        self.type = type
        self.merge = "merge" in strategies
        self.replace = "replace" in strategies
        self.retain = "retainKeys" in strategies
        self.key = key


def rule_of(schema: Type, name: str) -> Rule | None:
    """The rule for a field of a struct or a key of a map; None for a field that the schema does not know."""
    if schema.kind != "struct":
        return Rule(schema.items if schema.kind == "map" else ANY)
    field = schema.fields.get(name)
    return None if field is None else Rule(field.type, field.patch_strategies, field.merge_key)


def _known(schema: Type, name: str) -> Rule:
    rule = rule_of(schema, name)
    if rule is None:
        raise unknown(f'unable to find api field in struct {schema.short_name} for the json field "{name}"')
    return rule


def _merge_struct(old: Object, patch: Object, schema: Type) -> dict[str, Any]:
    if DIRECTIVE in patch:
        return _whole(patch)
    merged = _retained(old, patch)
    ordered = _merge_ordered(merged, patch, schema)
    for key, value in patch.items():
        if key == RETAIN_KEYS or key.startswith(SET_ORDER) or key in ordered:
            continue
        if key.startswith(DELETE_FROM):
            _delete_items(merged, _directive_field(key, BAD_DELETIONS), value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(merged.get(key), value, key, schema)
    return merged


def _whole(patch: Object) -> dict[str, Any]:
    """What a patch with a directive for the whole map leaves."""
    directive = patch[DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    raise unknown(f"unknown patch type: {go_text(directive)} in map: {go_text(patch)}")


def _retained(old: Object, patch: Object) -> dict[str, Any]:
    """A copy of the old map without the keys that `$retainKeys` does not list."""
    if RETAIN_KEYS not in patch:
        return dict(old)
    listed = patch[RETAIN_KEYS]
    if not is_list(listed):
        raise bad_request(BAD_RETAIN_KEYS)
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in listed:
            raise bad_request(BAD_RETAIN_KEYS)
    return {key: value for key, value in old.items() if key in listed}


def _directive_field(key: str, problem: str) -> str:
    """The field that a directive such as `$setElementOrder/containers` is about."""
    prefix, slash, field = key.partition("/")
    if not slash or prefix not in (SET_ORDER, DELETE_FROM):
        raise bad_request(problem)
    return field


def _delete_items(merged: dict[str, Any], field: str, values: Any) -> None:
    if field not in merged:
        return
    current: Any = merged[field]
    if not is_list(current) or not is_list(values):
        raise unknown(f"expected a []interface {{}}, but received a {go_type(values)}")
    merged[field] = [item for item in current if item not in values]


def _merge_value(old: Any, new: Any, key: str, schema: Type) -> Any:
    if old is None or is_map(old) != is_map(new) or is_list(old) != is_list(new):
        return _plain(new)
    if not is_map(new) and not is_list(new):
        return new
    rule = _known(schema, key)
    if is_map(new):
        return new if rule.replace else _merge_struct(old, new, rule.type)
    return merge_list(old, new, rule) if rule.merge else new


def _plain(value: Any) -> Any:
    """A value that is new altogether: its nulls and directives mean nothing."""
    if is_map(value):
        return {k: _plain(v) for k, v in value.items() if v is not None and not k.startswith("$")}
    if is_list(value):
        return [_plain(item) for item in value if not (is_map(item) and item.get(DIRECTIVE) == "delete")]
    return value


def _merge_ordered(merged: dict[str, Any], patch: Object, schema: Type) -> set[str]:
    """Merges the lists that have a `$setElementOrder`; returns their names."""
    done: set[str] = set()
    for directive, order in patch.items():
        if not directive.startswith(SET_ORDER):
            continue
        field = _directive_field(directive, BAD_ORDER)
        old, new = merged.get(field), patch.get(field)
        _check_lists(order, old, new)
        rule = _known(schema, field)
        order = order or ()
        check_order(new or (), order, rule.key)
        if field in patch:
            done.add(field)
        if field in merged or new:
            done.add(field)
            merged[field] = _ordered_list(old, new, order, rule)
    return done


def _check_lists(*values: Any) -> None:
    for value in values:
        if value is not None and not is_list(value):
            raise unknown(f"expected a []interface {{}}, but received a {go_type(value)}")


def _ordered_list(old: Items | None, new: Items | None, order: Items, rule: Rule) -> list[Any]:
    if not old:
        merged = [_plain(item) for item in new or () if not is_deletion(item)]
    elif not new:
        merged = list(old)
    else:
        merged = merge_list(old, new, rule) if rule.merge else list(new)
    wanted = {identity(item, rule.key) for item in order}
    mine = [item for item in merged if identity(item, rule.key) in wanted]
    theirs = [item for item in merged if identity(item, rule.key) not in wanted]
    return interleave(sort_by(mine, order, rule.key), sort_by(theirs, old or (), rule.key), old or (), rule.key)


def identity(item: Any, key: str) -> Any:
    """What tells an item of a list from the others: its merge key, or for scalars itself."""
    if not is_map(item):
        return (type(item) is bool, item) if not is_list(item) else go_text(item)
    if key not in item:
        raise unknown(f"map: {go_text(item)} does not contain declared merge key: {key}")
    value = item[key]
    return (type(value) is bool, value) if not is_map(value) and not is_list(value) else go_text(value)


def is_deletion(item: Any) -> bool:
    return is_map(item) and item.get(DIRECTIVE) == "delete"


def check_order(items: Items, order: Items, key: str) -> None:
    """The items of a patch must be among those of `$setElementOrder`, in the same order."""
    if not items or not order:
        return
    wanted = [identity(item, key) for item in items if not (is_map(item) and DIRECTIVE in item)]
    rest = iter([identity(item, key) for item in order])
    if not all(item in rest for item in wanted):
        raise unknown(
            f"The order in patch list:\n{go_text(items)}\n doesn't match {SET_ORDER} list:\n{go_text(order)}\n"
        )


def merge_list(old: Items, new: Items, rule: Rule) -> list[Any]:
    """A list with merge strategy: scalars are united, maps merged by their key."""
    if not old and not new:
        return list(old)
    _check_items([*old, *new])
    if not is_map((old or new)[0]):
        merged: list[Any] = list({identity(item, ""): item for item in (*old, *new)}.values())
        return _put_in_order(merged, new, old, "")
    if not rule.key:
        raise unknown("cannot merge lists without merge key for type map")
    kept, changes = _without_directives(old, new, rule.key)
    return _put_in_order(_merge_items(kept, changes, rule), changes, kept, rule.key)


def _check_items(items: Items) -> None:
    shapes = {"map" if is_map(item) else "list" if is_list(item) else type(item).__name__ for item in items}
    if "list" in shapes:
        raise StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})
    if len(shapes) > 1:
        raise unknown(f"list element types are not identical: {go_text(items)}")


def _without_directives(old: Items, new: Items, key: str) -> tuple[list[Any], list[Any]]:
    """The old items that stay and the new ones that are to be merged."""
    changes: list[Any] = []
    gone: set[Any] = set()
    replace = False
    for item in new:
        directive = item.get(DIRECTIVE)
        if DIRECTIVE not in item:
            changes.append(item)
        elif directive == "delete":
            gone.add(identity(item, key))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise unknown("merging lists cannot yet be specified in the patch")
        else:
            raise unknown(f"unknown patch type: {go_text(directive)} in map: {go_text(item)}")
    if replace:
        return [_plain(item) for item in changes], []
    return [item for item in old if key not in item or identity(item, key) not in gone], changes


def _merge_items(old: list[Any], changes: Items, rule: Rule) -> list[Any]:
    merged = list(old)
    places = {identity(item, rule.key): at for at, item in reversed(list(enumerate(old))) if rule.key in item}
    for change in changes:
        place = places.setdefault(identity(change, rule.key), len(merged))
        if place == len(merged):
            merged.append(_plain(change))
        else:
            merged[place] = _merge_struct(merged[place], change, rule.type.items)
    return merged


def _put_in_order(merged: Items, patch: Items, server: Items, key: str) -> list[Any]:
    named = {identity(item, key) for item in patch}
    mine = [item for item in merged if identity(item, key) in named]
    theirs = [item for item in merged if identity(item, key) not in named]
    return interleave(sort_by(mine, patch, key), sort_by(theirs, server, key), server, key)


def places_of(items: Iterable[Any], key: str) -> dict[Any, int]:
    """Where each item first stands."""
    places: dict[Any, int] = {}
    for at, item in enumerate(items):
        if not is_map(item) or key in item:
            places.setdefault(identity(item, key), at)
    return places


def sort_by(items: Items, order: Items, key: str) -> list[Any]:
    """The items in the order that they have in `order`."""
    places = places_of(order, key)
    return sorted(items, key=lambda item: places.get(identity(item, key), -1))


def interleave(mine: Items, theirs: Items, server: Items, key: str) -> list[Any]:
    """Both lists in their own order; an item of `theirs` goes before the first of `mine` that it stood before."""
    places = places_of(server, key)
    result: list[Any] = []
    left, right = list(theirs), list(mine)
    while left and right:
        a, b = places.get(identity(left[0], key)), places.get(identity(right[0], key))
        before = a is not None and b is not None and a < b
        result.append(left.pop(0) if before else right.pop(0))
    return result + left + right
