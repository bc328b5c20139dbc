"""The functions that charts know beyond Go's own, as tables by theme: sprig's, and those that helm adds.

A function is small, takes what Go's takes (its annotations say which types: `gotemplate.signatures`), and raises
`FunctionError` with Go's words. What needs the time, chance, the cluster or the chart itself is made for one rendering
(`table`, and `engine`). Upstream: Masterminds/sprig v3.3, helm's `pkg/engine/funcs.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.helm.functions import (
    chance,
    crypto,
    dates,
    dicts,
    encoding,
    lists,
    numbers,
    paths,
    regexps,
    strings,
    versions,
)
from k8snb.helm.functions import values as about_values
from k8snb.machinery.names import Lottery

_PURE: Mapping[str, Callable[..., Any]] = {
    **crypto.FUNCTIONS,
    **dicts.FUNCTIONS,
    **encoding.FUNCTIONS,
    **lists.FUNCTIONS,
    **numbers.FUNCTIONS,
    **paths.FUNCTIONS,
    **regexps.FUNCTIONS,
    **strings.FUNCTIONS,
    **about_values.FUNCTIONS,
    **versions.FUNCTIONS,
    "getHostByName": lambda name: "",
    "lookup": lambda version, kind, namespace, name: {},
}


def table(now: Callable[[], float], lottery: Lottery) -> dict[str, Callable[..., Any]]:
    """All of them, with a clock and lots."""
    drawn = {**chance.functions(lottery), **crypto.functions(lottery, now)}
    return {**_PURE, **dates.functions(now), **drawn}
