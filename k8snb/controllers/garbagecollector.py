"""The garbage collector: what belongs to something goes with it.

Ownership is written in the dependents (`metadata.ownerReferences`); no object lists what it owns. The collector
follows every resource and keeps an index by owner uid, so that when an owner goes its dependents are found at once.
How an owner goes is written in its finalizers:

- *background*: it goes at once, and each dependent none of whose owners is left follows;
- *foreground* (`foregroundDeletion`): it stays, marked, until the dependents that block it have gone;
- *orphan*: its dependents lose their reference to it and stay.

A dependent whose owner never existed goes too. Keys name the object: `reconcile` looks at one object and asks
whether it should still be there. Upstream: `pkg/controller/garbagecollector`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import Informer
from k8snb.controllers import owners
from k8snb.errors import StatusError, quoted
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, revision_of
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, ObjectKey, Resource

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
NEVER_COLLECTED = {"events", "events.events.k8s.io", "leases.coordination.k8s.io"}
"""Resources that have no owners worth following, as upstream ignores events."""


class Item(NamedTuple):
    """An object by identity: its resource, where it is, and its uid."""

    resource: str
    namespace: str
    name: str
    uid: str


class Owners(NamedTuple):
    """The owner references of an object: `solid` owners exist, `dangling` ones do not, `waiting` ones wait for it."""

    solid: list[Object]
    dangling: list[Object]
    waiting: list[Object]


class GarbageCollector(Controller):
    """Deletes objects whose owners are gone, and lets owners go whose dependents are."""

    name = "generic-garbage-collector"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scheme = context.scheme
        self._informers: dict[str, Informer] = {}
        self._items: dict[ObjectKey, Item] = {}
        self._found: tuple[Sequence[Object] | None, Informer | None, int] = (None, None, 0)
        """References whose owner was found, where, and of which revision that was."""

    def start(self) -> None:
        for resource in followed(self._scheme):
            self.follow_resource(resource)
        self.informers.of(DEFINITIONS).on_change(self._defined)

    def _defined(self, old: Object | None, new: Object | None) -> None:
        """A custom resource that is served is followed from then on."""
        if new is not None:
            for resource in self._scheme:
                if resource.storage == new["metadata"]["name"]:
                    self.follow_resource(resource)

    def follow_resource(self, resource: Resource) -> None:
        """Follow one more resource, as when a custom one is defined."""
        word = resource.group_resource
        if word not in self._informers:
            informer = self._informers[word] = self.informers.of(word)
            informer.on_change(partial(self._object_changed, word))

    # -- noticing ----------------------------------------------------------------------------------

    def _object_changed(self, word: str, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._object_gone(old)
            return
        meta = new["metadata"]
        before = old["metadata"] if old is not None else {}
        references = meta.get("ownerReferences")
        if old is not None and references is before.get("ownerReferences") and "deletionTimestamp" not in meta:
            return
        if old is not None and before.get("ownerReferences") != references:
            self._unblocked(old, new)
        if references and before.get("ownerReferences") != references:
            if not self._are_known(references, meta.get("namespace", "")):
                self._look_at(word, new)
        elif "deletionTimestamp" in meta and _state(before) != _state(meta):
            self._look_at(word, new)

    def _unblocked(self, old: Object, new: Object) -> None:
        """Owners that it no longer blocks may be waiting for just that."""
        still = {each["uid"] for each in new["metadata"].get("ownerReferences") or () if _is_blocking(each)}
        for reference in old["metadata"].get("ownerReferences") or ():
            owner = self._cached(reference, old["metadata"].get("namespace", ""))
            if owner is not None and reference["uid"] not in still and _waits(owner):
                self._look_at(self._word(reference), owner, revision_of(new))

    def _are_known(self, references: Sequence[Object], namespace: str) -> bool:
        """Whether the cache has all owners. Pods of one template share their references, and mostly come in a row."""
        latest, informer, revision = self._found
        if references is latest and informer is not None and informer.revision == revision:
            return True
        if not all(self._is_known(reference, namespace) for reference in references):
            return False
        if len(references) == 1:
            informer = self._informer_of(references[0])
            self._found = (references, informer, informer.revision if informer is not None else 0)
        return True

    def _is_known(self, reference: Object, namespace: str) -> bool:
        """Whether the cache has this owner, and it is not waiting for its dependents to go."""
        owner = self._cached(reference, namespace)
        return owner is not None and not _waits(owner)

    def _cached(self, reference: Object, namespace: str) -> Object | None:
        resource, informer = self._scheme.kind(reference["apiVersion"], reference["kind"]), self._informer_of(reference)
        if resource is None or informer is None:
            return None
        found = informer.get(namespace if resource.namespaced else "", reference["name"])
        return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _informer_of(self, reference: Object) -> Informer | None:
        resource = self._scheme.kind(reference["apiVersion"], reference["kind"])
        return self._informers.get(resource.group_resource) if resource is not None else None

    def _object_gone(self, old: Object) -> None:
        """Its dependents may have to follow; its owners may be waiting for just that."""
        revision = revision_of(old)
        for word, dependent in self._dependents(old["metadata"]["uid"]):
            self._look_at(word, dependent, revision)
        for reference in old["metadata"].get("ownerReferences") or ():
            owner = self._cached(reference, old["metadata"].get("namespace", ""))
            if owner is not None and _waits(owner):
                self._look_at(self._word(reference), owner, revision)

    def _word(self, reference: Object) -> str:
        resource = self._scheme.kind(reference["apiVersion"], reference["kind"])
        assert resource is not None
        return resource.group_resource

    def _dependents(self, uid: str) -> list[tuple[str, Object]]:
        return [(word, obj) for word, informer in self._informers.items() for obj in owners.dependents(informer, uid)]

    def _look_at(self, word: str, obj: Object, revision: int = 0) -> None:
        meta = obj["metadata"]
        item = Item(word, meta.get("namespace", ""), meta["name"], meta["uid"])
        key = ObjectKey(item.namespace, f"{word}/{item.name}")
        self._items[key] = item
        self.queue.add(key, revision or revision_of(obj))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        item = self._items.get(key)
        if item is None:
            return None
        obj = self.client.find(item.resource, item.name, item.namespace)
        if obj is not None and obj["metadata"]["uid"] == item.uid:
            self._consider(item, obj)
        self._items.pop(key, None)
        return None

    def _consider(self, item: Item, obj: Object) -> None:
        finalizers = obj["metadata"].get("finalizers") or ()
        if is_deleting(obj):
            if ORPHAN in finalizers:
                self._orphan(item, obj)
            elif FOREGROUND in finalizers:
                self._delete_dependents(item, obj)
            return
        references = obj["metadata"].get("ownerReferences") or ()
        if references:
            self._judge(item, obj, self._classify(references, item))

    def _classify(self, references: list[Object], item: Item) -> Owners:
        found, namespace = Owners([], [], []), item.namespace
        for reference in references:
            resource = self._scheme.kind(reference["apiVersion"], reference["kind"])
            if resource is None or (resource.namespaced and not namespace):
                self._complain(item, reference)
                found.solid.append(reference)
                continue
            where = namespace if resource.namespaced else ""
            owner = self.client.find(resource.group_resource, reference["name"], where)
            if owner is None or owner["metadata"]["uid"] != reference["uid"]:
                self._complain(item, reference)
                found.dangling.append(reference)
            elif _waits(owner):
                found.waiting.append(reference)
            else:
                found.solid.append(reference)
        return found

    def _complain(self, item: Item, reference: Object) -> None:
        """Tell of an owner that is there, but in another namespace."""
        informer = self._informer_of(reference)
        others = informer.list() if informer is not None else ()
        found = (each["metadata"] for each in others if each["metadata"]["uid"] == reference["uid"])
        owner = next(found, None)
        if owner is None or owner.get("namespace", "") in ("", item.namespace):
            return
        kind, name = f"{reference['apiVersion']}/{reference['kind']}", reference["name"]
        shown = f"[{kind}, namespace: {item.namespace}, name: {name}, uid: {reference['uid']}]"
        dependent = self.client.find(item.resource, item.name, item.namespace)
        if dependent is not None:
            text = f"ownerRef {shown} does not exist in namespace {quoted(item.namespace)}"
            self.events.warning(dependent, "OwnerRefInvalidNamespace", text)

    def _judge(self, item: Item, obj: Object, found: Owners) -> None:
        self.saw(solid=len(found.solid), dangling=len(found.dangling), waiting=len(found.waiting))
        self.compares(_("owners"), len(found.solid) + len(found.dangling) + len(found.waiting), len(found.solid))
        if found.solid:
            gone = [*found.dangling, *found.waiting]
            if gone:
                self.wants(_("one owner is left: only forget those that are gone"))
                owners.drop_references(self.client, item.resource, obj, [each["uid"] for each in gone])
            return
        if found.waiting and self._dependents(item.uid):
            self.wants(_("the owner waits for it, and it has dependents itself: delete it in the foreground"))
            self._delete(item, self._unblock(item, obj), "Foreground")
            return
        self.wants(_("the owner waits for it: delete it") if found.waiting else _("no owner is left: delete it"))
        finalizers = obj["metadata"].get("finalizers") or ()
        policy = "Orphan" if ORPHAN in finalizers else "Foreground" if FOREGROUND in finalizers else "Background"
        self._delete(item, obj, policy)

    def _delete(self, item: Item, obj: Object, policy: str) -> None:
        version = obj["metadata"]["resourceVersion"]
        try:
            self.client.delete(
                item.resource, item.name, item.namespace, propagation=policy, uid=item.uid, resource_version=version
            )
        except StatusError as error:
            if error.code != 404:
                raise

    def _unblock(self, item: Item, obj: Object) -> Object:
        """Break a circle: if a dependent of it is waiting too, its own references must not block."""
        if not any(_waits(dependent) for _word, dependent in self._dependents(item.uid)):
            return obj
        references = obj["metadata"]["ownerReferences"]
        if not any(map(_is_blocking, references)):
            return obj
        changed = [{**each, "blockOwnerDeletion": False} for each in references]
        change = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"], "ownerReferences": changed}}
        return self.client.patch(item.resource, item.name, change, item.namespace)

    # -- owners that wait --------------------------------------------------------------------------

    def _delete_dependents(self, item: Item, obj: Object) -> None:
        """Foreground: delete the dependents that block it; when there are none, let it go."""
        blocking = [(word, each) for word, each in self._dependents(item.uid) if _blocks(each, item.uid)]
        self.saw(blocking=len(blocking))
        self.compares(_("dependents that block"), len(blocking), 0)
        if not blocking:
            self.wants(_("nothing blocks its deletion any more: let it go"))
            self._remove_finalizer(item, obj, FOREGROUND)
            return
        self.wants(_("{count} dependents block its deletion: they go first"), count=len(blocking))
        for word, dependent in self._dependents(item.uid):
            if not _waits(dependent):
                self._look_at(word, dependent)

    def _orphan(self, item: Item, obj: Object) -> None:
        """Orphan: its dependents lose their reference to it, then it goes."""
        dependents = self._dependents(item.uid)
        self.compares(_("dependents"), len(dependents), 0)
        self.wants(_("its {count} dependents stay: take away their owner"), count=len(dependents))
        for word, dependent in dependents:
            owners.drop_references(self.client, word, dependent, [item.uid])
        self._remove_finalizer(item, obj, ORPHAN)

    def _remove_finalizer(self, item: Item, obj: Object, finalizer: str) -> None:
        meta = obj["metadata"]
        left = [each for each in meta.get("finalizers") or () if each != finalizer]
        change = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": left or None}}
        try:
            self.client.patch(item.resource, item.name, change, item.namespace)
        except StatusError as error:
            if error.code != 404:
                raise


def followed(scheme: Scheme) -> list[Resource]:
    """The resources that can own or be owned: everything that can be deleted, each stored kind once."""
    stored: dict[str, Resource] = {}
    for resource in scheme:
        if resource.group_resource not in NEVER_COLLECTED and {"delete", "list", "watch"} <= set(resource.verbs):
            stored.setdefault(resource.storage, resource)
    return list(stored.values())


def _state(meta: Object) -> tuple[bool, object]:
    """How far the deletion of an object is."""
    return "deletionTimestamp" in meta, meta.get("finalizers")


def _waits(obj: Object) -> bool:
    """Whether the object waits for its dependents to go (foreground deletion)."""
    return is_deleting(obj) and FOREGROUND in (obj["metadata"].get("finalizers") or ())


def _blocks(obj: Object, owner: str) -> bool:
    references = obj["metadata"].get("ownerReferences") or ()
    return any(each["uid"] == owner and _is_blocking(each) for each in references)


def _is_blocking(reference: Object) -> bool:
    return bool(reference.get("blockOwnerDeletion"))
