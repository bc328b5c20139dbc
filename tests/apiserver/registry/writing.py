"""Writes objects through a strategy in the order in which the API server asks it."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.registry.strategy import Strategy
from k8snb.apiserver.registry.table import STRATEGIES
from k8snb.machinery.names import Lottery
from k8snb.typing import Object


def strategy(bucket: str, seed: int = 1) -> Strategy:
    """A new strategy for the kind of that bucket."""
    return STRATEGIES[bucket](Lottery(seed))


def made(kind: str, name: str = "x", namespace: str = "default", **fields: Any) -> dict[str, Any]:
    """An object as a client sends it."""
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def create(rules: Strategy, obj: Object) -> Object:
    """The object as it is stored."""
    prepared = rules.prepare_create(rules.default(obj))
    assert [str(error) for error in rules.validate(prepared)] == []
    return rules.allocate(prepared, None)


def refusals(rules: Strategy, obj: Object) -> list[str]:
    """What validation says of a new object."""
    return [str(error) for error in rules.validate(rules.prepare_create(rules.default(obj)))]


def update(rules: Strategy, old: Object, **changes: Any) -> Object:
    """The object after an update of its fields."""
    prepared = rules.prepare_update(rules.default({**old, **changes}), old)
    assert [str(error) for error in [*rules.validate(prepared), *rules.validate_update(prepared, old)]] == []
    return rules.allocate(prepared, old)


def update_refusals(rules: Strategy, old: Object, **changes: Any) -> list[str]:
    """What validation says of an update."""
    prepared = rules.prepare_update(rules.default({**old, **changes}), old)
    return [str(error) for error in [*rules.validate(prepared), *rules.validate_update(prepared, old)]]
