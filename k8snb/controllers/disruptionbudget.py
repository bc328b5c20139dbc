"""The disruption controller: says in each budget's status how many pods may be disrupted now.

How many there should be is what the controllers of the pods say (their scale); how many are well is counted. A pod
that the API server has just let go is noted in `disruptedPods` and counts as gone until it is, or for two minutes.
Upstream: `pkg/controller/disruption`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.client.events import EventRecorder
from k8snb.clock import parse_time
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.disruption import allowed_condition
from k8snb.machinery.objects import (
    controller_of,
    is_deleting,
    is_true,
    key_of,
    labels_of,
    revision_of,
    with_condition,
)
from k8snb.typing import Object, ObjectKey

DELETION_SECONDS = 120.0
"""How long a pod that was let go may take before it counts again."""

_BUDGETS = "poddisruptionbudgets.policy"
_SCALED = {
    ("apps", "ReplicaSet"): "replicasets.apps",
    ("apps", "Deployment"): "deployments.apps",
    ("apps", "StatefulSet"): "statefulsets.apps",
    ("", "ReplicationController"): "replicationcontrollers",
}
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)
_NONE: Mapping[str, Any] = {}


class UnknownScale(Exception):
    """How many pods there should be cannot be told."""


class DisruptionController(Controller):
    """Keeps the status of every PodDisruptionBudget. Pods are followed from the first budget on."""

    name = "disruption-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.events = EventRecorder(context.client, context.clock, "controllermanager")
        self._budgets = self.informers.of(_BUDGETS)
        self._follows = False

    def start(self) -> None:
        self._budgets.on_change(self._budget_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _budget_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        if not self._follows:
            self._follows = True
            self.informers.of("pods").on_change(self._pod_changed)
        self.queue.add(key_of(new), revision_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        for each in (old, new):
            if each is not None:
                self._wake(each, revision_of(pod))

    def _wake(self, pod: Object, cause: int) -> None:
        for budget in self._budgets.list(pod["metadata"]["namespace"]):
            if _selector(budget).matches(labels_of(pod)):
                self.queue.add(key_of(budget), cause)

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        budget = self._budgets.get(key.namespace, key.name)
        if budget is None:
            return None
        chosen = _selector(budget)
        pods = [pod for pod in self.informers.of("pods").list(key.namespace) if chosen.matches(labels_of(pod))]
        if not pods:
            self.events.normal(budget, "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget, pods)
        except UnknownScale as error:
            text = f"Failed to calculate the number of expected pods: {error}"
            self.events.warning(budget, "CalculateExpectedPodCountFailed", text)
            self._fail(budget, str(error))
            return None
        disrupted, recheck = self._disrupted(budget, pods)
        healthy = sum(1 for pod in pods if _is_healthy(pod, disrupted))
        allowed = max(0, healthy - desired) if expected > 0 else 0
        self.saw(pods=len(pods), healthy=healthy, desired=desired, allowed=allowed)
        had = (budget.get("status") or _NONE).get("disruptionsAllowed")
        self.compares(_("evictions allowed"), _("not counted yet") if had is None else had, allowed)
        counts = {
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }
        self._write(budget, counts, disrupted)
        return recheck

    def _expected(self, budget: Object, pods: Sequence[Object]) -> tuple[int, int]:
        """How many pods there should be, and how many of them must be well."""
        spec = budget.get("spec") or _NONE
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if most is not None:
            expected = self._scale(budget, pods)
            return expected, max(0, expected - _share(most, expected))
        if isinstance(least, str):
            expected = self._scale(budget, pods)
            return expected, _share(least, expected)
        return len(pods), least if least is not None else 0

    def _scale(self, budget: Object, pods: Sequence[Object]) -> int:
        """What the controllers of the pods want together. Raises `UnknownScale`."""
        wanted: dict[str, int] = {}
        unmanaged = False
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                unmanaged = True
            elif owner["uid"] not in wanted:
                uid, replicas = self._scale_of(pod, owner)
                wanted[owner["uid"]] = 0
                wanted[uid] = replicas
        if unmanaged:
            text = _UNMANAGED.format(_go_selector((budget.get("spec") or _NONE).get("selector")))
            self.events.warning(budget, "UnmanagedPods", text)
        return sum(wanted.values())

    def _scale_of(self, pod: Object, owner: Object) -> tuple[str, int]:
        namespace = pod["metadata"]["namespace"]
        found = self._owner(owner, namespace)
        above = controller_of(found) if found is not None and owner["kind"] == "ReplicaSet" else None
        if above is not None and above["kind"] == "Deployment":
            found = self._owner(above, namespace)
        if found is None:
            raise UnknownScale(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        return found["metadata"]["uid"], int(found["spec"].get("replicas", 1))

    def _owner(self, reference: Object, namespace: str) -> Object | None:
        group = reference["apiVersion"].rpartition("/")[0]
        word = _SCALED.get((group, reference["kind"]))
        if word is None:
            raise UnknownScale(
                f"{reference['kind'].lower()}s.{group} does not implement the scale subresource"
                if group
                else f"{reference['kind']} does not implement the scale subresource"
            )
        found = self.client.find(word, reference["name"], namespace)
        return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _disrupted(self, budget: Object, pods: Sequence[Object]) -> tuple[dict[str, str], float | None]:
        """The pods that were let go and are still there, and when to look again."""
        noted = (budget.get("status") or _NONE).get("disruptedPods") or _NONE
        kept: dict[str, str] = {}
        waits: list[float] = []
        for pod in pods:
            name = pod["metadata"]["name"]
            if name not in noted or is_deleting(pod):
                continue
            left = parse_time(noted[name]) + DELETION_SECONDS - self.clock.now()
            if left < 0:
                meta = budget["metadata"]
                text = f"Pod was expected by PDB {meta['namespace']}/{meta['name']} to be deleted but it wasn't"
                self.events.warning(pod, "NotDeleted", text)
            else:
                kept[name] = noted[name]
                waits.append(left)
        return kept, min(waits) if waits else None

    # -- writing -----------------------------------------------------------------------------------

    def _write(self, budget: Object, counts: Mapping[str, int], disrupted: Mapping[str, str]) -> None:
        status = budget.get("status") or _NONE
        generation = int(budget["metadata"].get("generation") or 0)
        fresh = allowed_condition(counts["disruptionsAllowed"], generation, self.clock.timestamp())
        conditions = with_condition(status.get("conditions") or (), fresh)
        new: dict[str, Any] = {"observedGeneration": generation, **counts, "conditions": conditions}
        if disrupted:
            new["disruptedPods"] = dict(disrupted)
        if new != {name: value for name, value in status.items() if value or name in counts}:
            self.wants(_("the count has changed: write it into the status"))
            self._update({**budget, "status": new})
        else:
            self.wants(_("the count is right: nothing to do"))

    def _fail(self, budget: Object, why: str) -> None:
        """Allow nothing while the numbers are not known."""
        status = budget.get("status") or _NONE
        generation = int(budget["metadata"].get("generation") or 0)
        failed = {**allowed_condition(0, generation, self.clock.timestamp()), "reason": "SyncFailed", "message": why}
        conditions = with_condition(status.get("conditions") or (), failed)
        new = {**status, "disruptionsAllowed": 0, "observedGeneration": generation, "conditions": conditions}
        if new != status:
            self._update({**budget, "status": new})

    def _update(self, budget: Object) -> None:
        try:
            self.client.update_status(_BUDGETS, budget)
        except StatusError as error:
            if error.code not in (404, 409):
                raise


def _selector(budget: Object) -> selectors.LabelSelector:
    return selectors.of_object((budget.get("spec") or _NONE).get("selector"))


def _is_healthy(pod: Object, disrupted: Mapping[str, str]) -> bool:
    return not is_deleting(pod) and pod["metadata"]["name"] not in disrupted and is_true(pod, "Ready")


def _share(value: int | str, whole: int) -> int:
    """A count, or a percentage of the whole rounded up."""
    return value if isinstance(value, int) else math.ceil(int(value.removesuffix("%")) * whole / 100)


def _go_selector(selector: Object | None) -> str:
    """A selector as Go prints a pointer to one."""
    return "nil" if selector is None else "&LabelSelector{" + ",".join(_go_parts(selector)) + ",}"


def _go_parts(selector: Object) -> Iterator[str]:
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    yield f"MatchLabels:map[string]string{{{labels}}}"
    expressions = "".join(map(_go_expression, selector.get("matchExpressions") or ()))
    yield f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}}"


def _go_expression(expression: Object) -> str:
    values = " ".join(expression.get("values") or ())
    key, operator = expression["key"], expression["operator"]
    return f"LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},"
