"""Which claims a pod has, and who may use a claim.

A pod names a claim itself, or a template from which the controller makes one: then its name is in the pod's status, and
the claim belongs to the pod. Upstream: `dynamic-resource-allocation/resourceclaim/resourceclaim.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from k8snb.machinery.objects import controller_of, is_deleting
from k8snb.typing import Object

CLAIMS = "resourceclaims.resource.k8s.io"
TEMPLATES = "resourceclaimtemplates.resource.k8s.io"
CLASSES = "deviceclasses.resource.k8s.io"
SLICES = "resourceslices.resource.k8s.io"

FINALIZER = "resource.kubernetes.io/delete-protection"
"""What keeps a claim that has devices."""
ADMIN_LABEL = "resource.kubernetes.io/admin-access"
"""The label (`true`) of a namespace in which claims may ask for administrators' access."""
MOST_CONSUMERS = 256
MOST_DEVICES = 32
"""So many devices a claim can have at most."""

Find = Callable[[str, str], Object | None]
"""`find(namespace, name)`: the claim of that name."""


class NoClaim(Exception):
    """A pod's claim cannot be used; the message says why."""


def claims_of(pod: Object) -> Sequence[Object]:
    """What the pod's spec says of claims."""
    found: Sequence[Object] = pod["spec"].get("resourceClaims") or ()
    return found


def allocation_of(claim: Object) -> Object | None:
    """Which devices a claim has; None while it has none."""
    found: Object | None = (claim.get("status") or {}).get("allocation")
    return found


def consumers_of(claim: Object) -> Sequence[Object]:
    """For whom a claim is reserved."""
    found: Sequence[Object] = (claim.get("status") or {}).get("reservedFor") or ()
    return found


def is_reserved_for(claim: Object, pod: Object) -> bool:
    """Whether the pod is among those for whom the claim is reserved."""
    return any(each["uid"] == pod["metadata"]["uid"] for each in consumers_of(claim))


def consumer(pod: Object) -> Object:
    """The pod, as a claim's status names it."""
    return {"resource": "pods", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}


def claim_name(pod: Object, wanted: Object) -> str | None:
    """The name of the claim that a pod means; None where it was found out that none is needed. Raises NoClaim."""
    name: str | None = wanted.get("resourceClaimName")
    if name is not None:
        return name
    whose = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if wanted.get("resourceClaimTemplateName") is None:
        told = f'pod "{whose}", spec.resourceClaim "{wanted["name"]}"'
        raise NoClaim(f"{told}: none of the supported fields are set")
    for each in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        if each["name"] == wanted["name"]:
            generated: str | None = each.get("resourceClaimName")
            return generated
    raise NoClaim(f'pod "{whose}": ResourceClaim not created yet')


def is_generated(wanted: Object) -> bool:
    """Whether the claim is made from a template, so that it has to belong to the pod."""
    return wanted.get("resourceClaimName") is None


def check_owner(claim: Object, pod: Object) -> None:
    """Raises NoClaim if a generated claim is not this pod's."""
    of, meta = claim["metadata"], pod["metadata"]
    owner = controller_of(claim)
    if of["namespace"] != meta["namespace"] or owner is None or owner["uid"] != meta["uid"]:
        whose = f"pod {meta['namespace']}/{meta['name']}"
        raise NoClaim(f"ResourceClaim {of['namespace']}/{of['name']} was not created for {whose} (pod is not owner)")


def known_names(pod: Object) -> Iterator[str]:
    """The names of the pod's claims, as far as they are known."""
    for wanted in claims_of(pod):
        try:
            name = claim_name(pod, wanted)
        except NoClaim:
            continue
        if name is not None:
            yield name
    extended = (pod.get("status") or {}).get("extendedResourceClaimStatus")
    if extended is not None:
        yield extended["resourceClaimName"]


def pod_claims(pod: Object, find: Find) -> list[tuple[Object, Object]]:
    """What the pod says of each claim, with the claim itself. Raises NoClaim if one cannot be used."""
    found = []
    for wanted in claims_of(pod):
        name = claim_name(pod, wanted)
        if name is None:
            continue
        claim = find(pod["metadata"]["namespace"], name)
        if claim is None:
            raise NoClaim(f'could not find v1.ResourceClaim "{pod["metadata"]["namespace"]}/{name}"')
        if is_deleting(claim):
            raise NoClaim(f'resourceclaim "{name}" is being deleted')
        if is_generated(wanted):
            check_owner(claim, pod)
        found.append((wanted, claim))
    return found
