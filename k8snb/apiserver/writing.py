"""create, update and patch: the way of an object into the store.

decode → identify (`identity`) → default → admission → default → prepare → validate → allocate →
store. A refusal at any point leaves the store as it was. Upstream: `apiserver/pkg/registry/generic/registry`.

What the steps above make of a ReplicaSet's pods is worked out once (`pod_templates`); after that a pod costs its own
metadata and nothing else. It is likewise for pods of one client that differ in nothing but their name.
"""

from __future__ import annotations

from k8snb.apiserver import body
from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from k8snb.apiserver.authors import Authors, is_outside
from k8snb.apiserver.identity import (
    carried,
    check_current,
    check_identity,
    free_name,
    identified,
    is_simple,
    metadata_errors,
)
from k8snb.apiserver.kinds import Kind, Kinds
from k8snb.apiserver.options import dry_run
from k8snb.apiserver.ownership import By, Known
from k8snb.apiserver.patching import patched
from k8snb.apiserver.pod_templates import NamedPod, NamedPods, PodTemplates, likeness
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.clock import Clock
from k8snb.errors import (
    FieldError,
    already_exists,
    invalid,
    not_found,
)
from k8snb.machinery.managed.managers import Owners
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import with_meta
from k8snb.machinery.recorded import RecordedEvent
from k8snb.machinery.validation import validate_metadata, validate_metadata_update
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

_ANYBODY = User("system:anonymous", ("system:unauthenticated",))
CREATE_ON_UPDATE = frozenset({"endpoints", "events", "leases", "endpointslices", "limitranges"})


class Writer:
    """The writing verbs of every kind, but for deletion."""

    def __init__(
        self, store: Store, kinds: Kinds, clock: Clock, lottery: Lottery, admission: Chain, authors: Authors
    ) -> None:
        self._store = store
        self._clock = clock
        self._lottery = lottery
        self._admission = admission
        self._authors = authors
        self._templates = PodTemplates(store)
        self._named = NamedPods(store)
        self._open: dict[str, int] = {}
        self._namespaces = store.bucket("namespaces")
        self._quotas = store.bucket("resourcequotas")

    # -- create ------------------------------------------------------------------------------------

    def create(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Store a new object."""
        given = request.object
        if given is not None and not request.query:
            if type(given) is RecordedEvent:
                if self.record(kind, given):
                    return Response(201, given)
                request.object = given.whole()
            elif kind.resource.plural == "pods" and request.notes is None:
                made = self.from_template(kind, info.namespace, given, request.user)
                if made:
                    return Response(201, made[0])
        short = given is None and kind.many and request.notes is None
        alike = likeness(request, info.namespace) if short else None
        known = self._named.find(alike) if alike is not None and is_simple(alike.name) else None
        if alike is not None and known is not None and kind.bucket.event(info.namespace, alike.name) is None:
            return self._make_alike(kind, info, request, known, alike.name)
        decoded = body.decode(request, kind.resource.api_version, kind.resource.kind, kind.strategy.decode)
        response = self.make(kind, info, request, decoded.object, decoded.warnings)
        if alike is not None and not self._admission.asks_others(kind.resource):
            stored = response.object
            assert stored is not None
            if response.warnings == (*kind.strategy.warnings(stored),):
                self._named.remember(alike, kind.strategy.default(decoded.object), stored)
        return response

    def _make_alike(self, kind: Kind, info: RequestInfo, request: Request, known: NamedPod, name: str) -> Response:
        """Store a pod that differs from a known one in nothing but its name."""
        own = {"name": name, "uid": self._lottery.uid(), "creationTimestamp": self._clock.timestamp()}
        fresh = {**known.stored, "metadata": {**known.stored["metadata"], **own}}
        if self._quotas.namespaces.get(info.namespace):
            self._admission.count(_creation(kind, info.namespace, fresh, request.user or _ANYBODY))
        by = self._authors.of_likeness(request, known.asked)
        self._store.create(kind.bucket, info.namespace, name, fresh, kind.ttl, by)
        return Response(201, fresh, warnings=(*kind.strategy.warnings(fresh),))

    def make(
        self,
        kind: Kind,
        info: RequestInfo,
        request: Request,
        wanted: Object,
        warnings: tuple[str, ...] = (),
        owners: Owners | None = None,
    ) -> Response:
        """Store a new object; `owners` are those of its fields where an apply says so."""
        given = request.object
        obj = kind.strategy.default(identified(kind, info, kind.save(wanted), self._lottery, self._clock))
        dry = bool(request.query) and dry_run(request)
        final = self._shaped(kind, info, obj, request, dry)
        meta = final["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        if kind.bucket.event(namespace, name) is not None:
            raise already_exists(kind.resource, name)
        warnings = (*warnings, *kind.strategy.warnings(final), *self._admission.warnings())
        by = self._authors.creating(kind, info, request, obj) if owners is None else Known(owners)
        if dry and is_outside(request):
            final = self._authors.history.previewed(kind, None, final, by)
        if dry:
            return Response(201, kind.load(final), warnings=warnings)
        final = kind.strategy.allocate(final, None)
        fresh = {**final, "metadata": {**meta, **final["metadata"]}}
        self._store.create(kind.bucket, namespace, name, fresh, kind.ttl, by)
        if given is not None and kind.resource.plural == "pods" and not self._admission.asks_others(kind.resource):
            self._templates.remember(info.namespace, given, obj, fresh)
        return Response(201, kind.load(fresh), warnings=warnings)

    def _shaped(self, kind: Kind, info: RequestInfo, obj: Object, request: Request, dry: bool) -> Object:
        strategy = kind.strategy
        name = obj["metadata"].get("name", "")
        asker = (request.user or _ANYBODY, dry, request.query, request.notes)
        attributes = Attributes("CREATE", kind.resource, info.namespace, name, "", obj, None, *asker)
        obj = strategy.default(self._admission.admit(attributes))
        obj = strategy.prepare_create(obj)
        if strategy.counts_generation and "generation" not in obj["metadata"]:
            obj = {**obj, "metadata": {**obj["metadata"], "generation": 1}}
        errors = [*metadata_errors(kind, obj["metadata"]), *strategy.validate_create(obj)]
        if errors:
            raise invalid(kind.resource, name, errors)
        self._admission.validate(attributes._replace(object=obj))
        return obj

    # -- events ------------------------------------------------------------------------------------

    def record(self, kind: Kind, event: RecordedEvent) -> bool:
        """Store an event that a recorder of this process made: it is complete and well-formed but for its names.

        The one plugin that looks at events asks whether their namespace is open; that answer holds until some
        namespace changes. False where the event has to go the long way.
        """
        namespace, name = event.shape.namespace, event.name
        if not self.is_open(kind, namespace) or not is_simple(name):
            return False
        if kind.bucket.event(namespace, name) is not None:
            return False
        self._store.create(kind.bucket, namespace, name, event, kind.ttl)
        return True

    def is_open(self, kind: Kind, namespace: str) -> bool:
        """Whether the namespace takes new objects of a kind at which no other plugin looks."""
        changed = self._namespaces.changed
        if self._open.get(namespace) == changed:
            return True
        found = self._store.get(self._namespaces, "", namespace)
        if found is None or (found.get("status") or {}).get("phase") == "Terminating":
            return False
        if not self._admission.only(NamespaceLifecycle, kind.resource):
            return False
        self._open[namespace] = changed
        return True

    # -- pods of one template ----------------------------------------------------------------------

    def forget(self) -> None:
        """What admission made of pods, and of namespaces for events, counts no more."""
        self._templates.forget()
        self._named.forget()
        self._open.clear()

    def from_template(
        self, kind: Kind, namespace: str, given: Object, user: User | None, count: int = 1
    ) -> list[Object]:
        """More pods of a template that is known; none, or fewer than asked for, where that does not go on."""
        found = self._templates.find(namespace, given)
        if found is None:
            return []
        user = user or _ANYBODY
        by = self._authors.of_template(user.name, found.asked)
        counted = bool(self._quotas.namespaces.get(namespace))
        made: list[Object] = []
        for _ in range(1 if counted else count):
            name = free_name(kind, namespace, found.prefix, self._lottery)
            own, fresh = found.meta.copy(), found.pod.copy()
            own["name"] = name
            own["uid"] = self._lottery.uid()
            own["creationTimestamp"] = self._clock.timestamp()
            fresh["metadata"] = own
            if counted:
                self._admission.count(_creation(kind, namespace, fresh, user))
            self._store.create(kind.bucket, namespace, name, fresh, 0, by)
            made.append(fresh)
        return made

    # -- update ------------------------------------------------------------------------------------

    def update(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Replace an object (or its subresource `status`)."""
        new = request.object
        warnings: tuple[str, ...] = ()
        if new is None:
            decoded = body.decode(request, kind.resource.api_version, kind.resource.kind, kind.strategy.decode)
            new, warnings = decoded.object, decoded.warnings
        if kind.converted:
            new = kind.save(new)
        check_identity(kind, info, new)
        event = kind.bucket.event(info.namespace if kind.resource.namespaced else "", info.name)
        if event is None:
            if kind.resource.plural in CREATE_ON_UPDATE and not info.subresource:
                info = RequestInfo("create", info.resource, info.namespace, info.name)
                return self.create(kind, info, request)
            raise not_found(kind.resource, info.name)
        return self.replace(kind, info, request, kind.current(event.object), new, warnings)

    def patch(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Change part of an object."""
        old = self._store.get(kind.bucket, info.namespace if kind.resource.namespaced else "", info.name)
        if old is None:
            raise not_found(kind.resource, info.name)
        old = kind.current(old)
        shown = kind.load(old)
        if b"managedFields" in request.body:
            shown = self._authors.history.shown(kind, shown)
        decoded = patched(kind, shown, request)
        new = kind.save(decoded.object)
        check_identity(kind, info, new)
        return self.replace(kind, info, request, old, new, decoded.warnings)

    def replace(
        self,
        kind: Kind,
        info: RequestInfo,
        request: Request,
        old: Object,
        new: Object,
        warnings: tuple[str, ...] = (),
        by: By = None,
        *,
        admitted: bool = False,
    ) -> Response:
        """Put `new` in the place of `old`, by the rules of the kind and of the subresource.

        `by` is kept of the author, if it is not simply who sent the request. `admitted`: nobody is asked any more.
        """
        if new["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"] or "uid" not in new["metadata"]:
            check_current(kind, old, new)
        dry = bool(request.query) and dry_run(request)
        given = new["metadata"].get("managedFields")
        if given is not None:
            new = with_meta(new, managedFields=None)
        if info.subresource == "status":
            asked, final = None, self._status(kind, old, new)
            if self._admission.looks_at_status(kind.resource):
                where = (kind.resource, info.namespace, info.name, "status")
                asker = (request.user or _ANYBODY, dry, request.query, request.notes)
                update = Attributes("UPDATE", *where, final, old, *asker)
                final = self._admission.status(update)
                warnings = (*warnings, *self._admission.warnings())
        else:
            asked, final = self._changed(kind, info, request, old, new, dry, admitted=admitted)
            warnings = (*warnings, *kind.strategy.update_warnings(final, old), *self._admission.warnings())
        if by is None:
            by = self._authors.updating(kind, info, request, old, asked, given)
        if dry and is_outside(request):
            final = self._authors.history.previewed(kind, old, final, by)
        elif not dry:
            final = self.commit(kind, old, final, by)
        return Response(200, kind.load(final) if kind.converted else final, warnings=warnings)

    def _changed(
        self, kind: Kind, info: RequestInfo, request: Request, old: Object, new: Object, dry: bool, *, admitted: bool
    ) -> tuple[Object, Object]:
        """The object as it was asked for, and as it is to be stored."""
        strategy = kind.strategy.parts.get(info.subresource, kind.strategy)
        asked = new = strategy.default({**new, "metadata": carried(new["metadata"], old["metadata"])})
        where = (kind.resource, info.namespace, info.name, info.subresource)
        asker = (request.user or _ANYBODY, dry, request.query, request.notes)
        attributes = Attributes("UPDATE", *where, new, old, *asker)
        if not admitted:
            new = strategy.default(self._admission.admit(attributes))
        new = strategy.prepare_update(new, old)
        if strategy.counts_generation and strategy.content(new) != strategy.content(old):
            generation = int(old["metadata"].get("generation", 0)) + 1
            new = {**new, "metadata": {**new["metadata"], "generation": generation}}
        errors = _update_errors(strategy, kind.resource.namespaced, new, old)
        if errors:
            raise invalid(kind.resource, info.name, errors)
        if not admitted:
            self._admission.validate(attributes._replace(object=new))
        return asked, strategy.allocate(new, old) if not dry else new

    def _status(self, kind: Kind, old: Object, new: Object) -> Object:
        final = kind.strategy.prepare_status(new, old)
        errors = kind.strategy.validate_status(final, old)
        meta, before = final["metadata"], old["metadata"]
        if meta is before:
            pass
        elif meta.get("labels") is not before.get("labels") or meta.get("annotations") is not before.get("annotations"):
            errors += validate_metadata(meta, name_rule=kind.strategy.name_rule, namespaced=kind.resource.namespaced)
        if errors:
            raise invalid(kind.resource, before["name"], errors)
        return final

    def commit(self, kind: Kind, old: Object, new: Object, by: By = None) -> Object:
        """Store a new version; nothing at all if nothing changed; removal if only finalizers kept it.

        `by` is what is kept of the author; None where nobody comes to own anything.
        """
        meta = new["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        if "deletionTimestamp" in meta and self._is_finished(kind, new):
            gone = {**new, "metadata": {**meta}}
            kind.strategy.release(gone)
            self._store.delete(kind.bucket, namespace, name, gone)
            return gone
        if _is_same(new, old) and not self._authors.history.moves(kind, old, by) and not kind.bucket.is_stale(meta):
            return old
        fresh = {**new, "metadata": {**meta}}
        event = self._store.update(kind.bucket, namespace, name, fresh, kind.ttl, by)
        if kind.many:
            self._authors.history.follow(event)
        return fresh

    @staticmethod
    def _is_finished(kind: Kind, obj: Object) -> bool:
        meta = obj["metadata"]
        if meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
            return False
        return not (kind.resource.plural == "namespaces" and (obj.get("spec") or {}).get("finalizers"))


def _creation(kind: Kind, namespace: str, obj: Object, user: User) -> Attributes:
    """A creation as admission sees it."""
    return Attributes("CREATE", kind.resource, namespace, obj["metadata"]["name"], "", obj, None, user, False)


def _update_errors(strategy: Strategy, namespaced: bool, new: Object, old: Object) -> list[FieldError]:
    meta, before = new["metadata"], old["metadata"]
    errors = validate_metadata_update(meta, before)
    errors += validate_metadata(meta, name_rule=strategy.name_rule, namespaced=namespaced)
    return [*errors, *strategy.validate(new), *strategy.validate_update(new, old)]


def _is_same(new: Object, old: Object) -> bool:
    """Whether an update changes nothing; sub-objects that are shared are not looked into."""
    if len(new) != len(old):
        return False
    for key, value in new.items():
        if key != "metadata" and value is not old.get(key) and value != old.get(key):
            return False
    meta, before = new["metadata"], old["metadata"]
    return meta is before or {**meta, "resourceVersion": before["resourceVersion"]} == before
