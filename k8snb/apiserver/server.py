"""The API server: one `handle`, one chain of filters, every client alike.

A request passes the filters of `filters`; the last one hands it to the handler of its verb. A `StatusError` raised
anywhere becomes the answer; anything else is a bug, answered as an internal error and kept in `panics`.

Upstream: `apiserver/pkg/server/config.go`, `DefaultBuildHandlerChain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from k8snb.apiserver import body, discovery, flow_dump, openapi, status, zpages
from k8snb.apiserver.access.authentication import Authenticator
from k8snb.apiserver.access.authorizer import forbidden, needed
from k8snb.apiserver.access.gate import Gate
from k8snb.apiserver.access.guards import guards
from k8snb.apiserver.access.impersonation import Impersonator
from k8snb.apiserver.access.last_use import LastUse
from k8snb.apiserver.access.restoring import restore
from k8snb.apiserver.access.reviews import Reviews
from k8snb.apiserver.access.token_requests import TokenRequests
from k8snb.apiserver.access.tokens import Tokens
from k8snb.apiserver.admission.chain import PLUGINS, Chain, with_configured
from k8snb.apiserver.admission.surroundings import Overtaken
from k8snb.apiserver.aggregation import Aggregator
from k8snb.apiserver.applying import Applier
from k8snb.apiserver.audit.auditor import Auditor
from k8snb.apiserver.authors import Authors
from k8snb.apiserver.bootstrap import SERVER_ADDRESS, SERVER_PORT
from k8snb.apiserver.chains import Chains
from k8snb.apiserver.components import ComponentStatuses
from k8snb.apiserver.confirming import confirm, failed_checks, is_remembered
from k8snb.apiserver.containers import Agents
from k8snb.apiserver.custom.definitions import Definitions
from k8snb.apiserver.deleting import Remover
from k8snb.apiserver.deprecating import Handler, warned
from k8snb.apiserver.express import Express
from k8snb.apiserver.extensions import Extensions
from k8snb.apiserver.flow import Flows
from k8snb.apiserver.kinds import Kind, Kinds
from k8snb.apiserver.metrics import Metrics
from k8snb.apiserver.negotiation import patch_kind
from k8snb.apiserver.ownership import History
from k8snb.apiserver.reading import Reader
from k8snb.apiserver.reception import Reception
from k8snb.apiserver.routing import Router
from k8snb.apiserver.service_addresses import ServiceAddresses
from k8snb.apiserver.subresources import Subresources
from k8snb.apiserver.subscribing import Subscriptions
from k8snb.apiserver.usage import UsageAPI
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock
from k8snb.errors import (
    Unreachable,
    conflict,
    method_not_allowed,
    path_not_found,
)
from k8snb.machinery.jsontext import escaped
from k8snb.machinery.names import Lottery
from k8snb.machinery.recorded import RecordedEvent
from k8snb.machinery.scheme import Scheme
from k8snb.store.bucket import Bucket
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, Response, User, WatchEvent

MAX_TRIES = 10
"""How often a request begins anew because others were faster, before it is refused."""

_SERVER = User("system:apiserver", ("system:masters",))


class APIServer:
    """Serves the resources of a scheme from a store.

    `gate`, if given, decides who a request is from and what its user may do; `agents` finds the kubelet of a node.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lottery: Lottery,
        trace: Trace,
        *,
        scheme: Scheme | None = None,
        gate: Gate | None = None,
        agents: Agents = lambda node: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.trace = trace
        self.running = True
        """Whether the process is there. While it is not, nobody gets an answer; what it knew it reads again."""
        self.scheme = scheme or Scheme()
        self.history = History()
        self.router = Router(self.scheme)
        self.kinds = Kinds(self.scheme, store, lottery)
        self.kinds.condense = self.history.condense
        self.definitions = Definitions(store, self.scheme)
        self.authenticate = gate.authenticator if gate is not None else Authenticator()
        self.authorizer = gate.authorizer if gate is not None else None
        self.impersonator = Impersonator(gate.authorizer) if gate is not None else None
        self._gate = gate
        self.flows = Flows(store, clock)
        self.metrics = Metrics(store, clock, self.flows)
        self.panics: list[BaseException] = []
        self.subscriptions = Subscriptions(store, self.kinds)
        self._readable: dict[str, Bucket] = {}
        self.extensions = Extensions(store, self.kinds, lottery, self.authorizer)
        plugins = with_configured(PLUGINS, self.extensions.plugins)
        plugins = (*plugins, *(guards(gate) if gate is not None else ()))
        self.admission = Chain(self.read, self.read_all, plugins, commit=self._commit, now=clock.now)
        self.aggregator = Aggregator(self.read, self.read_all, SERVER_ADDRESS)
        self.reader = Reader(store, clock)
        self.authors = Authors(clock, self.history)
        self.writer = Writer(store, self.kinds, clock, lottery, self.admission, self.authors)
        self.kinds.keep_addresses = ServiceAddresses(store, self.kinds, clock, self.authors).settle
        self.applier = Applier(store, self.writer, self.authors, self.require)
        self.remover = Remover(store, clock, self.admission, self.writer, self.reader)
        self.subresources = Subresources(
            store, clock, self.admission, self.writer, self.remover, agents, self.authors, self.applier
        )
        self._handlers: dict[str, Handler] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self.writer.create,
            "update": self.writer.update,
            "patch": self._patch,
            "delete": self.remover.delete,
            "deletecollection": self.remover.delete_collection,
        }
        self.health = ComponentStatuses()
        reviews = Reviews(self.authorizer, self.authenticate, clock)
        self._virtual: dict[str, Handler] = {
            "bindings": self._bind,
            "componentstatuses": self.health.serve,
            **reviews.handlers,
            **UsageAPI(store, clock, agents, trace).handlers,
        }
        if gate is not None:
            tokens = TokenRequests(store, clock, self.admission, gate.tokens)
            self._virtual["serviceaccounts/token"] = tokens.create
            gate.tokens.used = LastUse(self.handle, clock, self.kinds.named("secrets").resource)
        self._routes: dict[tuple[Resource, str, str], tuple[Handler, Kind]] = {}
        self._granted: dict[tuple[User, Resource | None, str, str], tuple[Handler, Kind]] = {}
        for bucket in gate.authorizer.rbac.buckets if gate is not None else ():
            store.watch(bucket, lambda _: self._granted.clear())
        self.express: Express | None = None
        """The short way for parts of this process; there is none where requests are traced."""
        if not trace.enabled:
            self.express = Express(store, self.kinds, clock, self.admission, self.writer, self._granted, self.authors)
        self.extensions.follow(self._configured)
        self.auditor: Auditor | None = None
        """Writes the audit log; there is none where there is no policy."""
        self._reception: Reception | None = None
        self.chains = Chains(self, self._dispatch_granted)

    @property
    def tokens(self) -> Tokens:
        """Whoever issues tokens of service accounts and looks at them; RuntimeError where nobody does."""
        if self._gate is None:
            raise RuntimeError("this server has no gate")
        return self._gate.tokens

    def _configured(self) -> None:
        """Webhooks or policies have changed: what was remembered of admission counts no more."""
        self.admission.forget()
        self.writer.forget()
        if self.express is not None:
            self.express.forget()

    def audit(self, auditor: Auditor | None) -> None:
        """Write an audit log from now on, or none. There is no short way past it."""
        self.auditor = auditor
        if self.express is not None:
            self.express.close(auditor is not None)
        self.chains.compose()
        if self._reception is not None:
            self._reception.compose()

    def stop(self) -> None:
        """End the process, as far as others can tell: no request is answered any more."""
        self.running = False
        self._granted.clear()

    def start(self) -> None:
        """Answer requests again, when the default policy has been put right."""
        self.running = True
        if self._gate is not None:
            restore(self.read, self.handle, lambda word: self.kinds.named(word).resource)

    def handle(self, request: Request) -> Response:
        """Answer a request. Refusals are answers too: nothing is raised but `Unreachable`, where no server runs."""
        if not self.running and not is_remembered(request):
            raise Unreachable(f"{SERVER_ADDRESS}:{SERVER_PORT}")
        if request.info is not None and request.user is not None:
            return self.chains.inside(request)
        return self.chains.outside(request)

    @property
    def reception(self) -> Reception:
        """The way in for requests that can wait for a seat."""
        if self._reception is None:
            self._reception = Reception(self)
        return self._reception

    def subscribe(self, request: Request, deliver: Callable[[WatchEvent], None]) -> Callable[[], None]:
        """A watch for a part in the same process: committed events as they are, through the same permission checks."""
        if not self.running:
            raise Unreachable(f"{SERVER_ADDRESS}:{SERVER_PORT}")
        info = request.info
        if info is None or info.resource is None or request.user is None:
            raise path_not_found()
        ended = self.auditor.subscribed(request) if self.auditor is not None else None
        self.require(request.user, request, info)
        stop = self.subscriptions.open(request.user, info, info.resource, request, deliver)
        if ended is None:
            return stop
        return lambda: (stop(), ended())[0]

    def record(self, batch: Sequence[tuple[User, RecordedEvent]]) -> None:
        """Store events that parts of this process recorded, each as the request of its user; refusals are dropped."""
        if not self.running:
            return
        resource, waiting = self.kinds.named("events").resource, iter(batch)
        while (entry := self.express.record(waiting) if self.express is not None else next(waiting, None)) is not None:
            user, event = entry
            info = RequestInfo("create", resource, event.shape.namespace, event.name)
            self.handle(Request(info=info, object=event, user=user))

    # -- what admission may read -------------------------------------------------------------------

    def read(self, word: str, namespace: str, name: str) -> Object | None:
        """An object as it is stored; None if there is none."""
        bucket = self._bucket(word)
        return self.store.get(bucket, namespace, name) if bucket is not None else None

    def read_all(self, word: str, namespace: str) -> list[Object]:
        """The objects of a namespace (or of all) as they are stored."""
        bucket = self._bucket(word)
        return self.store.scan(bucket, namespace) if bucket is not None else []

    def _bucket(self, word: str) -> Bucket | None:
        """Where the objects of a resource are; None where it is not served."""
        bucket = self._readable.get(word)
        if bucket is None and self.scheme.find(word) is not None:
            bucket = self._readable[word] = self.kinds.named(word).bucket
        return bucket

    def _commit(self, word: str, old: Object, new: Object) -> None:
        kind = self.kinds.named(word)
        self.writer.commit(kind, old, new, self.authors.of(kind.resource, "status", _SERVER))

    # -- what users may do -------------------------------------------------------------------------

    def require(self, user: User, request: Request, info: RequestInfo) -> bool:
        """Raise Forbidden where the user may not; whether the user may so whatever the name and the namespace."""
        if self.authorizer is None:
            return True
        general = True
        for access in needed(request, info):
            decision = self.authorizer.decide(user, access)
            if request.notes is not None:
                request.notes.authorized(decision.allowed, decision.reason)
            if not decision.allowed:
                raise forbidden(user, access, decision.reason)
            general = general and decision.general
        return general

    # -- the end of the chain ----------------------------------------------------------------------

    def _dispatch_granted(self, request: Request) -> Response:
        """The same for a part of this process: authorization and route are found together, and mostly once."""
        info, user = request.info, request.user
        assert info is not None
        assert user is not None
        route = self._granted.get((user, info.resource, info.verb, info.subresource))
        if route is None:
            general = self.require(user, request, info)
            if info.resource is None:
                return self._path(request)
            route = self.route(info.resource, info.verb, info.subresource)
            if general:
                self._granted[user, info.resource, info.verb, info.subresource] = route
        try:
            return route[0](route[1], info, request)
        except Overtaken:
            return self._again(route, info, request)

    def dispatch(self, request: Request) -> Response:
        """Hand the request to the handler of its verb."""
        info = request.info
        assert info is not None
        if info.resource is None:
            return self._path(request)
        route = self.route(info.resource, info.verb, info.subresource)
        try:
            return route[0](route[1], info, request)
        except Overtaken:
            return self._again(route, info, request)

    @staticmethod
    def _again(route: tuple[Handler, Kind], info: RequestInfo, request: Request) -> Response:
        """Answer a request whose object was changed while a webhook was asked, by what is stored now."""
        for _ in range(MAX_TRIES):
            try:
                return route[0](route[1], info, request)
            except Overtaken:
                continue
        raise conflict(route[1].resource, info.name)

    def route(self, resource: Resource, verb: str, subresource: str) -> tuple[Handler, Kind]:
        """The handler of a verb on a resource, found once; raises where there is none."""
        found = self._routes.get((resource, verb, subresource))
        if found is not None:
            return found
        handler = self._handlers.get(verb)
        below = self._virtual.get(f"{resource.storage}/{subresource}") if verb == "create" else None
        if below is not None:
            handler = below
        elif subresource and subresource != "status":
            handler = self.subresources.handle
        elif subresource and "status" not in resource.subresources:
            raise path_not_found()
        elif verb not in resource.verbs or (subresource and verb not in ("get", "update", "patch")):
            raise method_not_allowed()
        elif resource.storage in self._virtual:
            handler = self._virtual[resource.storage]
        assert handler is not None
        kind = self.kinds.of(resource)
        route = warned(handler, kind.strategy.deprecation, self.metrics.deprecated), kind
        if handler != self.subresources.handle or subresource in resource.subresources:
            self._routes[resource, verb, subresource] = route
        return route

    def _get(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        if self.store.agreement is not None:
            confirm(self.store.agreement, request)
        return Response(200, self.reader.get(kind, info, request.query))

    def _list(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        if self.store.agreement is not None:
            confirm(self.store.agreement, request)
        return Response(200, self.reader.list(kind, info, request.query))

    def _watch(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return Response(200, stream=self.reader.watch(kind, info, request.query))

    def _patch(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        applies = patch_kind(request.headers.get("content-type", "")) == "apply"
        return (self.applier.apply if applies else self.writer.patch)(kind, info, request)

    def _bind(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """The old way to bind a pod: the pod is named in the body."""
        name = (body.decode(request, "v1", "Binding").object.get("metadata") or {}).get("name", "")
        pods = self.kinds.named("pods")
        target = RequestInfo("create", pods.resource, info.namespace, name, "binding")
        return self.subresources.bind(pods, target, request)

    def _path(self, request: Request) -> Response:
        response = self.metrics.serve(request) or flow_dump.serve(request, self.flows) or self._page(request)
        if response is not None:
            return response
        remote = self.aggregator.groups
        health = request.path.strip("/").partition("/")[0] in status.CHECKS
        response = status.serve(request, self.scheme, failed_checks(self.store.agreement) if health else ())
        response = response or discovery.serve(request, self.scheme, remote)
        response = response or openapi.serve(request, self.scheme, remote)
        if response is not None:
            return response
        known = self._gate.serve(request, f"{SERVER_ADDRESS}:{SERVER_PORT}") if self._gate is not None else None
        if known is not None:
            return known
        passed = self.aggregator.serve(request)
        if passed is not None:
            return passed
        if request.method != "GET" and self._path(Request("GET", request.path, user=request.user)).code == 200:
            raise method_not_allowed()
        return Response(404, body=b"404 page not found\n", content_type="text/plain; charset=utf-8")

    def _page(self, request: Request) -> Response | None:
        if request.method != "GET":
            return None
        itself, accept = zpages.api_server(self.metrics.began), request.headers.get("accept", "")
        return zpages.answer(itself, request.path.strip("/"), accept, self.clock.now())


def encode(value: Any) -> bytes:
    """An object as JSON bytes, as the edge sends it."""
    return escaped(orjson.dumps(value)) + b"\n"
