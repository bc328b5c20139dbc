"""From a URL to what the request is about.

Upstream: `apiserver/pkg/endpoints/request/requestinfo.go`. A path below `/api/v1` or `/apis/<group>/<version>`
names a resource, perhaps in a namespace, perhaps an object of it, perhaps a subresource; everything else
(`/version`, `/openapi/v3`, `/healthz` …) is a path of its own. A `watch` before the resource is the old way to ask for
a watch, of one object too.
"""

from __future__ import annotations

from urllib.parse import unquote

from k8snb.apiserver.options import flag
from k8snb.errors import method_not_allowed, path_not_found
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Resource
from k8snb.wire import Request, RequestInfo

_KEPT = 4096
_COLLECTION = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


class Router:
    """Resolves requests; what a plain path means is worked out once, for as long as the scheme stays as it is."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._changed = scheme.changed
        self._known: dict[tuple[str, str], RequestInfo] = {}

    def resolve(self, request: Request) -> RequestInfo:
        """What the request is about. Raises as `resolve` does."""
        if request.query:
            return resolve(request, self._scheme)
        if self._changed != self._scheme.changed or len(self._known) >= _KEPT:
            self._changed = self._scheme.changed
            self._known.clear()
        key = (request.method, request.path)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = resolve(request, self._scheme)
        return found


def resolve(request: Request, scheme: Scheme) -> RequestInfo:
    """What the request is about; `resource` is None where the path is not below a served group version.

    Raises NotFound where the group version exists and the resource does not, MethodNotAllowed where there is
    nothing to do at the path in the way that the method says.
    """
    parts = [part for part in request.path.split("/") if part]
    if "%" in request.path:
        parts = [unquote(part) for part in parts]
    method = request.method.upper()
    rest, group, version = _strip_version(parts)
    if not rest:
        return RequestInfo(_OBJECT.get(method, method.lower()), None)
    namespace, old_watch = "", rest[0] == "watch" and len(rest) > 1 and method in ("GET", "HEAD")
    if old_watch:
        rest = rest[1:]
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = scheme.served(group, version, rest[0])
    if resource is None and version not in scheme.versions().get(group, ()):
        return RequestInfo(_OBJECT.get(method, method.lower()), None)
    if resource is None or (namespace and not resource.namespaced):
        raise path_not_found()
    name = rest[1] if len(rest) > 1 else ""
    if resource.plural == "namespaces" and not group:
        namespace = name
    subresource = "/".join(rest[2:])
    if resource.namespaced and not namespace and name:
        raise path_not_found()
    if not _is_offered(method, resource, namespace, name, subresource) or not _is_asked(method, resource, subresource):
        raise method_not_allowed()
    verb = "watch" if old_watch else _verb(method, name, request)
    return RequestInfo(verb, resource, namespace, name, subresource)


def _is_asked(method: str, resource: Resource, subresource: str) -> bool:
    """Whether the method is one of those that routes are made for: HEAD is for custom resources and proxies only."""
    return method != "HEAD" or resource.definition is not None or subresource.partition("/")[0] == "proxy"


def _is_offered(method: str, resource: Resource, namespace: str, name: str, subresource: str) -> bool:
    """Whether there is a route: nothing is created at an object, replaced at a collection, or written everywhere."""
    if subresource:
        return True
    if name:
        return method != "POST"
    if resource.namespaced and not namespace:
        return method in ("GET", "HEAD")
    return method not in ("PUT", "PATCH")


def _verb(method: str, name: str, request: Request) -> str:
    table = _OBJECT if name else _COLLECTION
    verb = table.get(method, "")
    watching = flag(request.query, "watch")
    if watching and (verb == "list" or (verb == "get" and "/" not in name and not request.body)):
        return "watch" if verb == "list" else "get"
    return verb or method.lower()


def _strip_version(parts: list[str]) -> tuple[list[str], str, str]:
    if len(parts) > 2 and parts[0] == "api":
        return parts[2:], "", parts[1]
    if len(parts) > 3 and parts[0] == "apis":
        return parts[3:], parts[1], parts[2]
    return [], "", ""
