"""The HorizontalPodAutoscaler controller: every 15 seconds, does each workload have as many pods as its load needs?

It reads the size of its target, asks the metrics, and writes the size, through the `scale` subresource alone, so that
it can scale whatever has one. Upstream: `pkg/controller/podautoscaler/horizontal.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8snb.client.controller import Context, Controller
from k8snb.controllers.autoscaler.calculator import Calculator
from k8snb.controllers.autoscaler.metrics import Metrics
from k8snb.controllers.autoscaler.proposals import Outcome, Proposer
from k8snb.controllers.autoscaler.stabilising import Memory, Stamped, decide
from k8snb.controllers.autoscaler.working import IN_SILENCE, TOLERANCE, Tolerance, Working
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import is_deleting, key_of, labels_of, with_condition
from k8snb.machinery.quantity import NANO, parse
from k8snb.machinery.selectors import SelectorError
from k8snb.typing import Object, ObjectKey

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
PERIOD_SECONDS = 15.0
"""How often each autoscaler is looked at, and how long after it was made first."""
ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


class Target(NamedTuple):
    """What is scaled: the resource and the scale that was read of it."""

    resource: str
    scale: Object

    @property
    def replicas(self) -> int:
        """How many pods are asked for now."""
        return int((self.scale.get("spec") or {}).get("replicas") or 0)


class HorizontalPodAutoscalerController(Controller):
    """Scales what each autoscaler names."""

    name = "horizontal-pod-autoscaler"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._autoscalers = self.informers.of(AUTOSCALERS)
        self._metrics = Metrics(context.client)
        self._written = Written()
        self._memories: dict[ObjectKey, Memory] = {}
        self._selectors: dict[ObjectKey, selectors.LabelSelector] = {}

    def start(self) -> None:
        self._autoscalers.on_change(self._autoscaler_changed)

    def _autoscaler_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        assert obj is not None
        if new is None:
            self._written.forget(obj["metadata"]["uid"])
            self._memories.pop(key_of(obj), None)
            self._selectors.pop(key_of(obj), None)
        else:
            self.queue.add_after(key_of(new), PERIOD_SECONDS, background=True)

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        hpa = self._autoscalers.get(*key)
        if hpa is None:
            self.wants(_("the autoscaler is gone: nothing to do"))
            return None
        self.queue.add_after(key, PERIOD_SECONDS, background=True)
        if is_deleting(hpa):
            return None
        working = Working() if self.trace.enabled else IN_SILENCE
        look = _Look(self._written.newest(hpa), self.clock.timestamp(), working)
        target = self._target(look)
        if target is not None:
            memory = self._memories.setdefault(key, Memory())
            if not memory.answers:
                memory.answers.append(Stamped(self.clock.now(), target.replicas))
            self._scale(look, target, memory)
        if look.status != look.hpa.get("status"):
            self._written.put_status(self.client, AUTOSCALERS, look.hpa, look.status)
        return None

    def _target(self, look: _Look) -> Target | None:
        """What is to be scaled, if it can be read."""
        reference, namespace = look.hpa["spec"]["scaleTargetRef"], look.hpa["metadata"]["namespace"]
        api_version, kind = reference.get("apiVersion") or "v1", reference["kind"]
        resource = self.client.scheme.kind(api_version, kind)
        if resource is None:
            group = api_version.rpartition("/")[0]
            self._cannot_read(look, f'no matches for kind "{kind}" in group "{group}"')
            return None
        try:
            scale = self.client.get(resource.group_resource, reference["name"], namespace, subresource="scale")
        except StatusError as error:
            self._cannot_read(look, error.message)
            return None
        look.note(ABLE, "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        return Target(resource.group_resource, scale)

    def _cannot_read(self, look: _Look, why: str) -> None:
        self.wants(_("the target cannot be read: {why}"), why=why)
        self.events.warning(look.hpa, "FailedGetScale", why)
        text = f"the HPA controller was unable to get the target's current scale: {why}"
        look.note(ABLE, "False", "FailedGetScale", text)

    def _scale(self, look: _Look, target: Target, memory: Memory) -> None:
        """Find out how many pods there should be, and have as many."""
        spec, current = look.hpa["spec"], target.replicas
        least, most = int(spec.get("minReplicas", 1)), int(spec["maxReplicas"])
        wanted, reason = current, ""
        if current == 0 and least != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            look.note(ACTIVE, "False", "ScalingDisabled", text)
        elif current > most:
            wanted, reason = most, "Current number of replicas above Spec.MaxReplicas"
        elif current < least:
            wanted, reason = least, "Current number of replicas below Spec.MinReplicas"
        else:
            outcome = self._ask(look, target)
            look.metrics(outcome.statuses)
            if outcome.replicas is None:
                look.sizes(current, None)
                self.events.warning(look.hpa, "FailedComputeMetricsReplicas", outcome.error)
                self.wants(_("no metric says how many pods are needed: leave it at {count}"), count=current)
                return
            wanted, reason = self._decide(look, memory, current, outcome)
        self.saw(current=current, **look.working.notes, least=least, most=most, wanted=wanted)
        self.compares(_("replicas"), current, wanted)
        if wanted == current:
            self.wants(_("{count} is right: nothing to do"), count=current)
            look.sizes(current, current)
        else:
            self._rescale(look, target, wanted, reason, memory)

    def _decide(self, look: _Look, memory: Memory, current: int, outcome: Outcome) -> tuple[int, str]:
        """How many pods there shall be, and why."""
        assert outcome.replicas is not None
        decision = decide(look.hpa["spec"], memory, current, outcome.replicas, self.clock.now())
        look.note(ABLE, "True", *decision.able)
        look.note(LIMITED, "True" if decision.limited else "False", *decision.limit)
        look.working.decision(outcome.replicas, decision.held, decision.replicas, decision.able[1], decision.limit[1])
        if outcome.replicas > current:
            return decision.replicas, f"{outcome.name} above target"
        return decision.replicas, "All metrics below target" if outcome.replicas < current else ""

    def _ask(self, look: _Look, target: Target) -> Outcome:
        """What the metrics ask for."""
        status = target.scale.get("status") or {}
        text = status.get("selector") or ""
        try:
            selector = selectors.parse(text) if text else None
        except SelectorError as error:
            why = f"couldn't convert selector into a corresponding internal selector object: {error}"
            return self._no_selector(look, "InvalidSelector", why, why)
        if selector is None:
            missing = "the HPA target's scale is missing a selector"
            return self._no_selector(look, "SelectorRequired", "selector is required", missing)
        key = key_of(look.hpa)
        namespace, now = key.namespace, self.clock.now()
        self._selectors[key] = selector
        pods = [pod for pod in self.informers.of("pods").list(namespace) if selector.matches(labels_of(pod))]
        rivals = [each for each in self._selectors if each.namespace == namespace and self._selects(each, pods)]
        if len(rivals) > 1:
            shown = " ".join(f"{{{each.name} {each.namespace}}}" for each in sorted(rivals))
            why = f"pods by selector {text} are controlled by multiple HPAs: [{shown}]"
            return self._no_selector(look, "AmbiguousSelector", why, why)
        calculator = Calculator(pods, target.replicas, _tolerance(look.hpa["spec"]), now, look.working)
        proposer = Proposer(self._metrics, calculator, namespace, text, int(status.get("replicas") or 0))
        outcome = proposer.propose(look.hpa["spec"].get("metrics") or (), target.replicas)
        for failure in outcome.failures:
            self.events.warning(look.hpa, failure.reason, failure.why)
        if outcome.replicas is None and outcome.failures:
            reason, why, _error = outcome.failures[0]
            look.note(ACTIVE, "False", reason, f"the HPA was unable to compute the replica count: {why}")
        elif outcome.replicas is not None:
            text = f"the HPA was able to successfully calculate a replica count from {outcome.name}"
            look.note(ACTIVE, "True", "ValidMetricFound", text)
        return outcome

    def _selects(self, key: ObjectKey, pods: Sequence[Object]) -> bool:
        """Whether an autoscaler scales one of these pods too."""
        return any(self._selectors[key].matches(labels_of(pod)) for pod in pods)

    def _no_selector(self, look: _Look, reason: str, error: str, message: str) -> Outcome:
        self.events.warning(look.hpa, reason, error)
        look.note(ACTIVE, "False", "InvalidSelector" if reason == "SelectorRequired" else reason, message)
        return Outcome(None, "", [], [], error)

    def _rescale(self, look: _Look, target: Target, wanted: int, reason: str, memory: Memory) -> None:
        current = target.replicas
        self.wants(_("{reason}: scale from {current} to {wanted}"), reason=reason, current=current, wanted=wanted)
        scale = {**target.scale, "spec": {**(target.scale.get("spec") or {}), "replicas": wanted}}
        try:
            self.client.update(target.resource, scale, subresource="scale")
        except StatusError as error:
            text = f"New size: {wanted}; reason: {reason}; error: {error.message}"
            self.events.warning(look.hpa, "FailedRescale", text)
            why = f"the HPA controller was unable to update the target scale: {error.message}"
            look.note(ABLE, "False", "FailedUpdateScale", why)
            look.sizes(current, None)
            return
        text = f"the HPA controller was able to update the target scale to {wanted}"
        look.note(ABLE, "True", "SucceededRescale", text)
        self.events.normal(look.hpa, "SuccessfulRescale", f"New size: {wanted}; reason: {reason}")
        if look.hpa["spec"].get("behavior") is not None:
            memory.scaled(current, wanted, self.clock.now())
        look.sizes(current, wanted)
        look.status["lastScaleTime"] = look.now


class _Look:
    """An autoscaler, and the status that comes of one look at it."""

    def __init__(self, hpa: Object, now: str, working: Working) -> None:
        self.hpa = hpa
        self.now = now
        self.working = working
        self.status: dict[str, Any] = {k: v for k, v in (hpa.get("status") or {}).items() if v is not None}

    def note(self, type: str, status: str, *why: str) -> None:
        """Set a condition: its status, reason and message."""
        reason, message = why
        new = {"type": type, "status": status, "lastTransitionTime": self.now, "reason": reason, "message": message}
        self.status["conditions"] = with_condition(self.status.get("conditions") or (), new)

    def sizes(self, current: int, desired: int | None) -> None:
        """How many pods there are, and how many there shall be."""
        self.status["currentReplicas"] = current
        if desired is not None:
            self.status["desiredReplicas"] = desired

    def metrics(self, statuses: list[Object]) -> None:
        """What the metrics say."""
        self.status["currentMetrics"] = statuses or None


def _tolerance(spec: Object) -> Tolerance:
    behavior = spec.get("behavior") or {}

    def of(name: str) -> float:
        text = (behavior.get(name) or {}).get("tolerance")
        return TOLERANCE if text is None else parse(text).nano / NANO

    return Tolerance(of("scaleDown"), of("scaleUp"))
