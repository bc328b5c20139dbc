"""Whether devices that are made ready late are so: by conditions that their driver writes into the claim's status.

Upstream: `isClaimReadyForBinding` in `plugins/dynamicresources/dynamicresources.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.machinery.devices.claims import allocation_of
from k8snb.machinery.objects import condition, is_true
from k8snb.typing import Object


def _waiting(claim: Object) -> Iterator[tuple[Object, Object | None]]:
    """The devices of a claim that have conditions, with what their driver says of them."""
    reported = (claim.get("status") or {}).get("devices") or ()
    for result in ((allocation_of(claim) or {}).get("devices") or {}).get("results") or ():
        if result.get("bindingConditions"):
            yield result, next((each for each in reported if _same(each, result)), None)


def _same(report: Object, result: Object) -> bool:
    return all(report.get(name) == result[name] for name in ("driver", "pool", "device"))


def has_conditions(claim: Object) -> bool:
    """Whether a device of the claim has to become ready before a pod is bound."""
    return any(True for _ in _waiting(claim))


def is_ready(claim: Object) -> bool:
    """Whether all devices are ready."""
    return all(
        report is not None and all(is_true({"status": report}, name) for name in result["bindingConditions"])
        for result, report in _waiting(claim)
    )


def failure(claim: Object) -> str:
    """Why a device will not become ready; empty if none has failed."""
    for result, report in _waiting(claim):
        for name in (result.get("bindingFailureConditions") or ()) if report is not None else ():
            found = condition({"status": report}, name)
            if found is not None and found["status"] == "True":
                why = f'reason={found.get("reason", "")}, message="{found.get("message", "")}"'
                return f"claim {claim['metadata']['name']} binding failed: {why}"
    return ""
