"""Who may write what of a ResourceClaim's status: its allocation is the scheduler's, its devices are their drivers'."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import JANE, World, binding, role

CLAIMS = "resourceclaims"
RESULT = {"request": "gpu", "driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}
ALLOCATION = {"devices": {"results": [RESULT]}}
DEVICE = {"driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}
REASON = "changing status.{what} requires extra permission"


def rule(*verbs: str, resource: str = f"{CLAIMS}/status") -> Object:
    return {"verbs": list(verbs), "apiGroups": ["resource.k8s.io"], "resources": [resource]}


def world(*rules: Object) -> tuple[World, Object]:
    """A world with a claim, in which Jane may write statuses of claims, and what these rules say."""
    made = World(role("author", rule("update"), *rules), binding("author", "ClusterRole/author", "User/jane"))
    devices = {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}]}
    meta = {"name": "gpu", "namespace": "default"}
    claim = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": meta,
        "spec": {"devices": devices},
    }
    return made, made.admin.create(CLAIMS, claim)


def write(made: World, claim: Object, **status: Any) -> Object:
    return made.client(JANE).update_status(CLAIMS, {**claim, "status": {**(claim.get("status") or {}), **status}})


def test_who_allocates_needs_leave_to_bind() -> None:
    made, claim = world()
    with pytest.raises(StatusError) as refused:
        write(made, claim, allocation=ALLOCATION)
    assert REASON.format(what="allocation or status.reservedFor") in refused.value.message
    made, claim = world(rule("update", resource=f"{CLAIMS}/binding"))
    assert write(made, claim, allocation=ALLOCATION)["status"]["allocation"] == ALLOCATION


def test_who_reports_of_devices_needs_leave_for_their_driver() -> None:
    made, claim = world()
    claim = made.admin.update_status(CLAIMS, {**claim, "status": {"allocation": ALLOCATION}})
    with pytest.raises(StatusError) as refused:
        write(made, claim, devices=[DEVICE])
    assert REASON.format(what="devices") in refused.value.message
    drivers = rule("arbitrary-node:update", resource=f"{CLAIMS}/driver")
    made, claim = world({**drivers, "resourceNames": ["gpu.example.com"]})
    claim = made.admin.update_status(CLAIMS, {**claim, "status": {"allocation": ALLOCATION}})
    assert write(made, claim, devices=[DEVICE])["status"]["devices"] == [DEVICE]
