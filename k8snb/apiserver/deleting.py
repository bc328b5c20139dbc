"""Deletion: preconditions, propagation, grace and finalizers.

A deletion either removes the object at once, or marks it (`deletionTimestamp`) and leaves the removal to
whoever holds it: the kubelet while a pod terminates, a controller while its finalizer stands. Upstream:
`registry/rest/delete.go` and `registry/generic/registry/store.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.notes import Notes
from k8snb.apiserver.options import dry_run, invalid_options
from k8snb.apiserver.reading import Reader
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock, rfc3339
from k8snb.errors import FieldError, StatusError, forbidden, invalid_value, not_found, not_supported
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
_ANYBODY = User("system:anonymous", ("system:unauthenticated",))
_PRECONDITIONS = (
    ("uid", "UID", "deleted and then recreated"),
    ("resourceVersion", "ResourceVersion", "modified"),
)
_DEPENDENTS_STAY = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
_POLICIES = ("Foreground", "Background", "Orphan")
RETURNS_OBJECT = frozenset(
    {
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
    }
)
"""Kinds whose deletion answers with the object; the others answer with a Status."""


class Remover:
    """The deleting verbs of every kind."""

    def __init__(self, store: Store, clock: Clock, admission: Chain, writer: Writer, reader: Reader) -> None:
        self._store = store
        self._clock = clock
        self._admission = admission
        self._writer = writer
        self._reader = reader

    def delete(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Delete one object."""
        options = body.delete_options(request, kind.resource)
        dry = dry_run(request) or options.get("dryRun") == ["All"]
        answer = self.remove(kind, info, options, request.user or _ANYBODY, dry, notes=request.notes)
        advised = kind.strategy.dependents is not None and _policy(options) is None
        warnings = ((_DEPENDENTS_STAY,) if advised else ()) + self._admission.warnings()
        return Response(200, answer, warnings=warnings)

    def delete_collection(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Delete every object that the request's selectors choose."""
        options = body.delete_options(request, kind.resource)
        dry = dry_run(request)
        listed = self._reader.list(kind, info, request.query)
        told: tuple[str, ...] = ()
        for obj in listed["items"]:
            meta = obj["metadata"]
            one = RequestInfo("delete", info.resource, meta.get("namespace", ""), meta["name"])
            self.remove(kind, one, options, request.user or _ANYBODY, dry, notes=request.notes)
            told += self._admission.warnings()
        warnings = (*dict.fromkeys(told),)
        return Response(200, {**listed, "items": []} if not listed["items"] else listed, warnings=warnings)

    def remove(
        self,
        kind: Kind,
        info: RequestInfo,
        options: Object,
        user: User,
        dry: bool = False,
        *,
        admitted: bool = False,
        notes: Notes | None = None,
    ) -> Object:
        """Delete one object by the given options; returns what the API answers. An eviction has been admitted."""
        namespace = info.namespace if kind.resource.namespaced else ""
        old = self._store.get(kind.bucket, namespace, info.name)
        if old is None:
            raise not_found(kind.resource, info.name)
        check_wanted(kind, old, options)
        if not admitted:
            where = (kind.resource, info.namespace, info.name, info.subresource)
            self._admission.decide(Attributes("DELETE", *where, None, old, user, dry, options, notes))
        if why := kind.strategy.deletion_refusal(old):
            raise forbidden(kind.resource, info.name, why)
        marked = self._marked(kind, kind.strategy.before_deletion(old), options)
        if marked is not None:
            return marked if dry else kind.load(self._writer.commit(kind, old, marked))
        if not dry:
            kind.strategy.release(old)
            self._store.delete(kind.bucket, namespace, info.name)
        return kind.load(old) if kind.resource.plural in RETURNS_OBJECT else _success(kind, old)

    def _marked(self, kind: Kind, old: Object, options: Object) -> Object | None:
        """The object marked for deletion, or None if nothing keeps it from being removed now."""
        meta = old["metadata"]
        finalizers = _finalizers(meta.get("finalizers") or [], _policy(options) or kind.strategy.dependents)
        grace = self._grace(kind, old, options.get("gracePeriodSeconds"))
        namespace = kind.resource.plural == "namespaces" and bool((old.get("spec") or {}).get("finalizers"))
        if not finalizers and not grace and not namespace:
            return None
        changed: dict[str, Any] = {k: v for k, v in meta.items() if k != "finalizers"}
        if finalizers:
            changed["finalizers"] = finalizers
        if "deletionTimestamp" not in meta or (grace < meta.get("deletionGracePeriodSeconds", 0)):
            if "deletionTimestamp" not in meta and kind.strategy.counts_generation:
                changed["generation"] = int(meta.get("generation", 0)) + 1
            changed["deletionTimestamp"] = rfc3339(self._clock.now() + grace)
            changed["deletionGracePeriodSeconds"] = grace
        marked = {**old, "metadata": changed}
        if namespace:
            changed.pop("deletionGracePeriodSeconds", None)
            marked["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        return marked

    @staticmethod
    def _grace(kind: Kind, obj: Object, asked: int | None) -> int:
        """Seconds of grace; 0 where the kind knows none."""
        default = kind.strategy.grace_seconds(obj)
        if default is None:
            return 0
        status = obj.get("status") or {}
        if not (obj.get("spec") or {}).get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
            return 0
        grace = default if asked is None else asked
        grace = 1 if grace < 0 else grace
        meta = obj["metadata"]
        return min(grace, int(meta["deletionGracePeriodSeconds"])) if "deletionTimestamp" in meta else grace


def _check_options(options: Object) -> None:
    """Raise Invalid where the options make no sense (`ValidateDeleteOptions`)."""
    errors: list[FieldError] = []
    policy = options.get("propagationPolicy")
    if policy is not None and options.get("orphanDependents") is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(invalid_value("propagationPolicy", policy, why))
    if policy is not None and policy not in _POLICIES:
        errors.append(not_supported("propagationPolicy", policy, [*_POLICIES, "nil"]))
    if options.get("dryRun") and options["dryRun"] != ["All"]:
        errors.append(not_supported("dryRun", options["dryRun"], ["All"]))
    if errors:
        raise invalid_options("DeleteOptions", errors)


def check_wanted(kind: Kind, obj: Object, options: Object) -> None:
    """Raise where the options are wrong, or the object is not the one that is to go."""
    _check_options(options)
    _check_preconditions(kind, obj, options.get("preconditions") or {})


def _check_preconditions(kind: Kind, obj: Object, wanted: Object) -> None:
    meta, resource = obj["metadata"], kind.resource
    for key, word, what in _PRECONDITIONS:
        if wanted.get(key) and wanted[key] != meta[key]:
            record = f"does not match the {word} in record ({meta[key]}). The object might have been {what}"
            named = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
            why = f"the {word} in the precondition ({wanted[key]}) {record}"
            message = f'Operation cannot be fulfilled on {named} "{meta["name"]}": {why}'
            details = {"name": meta["name"], "group": resource.group, "kind": resource.kind}
            raise StatusError(409, "Conflict", message, {k: v for k, v in details.items() if v})


def _policy(options: Object) -> str | None:
    """What becomes of dependents, however the client says it."""
    orphan = options.get("orphanDependents")
    if orphan is None:
        return options.get("propagationPolicy")
    return "Orphan" if orphan else "Background"


def _finalizers(present: list[str], policy: str | None) -> list[str]:
    if policy is None:
        return present
    others = [each for each in present if each not in (ORPHAN, FOREGROUND)]
    extra = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy, [])
    return others + extra


def _success(kind: Kind, obj: Object) -> Object:
    resource, meta = kind.resource, obj["metadata"]
    details = {"name": meta["name"], "group": resource.group, "kind": resource.plural, "uid": meta["uid"]}
    details = {k: v for k, v in details.items() if v}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
