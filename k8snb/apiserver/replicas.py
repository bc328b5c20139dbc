"""Several API servers over one store: each a process of its own, none of which knows anything that the others do not.

An API server keeps nothing to itself, so the same `APIServer` answers behind each `Replica`; what a replica has of its
own is an address, an identity, and the connections that end with it. Each says that it is there in a Lease
`apiserver-…`, renewed every ten seconds; those that nobody renews for an hour are cleared away by the others. Clients
that know one address only (the scheduler and the controller manager of the same machine) depend on that replica; all
others ask a `Balancer`. Upstream: `pkg/controlplane/apiserver/server.go`, `component-helpers/apimachinery/lease` and
`pkg/controlplane/controller/apiserverleasegc`.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Sequence

from k8snb.apiserver.bootstrap import SERVER_ADDRESS, SERVER_PORT, server_endpoints
from k8snb.apiserver.server import APIServer
from k8snb.clock import Timer, parse_time
from k8snb.errors import Unreachable
from k8snb.machinery.names import Lottery
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User, WatchEvent, expired_watch

RENEW_SECONDS = 10.0
MASTER_SECONDS = 15.0
"""For how long an API server counts as an endpoint that has not said again that it is there."""
LEASE_SECONDS = 3600
LEASES = "leases.coordination.k8s.io"
NAMESPACE = "kube-system"
LABEL = "apiserver.kubernetes.io/identity"
SERVER = User("system:apiserver", ("system:masters",))

Deliver = Callable[[WatchEvent], None]
Stop = Callable[[], None]


def send(server: APIServer, verb: str, word: str, name: str, namespace: str, obj: Object | None = None) -> Response:
    """Let the API server ask itself."""
    info = RequestInfo(verb, server.scheme.find(word), namespace, name)
    return server.handle(Request(info=info, object=obj, user=SERVER))


class Masters:
    """Which API servers are there: what the endpoints of the Service `kubernetes` say.

    A server that dies without a word stays among them for up to 25 seconds. Upstream keeps the record in etcd, beside
    the objects (`pkg/controlplane/reconcilers/lease.go`).
    """

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self._until: dict[str, float] = {}
        self._written: Sequence[str] = [SERVER_ADDRESS]

    def sign(self, address: str) -> None:
        """A server is there, and sees to it that the endpoints are as they should be."""
        now = self._server.clock.now()
        self._until[address] = now + MASTER_SECONDS
        found = sorted(each for each, until in self._until.items() if until > now)
        if found == self._written:
            return
        self._written = found
        for word, obj in server_endpoints(found):
            meta = obj["metadata"]
            stored = self._server.read(word, meta["namespace"], meta["name"])
            changed = {**obj, "metadata": (stored or obj)["metadata"]}
            send(self._server, "update", word, meta["name"], meta["namespace"], changed)


class Replica:
    """One API server, at an address of its own."""

    def __init__(self, server: APIServer, host: str, address: str, lottery: Lottery, masters: Masters) -> None:
        self.host = host
        self.address = address
        self.running = False
        self.answered = 0
        """How many requests it has answered."""
        digest = hashlib.sha256(host.encode()).digest()[:16]
        self.name = f"apiserver-{b32encode(digest).decode().rstrip('=').lower()}"
        """What its Lease is called."""
        self._server = server
        self._masters = masters
        self._lottery = lottery
        self._watches: dict[int, tuple[Request, Deliver, Stop]] = {}
        self._count = 0
        self._timers: dict[str, Timer] = {}

    # -- the door ----------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer a request; `Unreachable` if this replica is down."""
        if not self.running:
            raise Unreachable(f"{self.address}:{SERVER_PORT}")
        self.answered += 1
        return self._server.handle(request)

    def subscribe(self, request: Request, deliver: Deliver) -> Stop:
        """Watch through this replica. While it is down nothing is heard; afterwards the watch has to begin anew."""
        if not self.running:
            raise Unreachable(f"{self.address}:{SERVER_PORT}")
        self._count = number = self._count + 1
        self._watches[number] = request, deliver, self._server.subscribe(request, deliver)

        def end() -> None:
            self._watches.pop(number, (request, deliver, _nothing))[2]()

        return end

    # -- the process -------------------------------------------------------------------------------

    def start(self) -> None:
        """Answer requests, and say so in a Lease."""
        if self.running:
            return
        self.running = True
        self._holder = f"{self.name}_{self._lottery.uid()}"
        for number, (request, deliver, _stop) in [*self._watches.items()]:
            self._watches[number] = request, deliver, self._server.subscribe(request, deliver)
            deliver(expired_watch())
        self._renew()
        self._later(LEASE_SECONDS, self._clear)

    def stop(self) -> None:
        """End, with all connections."""
        self.running = False
        for timer in self._timers.values():
            timer.cancel()
        for number, (request, deliver, stop) in [*self._watches.items()]:
            stop()
            self._watches[number] = request, deliver, _nothing

    # -- who is there ------------------------------------------------------------------------------

    def _renew(self) -> None:
        found = self._server.read(LEASES, NAMESPACE, self.name)
        now = self._server.clock.micro_timestamp()
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        meta = {
            "name": self.name,
            "namespace": NAMESPACE,
            "labels": {LABEL: "kube-apiserver", "kubernetes.io/hostname": self.host},
        }
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta}
        verb, lease = "create" if found is None else "update", {**(found or lease), "spec": spec}
        send(self._server, verb, LEASES, self.name, NAMESPACE, lease)
        self._masters.sign(self.address)
        self._later(RENEW_SECONDS, self._renew)

    def _clear(self) -> None:
        """Delete the Leases of servers that are gone."""
        now = self._server.clock.now()
        for lease in self._server.read_all(LEASES, NAMESPACE):
            labels, spec = lease["metadata"].get("labels") or {}, lease["spec"]
            expired = labels.get(LABEL) and parse_time(spec["renewTime"]) + spec["leaseDurationSeconds"] < now
            if expired:
                send(self._server, "delete", LEASES, lease["metadata"]["name"], NAMESPACE)
        self._later(LEASE_SECONDS, self._clear)

    def _later(self, seconds: float, call: Stop) -> None:
        self._timers[call.__name__] = self._server.clock.call_later(seconds, call, background=True)


def _nothing() -> None:
    """What is left to stop of a watch whose server is gone."""


class Balancer:
    """The address that clients know: each request goes to the next server that is there."""

    def __init__(self, server: APIServer, replicas: Sequence[Replica]) -> None:
        self.replicas = replicas
        self._server = server
        self._next = 0

    def handle(self, request: Request) -> Response:
        """Answer a request. With no server left, it is answered as it is without any."""
        for _ in self.replicas:
            replica = self.replicas[self._next]
            self._next = (self._next + 1) % len(self.replicas)
            if replica.running:
                return replica.handle(request)
        return self._server.handle(request)

    def subscribe(self, request: Request, deliver: Deliver) -> Stop:
        """Watch. When the server behind it goes, another one goes on from the same revision, so nothing is lost."""
        return self._server.subscribe(request, deliver)
