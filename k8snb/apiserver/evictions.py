"""Evictions: a pod is deleted if its disruption budget can spare it.

The budget is written first, so that a second eviction at the same moment finds it used up; the pod is noted in it
until the disruption controller has seen it go. Upstream: `pkg/registry/core/pod/storage/eviction.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.deleting import Remover, check_wanted
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.options import dry_run
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock
from k8snb.errors import StatusError, bad_request, not_found, too_many_requests
from k8snb.machinery import selectors
from k8snb.machinery.disruption import allowed_condition
from k8snb.machinery.objects import condition, is_deleting, is_true, labels_of, with_condition
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

MOST_DISRUPTED = 2000
"""How many evicted pods a budget remembers."""

_BUDGETS = "poddisruptionbudgets.policy"
_VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_ENDED = ("Succeeded", "Failed", "Pending")
_RETRY_SECONDS = 10
_ANYBODY = User("system:anonymous", ("system:unauthenticated",))
_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


class Evictions:
    """The handler of the subresource `eviction` of pods."""

    def __init__(self, store: Store, clock: Clock, admission: Chain, writer: Writer, remover: Remover) -> None:
        self._store = store
        self._admission = admission
        self._clock = clock
        self._writer = writer
        self._remover = remover
        self._budgets = store.bucket(_BUDGETS)

    def evict(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Delete a pod if its disruption budgets allow it. Raises TooManyRequests where they do not."""
        eviction = request.object or body.decode(request, "policy/v1", "Eviction").object
        if (eviction.get("metadata") or {}).get("name", "") != info.name:
            raise bad_request("name in URL does not match name in Eviction object")
        where = (kind.resource, info.namespace, info.name, "eviction")
        dry, user = dry_run(request), request.user or _ANYBODY
        asked = Attributes("CREATE", *where, eviction, None, user, dry, request.query, request.notes)
        eviction = self._admission.decide(asked) or eviction
        warnings = self._admission.warnings()
        options = eviction.get("deleteOptions") or {}
        dry = dry or options.get("dryRun") == ["All"]
        pod = self._store.get(kind.bucket, info.namespace, info.name)
        if pod is None:
            raise not_found(kind.resource, info.name)
        check_wanted(kind, pod, options)
        if not self._is_free(pod):
            self._spend(pod, dry)
        if not dry:
            self._mark(kind, pod)
            options = {name: value for name, value in options.items() if name != "preconditions"}  # met before the mark
        plain = RequestInfo("delete", info.resource, info.namespace, info.name)
        self._remover.remove(kind, plain, options, user, dry, admitted=True)
        return Response(201, _SUCCESS, warnings=warnings)

    @staticmethod
    def _is_free(pod: Object) -> bool:
        """Whether no budget counts the pod: it has ended, has not begun, or is on its way out."""
        return is_deleting(pod) or (pod.get("status") or {}).get("phase") in _ENDED

    def _spend(self, pod: Object, dry: bool) -> None:
        found = [
            budget for budget in self._store.scan(self._budgets, pod["metadata"]["namespace"]) if covers(budget, pod)
        ]
        if not found:
            return
        if len(found) > 1:
            raise StatusError(500, "", _SEVERAL)
        budget = found[0]
        if not is_true(pod, "Ready") and may_go_unready(budget):
            return
        spent = _spent(budget, pod["metadata"]["name"], self._clock.timestamp())
        if not dry:
            meta = budget["metadata"]
            self._store.update(self._budgets, meta["namespace"], meta["name"], {**spent, "metadata": {**meta}})

    def _mark(self, kind: Kind, pod: Object) -> None:
        if is_true(pod, "DisruptionTarget"):
            return
        mark = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastTransitionTime": self._clock.timestamp(),
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        if "generation" in pod["metadata"]:
            mark["observedGeneration"] = pod["metadata"]["generation"]
        status = pod.get("status") or {}
        conditions = with_condition(status.get("conditions") or (), mark)
        self._writer.commit(kind, pod, {**pod, "status": {**status, "conditions": conditions}})


def covers(budget: Object, pod: Object) -> bool:
    """Whether the budget's selector chooses the pod; no selector chooses none."""
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and selectors.of_object(selector).matches(labels_of(pod))


def may_go_unready(budget: Object) -> bool:
    """Whether a pod that is not ready may be evicted without asking the budget."""
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = int(status.get("desiredHealthy") or 0)
    return desired > 0 and int(status.get("currentHealthy") or 0) >= desired


def _spent(budget: Object, pod: str, now: str) -> Object:
    """The budget with one disruption less. Raises TooManyRequests where there is none left."""
    meta, status = budget["metadata"], budget.get("status") or {}
    name = meta["name"]
    if int(status.get("observedGeneration") or 0) < int(meta.get("generation") or 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", _RETRY_SECONDS)
    allowed, disrupted = int(status.get("disruptionsAllowed") or 0), status.get("disruptedPods") or {}
    if allowed < 0:
        raise _forbidden(name, "pdb disruptions allowed is negative")
    if len(disrupted) > MOST_DISRUPTED:
        raise _forbidden(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if allowed == 0:
        raise _refused(_why_none(name, budget, status), 0)
    changed: dict[str, Any] = {
        **status,
        "disruptionsAllowed": allowed - 1,
        "disruptedPods": {**disrupted, pod: now},
    }
    if allowed == 1:
        generation = int(status.get("observedGeneration") or 0)
        conditions = status.get("conditions") or ()
        changed["conditions"] = with_condition(conditions, allowed_condition(0, generation, now))
    return {**budget, "status": changed}


def _why_none(name: str, budget: Object, status: Mapping[str, Any]) -> str:
    found = condition(budget, "DisruptionAllowed")
    if found is not None and found["status"] == "False" and found.get("reason") == "SyncFailed":
        message = found.get("message", "")
        return f"The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
    desired, current = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
    return f"The disruption budget {name} needs {desired} healthy pods and has {current} currently"


def _refused(why: str, retry: int) -> StatusError:
    return too_many_requests(_VIOLATION, retry, [{"reason": "DisruptionBudget", "message": why}])


def _forbidden(name: str, why: str) -> StatusError:
    details = {"name": name, "group": "policy", "kind": "poddisruptionbudget"}
    message = f'poddisruptionbudget.policy "{name}" is forbidden: {why}'
    return StatusError(403, "Forbidden", message, details)
