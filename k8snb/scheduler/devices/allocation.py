"""What is written into a claim once its devices are found: which, what their drivers are told, and where they are.

Upstream: `Allocate` and `createNodeSelector` in `structured/internal/incubating/allocator_incubating.go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from k8snb.scheduler.devices import capacity
from k8snb.scheduler.devices.search import Grant
from k8snb.scheduler.devices.wanted import requests_of
from k8snb.typing import Object


def allocation(claim: Object, grants: Sequence[Grant], node: str) -> Object:
    """The `status.allocation` of a claim."""
    devices: dict[str, Any] = {"results": [_result(claim, grant, at) for at, grant in enumerate(grants)]}
    config = _config(claim, grants)
    if config:
        devices["config"] = config
    selector = _node_selector(grants, node)
    return {"devices": devices, **({"nodeSelector": selector} if selector is not None else {})}


def _result(claim: Object, grant: Grant, at: int) -> Object:
    wanted, (driver, pool, name), device = grant.wanted, grant.offer.id, grant.offer.device
    found: dict[str, Any] = {"request": wanted.full_name, "driver": driver, "pool": pool, "device": name}
    if wanted.is_admin:
        found["adminAccess"] = True
    if wanted.tolerations:
        found["tolerations"] = wanted.tolerations
    for field in ("bindingConditions", "bindingFailureConditions"):
        if device.get(field):
            found[field] = device[field]
    if grant.is_shared:
        found["shareID"] = _share(claim, at)
        if grant.amounts:
            found["consumedCapacity"] = capacity.shown(grant.amounts)
    return found


def _share(claim: Object, at: int) -> str:
    """An identifier for a claim's part of a device; made from what it is for, so that it is the same on every run."""
    meta = claim["metadata"]
    d = hashlib.sha256(f"{meta['uid']}/{meta.get('resourceVersion', '')}/{at}".encode()).hexdigest()
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-8{d[17:20]}-{d[20:32]}"


def _config(claim: Object, grants: Sequence[Grant]) -> list[Object]:
    """What drivers are told: by the classes, each once, and by the claim, as far as it is about what was chosen."""
    chosen = {grant.wanted.request: grant.wanted for grant in grants}
    by_class: dict[str, tuple[Sequence[Object], list[str]]] = {}
    for request in requests_of(claim):
        wanted = chosen.get(request["name"])
        if wanted is not None:
            given = (wanted.device_class.get("spec") or {}).get("config") or ()
            by_class.setdefault(wanted.device_class["metadata"]["name"], (given, []))[1].append(wanted.full_name)
    found = [
        {"source": "FromClass", "requests": names, "opaque": each["opaque"]}
        for given, names in by_class.values()
        for each in given
    ]
    for each in (claim["spec"].get("devices") or {}).get("config") or ():
        names = each.get("requests") or ()
        matching = [w for w in chosen.values() if w.request in names or w.full_name in names]
        told = {"source": "FromClaim", "requests": list(names), "opaque": each["opaque"]}
        found += [told] * (len(matching) if names else 1)
    every = len(requests_of(claim))
    return [
        each
        if each["requests"] and len(each["requests"]) != every
        else {k: v for k, v in each.items() if k != "requests"}
        for each in found
    ]


def _node_selector(grants: Sequence[Grant], node: str) -> Object | None:
    """From where the devices can be used; None if from everywhere."""
    fields: list[Object] = []
    expressions: list[Object] = []
    for grant in grants:
        spec = grant.offer.slice["spec"]
        where = grant.offer.device if spec.get("perDeviceNodeSelection") else spec
        if where.get("nodeName") or grant.offer.device.get("bindsToNode"):
            only = {"key": "metadata.name", "operator": "In", "values": [node]}
            return {"nodeSelectorTerms": [{"matchFields": [only]}]}
        for term in (where.get("nodeSelector") or {}).get("nodeSelectorTerms") or ():
            _add_new(fields, term.get("matchFields") or ())
            _add_new(expressions, term.get("matchExpressions") or ())
    term = {k: v for k, v in (("matchExpressions", expressions), ("matchFields", fields)) if v}
    return {"nodeSelectorTerms": [term]} if term else None


def _add_new(known: list[Object], more: Sequence[Object]) -> None:
    for each in more:
        if all(_key(each) != _key(other) for other in known):
            known.append(each)


def _key(requirement: Object) -> tuple[Any, ...]:
    return requirement["key"], requirement["operator"], frozenset(requirement.get("values") or ())
