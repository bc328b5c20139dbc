"""Aggregation: group versions of the API that a pod behind a Service serves.

Where an APIService names a Service and is available, a request to its group version goes to a ready endpoint of that
Service, with the user in headers as the front proxy writes them; its answer is the answer, and a watch is passed on as
it comes. Where it is not, or nobody is there, the answer is 503. `problem` is what the discovery check finds, `groups`
is what becomes of it in this server's own lists. `reach` carries a request over the pods' network, `relay` to a real
server outside: one behind a Service that is an `ExternalName`. Upstream:
`kube-aggregator/pkg/apiserver/handler_proxy.go`, `pkg/controllers/status/remote`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

from k8snb.apiserver.backends import Backend, backend_of
from k8snb.apiserver.options import flag
from k8snb.apiserver.remote_groups import RemoteGroups
from k8snb.errors import StatusError, unavailable
from k8snb.machinery.api_services import BUCKET
from k8snb.machinery.objects import is_true
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object
from k8snb.wire import Request, Response, User

Reach = Callable[[HTTPRequest], HTTPResponse]
"""A request over the pods' network; raises NetworkError."""

Relay = Callable[[HTTPRequest, bytes | None, bool], HTTPResponse]
"""A request to a server outside, whom to trust (None: whoever it is), and whether it is a watch; raises OSError."""

PORT, DISCOVERY_SECONDS = 443, 5.0
_TEXT = "text/plain; charset=utf-8"
_CHECKER = User("system:kube-aggregator", ("system:masters",))
_ERRNO = {"refused": "connect: connection refused", "unreachable": "connect: no route to host"}
_WITHHELD = ("authorization", "host", "impersonate-", "x-remote-")
"""How headers begin that say who a request is from: what a client writes there does not reach the pod."""


class _Sent(NamedTuple):
    """What is passed on of a request."""

    method: str
    path: str
    user: User | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    body: str = ""


class Aggregator:
    """Passes requests on. `read` finds an object; `list` those of a namespace."""

    def __init__(
        self, read: Callable[[str, str, str], Object | None], list: Callable[[str, str], list[Object]], source: str
    ) -> None:
        self._read = read
        self._list = list
        self._source = source
        self.reach: Reach | None = None
        self.relay: Relay | None = None
        self.groups = RemoteGroups(list, self._fetch)

    def serve(self, request: Request) -> Response | None:
        """The answer of whoever serves the path; None where this server does so itself."""
        service = self._service(request.path)
        if service is None:
            return None
        if not is_true(service, "Available"):
            return _unavailable("service unavailable")
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {name: value for name, value in request.headers.items() if not name.startswith(_WITHHELD)}
        sent = _Sent(
            request.method, request.path + query, request.user, headers, request.body.decode("utf-8", "replace")
        )
        try:
            answer = self._ask(service["spec"], sent, watches=flag(request.query, "watch"))
        except StatusError:
            return _unavailable("service unavailable")
        except OSError as error:
            return _unavailable(f"error trying to reach service: {error}")
        given = {name.lower(): value for name, value in answer.headers.items()}
        kind = given.get("content-type", "text/plain")
        return Response(answer.status, body=answer.body.encode(), content_type=kind, stream=answer.stream)

    def problem(self, spec: Object) -> str:
        """Why the discovery of an APIService does not answer; empty where it does."""
        if self.reach is None:
            return ""
        group, version = spec.get("group") or "", spec["version"]
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            backend = self._backend(spec["service"])
            url = f"https://{backend.address}:{backend.port}{path}"
            lead = f"failing or missing response from {url}"
            answer = self._ask(spec, _Sent("GET", path))
        except StatusError as error:
            return error.message
        except OSError as error:
            return f'{lead}: Get "{url}": {error}'
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
            answer = self._ask(service["spec"], _Sent("GET", path))
        except (OSError, StatusError):
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
        port = str(reference.get("port") or PORT)
        outside = service["spec"].get("externalName") if service["spec"].get("type") == "ExternalName" else None
        return Backend(outside, int(port), "") if outside else backend_of(service, port, self._list)

    def _ask(self, spec: Object, sent: _Sent, *, watches: bool = False) -> HTTPResponse:
        """What the server answers. Raises ServiceUnavailable where there is none, OSError where it is not reached."""
        backend, reference = self._backend(spec["service"]), spec["service"]
        known = sent.user or _CHECKER
        headers = {**sent.headers, "x-remote-user": known.name, "x-remote-group": ",".join(known.groups)}
        name = f"{reference['name']}.{reference['namespace']}.svc"
        address, port = backend.address, backend.port
        asked = HTTPRequest(
            sent.method, address, port, sent.path, headers, sent.body, "https", self._source, server_name=name
        )
        if not _is_outside(address):
            return self._inside(asked)
        if self.relay is None:
            raise OSError(f"dial tcp: lookup {address}: no such host")
        return self.relay(asked, None if spec.get("insecureSkipTLSVerify") else _bundle(spec), watches)

    def _inside(self, asked: HTTPRequest) -> HTTPResponse:
        """What a pod answers."""
        try:
            if self.reach is None:
                raise NetworkError("unreachable", asked.host)
            return self.reach(asked)
        except NetworkError as error:
            errno = _ERRNO.get(error.kind)
            why = f"dial tcp {asked.host}:{asked.port}: {errno}" if errno else "context deadline exceeded"
            raise OSError(why) from None


def _is_outside(address: str) -> bool:
    """Whether it is a name: pods have addresses."""
    return not address.replace(".", "").isdigit() and ":" not in address


def _bundle(spec: Object) -> bytes:
    return str(spec.get("caBundle") or "").encode()


def _unavailable(why: str) -> Response:
    return Response(503, body=f"{why}\n".encode(), content_type=_TEXT)
