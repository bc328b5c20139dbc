"""Which daemons of an old template to replace now, and where a new one may come beside the old.

Without surge, old daemons are deleted while no more than `maxUnavailable` are down; those that are down anyway go at
once. With surge, new ones are made beside up to `maxSurge` old ones that work, and an old one goes when the new one is
available. Pure. Upstream: `pkg/controller/daemon/update.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from k8snb.controllers.daemonset.daemons import Placement
from k8snb.controllers.daemonset.managing import split
from k8snb.controllers.deployment.rolling import scaled
from k8snb.controllers.podstate import is_available
from k8snb.typing import Object


class Limits(NamedTuple):
    """How many daemons may be down, how many extra, and how many nodes are meant."""

    unavailable: int
    surge: int
    desired: int


class Step(NamedTuple):
    """The pods to delete and the nodes to get one more."""

    delete: list[Object]
    create: list[str]


def limits_of(ds: Object, desired: int) -> Limits:
    """The limits in pods; at least one of them is above zero."""
    update = (ds["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    unavailable = scaled(update.get("maxUnavailable", 1), desired, up=True)
    surge = scaled(update.get("maxSurge", 0), desired, up=True)
    return Limits(1 if desired and not unavailable and not surge else unavailable, surge, desired)


class Rolling:
    """One step of a rolling update."""

    def __init__(self, ds: Object, hash: str, placement: Placement, now: float) -> None:
        self._ds = ds
        self._hash = hash
        self._placement = placement
        self._now = now

    def step(self, nodes: Sequence[Object], pods: Mapping[str, Sequence[Object]]) -> Step:
        """What to do now."""
        named = {node["metadata"]["name"]: node for node in nodes}
        meant = [name for name, node in named.items() if self._placement.fit(node).should_run]
        limits = limits_of(self._ds, len(meant))
        everywhere = {name: pods.get(name, ()) for name in sorted({*meant, *pods})}
        if limits.surge == 0:
            return Step(self._replaceable(everywhere, limits), [])
        return self._surge(everywhere, named, limits)

    def _is_available(self, pod: Object) -> bool:
        return is_available(pod, self._ds["spec"].get("minReadySeconds", 0), self._now)

    def _replaceable(self, pods: Mapping[str, Sequence[Object]], limits: Limits) -> list[Object]:
        down = 0
        broken: list[Object] = []
        candidates: list[Object] = []
        for each in pods.values():
            found = split(self._ds, each, self._hash)
            if found is None or (found[0] is None) == (found[1] is None):
                down += 1
                continue
            new, old = found
            if new is not None:
                down += not self._is_available(new)
            elif old is not None and not self._is_available(old):
                broken.append(old)
                down += 1
            elif old is not None and down < limits.unavailable:
                candidates.append(old)
        return broken + candidates[: max(0, limits.unavailable - down)]

    def _surge(self, pods: Mapping[str, Sequence[Object]], nodes: Mapping[str, Object], limits: Limits) -> Step:
        delete: list[Object] = []
        misplaced: list[Object] = []
        allowed: list[str] = []
        candidates: list[str] = []
        extra = available = 0
        for name, each in pods.items():
            found = split(self._ds, each, self._hash)
            if found is None:
                extra += 1
                continue
            new, old = found
            first = old if old is not None else new
            available += first is not None and self._is_available(first)
            if old is None:
                continue
            if new is not None:
                if self._is_available(new):
                    delete.append(old)
                else:
                    extra += 1
            elif name not in nodes or not self._placement.fit(nodes[name]).should_run:
                (misplaced if self._is_available(old) else delete).append(old)
            elif not self._is_available(old):
                allowed.append(name)
            elif extra < limits.surge:
                candidates.append(name)
        delete += misplaced[: max(0, available - limits.desired)]
        return Step(delete, allowed + candidates[: max(0, limits.surge - extra)])
