"""Which pods stand behind which Service, kept up to date as both change.

Pods with the same labels form a group, and a Service either selects a whole group or none of it. So a new
Service is compared with the groups instead of with all pods, and a pod that changes finds its Services
without comparing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.client.informer import Informer
from k8snb.machinery import selectors
from k8snb.machinery.objects import key_of, labels_of
from k8snb.typing import Object, ObjectKey

Concerned = Callable[[ObjectKey, Object, bool], None]
"""Called with a Service, a pod, and whether the Service (still) selects it."""

Matters = Callable[[Object | None, Object | None], bool]
"""Whether a pod's change (from what, to what) makes a difference to a Service that selects it."""

_Pair = tuple[str, str]


class Group:
    """The pods of a namespace that carry the same labels, and the Services that select them."""

    __slots__ = ("labels", "members", "services")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.members: dict[str, Object] = {}
        self.services: dict[ObjectKey, None] = {}


class _Namespace:
    """The groups and Services of one namespace."""

    def __init__(self) -> None:
        self.groups: dict[frozenset[_Pair], Group] = {}
        self.selectors: dict[ObjectKey, Mapping[str, str]] = {}
        self.by_pair: dict[_Pair, dict[ObjectKey, None]] = {}
        self.selected: dict[ObjectKey, dict[int, Group]] = {}

    def select(self, service: ObjectKey, selector: Mapping[str, str] | None) -> None:
        """Note a Service's selector; None when it selects nothing any more."""
        self._forget(service)
        if not selector:
            return
        self.selectors[service] = selector
        self.by_pair.setdefault(_first(selector), {})[service] = None
        matches = selectors.of_set(selector).matches
        for group in self.groups.values():
            if matches(group.labels):
                self._join(group, service)

    def _forget(self, service: ObjectKey) -> None:
        old = self.selectors.pop(service, None)
        if old:
            self.by_pair[_first(old)].pop(service, None)
        for group in self.selected.pop(service, {}).values():
            group.services.pop(service, None)

    def _join(self, group: Group, service: ObjectKey) -> None:
        group.services[service] = None
        self.selected.setdefault(service, {})[id(group)] = group

    def group(self, labels: Mapping[str, str]) -> Group:
        """The group of those labels, made when it is new."""
        pairs = frozenset(labels.items())
        group = self.groups.get(pairs)
        if group is None:
            group = self.groups[pairs] = Group(labels)
            for service in self._selecting(labels):
                self._join(group, service)
        return group

    def drop(self, group: Group) -> None:
        """Forget a group that has no members left."""
        self.groups.pop(frozenset(group.labels.items()), None)
        for service in group.services:
            self.selected[service].pop(id(group), None)

    def _selecting(self, labels: Mapping[str, str]) -> Iterator[ObjectKey]:
        for pair in labels.items():
            for service in self.by_pair.get(pair, ()):
                if selectors.of_set(self.selectors[service]).matches(labels):
                    yield service


def _first(selector: Mapping[str, str]) -> _Pair:
    return next(iter(selector.items()))


class ServicePods:
    """Follows pods and tells which Services are concerned when one changes in a way that matters."""

    def __init__(self, pods: Informer, matters: Matters, concerned: Concerned) -> None:
        self._matters = matters
        self._concerned = concerned
        self._namespaces: dict[str, _Namespace] = {}
        self._remembered: dict[int, Group] = {}
        pods.on_change(self._pod_changed)

    def select(self, service: ObjectKey, selector: Mapping[str, str] | None) -> None:
        """Note what a Service selects."""
        self._namespace(service.namespace).select(service, selector)

    def pods(self, service: ObjectKey) -> Iterator[Object]:
        """The pods that a Service selects."""
        for group in self._namespace(service.namespace).selected.get(service, {}).values():
            yield from group.members.values()

    def _namespace(self, name: str) -> _Namespace:
        found = self._namespaces.get(name)
        if found is None:
            found = self._namespaces[name] = _Namespace()
        return found

    def _group(self, pod: Object) -> Group:
        """The pod's group; by the identity of its labels, which pods of one template share."""
        labels = labels_of(pod)
        group = self._remembered.get(id(labels))
        if group is not None and group.labels is labels:
            return group
        group = self._namespace(pod["metadata"]["namespace"]).group(labels)
        if group.labels is labels:
            self._remembered[id(labels)] = group
        return group

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._leave(old, old)
            return
        group = self._group(new)
        name = new["metadata"]["name"]
        if old is not None and name not in group.members:
            self._leave(old, new)
            old = None
        group.members[name] = new
        if not self._matters(old, new):
            return
        for service in group.services:
            self._concerned(service, new, True)

    def _leave(self, old: Object, last: Object) -> None:
        """The pod leaves its group: it is gone, or has other labels now."""
        group = self._group(old)
        namespace, name = key_of(old)
        group.members.pop(name, None)
        for service in group.services if self._matters(old, None) else ():
            self._concerned(service, last, False)
        if not group.members:
            self._namespace(namespace).drop(group)
            self._remembered.pop(id(group.labels), None)
