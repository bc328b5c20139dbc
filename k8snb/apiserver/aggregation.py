"""Aggregation: group versions of the API that a pod behind a Service serves.

Where an APIService names a Service and is available, a request to its group version goes to a ready endpoint of that
Service, with the user in headers as the front proxy writes them; its answer is the answer, and a watch is passed on as
the pod sends it. Where it is not, or nobody is there, the answer is 503. `problem` is what the discovery check finds,
`groups` is what becomes of it in this server's own lists. `reach` carries a request over the pods' network. Upstream:
`kube-aggregator/pkg/apiserver/handler_proxy.go`, `pkg/controllers/status/remote`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from k8snb.apiserver.backends import Backend, backend_of
from k8snb.apiserver.forwarding import unreachable
from k8snb.apiserver.remote_groups import RemoteGroups
from k8snb.errors import StatusError, unavailable
from k8snb.machinery.api_services import BUCKET
from k8snb.machinery.objects import is_true
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object
from k8snb.wire import Request, Response, User

Reach = Callable[[HTTPRequest], HTTPResponse]
"""A request over the pods' network; raises NetworkError."""

PORT, DISCOVERY_SECONDS = 443, 5.0
_TEXT = "text/plain; charset=utf-8"
_CHECKER = User("system:kube-aggregator", ("system:masters",))
_ERRNO = {"refused": "connect: connection refused", "unreachable": "connect: no route to host"}
_WITHHELD = ("authorization", "host", "impersonate-", "x-remote-")
"""How headers begin that say who a request is from: what a client writes there does not reach the pod."""


class Aggregator:
    """Passes requests on. `read` finds an object; `list` those of a namespace."""

    def __init__(
        self, read: Callable[[str, str, str], Object | None], list: Callable[[str, str], list[Object]], source: str
    ) -> None:
        self._read = read
        self._list = list
        self._source = source
        self.reach: Reach | None = None
        self.groups = RemoteGroups(list, self._fetch)

    def serve(self, request: Request) -> Response | None:
        """The answer of whoever serves the path; None where this server does so itself."""
        service = self._service(request.path)
        if service is None:
            return None
        if not is_true(service, "Available"):
            return _unavailable("service unavailable")
        try:
            backend = self._backend(service["spec"]["service"])
        except StatusError:
            return _unavailable("service unavailable")
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {name: value for name, value in request.headers.items() if not name.startswith(_WITHHELD)}
        text = request.body.decode("utf-8", "replace")
        try:
            answer = self._ask(backend, request.method, request.path + query, request.user, headers, text)
        except NetworkError:
            return _unavailable(unreachable(backend.address, backend.port).message)
        given = {name.lower(): value for name, value in answer.headers.items()}
        kind = given.get("content-type", "text/plain")
        return Response(answer.status, body=answer.body.encode(), content_type=kind, stream=answer.stream)

    def problem(self, spec: Object) -> str:
        """Why the discovery of an APIService does not answer; empty where it does."""
        if self.reach is None:
            return ""
        try:
            backend = self._backend(spec["service"])
        except StatusError as error:
            return error.message
        group, version = spec.get("group") or "", spec["version"]
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        url = f"https://{backend.address}:{backend.port}{path}"
        lead = f"failing or missing response from {url}"
        try:
            answer = self._ask(backend, "GET", path, _CHECKER, {}, "")
        except NetworkError as error:
            errno = _ERRNO.get(error.kind)
            if errno is None:
                return f'{lead}: Get "{url}": context deadline exceeded'
            return f'{lead}: Get "{url}": dial tcp {backend.address}:{backend.port}: {errno}'
        if answer.seconds > DISCOVERY_SECONDS:
            waited = "(Client.Timeout exceeded while awaiting headers)"
            return f'{lead}: Get "{url}": context deadline exceeded {waited}'
        if not 200 <= answer.status < 300:
            return f"{lead}: bad status from {url}: {answer.status}"
        self.groups.learn(f"{version}.{group}", answer.body)
        return ""

    def _fetch(self, service: Object, path: str) -> bytes | None:
        """A document of the server behind an APIService; None where it has none."""
        try:
            answer = self._ask(self._backend(service["spec"]["service"]), "GET", path, _CHECKER, {}, "")
        except (NetworkError, StatusError):
            return None
        return answer.body.encode() if answer.status == 200 else None

    def _service(self, path: str) -> Object | None:
        """The APIService of a path that somebody else serves."""
        parts = path.split("/")
        if len(parts) < 4 or parts[1] != "apis":
            return None
        found = self._read(BUCKET, "", f"{parts[3]}.{parts[2]}")
        return found if found is not None and found["spec"].get("service") is not None else None

    def _backend(self, reference: Object) -> Backend:
        """An endpoint of the Service that is named. Raises ServiceUnavailable where there is none."""
        service = self._read("services", reference["namespace"], reference["name"])
        if service is None:
            raise unavailable(f'service "{reference["name"]}" not found')
        return backend_of(service, str(reference.get("port") or PORT), self._list)

    def _ask(
        self, backend: Backend, method: str, path: str, user: User | None, headers: Mapping[str, str], body: str
    ) -> HTTPResponse:
        if self.reach is None:
            raise NetworkError("unreachable", backend.address)
        known = user or _CHECKER
        who = {"x-remote-user": known.name, "x-remote-group": ",".join(known.groups)}
        sent = {**headers, **who}
        return self.reach(HTTPRequest(method, backend.address, backend.port, path, sent, body, "https", self._source))


def _unavailable(why: str) -> Response:
    return Response(503, body=f"{why}\n".encode(), content_type=_TEXT)
