"""Claims, slices and classes of devices, in a notation for tables.

A slice is `driver/pool@node device device`, where `@*` means all nodes, `@region=east` those with a label and `@each`
that every device says it. In parentheses after a device are its attributes (`numa=1`), capacity (`memory:2Gi`), taints
(`!key`, `!!key` for NoExecute), counters (`-cpu:2`), `shared` and the node. A claim is its requests, with a comma
between: `r:a` is one device of class a (which is of driver a), `r:a*2` two, `r:a=all` all of them, `r:a=admin` one for
an administrator, `r:[s:a|t:b]` the first of two alternatives. After a request come a selector in braces and tolerations
(`~key`), after all of them constraints: `same numa`, `other numa`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snb.machinery.devices.claims import allocation_of
from k8snb.typing import Object

GROUP = {"apiVersion": "resource.k8s.io/v1"}


def device_class(name: str, **spec: Any) -> Object:
    """A class of all devices of the driver of that name."""
    selector = {"cel": {"expression": f'device.driver == "{name}"'}}
    return {**GROUP, "kind": "DeviceClass", "metadata": {"name": name}, "spec": {"selectors": [selector], **spec}}


def slices(*texts: str) -> list[Object]:
    """Slices that have all of their pools in them."""
    made = [_slice(at, text) for at, text in enumerate(texts)]
    pools = [(each["spec"]["driver"], each["spec"]["pool"]["name"]) for each in made]
    for each, pool in zip(made, pools, strict=True):
        each["spec"]["pool"].setdefault("resourceSliceCount", pools.count(pool))
    return list(made)


def _slice(at: int, text: str) -> dict[str, Any]:
    head, *devices = re.findall(r"\S+\([^)]*\)|\S+", text)
    found = re.fullmatch(r"(\w+)/(\w+)(?:#(\d+)of(\d+))?@(\S+)", head)
    assert found is not None, head
    driver, pool, generation, count, where = found.groups()
    body = {"name": pool, "generation": int(generation or 1), **({"resourceSliceCount": int(count)} if count else {})}
    spec: dict[str, Any] = {"driver": driver, "pool": body, **_where(where)}
    if devices and devices[0].startswith("counters("):
        counters = dict(each.split(":") for each in devices[0][9:-1].split(","))
        spec["sharedCounters"] = [{"name": "set", "counters": {k: {"value": v} for k, v in counters.items()}}]
    else:
        spec["devices"] = [_device(each) for each in devices]
    return {**GROUP, "kind": "ResourceSlice", "metadata": {"name": f"slice-{at}"}, "spec": spec}


def _where(text: str) -> dict[str, Any]:
    if text in ("*", "each"):
        return {"allNodes" if text == "*" else "perDeviceNodeSelection": True}
    key, _, value = text.partition("=")
    if not value:
        return {"nodeName": text}
    return {"nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [_in(key, value)]}]}}


def _in(key: str, value: str) -> Object:
    return {"key": key, "operator": "In", "values": [value]}


def _device(text: str) -> dict[str, Any]:
    name, _, rest = text.rstrip(")").partition("(")
    found: dict[str, Any] = {"name": name}
    for part in rest.split(",") if rest else ():
        if part == "shared":
            found["allowMultipleAllocations"] = True
        elif part.startswith("@"):
            found |= _where(part[1:])
        elif part.startswith("!"):
            effect = "NoExecute" if part.startswith("!!") else "NoSchedule"
            found.setdefault("taints", []).append({"key": part.lstrip("!"), "value": "v", "effect": effect})
        elif part.startswith("-"):
            counter, amount = part[1:].split(":")
            consumed = found.setdefault("consumesCounters", [{"counterSet": "set", "counters": {}}])
            consumed[0]["counters"][counter] = {"value": amount}
        elif part.startswith("until "):
            found["bindingConditions"] = [part[6:]]
        elif ":" in part:
            capacity, amount = part.split(":")
            found.setdefault("capacity", {})[capacity] = {"value": amount}
        else:
            attribute, value = part.split("=")
            kind = {"int": int(value)} if value.isdigit() else {"string": value}
            found.setdefault("attributes", {})[attribute] = kind
    return found


def claim(text: str, name: str = "c", has: str = "", owner: Object | None = None, users: Sequence[str] = ()) -> Object:
    """A claim; `has` is what it was given (`driver/pool/device@node`), `users` the names of pods."""
    requests, *more = [part.strip() for part in re.split(r",(?![^\[]*\])", text)]
    devices: dict[str, Any] = {"requests": [], "constraints": []}
    for part in (requests, *more):
        word, _, attribute = part.partition(" ")
        if word in ("same", "other"):
            kind = "matchAttribute" if word == "same" else "distinctAttribute"
            devices["constraints"].append({kind: attribute if "/" in attribute else f"a/{attribute}"})
        else:
            devices["requests"].append(_request(part))
    meta: dict[str, Any] = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": "1"}
    if owner is not None:
        meta["ownerReferences"] = [{"kind": "Pod", "controller": True, **_reference(owner)}]
    status: dict[str, Any] = {"allocation": _given(has)} if has else {}
    status |= (
        {"reservedFor": [{"resource": "pods", "name": u, "uid": f"uid-default-{u}"} for u in users]} if users else {}
    )
    return {**GROUP, "kind": "ResourceClaim", "metadata": meta, "spec": {"devices": devices}, "status": status}


def _reference(pod: Object) -> Object:
    return {"apiVersion": "v1", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}


def _given(text: str) -> Object:
    results = []
    path, _, where = text.partition("@")
    for each in path.split("+"):
        found = re.fullmatch(r"(\w+)/(\w+)/(\w+)(?:\((\w+):(\w+)\))?(=admin)?", each)
        assert found is not None, each
        driver, pool, device, capacity, amount, admin = found.groups()
        result: dict[str, Any] = {"request": "r", "driver": driver, "pool": pool, "device": device}
        if capacity:
            result |= {"shareID": "1", "consumedCapacity": {capacity: amount}}
        results.append({**result, "adminAccess": True} if admin else result)
    field = {"nodeSelectorTerms": [{"matchFields": [_in("metadata.name", where)]}]}
    return {"devices": {"results": results}, **({"nodeSelector": field} if where else {})}


def _request(text: str) -> Object:
    name, _, what = text.partition(":")
    if not what.startswith("["):
        return {"name": name, "exactly": _wanted(what)}
    ways = (each.partition(":") for each in what[1:-1].split("|"))
    return {"name": name, "firstAvailable": [{"name": way, **_wanted(wanted)} for way, _, wanted in ways]}


def _wanted(text: str) -> dict[str, Any]:
    found = re.fullmatch(
        r"(\w*)(?:\*(\d+))?(?:=(all|admin|all-admin))?(?:\((\w+):(\w+)\))?(?:\{(.*)\})?((?:~[\w=]+)*)", text
    )
    assert found is not None, text
    name, count, mode, capacity, amount, selector, tolerations = found.groups()
    wanted: dict[str, Any] = {"deviceClassName": name, "allocationMode": "ExactCount", "count": int(count or 1)}
    if mode and mode.startswith("all"):
        wanted = {"deviceClassName": name, "allocationMode": "All"}
    if mode and mode.endswith("admin"):
        wanted["adminAccess"] = True
    if capacity:
        wanted["capacity"] = {"requests": {capacity: amount}}
    if selector:
        wanted["selectors"] = [{"cel": {"expression": selector}}]
    if tolerations:
        wanted["tolerations"] = [_toleration(each) for each in tolerations[1:].split("~")]
    return wanted


def _toleration(text: str) -> Object:
    key, _, value = text.partition("=")
    return {"key": key, "operator": "Equal", "value": value} if value else {"key": key, "operator": "Exists"}


def said(claim: Object) -> str:
    """What a claim was given: `r=a/p/d1 r=a/p/d2 @n`."""
    allocation = allocation_of(claim)
    if allocation is None:
        return ""
    results = allocation["devices"]["results"]
    told = [f"{each['request']}={each['driver']}/{each['pool']}/{each['device']}{_part(each)}" for each in results]
    for term in (allocation.get("nodeSelector") or {}).get("nodeSelectorTerms") or ():
        told += [f"@{each['values'][0]}" for each in term.get("matchFields") or ()]
        told += [f"@{each['key']}={each['values'][0]}" for each in term.get("matchExpressions") or ()]
    return " ".join(told)


def _part(result: Object) -> str:
    if "shareID" not in result:
        return ""
    return f"({','.join(f'{name}:{amount}' for name, amount in (result.get('consumedCapacity') or {}).items())})"
