"""What a claim wants: one request, or one of the alternatives of a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.machinery.devices.claims import MOST_DEVICES
from k8snb.scheduler.devices.pools import Offer
from k8snb.typing import Object


class AllocationFailed(Exception):
    """Something is wrong with a claim, a class or the devices, so that there is no use in looking on other nodes."""


class NotOnNode(Exception):
    """Something is wrong with the devices of one node."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, with the class that it names."""

    spec: Object
    name: str
    parent: str
    """The request that this is an alternative of; empty if it is none."""
    device_class: Object
    count: int
    every: Sequence[Offer] | None = None
    """The devices, if all that match are wanted."""

    @property
    def full_name(self) -> str:
        """`request/alternative`."""
        return f"{self.parent}/{self.name}" if self.parent else self.name

    @property
    def request(self) -> str:
        """The name of the request, whichever alternative this is."""
        return self.parent or self.name

    @property
    def is_admin(self) -> bool:
        """Whether devices are wanted that others have."""
        return bool(self.spec.get("adminAccess"))

    @property
    def selectors(self) -> Sequence[Object]:
        found: Sequence[Object] = self.spec.get("selectors") or ()
        return found

    @property
    def tolerations(self) -> Sequence[Object]:
        found: Sequence[Object] = self.spec.get("tolerations") or ()
        return found

    def tolerates(self, device: Object) -> bool:
        """Whether no taint keeps this request from the device."""
        return all(
            taint.get("effect") not in ("NoSchedule", "NoExecute")
            or any(_covers(each, taint) for each in self.tolerations)
            for taint in device.get("taints") or ()
        )


def _covers(toleration: Object, taint: Object) -> bool:
    effect, key = toleration.get("effect"), toleration.get("key")
    if (effect and effect != taint.get("effect")) or (key and key != taint.get("key")):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def told(claim: Object) -> str:
    """The claim as messages name it."""
    return f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"


def alternatives(request: Object) -> Iterator[tuple[Object, str, str]]:
    """The ways to satisfy a request: what is wanted, its name, and the name of the request if it is an alternative."""
    if request.get("exactly") is not None:
        yield request["exactly"], request["name"], ""
        return
    for each in request.get("firstAvailable") or ():
        yield each, each["name"], request["name"]


def requests_of(claim: Object) -> Sequence[Object]:
    """The requests of a claim."""
    found: Sequence[Object] = (claim["spec"].get("devices") or {}).get("requests") or ()
    return found


def check_size(claim: Object, least: int) -> None:
    """Raises AllocationFailed if a claim wants more devices than it can have."""
    if least > MOST_DEVICES:
        why = f"number of requested devices {least} exceeds the claim limit of {MOST_DEVICES}"
        raise AllocationFailed(f"claim {told(claim)}: {why}")
