"""The events of the audit log: what one says of a request, in the fields and their order of `audit.k8s.io/v1`.

Upstream: `apiserver/pkg/apis/audit/v1/types.go` and `apiserver/pkg/audit/request.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import yaml

from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.audit.policy import Ruling
from k8snb.apiserver.notes import LEVELS, Notes
from k8snb.apiserver.status import VERSION
from k8snb.clock import rfc3339_micro
from k8snb.machinery import protobuf
from k8snb.typing import Object
from k8snb.wire import Request, Response, User

_MOST_AGENT, _CUT = 1024, "...TRUNCATED"
_NONE: Mapping[str, Any] = {}
HERE = "127.0.0.1"
_NODE, _CONTROLLERS = "system:node:", "system:serviceaccount:kube-system:"
_PROGRAMS = {
    "system:apiserver": ("kube-apiserver", ""),
    "system:kube-controller-manager": ("kube-controller-manager", "/shared-informers"),
    "system:kube-proxy": ("kube-proxy", ""),
    "system:kube-scheduler": ("kube-scheduler", "/scheduler"),
}
_KEPT = ("status", "message", "reason", "details", "code")
"""What an event keeps of a Status."""


def event(
    request: Request,
    notes: Notes,
    access: Access,
    ruling: Ruling,
    *,
    stage: str,
    now: float,
    source: str,
    response: Response | None = None,
) -> Object:
    """The event of a stage; before there is a response it says what is known then."""
    agent = request.headers.get("user-agent", "") or _own_agent(notes.sender)
    body = body_of(request) if access.resource else None
    found: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": ruling.level,
        "auditID": notes.uid,
        "stage": stage,
        "requestURI": _uri(request),
        "verb": access.verb,
        "user": notes.sender.info if notes.sender is not None else {},
    }
    if response is not None and request.user is not None and request.user is not notes.sender:
        found["impersonatedUser"] = request.user.info
        if notes.constraint:
            found["authenticationMetadata"] = {"impersonationConstraint": notes.constraint}
    found["sourceIPs"] = _sources(request, source)
    if agent:
        found["userAgent"] = agent if len(agent) <= _MOST_AGENT else agent[:_MOST_AGENT] + _CUT
    if access.resource:
        found["objectRef"] = _reference(access, body if response is not None else None)
    if response is not None:
        found |= _outcome(ruling, request, response, body)
    found["requestReceivedTimestamp"] = rfc3339_micro(notes.received)
    found["stageTimestamp"] = rfc3339_micro(now)
    if notes.annotations:
        found["annotations"] = dict(sorted(notes.annotations.items()))
    return found


def _own_agent(user: User | None) -> str:
    """How a part of the cluster introduces itself; empty for anybody else who says nothing of it."""
    name = user.name if user is not None else ""
    program, more = _PROGRAMS.get(name, ("", ""))
    if name.startswith(_NODE):
        program = "kubelet"
    elif name.startswith(_CONTROLLERS):
        program, more = "kube-controller-manager", f"/{name}"
    return f"{program}/{VERSION} (linux/amd64) kubernetes/k8snb{more}" if program else ""


def _uri(request: Request) -> str:
    return f"{request.path}?{urlencode(request.query)}" if request.query else request.path


def _sources(request: Request, source: str) -> list[str]:
    """The addresses that a request has come by, the nearest last."""
    said = [each.strip() for each in request.headers.get("x-forwarded-for", "").split(",") if each.strip()]
    real = request.headers.get("x-real-ip", "").strip()
    if real and real not in said:
        said.append(real)
    return said if said and said[-1] == source else [*said, source]


def _reference(access: Access, body: Object | None) -> Object:
    meta = (body or _NONE).get("metadata")
    meta = meta if isinstance(meta, Mapping) else _NONE
    found = {
        "resource": access.resource,
        "namespace": access.namespace or meta.get("namespace"),
        "name": access.name or meta.get("name"),
        "uid": meta.get("uid"),
        "apiGroup": access.group,
        "apiVersion": access.version,
        "resourceVersion": meta.get("resourceVersion"),
        "subresource": access.subresource,
    }
    return {key: value for key, value in found.items() if value}


def _outcome(ruling: Ruling, request: Request, response: Response, body: Object | None) -> Object:
    """What became of a request: its code, what a Status says, and the objects where the level wants them."""
    status: dict[str, Any] = {"metadata": {}}
    answer = response.object
    if answer is not None and answer.get("kind") == "Status":
        status |= {key: answer[key] for key in _KEPT if answer.get(key)}
    status["code"] = response.code
    found: dict[str, Any] = {"responseStatus": status}
    level = LEVELS.index(ruling.level)
    if level >= LEVELS.index("Request") and body is not None:
        found["requestObject"] = _shown(body, plain=ruling.plain)
    if level >= LEVELS.index("RequestResponse") and answer is not None and request.info is not None:
        found["responseObject"] = _shown(answer, plain=ruling.plain)
    return found


def _shown(obj: Object, *, plain: bool) -> Object:
    """An object, or the objects of a list or table, without managed fields where that is wanted."""
    obj = obj.whole() if hasattr(obj, "whole") else obj
    if not plain:
        return obj
    meta = obj.get("metadata")
    if isinstance(meta, Mapping) and "managedFields" in meta:
        obj = {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}
    if isinstance(obj.get("items"), list):
        obj = {**obj, "items": [_shown(each, plain=True) for each in obj["items"]]}
    return obj


def body_of(request: Request) -> Object | None:
    """What a request carries, as it was sent; None where that cannot be read."""
    if request.object is not None:
        return request.object
    if not request.body.strip() or request.method in ("GET", "HEAD"):
        return None
    kind = request.headers.get("content-type", "")
    found: Any = None
    try:
        if "protobuf" in kind:
            found = protobuf.decode(request.body)
        else:
            found = yaml.safe_load(request.body) if "yaml" in kind else orjson.loads(request.body)
    except (ValueError, yaml.YAMLError):
        pass
    if not isinstance(found, Mapping):
        return None
    return {"kind": "DeleteOptions", "apiVersion": "v1", **found} if request.method == "DELETE" else found
