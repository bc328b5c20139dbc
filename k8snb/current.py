"""The cluster that a notebook means when it does not say which one: the last one made, or the one it chose."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

_current: ReferenceType[Any] | None = None


def use(cluster: Any) -> None:
    """From now on, mean this cluster."""
    global _current
    _current = ref(cluster)


def current() -> Any:
    """The cluster that is meant; None if there is none."""
    return None if _current is None else _current()
