"""What admission that clients configure (webhooks and policies) needs besides the objects it looks at.

The server hands it in: which resources are the same thing in another version, how an object is converted or read, what
the authorizer says, and how a webhook is called. Everything that is not a pure function of the request comes from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes
from k8snb.machinery.cel.library.authorizer import Check, Decision
from k8snb.typing import Object, Resource
from k8snb.wire import User


class CallError(Exception):
    """A webhook could not be called; the message is that of upstream's client."""


class Overtaken(Exception):
    """While an answer was waited for, the object of the request has been changed: the request begins anew."""


def _nobody(client: Object, review: Object, seconds: float) -> Object:
    raise CallError("there is no network")


@dataclass(slots=True)
class Surroundings:
    """The seams of configured admission."""

    list: Callable[[str], Sequence[Object]]
    """(resource word) → every object of it."""

    equivalents: Callable[[Resource], Sequence[Resource]]
    """The rows that serve the same objects, the given one first."""

    convert: Callable[[Resource, Object], Object]
    """An object in the version of a row."""

    decode: Callable[[Resource, Any], Object]
    """A changed object, read as a body would be."""

    merge: Callable[[Resource, Object, Object], Object]
    """An object with what another one says merged into it, as server-side apply merges."""

    find: Callable[[str, str], Resource | None]
    """The row of an `apiVersion` and `kind`."""

    decide: Callable[[User, Check, str], Decision]
    """What the authorizer says."""

    uid: Callable[[], str]
    """A fresh uid, for a review."""

    call: Callable[[Object, Object, float], Object] = field(default=_nobody)
    """(clientConfig, review, seconds) → the review that comes back. Raises CallError."""


def gvk(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def gvr(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}
_CORE = {"group": "", "version": "v1"}
_KINDS: Mapping[tuple[str, str], Object] = {
    ("*", "scale"): {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    ("pods", "eviction"): {"group": "policy", "version": "v1", "kind": "Eviction"},
    ("serviceaccounts", "token"): {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
    ("pods", "binding"): {**_CORE, "kind": "Binding"},
    ("pods", "exec"): {**_CORE, "kind": "PodExecOptions"},
    ("pods", "attach"): {**_CORE, "kind": "PodAttachOptions"},
    ("pods", "portforward"): {**_CORE, "kind": "PodPortForwardOptions"},
    ("pods", "proxy"): {**_CORE, "kind": "PodProxyOptions"},
    ("services", "proxy"): {**_CORE, "kind": "ServiceProxyOptions"},
    ("nodes", "proxy"): {**_CORE, "kind": "NodeProxyOptions"},
}
"""What is sent to subresources that are not simply part of their object."""


def kind_below(resource: Resource, subresource: str) -> Object | None:
    """The kind of what is sent to a subresource; None if that is the object itself."""
    return _KINDS.get((resource.plural, subresource)) or _KINDS.get(("*", subresource)) if subresource else None


def _options(attributes: Attributes) -> Object | None:
    """The options of a request, as the client gave them. A connection has none."""
    kind, given = _OPTIONS.get(attributes.operation), attributes.options
    if kind is None:
        return None
    options: dict[str, Any] = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    for name in ("fieldManager", "fieldValidation"):
        if given.get(name):
            options[name] = given[name]
    if attributes.dry_run:
        options["dryRun"] = ["All"]
    if attributes.operation == "DELETE":
        options |= {key: value for key, value in given.items() if key not in options}
    return options


def name_of(attributes: Attributes) -> str:
    """The name that a request is about: its own, or that of the object that it brings."""
    return str(attributes.name or ((attributes.object or {}).get("metadata") or {}).get("name") or "")


def request_of(attributes: Attributes, matched: Resource) -> dict[str, Any]:
    """The request as reviews and expressions see it; `matched` is the row that the rules named."""
    info = attributes.user.info
    word = attributes.subresource.partition("/")[0]
    below, below_kind = {"subResource": word, "requestSubResource": word}, kind_below(attributes.resource, word)
    request = {
        "kind": below_kind or gvk(matched),
        "resource": gvr(matched),
        "requestKind": below_kind or gvk(attributes.resource),
        "requestResource": gvr(attributes.resource),
        **(below if word else {}),
        "name": name_of(attributes),
        "namespace": attributes.namespace,
        "operation": attributes.operation,
        "userInfo": info,
        "dryRun": attributes.dry_run,
        "options": _options(attributes),
    }
    return {key: value for key, value in request.items() if value != ""}
