"""Specs that are alike: what a pure function makes of one, worked out once.

Pods come in crowds. Those of one ReplicaSet share their spec by identity; those that clients make one by one, or by
manifest, are only equal. So defaults, findings and warnings are remembered under the bytes of the spec, which cost a
fraction of looking through it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import orjson

from k8snb.typing import Object

Result = TypeVar("Result")

KEPT = 1024
"""How many specs each function remembers."""
RECENT = 4
"""Of how many specs the bytes are at hand."""
LONGEST = 16 * 1024
"""The longest spec, in bytes, that is remembered."""


class _Contents:
    """The bytes of specs that were asked about a moment ago: several functions look at one, one after the other."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[Object, bytes]] = {}

    def of(self, spec: Object) -> bytes:
        """The spec as bytes."""
        found = self._recent.get(id(spec))
        if found is not None and found[0] is spec:
            return found[1]
        content = orjson.dumps(spec)
        if len(self._recent) >= RECENT:
            self._recent.clear()
        self._recent[id(spec)] = (spec, content)
        return content


_CONTENTS = _Contents()


class Alike(Generic[Result]):
    """A function of a spec that remembers; what it gives is shared and must not be changed."""

    def __init__(self, work: Callable[[Object], Result]) -> None:
        self._work = work
        self._known: dict[bytes, Result] = {}

    def __call__(self, spec: Object) -> Result:
        """What the function makes of the spec."""
        key = _CONTENTS.of(spec)
        known = self._known
        if key in known:
            return known[key]
        result = self._work(spec)
        if len(key) <= LONGEST:
            if len(known) >= KEPT:
                del known[next(iter(known))]
            known[key] = result
        return result
