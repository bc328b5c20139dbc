"""What stands between a notebook and a live cluster, and looks at every request on its way there and at every answer
back.

1. The namespace that pages call `default` is the home of the session.
2. Reading is free. What is secret is covered in the answer (`secrets`).
3. Writing is for the namespaces of the session. Kinds of the whole cluster need somebody's yes, and even then only
   what the session has made is changed or deleted; what it makes is noted in its Lease before, so that it can be
   found by whoever cleans up after a session that was killed.
4. A write is rehearsed first (`dryRun=All`). If the cluster refuses the rehearsal, that is the answer, and nothing
   happened.

`NeedsYes` says what is not done. Nobody has another way to the cluster: kubectl, helm, checks and the official client
of a page all go through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
import yaml

from k8snb.client.client import PATCH_TYPES, Transport
from k8snb.errors import NeedsYes, StatusError, Unreachable
from k8snb.i18n import _
from k8snb.live.holders import token
from k8snb.live.lent import Lent
from k8snb.live.places import Place, is_crooked, place_of
from k8snb.live.secrets import Covers, has_covered, uncovered
from k8snb.live.territory import Territory
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object
from k8snb.wire import Request, Response

_HARMLESS = re.compile(
    r"((self)?subject(access|rules)reviews|localsubjectaccessreviews)\.authorization\.k8s\.io"
    r"|(selfsubject|token)reviews\.authentication\.k8s\.io"
)
"""What is created to ask a question."""
_SPOKEN = ("exec", "attach", "portforward", "proxy")
"""Subresources through which somebody talks to a program; what is said is nobody else's."""
_UNREHEARSED = (*_SPOKEN, "token", "binding")
_ENTERING = ("exec", "attach", "portforward", "proxy")
"""Subresources that may change something, with whatever method they are asked for."""
_OLD_WATCH = "watch"
"""A way to watch that nobody has needed for years (`/api/v1/watch/…`); its path does not tell what it is about."""
_UNREADABLE = re.compile("protobuf|cbor|yaml")
_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Guard:
    """A transport to a live cluster that does nothing beyond a territory and shows nothing secret.

    `note` keeps what the session has made elsewhere, before it is made; `saw` is told of every object that the notebook
    itself has written, with the verb.
    """

    def __init__(
        self,
        transport: Transport,
        territory: Territory,
        covers: Covers,
        note: Callable[[], None] = lambda: None,
        saw: Callable[[str, Object], None] = lambda verb, obj: None,
    ) -> None:
        self._transport = transport
        self.territory = territory
        self._covers = covers
        self._note = note
        self.saw = saw
        self._scheme = Scheme()
        self._lent = Lent(transport, territory)

    def subscribe(self, request: Request, deliver: Callable[[Any], None]) -> Callable[[], None]:
        """As the transport says."""
        return self._transport.subscribe(request, deliver)

    def handle(self, request: Request) -> Response:
        """Send a request, if it may be sent."""
        place = place_of(request.path)
        method = request.method
        if is_crooked(request.path) or (place is not None and place.plural == _OLD_WATCH):
            raise NeedsYes(_("{verb} {what} is not done on a live cluster").format(verb=method, what=request.path))
        if place is None:
            if method not in ("GET", "HEAD"):
                raise NeedsYes(_("{verb} {what} is not done on a live cluster").format(verb=method, what=request.path))
            return self._covered(self._send(request, request.path, request.body))
        place = place._replace(namespace=self.territory.place(place.namespace) if place.namespace else "")
        if _enters(place):
            self._admit_in(place)
        if method not in _WRITES or (method == "POST" and _HARMLESS.fullmatch(place.resource)):
            return self._covered(self._send(request, place.path, _moved(request, self.territory)))
        return self._write(request, place, _WRITES[method])

    def _write(self, request: Request, place: Place, verb: str) -> Response:
        body = self._body(request, place, verb)
        found = self._admit(place, verb)
        lent = self.territory.lent and place.namespace == self.territory.home and not place.sub
        if lent:
            self._lent.look(place, verb, request, body)
        rehearsed = place.sub.partition("/")[0] not in _UNREHEARSED and not _is_rehearsal(request, body)
        if rehearsed:
            answer = self._send(request, place.path, body, dry=True)
            if answer.code >= 400:
                return self._covered(answer)
            self._keep_mark(place, verb, read(answer))
            self._expect(place, verb, body)
            if lent and verb == "patch" and found is not None:
                self._lent.mark(place, found)
        answer = self._covered(self._send(request, place.path, body))
        if rehearsed and answer.code < 300:
            self._made(place, verb, answer)
        return answer

    # -- what may be done ----------------------------------------------------------------------------

    def _admit_in(self, place: Place) -> None:
        """Raise NeedsYes unless the session may talk to a program: its own, or a kubelet to which there is a yes."""
        if place.resource != "nodes":
            self._admit(place, "create")
        elif not self.territory.allows("nodes"):
            raise NeedsYes(self.territory.says_no("get", f"{place.what}/{place.sub}"))

    def _admit(self, place: Place, verb: str) -> Object | None:
        """Raise NeedsYes unless the session may do this; gives what is there, where that has been looked at."""
        mine, what = self.territory, place.what
        if place.namespace and place.namespace not in mine.namespaces:
            why = _("{verb} {what}: the namespace {namespace} is not of this notebook; nothing is written there")
            raise NeedsYes(why.format(verb=verb, what=what, namespace=place.namespace))
        if not place.namespace and not mine.allows(place.resource):
            raise NeedsYes(mine.says_no(verb, what))
        if not mine.needs_mark(place.namespace) or (verb == "create" and not place.name):
            return None
        if not place.name:
            raise NeedsYes(_("{verb} {what}: all of them at once, others' too").format(verb=verb, what=what))
        found = self._get(place._replace(sub="").path)
        if found is not None and not mine.is_ours(found, self._owner):
            raise NeedsYes(_("{verb} {what}: it is not of this notebook").format(verb=verb, what=what))
        return found  # or nothing: an apply, which creates

    def _keep_mark(self, place: Place, verb: str, rehearsed: Object) -> None:
        """Raise NeedsYes if something could not be found any more afterwards by whoever cleans up."""
        mine = self.territory
        changes = verb in ("update", "patch") and not place.sub
        if changes and mine.needs_mark(place.namespace) and not mine.is_ours(rehearsed, self._owner):
            why = _("{verb} {what}: it would lose the label by which it is found and deleted in the end")
            raise NeedsYes(why.format(verb=verb, what=place.what))

    def _owner(self, reference: Object, namespace: str) -> Object | None:
        row = self._scheme.kind(str(reference.get("apiVersion")), str(reference.get("kind")))
        return None if row is None else self._get(row.path(namespace if row.namespaced else "", str(reference["name"])))

    def _get(self, path: str) -> Object | None:
        """The object at a path; None if there is none. StatusError if nobody can tell."""
        answer = self._transport.handle(Request("GET", path))
        if answer.code == 404:
            return None
        if answer.code >= 400:
            status = self._covers.answer(read(answer))
            raise StatusError(answer.code, str(status.get("reason", "")), str(status.get("message", "")))
        found: Object = read(answer)
        return found

    # -- what is sent --------------------------------------------------------------------------------

    def _body(self, request: Request, place: Place, verb: str) -> bytes:
        if place.sub.partition("/")[0] in _SPOKEN:
            return request.body
        obj = self.territory.moved(_object(request))
        if not isinstance(obj, dict):
            return b"" if obj is None else orjson.dumps(obj)
        whole = verb in ("create", "update") or request.headers.get("content-type", "") == PATCH_TYPES["apply"]
        if whole and not place.sub and self.territory.needs_mark(place.namespace):
            obj = self.territory.marked(obj)
        if verb == "create" and not place.namespace and not place.sub:
            obj = _named(obj)
        if place.resource == "secrets" and place.name and has_covered(obj):
            obj = uncovered(obj, self._get(place.path) or {})
        return orjson.dumps(obj)

    def _send(self, request: Request, path: str, body: bytes, *, dry: bool = False) -> Response:
        query = request.query
        if dry:
            query, body = {**query, "dryRun": "All"}, _rehearsal(request.method, body)
        headers = request.headers
        if _UNREADABLE.search(headers.get("accept", "")):
            headers = {**headers, "accept": "application/json"}  # what cannot be read cannot be covered
        try:
            return self._transport.handle(Request(request.method, path, query, headers, body))
        except Unreachable:
            raise
        except StatusError as error:
            return Response(error.code, error.status)

    # -- what comes of it ----------------------------------------------------------------------------

    def _expect(self, place: Place, verb: str, body: bytes) -> None:
        """Note down what is about to be made outside of the session's home."""
        if place.namespace or verb in ("update", "delete"):
            return
        name = place.name or str((orjson.loads(body or b"{}").get("metadata") or {}).get("name", ""))
        if name and f"{place.resource}/{name}" not in self.territory.made:
            self.territory.made.append(f"{place.resource}/{name}")
            self._note()

    def _made(self, place: Place, verb: str, answer: Response) -> None:
        obj = answer.object or {}
        if place.resource == "namespaces" and verb in ("create", "patch") and self.territory.is_ours(obj, self._owner):
            self.territory.namespaces.add(str(obj["metadata"]["name"]))
        if not place.sub:
            self.saw(verb, obj)

    def _covered(self, answer: Response) -> Response:
        if answer.stream is not None:
            answer.stream = CoveredStream(answer.stream, self._covers)
            return answer
        if answer.object is None and "json" not in answer.content_type:
            answer.body = self._covers.text(answer.body.decode(errors="replace")).encode()
            return answer
        obj = read(answer)
        if isinstance(obj, dict) and "exitCode" in obj:
            obj = {**obj, **{each: self._covers.text(obj[each]) for each in ("stdout", "stderr")}}
        answer.object, answer.body = self._covers.answer(obj), b""
        return answer


class CoveredStream:
    """A watch or a log in progress, with what is secret covered."""

    def __init__(self, stream: Any, covers: Covers) -> None:
        self._stream = stream
        self._covers = covers

    def __len__(self) -> int:
        return len(self._stream)

    @property
    def closed(self) -> bool:
        """Whether nothing will come in any more."""
        return bool(self._stream.closed)

    @property
    def at(self) -> float:
        """When the last piece that was taken had come in."""
        return float(self._stream.at)

    def next(self) -> Any:
        """What has come in, or None."""
        event = self._stream.next()
        if isinstance(event, bytes):
            return self._covers.text(event.decode(errors="replace")).encode()
        return self._covers.answer(event)

    def close(self) -> None:
        """Read no further."""
        self._stream.close()


def _named(obj: Object) -> Object:
    """The object with a name instead of the wish for one, so that it can be noted before it is made."""
    meta = obj.get("metadata") or {}
    prefix = str(meta.get("generateName") or "")
    return {**obj, "metadata": {**meta, "name": prefix + token()}} if prefix and not meta.get("name") else obj


def _is_rehearsal(request: Request, body: bytes) -> bool:
    """Whether somebody asks for a dry run themselves; of a deletion with options, only those count."""
    if request.method == "DELETE" and body:
        return bool(orjson.loads(body).get("dryRun"))
    return request.query.get("dryRun") == "All"


def _enters(place: Place) -> bool:
    """Whether somebody is about to enter a container."""
    return place.sub.partition("/")[0] in _ENTERING


def read(answer: Response) -> Any:
    """The object in an answer; what is no JSON is the message of a Status."""
    if answer.object is not None:
        return answer.object
    try:
        return orjson.loads(answer.body or b"{}")
    except ValueError:
        if "json" in answer.content_type:  # several objects, perhaps, in which nothing has been covered
            return StatusError(answer.code, "", _("the answer is no JSON that can be read")).status
        return StatusError(answer.code, "", answer.body.decode(errors="replace")[:1000]).status


def _object(request: Request) -> Any:
    """What a request carries; None if it carries nothing."""
    if request.object is not None or not request.body:
        return request.object
    try:
        return orjson.loads(request.body)
    except ValueError:
        pass
    try:
        return yaml.safe_load(request.body)
    except (yaml.YAMLError, UnicodeDecodeError):
        why = _("a live cluster is sent JSON or YAML, so that it can be looked at before")
        raise StatusError(415, "UnsupportedMediaType", why) from None


def _rehearsal(method: str, body: bytes) -> bytes:
    """What a rehearsal carries: of a deletion with options, the API server does not read the query."""
    if method != "DELETE":
        return body
    options = {"kind": "DeleteOptions", "apiVersion": "v1"}
    return orjson.dumps({**options, **(orjson.loads(body) if body else {}), "dryRun": ["All"]})


def _moved(request: Request, territory: Territory) -> bytes:
    """What a question carries, in the terms of the cluster."""
    obj = territory.moved(_object(request))
    spec = obj.get("spec") if isinstance(obj, dict) else None
    asked = spec.get("resourceAttributes") if isinstance(spec, dict) else None
    if isinstance(spec, dict) and isinstance(asked, dict) and asked.get("namespace"):
        there = {**asked, "namespace": territory.place(asked["namespace"])}
        obj = {**obj, "spec": {**spec, "resourceAttributes": there}}
    return orjson.dumps(obj) if obj is not None else request.body
