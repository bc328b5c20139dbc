"""The requests that the scheduler sends: bindings, pod conditions, evictions, events. There are no others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from k8snb.client.client import Client
from k8snb.client.event_series import EventSeriesRecorder
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.devices.claims import CLAIMS, FINALIZER, consumer
from k8snb.machinery.objects import annotations_of, condition, is_deleting, reference_to, with_meta
from k8snb.machinery.recorded import Shape
from k8snb.machinery.volumes import BOUND_BY_CONTROLLER, SELECTED_NODE, is_for
from k8snb.scheduler.nominator import nominated_node
from k8snb.typing import Object

NOTE_LIMIT = 1024
"""An event's note holds no more characters."""
OK, GONE = 200, 404
_ATTEMPTS = 5
"""How often a claim is written that others change too."""


class Api(Protocol):
    """What the scheduler and its plugins may ask of the API server."""

    def bind(self, pod: Object, node: str) -> None: ...

    def set_unscheduled(self, pod: Object, reason: str, message: str, nominated: str | None) -> None: ...

    def nominate(self, pod: Object, node: str) -> bool: ...

    def preempt(self, victim: Object, preemptor: Object, node: str) -> bool: ...

    def tell_preempted(self, victim: Object, preemptor: Object, node: str, more: str = "") -> None: ...

    def event(self, pod: Object, type: str, reason: str, action: str, note: str) -> None: ...

    def give(self, volume: Object, claim: Object) -> Object: ...

    def select_node(self, claim: Object, node: str) -> None: ...

    def reserve_claim(self, claim: Object, allocation: Object | None, pod: Object) -> Object: ...

    def release_claim(self, claim: Object, pod: Object) -> Object | None: ...

    def deallocate(self, claim: Object) -> Object: ...

    def make_claim(self, claim: Object) -> Object: ...

    def remove_claim(self, claim: Object) -> None: ...

    def tell_devices(self, pod: Object, claim: str, mappings: Sequence[Object]) -> None: ...


class Refused(Exception):
    """The API refused; the message says what."""


class ApiCalls:
    """The requests, sent through a client."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._recorder = EventSeriesRecorder(client, clock, "default-scheduler")
        self._scheduled: dict[str, Shape] = {}

    def bind(self, pod: Object, node: str) -> None:
        """Give the pod its node. Raises `StatusError` if the API refuses."""
        self._client.bind(pod, node)

    def set_unscheduled(self, pod: Object, reason: str, message: str, nominated: str | None) -> None:
        """Say in the pod's status why it has no node; `nominated` (if not None) is the node kept for it."""
        status: dict[str, object] = {}
        found = condition(pod, "PodScheduled")
        told = None if found is None else (found["status"], found.get("reason"), found.get("message"))
        if told != ("False", reason, message):
            status["conditions"] = [self._unscheduled(pod, found, reason, message)]
        if nominated is not None and nominated != nominated_node(pod):
            status["nominatedNodeName"] = nominated or None
        self._patch_status(pod, status)

    def _unscheduled(self, pod: Object, found: Object | None, reason: str, message: str) -> Object:
        same = found is not None and found["status"] == "False"
        since = found["lastTransitionTime"] if same and found is not None else self._clock.timestamp()
        new = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        return {"lastProbeTime": None, "lastTransitionTime": since, **_generation(pod), **new}

    def nominate(self, pod: Object, node: str) -> bool:
        """Say in the pod's status which node is kept for it; an empty name keeps none. False if the API refused."""
        same = node == nominated_node(pod)
        return same or self._patch_status(pod, {"nominatedNodeName": node or None}) == OK

    def preempt(self, victim: Object, preemptor: Object, node: str) -> bool:
        """Make a pod leave its node for a more important one. False if the API refused."""
        meta = victim["metadata"]
        scheduler = preemptor["spec"].get("schedulerName") or "default-scheduler"
        disrupted = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{scheduler}: preempting to accommodate a higher priority pod",
            "lastProbeTime": None,
            "lastTransitionTime": self._clock.timestamp(),
            **_generation(victim),
        }
        code = self._patch_status(victim, {"conditions": [disrupted]})
        if code == OK:
            try:
                self._client.delete("pods", meta["name"], meta["namespace"])
            except StatusError as error:
                code = error.code
        if code == OK:
            self.tell_preempted(victim, preemptor, node)
        return code in (OK, GONE)

    def tell_preempted(self, victim: Object, preemptor: Object, node: str, more: str = "") -> None:
        """Tell people why a pod leaves."""
        note = f"Preempted by pod {preemptor['metadata']['uid']} on node {node}{more}"
        self._recorder.record(victim, "Normal", "Preempted", "Preempting", note, related=preemptor)

    def give(self, volume: Object, claim: Object) -> Object:
        """Keep a volume for a claim; the volume as it is then."""
        annotations = annotations_of(volume)
        if not is_for(volume, claim):
            annotations = {**annotations, BOUND_BY_CONTROLLER: "yes"}
        spec = {**volume["spec"], "claimRef": reference_to(claim)}
        changed = with_meta({**volume, "spec": spec}, annotations=annotations or None)
        return self._client.update("persistentvolumes", changed)

    def select_node(self, claim: Object, node: str) -> None:
        """Tell whoever makes volumes for which node this one is."""
        annotations = {**annotations_of(claim), SELECTED_NODE: node}
        self._client.update("persistentvolumeclaims", with_meta(claim, annotations=annotations))

    def reserve_claim(self, claim: Object, allocation: Object | None, pod: Object) -> Object:
        """Let a pod use a claim, with its devices if it had none; the claim as it is then. Raises Refused."""
        whose = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
        for _attempt in range(_ATTEMPTS):
            try:
                return self._reserve(claim, allocation, pod, whose)
            except StatusError as error:
                if error.code != 409:
                    raise Refused(error.message) from None
                claim = self._client.get(CLAIMS, claim["metadata"]["name"], claim["metadata"]["namespace"])
        raise Refused(f"claim {whose} is changed all the time")

    def _reserve(self, claim: Object, allocation: Object | None, pod: Object, whose: str) -> Object:
        status = dict(claim.get("status") or {})
        if is_deleting(claim):
            raise Refused(f"claim {whose} got deleted in the meantime")
        if allocation is not None:
            if status.get("allocation") is not None:
                raise Refused(f"claim {whose} got allocated elsewhere in the meantime")
            finalizers = claim["metadata"].get("finalizers") or ()
            if FINALIZER not in finalizers:
                claim = self._client.update(CLAIMS, with_meta(claim, finalizers=[*finalizers, FINALIZER]))
            status["allocation"] = {**allocation, "allocationTimestamp": self._clock.timestamp()}
        status["reservedFor"] = [*(status.get("reservedFor") or ()), consumer(pod)]
        try:
            return self._client.update_status(CLAIMS, {**claim, "status": status})
        except StatusError as error:
            if error.code == 409:
                raise
            what = "allocation and reservation" if allocation is not None else "reservation"
            raise Refused(f"add {what} to claim {whose}: {error.message}") from None

    def release_claim(self, claim: Object, pod: Object) -> Object | None:
        """A pod does not use the claim after all; the claim as it is then, None if the API refused."""
        meta = claim["metadata"]
        leaving = [{"$patch": "delete", "uid": pod["metadata"]["uid"]}]
        patch = {"metadata": {"uid": meta["uid"]}, "status": {"reservedFor": leaving}}
        with suppress(StatusError):
            return self._client.patch(
                CLAIMS, meta["name"], patch, meta["namespace"], kind="strategic", subresource="status"
            )
        return None

    def deallocate(self, claim: Object) -> Object:
        """Take a claim's devices away from it; the claim as it is then."""
        gone = ("allocation", "reservedFor", "devices")
        status = {name: value for name, value in claim["status"].items() if name not in gone}
        return self._client.update_status(CLAIMS, {**claim, "status": status})

    def make_claim(self, claim: Object) -> Object:
        """Make a claim for the extended resources of a pod. Raises Refused."""
        meta = {name: value for name, value in claim["metadata"].items() if name not in ("name", "uid")}
        try:
            return self._client.create(CLAIMS, {**claim, "metadata": meta})
        except StatusError as error:
            raise Refused(f"create claim for extended resources {meta['namespace']}/: {error.message}") from None

    def remove_claim(self, claim: Object) -> None:
        """Such a claim is of no use. Raises `StatusError` if the API refuses."""
        meta = claim["metadata"]
        known = self._client.find(CLAIMS, meta["name"], meta["namespace"])
        if known is None:
            return
        left = [each for each in known["metadata"].get("finalizers") or () if each != FINALIZER]
        self._client.update(CLAIMS, with_meta(known, finalizers=left or None))
        self._client.delete(CLAIMS, meta["name"], meta["namespace"])

    def tell_devices(self, pod: Object, claim: str, mappings: Sequence[Object]) -> None:
        """Say in the pod's status which container gets what of the claim for its extended resources. Raises Refused."""
        status = {"requestMappings": list(mappings), "resourceClaimName": claim}
        if self._patch_status(pod, {"extendedResourceClaimStatus": status}) != OK:
            whose = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            raise Refused(f"update pod {whose} ExtendedResourceClaimStatus")

    def tell_scheduled(self, pod: Object, node: str) -> None:
        """Tell people where a pod goes. That happens to a pod once only, so it need not be remembered."""
        meta = pod["metadata"]
        namespace = meta["namespace"]
        shape = self._scheduled.get(namespace)
        if shape is None:
            shape = self._scheduled[namespace] = self._recorder.shape(pod, "Normal", "Scheduled", "Binding")
        self._recorder.record_once(shape, pod, f"Successfully assigned {namespace}/{meta['name']} to {node}")

    def event(self, pod: Object, type: str, reason: str, action: str, note: str) -> None:
        """Tell people."""
        short = note if len(note) <= NOTE_LIMIT else note[: NOTE_LIMIT - 4] + " ..."
        self._recorder.record(pod, type, reason, action, short)

    def _patch_status(self, pod: Object, status: Object) -> int:
        """The code of the answer: whoever is refused (by its rights, by a webhook) goes on to schedule."""
        if not status:
            return OK
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        try:
            self._client.patch("pods", meta["name"], patch, meta["namespace"], kind="strategic", subresource="status")
        except StatusError as error:
            return error.code
        return OK


def _generation(pod: Object) -> Object:
    generation = pod["metadata"].get("generation")
    return {"observedGeneration": generation} if generation else {}
