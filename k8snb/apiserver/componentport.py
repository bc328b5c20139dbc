"""What a component of the control plane answers on a port of its own: health, metrics, `/statusz`, `/flagz`.

Who asks, and whether they may, the component asks the API server in its own name (delegated authentication and
authorization); for its health nobody needs leave. Upstream: `cmd/kube-scheduler/app/server.go`,
`cmd/kube-controller-manager/app/controllermanager.go`, `apiserver/pkg/server/options/authorization.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from k8snb.apiserver import status, zpages
from k8snb.apiserver.access.authentication import ANONYMOUS
from k8snb.apiserver.access.authorizer import forbidden
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.metrics import CONTENT_TYPE, build_info
from k8snb.apiserver.registry.service_plan import SERVICE_CIDR
from k8snb.errors import Answered, StatusError, unauthorized
from k8snb.typing import Object
from k8snb.wire import Request, Response, User

OPEN = frozenset({"/healthz", "/livez", "/readyz"})
_TEXT = "text/plain; charset=utf-8"
_ELECTION = "leaderElection"
_MASTER = (
    "[ALPHA] Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. "
    "'name' is the string used to identify the lease. Please make sure to group by name."
)


class Kind(NamedTuple):
    """What sort of component it is."""

    name: str
    port: int
    health: Mapping[str, tuple[str, ...]]
    """Endpoint → the checks behind it, besides that of the election."""
    flags: Mapping[str, str]
    """How it was started."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What it answers."""
        return tuple(sorted(("/flagz", "/metrics", "/statusz", *(f"/{endpoint}" for endpoint in self.health))))


SCHEDULER = Kind(
    "kube-scheduler",
    10259,
    {"healthz": (), "livez": (), "readyz": ("shutdown", "sched-handler-sync")},
    {"kubeconfig": "/etc/kubernetes/scheduler.conf", "v": "0"},
)
MANAGER = Kind(
    "kube-controller-manager",
    10257,
    {"healthz": ()},
    {
        "allocate-node-cidrs": "true",
        "kubeconfig": "/etc/kubernetes/controller-manager.conf",
        "service-cluster-ip-range": str(SERVICE_CIDR),
        "use-service-account-credentials": "true",
        "v": "0",
    },
)


class Process(Protocol):
    """The process behind a port; `ask` sends the API server a request in its name."""

    @property
    def running(self) -> bool: ...
    @property
    def leading(self) -> bool: ...
    @property
    def began(self) -> float: ...

    def ask(self, request: Request) -> Response: ...


class ComponentPort:
    """The port of one process. `metrics` are its own lines; it `elects` where it contends for a Lease."""

    def __init__(
        self,
        kind: Kind,
        process: Process,
        metrics: Callable[[], Iterable[str]],
        now: Callable[[], float],
        *,
        elects: bool,
    ) -> None:
        self._kind = kind
        self._process = process
        self._metrics = metrics
        self._now = now
        self._elects = elects

    @property
    def running(self) -> bool:
        """Whether anybody listens."""
        return self._process.running

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        try:
            user = self._who(request)
            if request.path not in OPEN:
                self._let_in(user, request)
            return self._answer(request)
        except StatusError as error:
            return Response(error.code, error.status)

    # -- who may ask -------------------------------------------------------------------------------

    def _who(self, request: Request) -> User:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        try:
            found = self._review("authentication", "TokenReview", {"token": token.strip()})
        except Answered:
            raise unauthorized() from None
        if not found.get("authenticated"):
            raise unauthorized()
        known = found.get("user") or {}
        return User(known.get("username", ""), tuple(known.get("groups") or ()), known.get("uid", ""))

    def _let_in(self, user: User, request: Request) -> None:
        verb = request.method.lower()
        wanted = {"path": request.path, "verb": verb}
        asked = {"nonResourceAttributes": wanted, "user": user.name, "groups": list(user.groups), "uid": user.uid}
        try:
            found = self._review("authorization", "SubjectAccessReview", asked)
        except Answered as error:
            raise StatusError(500, "InternalError", f'Internal Server Error: "{request.path}": {error}') from None
        if not found.get("allowed"):
            raise forbidden(user, Access(verb, path=request.path), "")

    def _review(self, group: str, kind: str, spec: Mapping[str, Any]) -> Object:
        body = {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "spec": spec}
        path, headers = f"/apis/{group}.k8s.io/v1/{kind.lower()}s", {"content-type": "application/json"}
        response = self._process.ask(Request("POST", path, headers=headers, body=orjson.dumps(body)))
        if response.code >= 400:
            refusal = response.object or {}
            raise StatusError(response.code, refusal.get("reason", ""), refusal.get("message", ""))
        return (response.object or {}).get("status") or {}

    # -- what is asked -----------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        page = request.path.strip("/")
        itself = zpages.Component(self._kind.name, self._process.began, self._kind.paths, self._flags())
        found = zpages.answer(itself, page, request.headers.get("accept", ""), self._now())
        if found is not None:
            return found
        if page == "metrics":
            text = "".join(f"{line}\n" for line in self._lines())
            return Response(200, body=text.encode(), content_type=CONTENT_TYPE)
        endpoint, _, check = page.partition("/")
        checks = self._checks(endpoint)
        if endpoint in self._kind.health and check in ("", *checks):
            if check:
                return Response(200, body=b"ok", content_type=_TEXT)
            return status.health(endpoint, checks, verbose="verbose" in request.query)
        return Response(404, body=b"404 page not found\n", content_type=_TEXT)

    def _flags(self) -> Mapping[str, str]:
        return {**self._kind.flags, "leader-elect": str(self._elects).lower()}

    def _checks(self, endpoint: str) -> tuple[str, ...]:
        elected = (_ELECTION,) if self._elects and endpoint != "livez" else ()
        return (*elected, *self._kind.health.get(endpoint, ())) or ("ping",)

    def _lines(self) -> Iterable[str]:
        yield from build_info()
        if self._elects:
            yield from head("leader_election_master_status", "gauge", _MASTER)
            yield sample("leader_election_master_status", {"name": self._kind.name}, int(self._process.leading))
        yield from self._metrics()
        started = "Start time of the process since unix epoch in seconds."
        yield from head("process_start_time_seconds", "gauge", started)
        yield sample("process_start_time_seconds", {}, self._process.began)
