"""Informers: a cache of one resource, kept up to date by list and watch, shared by whoever needs it.

Changes arrive in the informer's own turns, in the order in which they were committed. In a turn the cache
and its indexes are brought up to date first and the handlers hear of it then, so a handler never sees a
cache older than the change it is told about. Upstream: `client-go/tools/cache`.
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Collection, Iterable

from k8snb.client.client import Client
from k8snb.errors import Unreachable
from k8snb.loop import Loop, Task
from k8snb.machinery.objects import revision_of
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, WatchEvent

Handler = Callable[[Object | None, Object | None], None]
Values = Callable[[Object], Iterable[str]]
TYPES = ("ADDED", "MODIFIED", "DELETED")
GOING = ("DELETED",)
ENDS = ("DELETED", "ERROR")
COMING = ("ADDED",)
RELIST_SECONDS = 1.0
"""After how long it is tried again to list, where no API server answers."""


class Index:
    """Objects by a value computed from them: value → uid → object, in order of arrival."""

    __slots__ = ("_found", "_values")

    def __init__(self, values: Values) -> None:
        self._values = values
        self._found: dict[str, dict[str, Object]] = {}

    def put(self, old: Object | None, new: Object | None) -> None:
        """Take an object's change into account."""
        after = tuple(self._values(new)) if new is not None else ()
        if old is not None:
            uid = old["metadata"]["uid"]
            for value in self._values(old):
                if value not in after:
                    group = self._found[value]
                    del group[uid]
                    if not group:
                        del self._found[value]
        if new is not None:
            uid = new["metadata"]["uid"]
            for value in after:
                group = self._found.get(value) or self._found.setdefault(value, {})
                group[uid] = new

    def get(self, value: str) -> list[Object]:
        """The objects with that value."""
        group = self._found.get(value)
        return list(group.values()) if group else []

    def count(self, value: str) -> int:
        """How many objects have that value."""
        group = self._found.get(value)
        return len(group) if group else 0


class Informer(Task):
    """The cache of one resource (or of the part of it that a field selector chooses)."""

    def __init__(self, loop: Loop, client: Client, resource: str, fields: str = "") -> None:
        super().__init__(loop)
        self.resource = resource
        self.revision = 0
        """The revision of the newest change that it was told of."""
        self._client = client
        self._fields = fields
        self._events: deque[WatchEvent] = deque()
        self._deliver = self._take
        self._objects: dict[tuple[str, str], Object] = {}
        self._indexes: dict[str, Index] = {}
        self._handlers: dict[str, list[Handler]] = {type: [] for type in TYPES}
        """By the type of the changes that they are told of."""
        self._stop: Callable[[], None] | None = None

    # -- reading -----------------------------------------------------------------------------------

    def get(self, namespace: str, name: str) -> Object | None:
        """The object of that name, as far as this cache knows."""
        return self._objects.get((namespace, name))

    def list(self, namespace: str = "") -> builtins.list[Object]:
        """All objects (of a namespace), in key order."""
        keys = [key for key in self._objects if not namespace or key[0] == namespace]
        return [self._objects[key] for key in sorted(keys)]

    def __len__(self) -> int:
        return len(self._objects)

    def by_index(self, name: str, value: str) -> builtins.list[Object]:
        """The objects that the index `name` files under `value`, in order of arrival."""
        return self._indexes[name].get(value)

    def index(self, name: str) -> Index:
        """The index itself."""
        return self._indexes[name]

    # -- set-up ------------------------------------------------------------------------------------

    def add_index(self, name: str, values: Values) -> None:
        """File every object under `values(object)`. Adding an index of the same name again changes nothing."""
        if name not in self._indexes:
            index = self._indexes[name] = Index(values)
            for obj in self._objects.values():
                index.put(None, obj)

    def on_change(self, handler: Handler, types: Collection[str] = TYPES) -> None:
        """Call `handler(old, new)` for every change of these types; what is already there is announced as added."""
        for type in types:
            self._handlers[type].append(handler)
        if "ADDED" in types:
            for obj in list(self._objects.values()):
                handler(None, obj)

    def start(self) -> None:
        """List, then watch from there."""
        if self._stop is not None:
            return
        info = RequestInfo("watch", self._client.resource(self.resource))
        query = {"fieldSelector": self._fields} if self._fields else {}
        request = Request(info=info, query=query, user=self._client.user)
        self._stop = self._client.transport.subscribe(request, self._deliver)
        listed = self._client.list_cached(self.resource, fields=self._fields)
        self.revision = revision_of(listed)
        for obj in listed["items"]:
            self._objects[obj["metadata"].get("namespace", ""), obj["metadata"]["name"]] = obj
            self._announce(None, obj)

    def stop(self) -> None:
        """Stop watching and forget everything."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._events.clear()
        self._objects.clear()
        for index in self._indexes.values():
            index._found.clear()

    # -- turns -------------------------------------------------------------------------------------

    def _take(self, event: WatchEvent) -> None:
        self._events.append(event)
        if not self._awake:
            self.wake()

    def run(self, quantum: int) -> None:
        """Take in at most `quantum` changes.

        Where turns are long, a version that has been modified since is passed over: the next one is waiting here
        too. Where turns are single steps, every version is seen.
        """
        self._absorb(quantum, passing=quantum > 1)
        if self._events:
            self.wake()

    def put_pod_status(self, client: Client, pod: Object, status: Object) -> Object | None:
        """Write the status of one of its pods for its only follower, to whom the outcome is no news.

        So it is not told: the cache holds what the API answers. Whatever still waits is about other pods or superseded,
        for only the newest version of a pod can be followed this way. None where turns are single steps, or where the
        request has to go the ordinary way.
        """
        if client.express is None or self._loop.quantum == 1:
            return None
        put = client.express.put_status(client.user, pod, status, self._deliver)
        if put is not None:
            meta = put["metadata"]
            self._objects[meta["namespace"], meta["name"]] = put
        return put

    def _absorb(self, count: int, *, passing: bool) -> None:
        """Take in the next `count` changes, passing over superseded versions or not."""
        events, objects, indexes = self._events, self._objects, self._indexes
        added, modified = self._handlers["ADDED"], self._handlers["MODIFIED"]
        for _ in range(count):
            if not events:
                return
            event = events.popleft()
            if passing and event.superseded:
                continue
            if event.type in ENDS:
                self._ended(event)
                continue
            self.revision = event.revision
            obj = event.object
            meta = obj["metadata"]
            key = (meta.get("namespace", ""), meta["name"])
            old = objects.get(key)
            objects[key] = obj
            if indexes:
                for index in indexes.values():
                    index.put(old, obj)
            for handler in added if old is None else modified:
                handler(old, obj)

    def _ended(self, event: WatchEvent) -> None:
        """An object is gone, or the watch is: it has expired, and what it did not deliver has to be found out."""
        if event.type == "ERROR":
            try:
                self._relist()
            except Unreachable:
                self._loop.clock.call_later(RELIST_SECONDS, lambda: self._take(event), background=True)
            return
        self.revision = event.revision
        meta = event.object["metadata"]
        old = self._objects.pop((meta.get("namespace", ""), meta["name"]), None)
        if old is not None:
            self._announce(old, None, event.object)

    def _relist(self) -> None:
        """List again, and announce whatever is not as it was when this cache last heard of it.

        Upstream: `Reflector.ListAndWatch` and `DeltaFIFO.Replace`.
        """
        listed = self._client.list_cached(self.resource, fields=self._fields)
        self._events.clear()
        self.revision = revision_of(listed)
        found = {(o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in listed["items"]}
        gone = [key for key in self._objects if key not in found]
        for key in gone:
            self._announce(self._objects.pop(key), None)
        for key, obj in found.items():
            old = self._objects.get(key)
            self._objects[key] = obj
            if old is None or revision_of(old) != revision_of(obj):
                self._announce(old, obj)

    def _announce(self, old: Object | None, new: Object | None, last: Object | None = None) -> None:
        """Tell the handlers; of an object that is gone they get its last state, where that is known."""
        for index in self._indexes.values():
            index.put(old, new)
        for handler in self._handlers["DELETED" if new is None else "ADDED" if old is None else "MODIFIED"]:
            handler(last or old, new)

    @property
    def behind(self) -> bool:
        """Whether there are changes that it has not taken in yet."""
        return bool(self._events)

    def catch_up(self, revision: int) -> None:
        """Take in every change up to a revision at once, for a reader that has to know what came before it."""
        events = self._events
        if events and events[0].revision <= revision:
            self._absorb(sum(1 for event in events if event.revision <= revision), passing=False)


class ToldInformer(Informer):
    """An informer that notes in the trace which objects the reconcile of the moment looked at."""

    def __init__(self, loop: Loop, client: Client, resource: str, fields: str, trace: Trace) -> None:
        super().__init__(loop, client, resource, fields)
        self._trace = trace
        self._kind = client.resource(resource).kind

    def get(self, namespace: str, name: str) -> Object | None:
        found = super().get(namespace, name)
        if found is not None:
            self._trace.looked(self._kind, name)
        return found

    def list(self, namespace: str = "") -> builtins.list[Object]:
        return self._told(super().list(namespace))

    def by_index(self, name: str, value: str) -> builtins.list[Object]:
        return self._told(super().by_index(name, value))

    def _told(self, objects: builtins.list[Object]) -> builtins.list[Object]:
        for obj in objects if self._trace.current is not None else ():
            self._trace.looked(self._kind, obj["metadata"]["name"])
        return objects


class PatientInformer(Informer):
    """An informer that lets all others go first: by then fewer versions are left that are worth a look."""

    def wake(self) -> None:
        if not self._awake:
            self._awake = True
            self._loop.patient.append(self)


class Informers:
    """The informers that the parts of one process share: one per resource and selector.

    With a trace that is kept, they note there what is read. Where turns are long, news of what is `patient` waits until
    nobody else has anything to do.
    """

    def __init__(self, loop: Loop, client: Client, trace: Trace | None = None, patient: Collection[str] = ()) -> None:
        self._loop = loop
        self._patient = patient if loop.quantum > 1 else ()
        self._client = client
        self._trace = trace if trace is not None and trace.enabled else None
        self._informers: dict[tuple[str, str], Informer] = {}

    def of(self, resource: str, *, fields: str = "") -> Informer:
        """The informer of a resource, started when first asked for. Raises StatusError while it may not be read."""
        key = (self._client.resource(resource).group_resource, fields)
        found = self._informers.get(key)
        if found is None:
            found = self._made(resource, fields)
            found.start()
            self._informers[key] = found
        return found

    def _made(self, resource: str, fields: str) -> Informer:
        if self._trace is not None:
            return ToldInformer(self._loop, self._client, resource, fields, self._trace)
        make = PatientInformer if resource in self._patient else Informer
        return make(self._loop, self._client, resource, fields)

    def stop(self) -> None:
        """Stop them all, as when the process ends."""
        for informer in self._informers.values():
            informer.stop()
        self._informers.clear()
