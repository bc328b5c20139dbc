"""The devices that a pod has claimed: made ready by their driver before a container starts, given back at the end.

The scheduler has written which devices a claim has, and that the pod may use it; without that no container starts. What
the driver answers is kept by claim, because pods of one node can share it. Upstream: `pkg/kubelet/cm/dra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from k8snb.dra.driver import DeviceDriver, DeviceFailed, Prepared
from k8snb.machinery.devices.claims import (
    CLAIMS,
    NoClaim,
    allocation_of,
    check_owner,
    claim_name,
    claims_of,
    is_generated,
    is_reserved_for,
)
from k8snb.machinery.devices.extended import IN_MEMORY, status_of
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker


_EXTENDED: Object = {"name": IN_MEMORY}
"""What the claim for a pod's extended resources goes by here."""


class NotPrepared(Exception):
    """The devices are not ready; the message is the kubelet's."""


class _Ready:
    """A claim whose devices are ready on this node, and the pods that it is ready for."""

    def __init__(self, claim: Object, devices: Mapping[str, Sequence[Prepared]]) -> None:
        meta = claim["metadata"]
        self.name = f"{meta['namespace']}/{meta['name']}"
        self.uid: str = meta["uid"]
        self.devices = devices
        """By driver."""
        self.users: dict[str, None] = {}


class Devices:
    """The claims of one node."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self._ready: dict[str, _Ready] = {}
        self._of_pod: dict[str, dict[str, _Ready]] = {}
        """By the pod's UID: its claims, by what its spec calls them."""

    def prepare(self, worker: PodWorker) -> None:
        """Have the devices of a pod made ready; raises NotPrepared."""
        claims = list(self._claims(worker))
        for _wanted, claim in claims:
            for driver in _drivers(claim):
                self._driver(driver)
        for wanted, claim in claims:
            ready = self._ready.get(claim["metadata"]["uid"])
            if ready is None:
                ready = self._prepare(claim)
            ready.users[worker.uid] = None
            self._of_pod.setdefault(worker.uid, {})[wanted["name"]] = ready

    def _claims(self, worker: PodWorker) -> Iterator[tuple[Object, Object]]:
        """What the pod's spec says of its claims, with the claims. Raises NotPrepared."""
        pod = worker.pod
        try:
            for wanted in claims_of(pod):
                name = claim_name(pod, wanted)
                if name is None:
                    continue
                claim = self._kubelet.client.find(CLAIMS, name, worker.key.namespace)
                if claim is None:
                    why = f'resourceclaims.resource.k8s.io "{name}" not found'
                    raise NotPrepared(f"fetch ResourceClaim {name}: {why}")
                if is_generated(wanted):
                    check_owner(claim, pod)
                if not is_reserved_for(claim, pod):
                    whose = f"pod {worker.key.name} ({worker.uid})"
                    raise NotPrepared(
                        f"{whose} is not allowed to use ResourceClaim {name} ({claim['metadata']['uid']})"
                    )
                yield wanted, claim
        except NoClaim as why:
            raise NotPrepared(str(why)) from None
        extended = status_of(pod)
        if extended is not None:
            claim = self._kubelet.client.find(CLAIMS, extended["resourceClaimName"], worker.key.namespace)
            if claim is None:
                name = extended["resourceClaimName"]
                raise NotPrepared(f'fetch ResourceClaim {name}: resourceclaims.resource.k8s.io "{name}" not found')
            yield _EXTENDED, claim

    def _driver(self, name: str) -> DeviceDriver:
        found = self._kubelet.pool.device_drivers.get(name)
        if found is None:
            raise NotPrepared(f"DRA driver {name} is not registered")
        return found

    def _prepare(self, claim: Object) -> _Ready:
        devices: dict[str, Sequence[Prepared]] = {}
        for name in _drivers(claim):
            try:
                devices[name] = self._driver(name).prepare(self._kubelet.name, claim)
            except DeviceFailed as error:
                whose = claim["metadata"]["name"]
                raise NotPrepared(f"NodePrepareResources failed for ResourceClaim {whose}: {error}") from None
        ready = self._ready[claim["metadata"]["uid"]] = _Ready(claim, devices)
        return ready

    def unprepare(self, worker: PodWorker) -> None:
        """Nothing of the pod runs any more."""
        for ready in self._of_pod.pop(worker.uid, {}).values():
            ready.users.pop(worker.uid, None)
            if ready.users or ready.uid not in self._ready:
                continue
            del self._ready[ready.uid]
            for name, devices in ready.devices.items():
                driver = self._kubelet.pool.device_drivers.get(name)
                if driver is not None:
                    driver.unprepare(self._kubelet.name, ready.name, [each.cdi for each in devices])

    # -- what containers get -----------------------------------------------------------------------

    def of_container(self, worker: PodWorker, spec: Object) -> list[str]:
        """The CDI identifiers of the devices that a container gets."""
        claims = self._of_pod.get(worker.uid, {})
        found: dict[str, None] = {}
        for wanted in (*((spec.get("resources") or {}).get("claims") or ()), *_mapped(worker.pod, spec)):
            ready, request = claims.get(wanted["name"]), wanted.get("request")
            for devices in ready.devices.values() if ready is not None else ():
                for each in devices:
                    if not request or each.request.partition("/")[0] == request:
                        found[each.cdi] = None
        return list(found)

    def variables(self, worker: PodWorker, spec: Object) -> Mapping[str, str]:
        """What a container finds of its devices in its environment."""
        found: dict[str, str] = {}
        for cdi in self.of_container(worker, spec):
            for driver in self._kubelet.pool.device_drivers.values():
                found |= driver.variables(cdi)
        return found


def _mapped(pod: Object, spec: Object) -> Iterator[Object]:
    """What a container gets of the claim for the pod's extended resources, as if it had named the claim."""
    for each in (status_of(pod) or {}).get("requestMappings") or ():
        if each["containerName"] == spec["name"]:
            yield {**_EXTENDED, "request": each["requestName"]}


def _drivers(claim: Object) -> list[str]:
    """The drivers whose devices a claim has."""
    results = ((allocation_of(claim) or {}).get("devices") or {}).get("results") or ()
    return list(dict.fromkeys(each["driver"] for each in results))
