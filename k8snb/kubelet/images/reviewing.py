"""What agnhost answers as a webhook: one small rule per path, from a request to the response in its review.

Upstream: `test/images/agnhost/webhook` and `crd-conversion-webhook`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.kubelet.images import web
from k8snb.packet import HTTPResponse
from k8snb.typing import Object

ALLOWED: Object = {"allowed": True}
DELAY_SECONDS = 5.0
_TEST, _DISALLOWED = "webhook-e2e-test", "webhook-disallow"


def reviewed(path: str, body: str) -> HTTPResponse:
    """The answer to a review that was sent to a path."""
    if path == "/readyz":
        return web.text("ok")
    rule = _RULES.get(path)
    if rule is None:
        return web.text("404 page not found\n", 404)
    try:
        review = json.loads(body)
        request = review["request"]
    except (ValueError, KeyError, TypeError):
        return web.text("", 400)
    answer = {"apiVersion": review["apiVersion"], "kind": review["kind"]}
    text = json.dumps({**answer, "response": {"uid": request["uid"], **rule(request)}}, separators=(",", ":"))
    seconds = DELAY_SECONDS if "delay" in path else 0.0
    return HTTPResponse(200, text, {"content-type": "application/json"}, seconds)


def _denied(message: str) -> Object:
    return {"allowed": False, "status": {"message": message}}


def _patched(*operations: tuple[str, str, Any]) -> Object:
    patch = json.dumps([{"op": op, "path": path, "value": value} for op, path, value in operations])
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}


def _object(request: Mapping[str, Any]) -> Object:
    found: Object = request.get("object") or request.get("oldObject") or {}
    return found


def _add_label(request: Object) -> Object:
    labels = _object(request).get("metadata", {}).get("labels")
    if not labels:
        return _patched(("add", "/metadata/labels", {"added-label": "yes"}))
    if labels.get("added-label") == "yes":
        return ALLOWED
    return _patched(("replace" if "added-label" in labels else "add", "/metadata/labels/added-label", "yes"))


def _pods(request: Object) -> Object:
    pod = _object(request)
    labels, found = pod["metadata"].get("labels") or {}, ""
    if labels.get(_TEST) == _DISALLOWED:
        found += "the pod contains unwanted label; "
    if any(_DISALLOWED in each["name"] for each in pod["spec"]["containers"]):
        found += "the pod contains unwanted container name; "
    return _denied(found.strip()) if found else ALLOWED


def _attaching(request: Object) -> Object:
    if request.get("name") == "to-be-attached-pod":
        return _denied("attaching to pod 'to-be-attached-pod' is not allowed")
    return ALLOWED


def _config_maps(request: Object) -> Object:
    data = _object(request).get("data") or {}
    unwanted = data.get(_TEST) in (_DISALLOWED, "webhook-nondeletable")
    return _denied("the configmap contains unwanted key and value") if unwanted else ALLOWED


def _changing_config_maps(request: Object) -> Object:
    data, found = _object(request).get("data") or {}, []
    for stage, before in (("mutation-stage-1", "mutation-start"), ("mutation-stage-2", "mutation-stage-1")):
        if data.get(before) == "yes":
            found.append(("add", f"/data/{stage}", "yes"))
    return _patched(*found) if found else ALLOWED


def _converted(request: Object) -> Object:
    wanted, made = request["desiredAPIVersion"], []
    for obj in request["objects"]:
        version = obj["apiVersion"]
        convert = _CONVERSIONS.get((version, wanted))
        if convert is None:
            known = any(version == before for before, _ in _CONVERSIONS)
            why = f'unexpected conversion version "{wanted if known else version}"'
            return {"convertedObjects": [], "result": {"status": "Failure", "message": why}}
        made.append({**convert(obj), "apiVersion": wanted})
    return {"convertedObjects": made, "result": {"status": "Success"}}


def _split(obj: Object) -> Object:
    host, _, port = str(obj.get("hostPort", "")).partition(":")
    rest = {key: value for key, value in obj.items() if key != "hostPort"}
    return {**rest, "host": host, "port": port} if "hostPort" in obj else rest


def _joined(obj: Object) -> Object:
    rest = {key: value for key, value in obj.items() if key not in ("host", "port")}
    return rest if rest == obj else {**rest, "hostPort": f"{obj.get('host', '')}:{obj.get('port', '')}"}


_V1, _V2 = "stable.example.com/v1", "stable.example.com/v2"
_CONVERSIONS: Mapping[tuple[str, str], Callable[[Object], Object]] = {(_V1, _V2): _split, (_V2, _V1): _joined}
_RULES: Mapping[str, Callable[[Object], Object]] = {
    "/always-allow-delay-5s": lambda request: ALLOWED,
    "/always-deny": lambda request: _denied("this webhook denies all requests"),
    "/add-label": _add_label,
    "/pods": _pods,
    "/pods/attach": _attaching,
    "/configmaps": _config_maps,
    "/mutating-configmaps": _changing_config_maps,
    "/crdconvert": _converted,
}
