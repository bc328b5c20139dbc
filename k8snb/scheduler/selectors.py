"""Which pods a pod without constraints of its own is spread among: those behind the same Services and owner.

Upstream: `framework/plugins/helper/spread.go` (`DefaultSelector`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from k8snb.machinery.selectors import EVERYTHING, LabelSelector, Requirement, of_object
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.spreading import LabelSet, Selection, Spreading
from k8snb.typing import Object

_Labels = Mapping[str, str]
_Pair = tuple[str, str, str]
Owner = Callable[[str, str], Object | None]
"""`owner(namespace, name)`: a workload, as far as the cache knows."""

OWNERS = {
    "ReplicationController": "replicationcontrollers",
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
}
"""The kinds whose selectors count, and the resources they are."""


class DefaultSelectors:
    """Finds and remembers the selection that a pod is spread by."""

    def __init__(self, spreading: Spreading, owners: Mapping[str, Owner]) -> None:
        self._spreading = spreading
        self._owners = owners
        self._services: dict[tuple[str, str], _Labels] = {}
        self._by_pair: dict[_Pair, dict[tuple[str, str], None]] = {}
        self._versions: dict[str, int] = {}

    def put_service(self, old: Object | None, new: Object | None) -> None:
        """A Service came, changed or went."""
        before, after = _selector(old), _selector(new)
        if before == after:
            return
        service = new if new is not None else old
        assert service is not None
        meta = service["metadata"]
        key = (meta["namespace"], meta["name"])
        self._spreading.version += 1
        self._versions[meta["namespace"]] = self._versions.get(meta["namespace"], 0) + 1
        if before:
            del self._services[key], self._by_pair[_first(key[0], before)][key]
        if after:
            self._services[key] = after
            self._by_pair.setdefault(_first(key[0], after), {})[key] = None

    def of(self, info: PodInfo) -> Selection | None:
        """The pods that this one is spread among; None if nothing selects it."""
        label_set = self._spreading.label_set(info)
        owner = info.kin.owner
        uid = owner["uid"] if owner is not None else ""
        version = self._versions.get(label_set.namespace, 0)
        known = label_set.chosen.get(uid)
        if known is not None and known[0] == version:
            return known[1]
        return self._choose(label_set, owner, uid, version)

    def _choose(self, label_set: LabelSet, owner: Object | None, uid: str, version: int) -> Selection | None:
        requirements = list(self._service_requirements(label_set))
        workload = self._owner(label_set.namespace, owner)
        if workload is not None:
            requirements += _owned(workload).requirements
        selector = LabelSelector(requirements)
        chosen = None if selector.empty else self._spreading.selection(label_set.namespace, selector)
        if workload is not None or owner is None or owner["kind"] not in OWNERS:
            label_set.chosen[uid] = (version, chosen)
        else:
            self._spreading.version += 1  # the owner is not known yet: nobody must rely on this
        return chosen

    def _service_requirements(self, label_set: LabelSet) -> Iterable[Requirement]:
        merged: dict[str, str] = {}
        items = label_set.labels.items()
        for key, value in items:
            for service in self._by_pair.get((label_set.namespace, key, value), ()):
                wanted = self._services[service]
                if wanted.items() <= items:
                    merged.update(wanted)
        return (Requirement(key, "=", (value,)) for key, value in sorted(merged.items()))

    def _owner(self, namespace: str, owner: Object | None) -> Object | None:
        find = self._owners.get(owner["kind"]) if owner is not None else None
        return find(namespace, owner["name"]) if find is not None and owner is not None else None


def _selector(service: Object | None) -> _Labels:
    return (service["spec"].get("selector") or {}) if service is not None else {}


def _first(namespace: str, labels: _Labels) -> _Pair:
    key = min(labels)
    return namespace, key, labels[key]


def _owned(workload: Object) -> LabelSelector:
    selector = workload["spec"].get("selector")
    if workload["kind"] != "ReplicationController":
        return of_object(selector) if selector is not None else EVERYTHING
    return LabelSelector(Requirement(key, "=", (value,)) for key, value in (selector or {}).items())
