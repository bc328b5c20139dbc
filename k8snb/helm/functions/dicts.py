"""Maps. `set`, `unset` and the merges change the map they are given, as charts rely on.

Upstream: sprig's `dict.go`, mergo.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.helm.functions.values import is_empty, strval
from k8snb.machinery.gotemplate import FunctionError, type_name

Dict = dict[str, Any]


def _get(given: dict[str, Any], key: str) -> Any:
    return given.get(key, "")


def _set(given: dict[str, Any], key: str, value: Any) -> Dict:
    given[key] = value
    return given


def _unset(given: dict[str, Any], key: str) -> Dict:
    given.pop(key, None)
    return given


def _has_key(given: dict[str, Any], key: str) -> bool:
    return key in given


def _pluck(key: str, *dicts: dict[str, Any]) -> list[Any]:
    return [each[key] for each in dicts if key in each]


def _keys(*dicts: dict[str, Any]) -> list[str]:
    return [key for each in dicts for key in sorted(each)]


def _values(given: dict[str, Any]) -> list[Any]:
    return [given[key] for key in sorted(given)]


def _pick(given: dict[str, Any], *keys: str) -> Dict:
    return {key: given[key] for key in keys if key in given}


def _omit(given: dict[str, Any], *keys: str) -> Dict:
    return {key: value for key, value in given.items() if key not in keys}


def _dict(*pairs: Any) -> Dict:
    return {strval(pairs[at]): pairs[at + 1] if at + 1 < len(pairs) else "" for at in range(0, len(pairs), 2)}


def _dig(*path: Any) -> Any:
    if len(path) < 3:
        raise FunctionError("dig needs at least three arguments")
    *keys, default, here = path
    for key in keys:
        if not isinstance(here, Mapping):
            found = "nil" if here is None else type_name(here)
            raise FunctionError(f"interface conversion: interface {{}} is {found}, not map[string]interface {{}}")
        if key not in here:
            return default
        here = here[key]
    return here


def merge_into(target: Dict, source: Mapping[str, Any], *, overwrite: bool) -> Dict:
    """Put what is in `source` into `target`: what is empty there, or with `overwrite` everything; maps are merged."""
    for key, value in source.items():
        known = target.get(key)
        if value is None:
            if overwrite:
                target[key] = None
        elif isinstance(known, dict) and isinstance(value, Mapping):
            merge_into(known, value, overwrite=overwrite)
        elif overwrite or is_empty(known):
            target[key] = value
    return target


def _merge(target: dict[str, Any], *sources: dict[str, Any]) -> Dict:
    for source in sources:
        merge_into(target, copy.deepcopy(source), overwrite=False)
    return target


def _merge_overwrite(target: dict[str, Any], *sources: dict[str, Any]) -> Dict:
    for source in sources:
        merge_into(target, copy.deepcopy(source), overwrite=True)
    return target


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "dict": _dict,
    "dig": _dig,
    "get": _get,
    "hasKey": _has_key,
    "keys": _keys,
    "merge": _merge,
    "mergeOverwrite": _merge_overwrite,
    "mustMerge": _merge,
    "mustMergeOverwrite": _merge_overwrite,
    "omit": _omit,
    "pick": _pick,
    "pluck": _pluck,
    "set": _set,
    "unset": _unset,
    "values": _values,
}
"""By name. What Go hands out in an order by chance, here comes sorted."""
