"""Answers one request before a witness: the same filters, the same handler, every step kept.

The chain is put together of the server's own filters, each of them wrapped, so that nothing is different for the
request and nothing costs others anything. A refusal is the last step: it says where the request ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from k8snb.apiserver.audit.event import body_of
from k8snb.apiserver.bootstrap import SERVER_ADDRESS, SERVER_PORT
from k8snb.apiserver.deciding import DECISIONS
from k8snb.apiserver.filters import FILTERS, Filter, Handle, compose
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.options import dry_run
from k8snb.apiserver.watched import watched
from k8snb.apiserver.watching import WatchStream
from k8snb.apiserver.witness import BACK, FILTER, HANDLER, STORE, Step, Witness
from k8snb.errors import StatusError, Unreachable
from k8snb.i18n import _
from k8snb.store.bucket import Deliver
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User, WatchEvent

if TYPE_CHECKING:
    from k8snb.apiserver.server import APIServer

_WHERE = {
    "BadRequest": "decoding",
    "UnsupportedMediaType": "decoding",
    "Invalid": "validation",
    "Conflict": "precondition",
    "MethodNotAllowed": "routing",
}
"""The step at which the handler has refused, by the reason; all other refusals come from what is stored."""


def inspect(server: APIServer, request: Request, ticks: Callable[[], float]) -> tuple[Response, list[Step]]:
    """Answer a request; all steps that it took. Raises `Unreachable` where no server runs."""
    if not server.running:
        raise Unreachable(f"{SERVER_ADDRESS}:{SERVER_PORT}")
    return _Inspection(server, request, ticks).answer()


class _Inspection:
    def __init__(self, server: APIServer, request: Request, ticks: Callable[[], float]) -> None:
        self._server = server
        self._request = request
        self._sender: User | None = None
        self._witness = request.notes = Witness(server.clock.now(), ticks)

    def answer(self) -> tuple[Response, list[Step]]:
        filters = [(name, self._wrapped(name, each)) for name, each in FILTERS]
        response = compose(filters, self._server, self._dispatch)(self._request)
        said = _("{code}, as {form}").format(code=response.code, form=response.content_type)
        seen = [(_("warning"), text) for text in response.warnings]
        self._witness.step("answer", BACK, said, seen=seen)
        return response, self._witness.steps

    # -- filters -----------------------------------------------------------------------------------

    def _wrapped(self, name: str, each: Filter) -> Filter:
        def filter(server: APIServer, request: Request, then: Handle) -> Response:
            def on(request: Request) -> Response:
                self._passed(name, request)
                return then(request)

            steps = len(self._witness.steps)
            try:
                response = each(server, request, on)
            except StatusError as error:
                self._refused(name, steps, error.message)
                raise
            if len(self._witness.steps) == steps:
                self._refused(name, steps, response.body.decode(errors="replace").strip() or str(response.code))
            return response

        return filter

    def _passed(self, name: str, request: Request) -> None:
        """A filter has let the request through."""
        took = self._witness.lap()
        if name == "authentication":
            self._sender = request.user
        said, seen = DECISIONS[name](self._server, request, self._sender)
        self._witness.step(name, FILTER, said, took, seen=seen)

    def _refused(self, name: str, steps: int, why: str) -> None:
        """A filter has refused the request, unless somebody behind it has."""
        if len(self._witness.steps) == steps:
            self._witness.step(name, FILTER, refused=why)

    # -- the handler -------------------------------------------------------------------------------

    def _dispatch(self, request: Request) -> Response:
        info = request.info
        assert info is not None
        if info.resource is None:
            response = self._server.dispatch(request)
            why = "" if response.code < 400 else response.body.decode(errors="replace").strip()
            self._witness.step("handler", HANDLER, _("a document of the server's own"), refused=why)
            return response
        try:
            return self._handled(info, request)
        except StatusError as error:
            if not self._witness.refused:
                name = _WHERE.get(error.reason, "storage")
                self._witness.refuse(name, STORE if name == "storage" else HANDLER, error.message)
            raise
        except Exception as error:
            self._witness.refuse("handler", HANDLER, _("a bug in the server: {error}").format(error=error))
            raise

    def _handled(self, info: RequestInfo, request: Request) -> Response:
        server = self._server
        assert info.resource is not None
        handler, kind = server.route(info.resource, info.verb, info.subresource)
        old = server.store.get(kind.bucket, info.namespace if info.resource.namespaced else "", info.name)
        sent = body_of(request) if request.method in ("POST", "PUT") else None
        told: list[WatchEvent] = []

        def stored(event: WatchEvent) -> None:
            told.append(event)
            self._stored(kind, event)

        stop = kind.bucket.subscribe(stored, first=True)
        try:
            response = handler(watched(kind, self._witness, old if sent is None else sent), info, request)
        finally:
            stop()
        if told:
            for event in told:
                self._delivered(kind, event)
        elif info.verb in ("get", "list", "watch"):
            self._read(info, response)
        elif not self._witness.refused:
            dry = bool(request.query) and dry_run(request)
            self._witness.step("storage", STORE, _("a dry run: nothing is stored") if dry else _("nothing has changed"))
        return response

    # -- behind it ---------------------------------------------------------------------------------

    def _stored(self, kind: Kind, event: WatchEvent) -> None:
        meta = event.object["metadata"]
        parts = ("/registry", kind.resource.storage.partition(".")[0], meta.get("namespace", ""), meta["name"])
        seen = [(_("key"), "/".join(filter(None, parts))), (_("revision"), str(event.revision))]
        if event.previous is not None and event.previous.type != "DELETED":
            seen.append((_("in the place of"), str(event.previous.revision)))
        words = {"ADDED": _("created"), "MODIFIED": _("a new version"), "DELETED": _("removed")}
        self._witness.step("storage", STORE, words[event.type], seen=seen)

    def _delivered(self, kind: Kind, event: WatchEvent) -> None:
        names = Counter(self._watchers(kind, event))
        seen = [(name, str(count)) for name, count in sorted(names.items())]
        said = _("{type} is sent to {count} watches").format(type=event.type, count=names.total())
        self._witness.step("watch", STORE, said, seen=seen)

    def _watchers(self, kind: Kind, event: WatchEvent) -> Iterator[str]:
        for deliver in kind.bucket.concerned(event):
            yield self._name(deliver)

    def _name(self, deliver: Deliver) -> str:
        user = self._server.subscriptions.user(deliver)
        if user is not None:
            return user.name
        is_stream = isinstance(getattr(deliver, "__self__", None), WatchStream)
        return _("clients outside") if is_stream else _("kube-apiserver itself")

    def _read(self, info: RequestInfo, response: Response) -> None:
        seen = [(_("revision"), str(self._server.store.revision))]
        if response.stream is not None:
            self._witness.step("watch", STORE, _("a stream that stays open"), seen=seen)
            return
        items = (response.object or _EMPTY).get("items")
        said = _("one object") if items is None or len(items) == 1 else _("{count} objects").format(count=len(items))
        self._witness.step("storage", STORE, said, seen=seen)


_EMPTY: Object = {}
