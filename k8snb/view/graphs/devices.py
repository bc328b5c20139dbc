"""Devices from claim to machine: pods, claims, classes, the slices that offer devices, and the nodes they are on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.graphs.sketch import FEW, Sketch

CLAIMS, TEMPLATES = "resourceclaims.resource.k8s.io", "resourceclaimtemplates.resource.k8s.io"
CLASSES, SLICES = "deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io"


def devices(sketch: Sketch, start: Object) -> str:
    """The whole way from pods to devices that passes through an object."""
    claims = [claim for claim in sketch.here(CLAIMS) if _touches(sketch, claim, start)]
    if start["kind"] == "ResourceSlice":
        for device in (start["spec"].get("devices") or ())[:FEW]:
            _device(sketch, start, device["name"])
    else:
        sketch.put(start)
    if start["kind"] == "ResourceClaimTemplate":
        _asks(sketch, sketch.put(start), start["spec"]["spec"])
    for claim in claims:
        _claim(sketch, claim)
    name = start["metadata"]["name"]
    return _("{kind} {name}: devices from the claim to the node").format(kind=start["kind"], name=name)


def _touches(sketch: Sketch, claim: Object, start: Object) -> bool:
    """Whether a claim has to do with an object: is it, was made of it, asks for it, or got devices of it."""
    kind, name = start["kind"], start["metadata"]["name"]
    if kind == "ResourceClaim":
        return bool(claim["metadata"]["name"] == name)
    if kind == "DeviceClass":
        return name in _classes(claim["spec"])
    if kind == "ResourceClaimTemplate":
        return any(template == name for _pod, template in _users(sketch, claim))
    return any(_offers(start, result) for result in _results(claim))


def _claim(sketch: Sketch, claim: Object) -> None:
    """A claim, the pods that use it, what it asks for, and the devices that it got."""
    front = sketch.put(claim)
    for pod, template in _users(sketch, claim):
        sketch.link(sketch.put(pod), front, _("claims"))
        if template:
            sketch.link(sketch.refer(TEMPLATES, "ResourceClaimTemplate", template), front, _("template of"))
    _asks(sketch, front, claim["spec"])
    for result in _results(claim):
        offering = [each for each in sketch.here(SLICES) if _offers(each, result)]
        for slice in offering:
            sketch.link(front, _device(sketch, slice, result["device"]), _("was given"))
        if not offering:
            sketch.link(front, sketch.lack("Device", result["device"]), _("was given"))


def _asks(sketch: Sketch, front: str, spec: Object) -> None:
    for name in dict.fromkeys(_classes(spec)):
        sketch.link(front, sketch.refer(CLASSES, "DeviceClass", name), _("asks for"), faint=True)


def _device(sketch: Sketch, slice: Object, name: str) -> str:
    """A device and the slice that offers it, on their node; returns the id of the device."""
    spec = slice["spec"]
    place = spec.get("nodeName", "")
    group = sketch.frame(f"Node/{place}", "Node", place) if place else ""
    known: Object = next((each for each in spec.get("devices") or () if each["name"] == name), {})
    sizes = [f"{of} {amount['value']}" for of, amount in (known.get("capacity") or {}).items()]
    id = f"Device/{spec['driver']}/{spec['pool']['name']}/{name}"
    end = sketch.note("Device", name, *sizes, group=group, id=id)
    sketch.link(sketch.put(slice, group=group), end, _("offers"))
    return end


def _users(sketch: Sketch, claim: Object) -> Iterator[tuple[Object, str]]:
    """The pods that use a claim, each with the name of the template that it was made of for them, if it was."""
    name = claim["metadata"]["name"]
    for pod in sketch.within("pods", claim["metadata"].get("namespace", "")):
        status = pod.get("status") or {}
        made = {each["name"]: each.get("resourceClaimName") for each in status.get("resourceClaimStatuses") or ()}
        for each in pod["spec"].get("resourceClaims") or ():
            if name in (each.get("resourceClaimName"), made.get(each["name"])):
                yield pod, each.get("resourceClaimTemplateName", "")
        if (status.get("extendedResourceClaimStatus") or {}).get("resourceClaimName") == name:
            yield pod, ""


def _classes(spec: Object) -> list[str]:
    """The classes that the requests of a claim name, alternatives among them."""
    requests = (spec.get("devices") or {}).get("requests") or ()
    asked = [each for request in requests for each in (request.get("exactly"), *(request.get("firstAvailable") or ()))]
    return [each["deviceClassName"] for each in asked if each]


def _results(claim: Object) -> Sequence[Any]:
    """What was allocated to a claim."""
    allocation = (claim.get("status") or {}).get("allocation") or {}
    return (allocation.get("devices") or {}).get("results") or ()


def _offers(slice: Object, result: Object) -> bool:
    """Whether a device that was allocated is one of a slice."""
    spec = slice["spec"]
    place = (spec["driver"], spec["pool"]["name"])
    known = {each["name"] for each in spec.get("devices") or ()}
    return place == (result["driver"], result["pool"]) and result["device"] in known
