"""Resizing in place: other requests and limits for containers that run.

A pod keeps what it was given until the node has room for what its spec asks for now. Then it is given that at once
(`PodResizeInProgress`): the runtime is told the new limits, or the container runs anew where its `resizePolicy` says
so. Where there is no room the wish is kept (`PodResizePending`) and weighed again when something is given back. The
plan of a pod's worker is what it was given; the pod itself says what is wanted.

Upstream: `pkg/kubelet/allocation`, `computePodResizeAction` and `doPodResizeAction` in `kuberuntime_manager.go`, and
the messages of `pkg/kubelet/events/resize.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from k8snb.kubelet.plan import ContainerPlan, PodPlan
from k8snb.kubelet.pulling import RELIST_SECONDS, RESYNC_SECONDS
from k8snb.machinery import quantity
from k8snb.machinery.amounts import same
from k8snb.machinery.qos import qos_class
from k8snb.machinery.resizing import IN_PROGRESS, INFEASIBLE, PENDING
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

DEFERRED = "Deferred"
_ERROR = "Error"
_NEWS = ("reason", "message", "observedGeneration")
_STATIC = "In-place resize of static-pods is not supported"
_LISTS = ("initContainers", "containers")
_KINDS = ("requests", "limits")
_NONE: Mapping[str, Any] = {}


class Resizing:
    """What has become of a pod's wish for other resources. It takes turns of its own."""

    __slots__ = ("epoch", "pending", "progress", "worker")

    def __init__(self, worker: PodWorker) -> None:
        self.worker = worker
        self.epoch = 0
        self.pending: Object | None = None
        """The condition `PodResizePending`, if it holds."""
        self.progress: Object | None = None
        """The condition `PodResizeInProgress`, if it holds."""

    @property
    def host(self) -> Kubelet:
        """The kubelet."""
        return self.worker.kubelet

    @property
    def key(self) -> ObjectKey:
        """The pod's key."""
        return self.worker.key

    @property
    def conditions(self) -> list[Object]:
        """The conditions that hold."""
        return [found for found in (self.pending, self.progress) if found is not None]

    def deliver(self, event: str) -> None:
        """Weigh the wish again, try again to carry it out, or see whether that is done."""
        worker = self.worker
        if worker.state not in ("Preparing", "Running"):
            return
        if event == "weigh" and self.pending is not None:
            weigh(worker)
        elif event == "carry out":
            self.carry_out()
        elif event == "look":
            self._look()

    # -- the wish ----------------------------------------------------------------------------------

    def wait(self, reason: str, message: str) -> None:
        """It cannot be had now, or never: say so, once."""
        generation = self._generation()
        before = self.pending
        self.pending = self._condition(PENDING, before, reason, message)
        if before is None or any(before.get(name) != self.pending.get(name) for name in _NEWS):
            said = _told(f"Pod resize {reason}", self.worker.pod["spec"], generation, message)
            self.host.events.record(self.worker.pod, "Warning", f"Resize{reason}", said)
            self.worker.write()

    def drop(self) -> None:
        """Nothing is wished for any more."""
        self.pending = None
        self.host.deferred.pop(self.worker.uid, None)

    def give(self, plan: PodPlan) -> None:
        """There is room: from now on the pod has what the plan says."""
        worker = self.worker
        self.drop()
        self.host.release(worker.plan)
        self.host.reserve(plan)
        worker.plan = plan
        for unit, fresh in zip(worker.units, plan.every, strict=False):
            if unit.plan is not fresh:
                self._promise(unit, fresh)
        self.progress = self._condition(IN_PROGRESS, None, "", "")
        said = _told("Pod resize started", worker.pod["spec"], self._generation())
        self.host.events.record(worker.pod, "Normal", "ResizeStarted", said)
        worker.write()
        self.carry_out()

    def _promise(self, unit: ContainerUnit, plan: ContainerPlan) -> None:
        before, unit.plan = unit.plan, plan
        runs = unit.container is not None and unit.container.state == "running"
        if runs and unit.actual is None and not _equal(before.spec, plan.spec):
            unit.actual = _resources(before.spec)

    # -- carrying it out ---------------------------------------------------------------------------

    def carry_out(self) -> None:
        """Bring what runs in line with what was promised, and look a little later whether it is."""
        error = self._too_small()
        if error:
            self._fail(error)
            return
        for unit in self._waiting():
            if _restarts(unit):
                unit.replace(f"Container {unit.plan.name} resize requires restart")
            elif unit.container is not None:
                self.host.runtime.update_container_resources(unit.container, unit.plan.config)
                unit.actual = None
        self.host.pool.later(RELIST_SECONDS, self, "look")

    def _waiting(self) -> Iterator[ContainerUnit]:
        """The running containers that have other resources than they were promised."""
        for unit in self.worker.units:
            if unit.actual is not None and unit.state == "Running":
                yield unit

    def _look(self) -> None:
        if self.progress is None or any(unit.actual is not None for unit in self.worker.units):
            return
        self.progress = None
        worker = self.worker
        said = _told("Pod resize completed", worker.plan.spec, self._generation())
        self.host.events.record(worker.pod, "Normal", "ResizeCompleted", said)
        worker.write()

    def _fail(self, error: str) -> None:
        generation, before = self._generation(), self.progress
        self.progress = self._condition(IN_PROGRESS, before, _ERROR, error)
        if before is None or before.get("message") != error:
            said = _told("Pod resize error", self.worker.plan.spec, generation, error)
            self.host.events.record(self.worker.pod, "Warning", "ResizeError", said)
            self.worker.write()
        self.host.pool.later(RESYNC_SECONDS, self, "carry out", background=True)

    def _too_small(self) -> str:
        """Why memory limits cannot shrink just now: more is in use than they would allow. Empty if they can."""
        found, used, limit = [], 0, 0
        for unit in self.worker.units:
            if unit.container is None or unit.container.state != "running":
                continue
            wanted = unit.plan.config.memory_limit
            uses = unit.container.usage().memory_bytes if unit.actual is not None or used else 0
            limit, used = limit + wanted, used + uses
            shrinks = unit.actual is not None and 0 < wanted < (unit.container.config.memory_limit or wanted + 1)
            if shrinks and uses > wanted and not _restarts(unit):
                name = f'container "{unit.plan.name}"'
                found.append(f"attempting to set {name} memory limit ({wanted}) below current usage ({uses})")
        if found and all(each.config.memory_limit for each in self.worker.plan.mains) and used > limit:
            found.insert(0, f"attempting to set pod memory limit ({limit}) below current usage ({used})")
        told = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        return f"cannot decrease memory limits: {told}" if found else ""

    def _generation(self) -> int | None:
        found: int | None = self.worker.pod["metadata"].get("generation")
        return found

    def _condition(self, type: str, before: Object | None, reason: str, message: str) -> Object:
        now = self.host.clock.timestamp()
        kept = before is not None and before.get("reason", "") == reason
        since = before["lastTransitionTime"] if kept and before is not None else now
        made: dict[str, Any] = {"type": type, "status": "True", "lastProbeTime": now, "lastTransitionTime": since}
        if self._generation() is not None:
            made["observedGeneration"] = self._generation()
        told = {"reason": reason, "message": message}
        return {**made, **{name: text for name, text in told.items() if text}}


# -- what workers and kubelets ask -----------------------------------------------------------------------


def as_given(worker: PodWorker) -> Object:
    """The pod with the resources that it was given: the pod itself, if it asks for no others."""
    pod, given = worker.pod, worker.plan.spec
    spec = pod["spec"]
    changed: dict[str, Any] = {}
    for name in _LISTS:
        before = {each["name"]: each for each in given.get(name) or ()}
        now = spec.get(name) or ()
        if any(not _equal(each, before.get(each["name"], each)) for each in now):
            changed[name] = [_with_resources(each, before.get(each["name"], each)) for each in now]
    if not _equal(spec, given):
        changed["resources"] = given.get("resources")
    return {**pod, "spec": {**spec, **changed}} if changed else pod


def weigh(worker: PodWorker) -> None:
    """Give a pod what it asks for, if the node has room; otherwise let it wait."""
    kubelet, wish = worker.kubelet, worker.resizing or Resizing(worker)
    worker.resizing = wish
    wanted = kubelet.pool.plans.of(worker.pod)
    if worker.is_static:
        wish.wait(INFEASIBLE, _STATIC)
        return
    lacking = kubelet.lacks(wanted, worker.plan)
    if lacking:
        kubelet.deferred[worker.uid] = worker
        wish.wait(DEFERRED, lacking)
    else:
        wish.give(wanted)


def settle(worker: PodWorker) -> None:
    """The pod asks for what it has."""
    if worker.resizing is not None:
        worker.resizing.drop()


def retry(kubelet: Kubelet) -> None:
    """Something was given back: whoever waits is weighed again, the most important first."""
    for worker in sorted(kubelet.deferred.values(), key=_rank):
        if worker.resizing is not None:
            kubelet.pool.post(worker.resizing, "weigh")


def _rank(worker: PodWorker) -> tuple[bool, int, bool, str]:
    """Those that ask for no more come first, then priority, quality of service and patience decide."""
    wanted, has = worker.kubelet.pool.plans.of(worker.pod), worker.plan
    spec, pending = worker.pod["spec"], worker.resizing and worker.resizing.pending
    since = str((pending or _NONE).get("lastTransitionTime", ""))
    more = wanted.cpu > has.cpu or wanted.memory > has.memory
    return more, -int(spec.get("priority") or 0), qos_class(spec) != "Guaranteed", since


# -- resources of a container ------------------------------------------------------------------------------


def _resources(container: Object) -> Object:
    """Requests and limits, as a container's status shows them."""
    resources: Object = container.get("resources") or _NONE
    return {kind: resources[kind] for kind in ("limits", "requests") if kind in resources}


def _equal(one: Object, other: Object) -> bool:
    """Whether both ask for the same amounts."""
    a, b = one.get("resources") or _NONE, other.get("resources") or _NONE
    return a is b or a == b or all(same(a.get(kind) or _NONE, b.get(kind) or _NONE) for kind in _KINDS)


def _with_resources(container: Object, given: Object) -> Object:
    kept = {name: value for name, value in container.items() if name != "resources"}
    return {**kept, "resources": given["resources"]} if "resources" in given else kept


def _restarts(unit: ContainerUnit) -> bool:
    """Whether the container has to run anew to get what it was promised."""
    policies = unit.plan.spec.get("resizePolicy") or ()
    named = [each["resourceName"] for each in policies if each.get("restartPolicy") == "RestartContainer"]
    before, after = unit.actual or _NONE, unit.plan.spec.get("resources") or _NONE
    return any(_amount(before, kind, name) != _amount(after, kind, name) for name in named for kind in _KINDS)


def _amount(resources: Object, kind: str, name: str) -> int:
    return quantity.parse((resources.get(kind) or _NONE).get(name, "0")).nano


# -- messages ----------------------------------------------------------------------------------------------


def _told(what: str, spec: Object, generation: int | None, error: str = "") -> str:
    """What happened, and to which resources, as the events say it: a sentence and JSON."""
    summary: dict[str, Any] = {}
    if spec.get("resources"):
        summary["resources"] = _sorted(spec["resources"])
    for name in _LISTS:
        if spec.get(name):
            summary[name] = [{"name": c["name"], "resources": _sorted(c.get("resources") or _NONE)} for c in spec[name]]
    summary["generation"] = generation or 0
    if error:
        summary["error"] = error
    return f"{what}: {json.dumps(summary, ensure_ascii=False, separators=(',', ':'))}"


def _sorted(resources: Object) -> Object:
    found = {kind: dict(sorted(resources[kind].items())) for kind in ("limits", "requests") if resources.get(kind)}
    return {**found, **({"claims": resources["claims"]} if resources.get("claims") else {})}
