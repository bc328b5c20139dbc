"""The way in by Gateway API: from a class and its Gateways through routes to Services and pods."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.ingress.grants import GROUP
from k8snb.ingress.httproutes import is_parent
from k8snb.machinery.objects import condition
from k8snb.typing import Object
from k8snb.view.graphs.services import behind
from k8snb.view.graphs.sketch import Sketch

CLASSES, GATEWAYS, ROUTES = (f"{plural}.{GROUP}" for plural in ("gatewayclasses", "gateways", "httproutes"))


def gateway_class(sketch: Sketch, choice: Object) -> str:
    """A GatewayClass and the Gateways that its controller serves."""
    name = choice["metadata"]["name"]
    used = [each for each in sketch.here(GATEWAYS) if each["spec"]["gatewayClassName"] == name]
    sketch.some(used, sketch.put(choice, *_said(choice, "Accepted")), _("serves"))
    return _("GatewayClass {name}, and what its controller serves").format(name=name)


def gateway(sketch: Sketch, entry: Object) -> str:
    """A Gateway: its class, its listeners and certificates, the routes of its namespace, and what they lead to."""
    spec, name = entry["spec"], entry["metadata"]["name"]
    listeners = [f"{each['protocol']} {each.get('hostname', '*')}:{each['port']}" for each in spec["listeners"]]
    front = sketch.put(entry, *listeners, *_said(entry, "Programmed"))
    chosen = sketch.refer(CLASSES, "GatewayClass", spec["gatewayClassName"])
    sketch.link(chosen, front, _("served by its controller"))
    for each in spec["listeners"]:
        for ref in (each.get("tls") or {}).get("certificateRefs") or ():
            end = sketch.refer("secrets", "Secret", ref["name"], ref.get("namespace"))
            sketch.link(end, front, _("certificate for TLS"))
    for route in sketch.here(ROUTES):
        if any(is_parent(ref, route, entry) for ref in route["spec"].get("parentRefs") or ()):
            _lead(sketch, route)
    return _("Gateway {name}, its routes, and the pods behind them").format(name=name)


def route(sketch: Sketch, way: Object) -> str:
    """An HTTPRoute, its Gateways, and the Services that it leads to."""
    for ref in way["spec"].get("parentRefs") or ():
        found = sketch.find(GATEWAYS, ref["name"], ref.get("namespace"))
        if found is not None:
            gateway(sketch, found)
        elif ref.get("kind", "Gateway") == "Gateway":
            sketch.link(sketch.lack("Gateway", ref["name"], ref.get("namespace")), _lead(sketch, way), _("parent of"))
    _lead(sketch, way)
    return _("HTTPRoute {name}, from its Gateway to the pods").format(name=way["metadata"]["name"])


def _lead(sketch: Sketch, way: Object) -> str:
    """Draw a route with its parents and what its rules lead to; returns its id."""
    spec = way["spec"]
    front = sketch.put(way)
    for ref in spec.get("parentRefs") or ():
        found = sketch.find(GATEWAYS, ref["name"], ref.get("namespace"))
        if found is not None:
            sketch.link(sketch.put(found), front, _("parent of"))
    for rule in spec.get("rules") or ():
        matches = rule.get("matches") or [{}]
        word = ", ".join((each.get("path") or {}).get("value", "/") for each in matches)
        for ref in rule.get("backendRefs") or ():
            share = f" ×{ref['weight']}" if len(rule["backendRefs"]) > 1 else ""
            end = behind(sketch, ref["name"], ref.get("namespace") or way["metadata"]["namespace"])
            sketch.link(front, end, f"{word} → :{ref.get('port', '')}{share}")
    return front


def _said(obj: Object, type: str) -> list[str]:
    """What a condition says, unless it holds."""
    found = condition(obj, type)
    return [f"{type}: {found['reason']}"] if found is not None and found["status"] != "True" else []
