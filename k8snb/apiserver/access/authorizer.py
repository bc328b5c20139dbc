"""May this user do that? `system:masters` may do everything, kubelets what `node` says, everybody what `rbac` says.

A decision that holds whatever the name and the namespace is *general*: the server keeps it for as long as no role and
no binding changes, so that what the cluster's own parts do over and over is decided once. `explain` tells how a
decision comes about (`explaining.py`).

Upstream: `apiserver/pkg/authorization/union`, `kube-apiserver --authorization-mode=Node,RBAC`.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from k8snb.apiserver.access import node as nodes
from k8snb.apiserver.access.explaining import MASTERS, Look, looks
from k8snb.apiserver.access.node import NodeAuthorizer
from k8snb.apiserver.access.rbac import Rbac
from k8snb.apiserver.access.rules import Access, Decision
from k8snb.errors import StatusError, quoted
from k8snb.machinery import fields
from k8snb.store.mvcc import Store
from k8snb.wire import Request, RequestInfo, User


class Authorizer:
    """Decides over the objects of a store."""

    def __init__(self, store: Store) -> None:
        self.rbac = Rbac(store)
        self.node = NodeAuthorizer(store)

    def decide(self, user: User, access: Access) -> Decision:
        """Whether a user may do something."""
        if MASTERS in user.groups:
            return Decision(True, "", True)
        reasons = []
        node = nodes.node_of(user)
        if node is not None:
            answer = self.node.answer(node, access)
            if answer.allowed:
                return answer
            reasons.append(answer.reason)
        decision, errors = self.rbac.decide(user, access)
        if decision is not None:
            return decision
        if errors:
            reasons.append(f"RBAC: {_aggregate(errors)}")
        return Decision(False, "\n".join(reason for reason in reasons if reason))

    def explain(self, user: User, access: Access) -> list[Look]:
        """How the decision comes about: everything that was looked at, in order, up to what allows it."""
        return list(looks(self.rbac, self.node, user, access))


def _aggregate(errors: list[str]) -> str:
    """Several errors as Go's aggregate shows them, each once."""
    once = list(dict.fromkeys(errors))
    return once[0] if len(once) == 1 else f"[{', '.join(once)}]"


# -- requests ------------------------------------------------------------------------------------------


def access_of(request: Request, info: RequestInfo) -> Access:
    """What a request wants to do, in the words of rules."""
    resource = info.resource
    if resource is None:
        return _access_of_path(request)
    name = "" if info.verb == "create" and not info.subresource else info.name
    selector = request.query.get("fieldSelector", "")
    if not name and selector:
        name = _named(selector)
    below = info.subresource.partition("/")[0]
    return Access(
        info.verb,
        resource.group,
        resource.plural,
        below,
        info.namespace,
        name,
        request.path,
        resource.version,
        selector,
    )


_SESSIONS = frozenset({"attach", "exec", "portforward"})


def needed(request: Request, info: RequestInfo) -> Sequence[Access]:
    """Everything a request needs to be allowed: a session in a pod is created, also where it is asked for with GET."""
    access = access_of(request, info)
    if info.verb == "get" and access.subresource in _SESSIONS and request.headers.get("upgrade"):
        return access, access._replace(verb="create")
    return (access,)


def _named(selector: str) -> str:
    try:
        terms = fields.parse(selector).terms
    except ValueError:
        return ""
    return next((each.value for each in terms if each.field == "metadata.name" and not each.negated), "")


_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def _access_of_path(request: Request) -> Access:
    """What a request wants whose path is not that of a served resource: by its form alone, as upstream."""
    parts = [unquote(part) for part in request.path.split("/") if part]
    start = {"api": 1, "apis": 2}.get(parts[0] if parts else "", len(parts))
    if len(parts) < start + 2:
        return Access(request.method.lower(), path=request.path)
    group = parts[1] if start == 2 else ""
    version, rest = parts[start], parts[start + 1 :]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    below = rest[2] if len(rest) > 2 else ""
    verb = _VERBS.get(request.method.upper(), "")
    if not name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
        if verb == "list" and request.query.get("watch") in ("true", "1"):
            verb = "watch"
    return Access(verb, group, rest[0], below, namespace, name, request.path, version)


# -- refusals ------------------------------------------------------------------------------------------


def forbidden(user: User, access: Access, reason: str) -> StatusError:
    """The answer to a request that the user may not send."""
    details = {"name": access.name, "group": access.group, "kind": access.resource}
    what = f"{access.resource}.{access.group}" if access.group else access.resource
    if access.name:
        what = f"{what} {quoted(access.name)} is forbidden"
    elif what:
        what = f"{what} is forbidden"
    message = f"{what or 'forbidden'}: {denial(user, access, reason)}"
    return StatusError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def denial(user: User, access: Access, reason: str) -> str:
    """The sentence that says what a user may not do."""
    message = f"User {quoted(user.name)} cannot {access.verb} "
    if not access.resource:
        message += f"path {quoted(access.path)}"
    else:
        message += f"resource {quoted(access.full_resource)} in API group {quoted(access.group)} "
        message += f"in the namespace {quoted(access.namespace)}" if access.namespace else "at the cluster scope"
    return f"{message}: {reason}" if reason else message
