"""`kubectl apply`, from a file to the store: what the client asks, what the server does with it, what is kept.

The client's side is what the built-in kubectl really sent. The server's side follows its own tables: the filters that
every request passes (`FILTERS`), then decoding, the admission plugins that are concerned with the kind, and the store.
What a step decided is worked out from the request as it was recorded and from the object before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import yaml

from k8snb.apiserver.access.authorizer import access_of
from k8snb.apiserver.admission.chain import mutates, validates
from k8snb.apiserver.filters import FILTERS
from k8snb.apiserver.server import APIServer
from k8snb.i18n import _
from k8snb.trace import Sent
from k8snb.typing import Object
from k8snb.view.changes import Change, changes
from k8snb.view.frames import Act, Frame
from k8snb.view.graphs.planes import admission_plugins
from k8snb.view.requests import Sent as Exchanged
from k8snb.view.scene import Item, Snapshot, facts
from k8snb.view.stepper import Stepper

CLIENT, SERVER, STORE = "kubectl", "kube-apiserver", "etcd"
_SEEN = frozenset({"authentication", "request info", "authorization", "content negotiation"})
"""The filters that decide something about the request; the others look after the server."""

_MOST = 8
_LONGEST = 600


class Applying:
    """Writes the frames of one `kubectl apply`: `sent` is what the server recorded of the client's `exchanges`."""

    def __init__(
        self, server: APIServer, exchanges: Sequence[Exchanged], sent: Sequence[Sent], before: Snapshot, revision: int
    ) -> None:
        self._server = server
        self._revision = revision
        self._exchanges = exchanges
        self._sent = sent
        self._before = before
        self._scene: dict[str, Item] = {}

    def stepper(self, manifest: str, printed: str, title: str = "") -> Stepper:
        """All of it."""
        frames = [self._read(manifest)]
        for exchange, sent in zip(self._exchanges, self._sent, strict=False):
            frames += self._exchange(exchange, sent)
        frames.append(replace(self._frame(CLIENT), caption=printed.strip().partition("\n")[0][:_LONGEST]))
        return Stepper(title or _("From a file to the store"), frames, ("sequence", "topology", "diff"))

    # -- the client --------------------------------------------------------------------------------

    def _read(self, manifest: str) -> Frame:
        objects = [each for each in yaml.safe_load_all(manifest) if each]
        named = [("kind", each.get("kind", "")) for each in objects]
        words = _("the file says what should be, and nothing about how to get there")
        return replace(self._frame(CLIENT), caption=words, observed=named, acts=[Act(_("read"), _("file"), 0, 0)])

    def _exchange(self, exchange: Exchanged, sent: Sent) -> Iterator[Frame]:
        asks = replace(self._frame(CLIENT), caption=_reasons(exchange.method, exchange.content_type))
        carried = _carried(exchange, sent)
        request = f"{exchange.method} {exchange.url}"
        yield replace(asks, acts=[Act(_("send"), request, 0, 0, changes=carried[:_MOST], to=SERVER)])
        if exchange.method == "GET":
            found = _("it is not there") if exchange.code == 404 else _("here it is, as it is now")
            yield self._answers(exchange, found)
            return
        yield from self._filters(sent)
        if exchange.code >= 400:
            said = _message(exchange.response)
            yield replace(self._answers(exchange, ""), error=said[:_LONGEST])
            return
        yield from self._written(exchange, sent)

    # -- the server --------------------------------------------------------------------------------

    def _filters(self, sent: Sent) -> Iterator[Frame]:
        for name, _filter in FILTERS:
            if name in _SEEN:
                seen, words = self._decided(name, sent)
                yield replace(self._frame(SERVER), observed=seen, caption=f"{name}: {words}")

    def _decided(self, name: str, sent: Sent) -> tuple[list[tuple[str, str]], str]:
        """What a filter found out about the request."""
        request, info, user = sent.request, sent.request.info, sent.request.user
        if name == "authentication" and user is not None:
            return [(_("user"), user.name), (_("groups"), ", ".join(user.groups))], _("who is it?")
        if name == "request info" and info is not None and info.resource is not None:
            seen = [(_("verb"), info.verb), (_("resource"), info.resource.group_resource), (_("name"), info.name)]
            seen.append((_("namespace"), info.namespace))
            return [(label, value) for label, value in seen if value], _("what is it about?")
        if name == "authorization" and info is not None and user is not None and self._server.authorizer is not None:
            every = self._server.authorizer.explain(user, access_of(request, info))
            looks = [look for look in every if look.counts]
            return [(_("because"), looks[-1].note if looks else _("nothing allows it"))], _("may this user do that?")
        kind = request.headers.get("content-type", "")
        words = _("in which form does it come, and in which is the answer wanted?")
        return ([(_("body"), kind)] if kind else []), words

    def _written(self, exchange: Exchanged, sent: Sent) -> Iterator[Frame]:
        stored: Object = orjson.loads(exchange.response)
        old = self._old(sent)
        given = orjson.loads(exchange.body) if exchange.method == "POST" else old or {}
        added = [each for each in changes(given, stored) if exchange.method != "POST" or not each.before]
        words = _("decoding: every field is checked against the schema; what was left out is filled in")
        if exchange.method != "POST":
            words = _("decoding: the patch is laid over the object as it is; every field is checked against the schema")
        yield replace(
            self._frame(SERVER), caption=words, acts=[Act(_("make"), _name(stored), 0, 0, changes=added[:_MOST])]
        )
        plugins = admission_plugins()
        seen = [
            (_("may change"), str(sum(map(mutates, plugins)))),
            (_("may refuse"), str(sum(map(validates, plugins)))),
            (_("first"), plugins[0].__name__),
            (_("last"), plugins[-1].__name__),
        ]
        words = _("admission: {count} plugins are asked, in order; none objects").format(count=len(plugins))
        yield replace(self._frame(SERVER), observed=seen, caption=words)
        yield self._stored(stored, old, sent)
        yield self._answers(exchange, _("done; the answer is the object as it was stored"))

    def _stored(self, stored: Object, old: Object | None, sent: Sent) -> Frame:
        meta = stored["metadata"]
        revision = int(meta["resourceVersion"])
        info = sent.request.info
        assert info is not None
        assert info.resource is not None
        key = "/".join(filter(None, ("/registry", info.resource.plural, meta.get("namespace", ""), meta["name"])))
        self._scene = {_id(stored): {"facts": [*facts(stored), ["resourceVersion", str(revision)]]}}
        if old is not None and old["metadata"]["resourceVersion"] == meta["resourceVersion"]:
            words, act = _("nothing is different from what is there: nothing is written"), []
        else:
            words = _("the one place where anything is kept; whoever watches this kind is told")
            act = [Act(_("put"), key, 0, revision, to=STORE, by=SERVER)]
        seen = [(_("key"), key), (_("revision"), str(revision))]
        self._revision = revision
        frame = replace(self._frame(STORE), observed=seen, caption=words, acts=act)
        return replace(frame, scene=dict(self._scene), touched=list(self._scene))

    def _old(self, sent: Sent) -> Object | None:
        """The object as it was before the request."""
        info = sent.request.info
        assert info is not None
        assert info.resource is not None
        known = self._before.list(info.resource.group_resource, info.namespace)
        return next((each for each in known if each["metadata"]["name"] == info.name), None)

    # -- frames ------------------------------------------------------------------------------------

    def _answers(self, exchange: Exchanged, words: str) -> Frame:
        return replace(self._frame(SERVER), caption=words, acts=[Act(_("answer"), str(exchange.code), 0, 0, to=CLIENT)])

    def _frame(self, actor: str) -> Frame:
        return Frame(actor, "", "", 0.0, self._revision, scene=dict(self._scene))


def _reasons(method: str, content_type: str) -> str:
    """Why kubectl sends a request of this kind."""
    if "apply" in content_type:
        return _("the whole file goes to the server, which knows who owns which field")
    return {
        "GET": _("is it there already?"),
        "POST": _("it is not: create it, with a note of what was applied"),
        "PATCH": _("compare the file, what was applied last and what is there; send only what differs"),
    }.get(method, "")


def _carried(exchange: Exchanged, sent: Sent) -> list[Change]:
    """What a request carries, field by field."""
    if not exchange.body:
        return []
    try:
        body: Mapping[str, Any] = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        body = yaml.safe_load(exchange.body)
    info = sent.request.info
    kind = info.resource.kind if info is not None and info.resource is not None else ""
    return changes({}, body, kind) if isinstance(body, Mapping) else []


def _message(response: str) -> str:
    try:
        return str(orjson.loads(response).get("message", ""))
    except orjson.JSONDecodeError:
        return response.strip()


def _id(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _name(obj: Object) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"
