"""Watches: a stream of changes that starts where a list ended.

A stream is fed while a write is committed and only takes note; whoever reads it takes the events out when it
is ready. An object that starts to match the selectors arrives as ADDED, one that ceases to match as DELETED,
whatever happened to it in the store. Upstream: `apiserver/pkg/storage/cacher`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.selecting import Match, Selection
from k8snb.clock import Clock, Timer
from k8snb.errors import expired
from k8snb.store.mvcc import Compacted, Store
from k8snb.typing import Object
from k8snb.wire import WatchEvent

BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK_SECONDS = 2.0
"""How long before its end a watch says how far it has come, so that the next one begins there."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


def translate(event: WatchEvent, matches: Match | None) -> str:
    """What the event is to somebody who sees only what matches: its type, or empty if it is nothing."""
    if matches is None:
        return event.type
    before = event.previous is not None and event.previous.type != "DELETED" and matches(event.previous.object)
    after = event.type != "DELETED" and matches(event.object)
    if after:
        return "MODIFIED" if before else "ADDED"
    return "DELETED" if before else ""


def _as_it_is(obj: Object) -> Object:
    return obj


class WatchStream:
    """One watch in progress: `next()` gives `{"type", "object"}` or None if nothing has happened.

    `on_ready`, if set, is called whenever something becomes available or the stream closes. It ends by itself after
    `lasts` seconds, by the clock of who watches.
    """

    def __init__(
        self, kind: Kind, selection: Selection, clock: Clock, store: Store, lasts: float, *, bookmarks: bool
    ) -> None:
        self.closed = False
        self.on_ready: Callable[[], None] | None = None
        self._kind = kind
        self.shown: Callable[[Object], Object] = _as_it_is
        """How the reader sees an object."""
        self._matches = selection.matches
        self._clock = clock
        self._store = store
        self._queue: deque[tuple[str, Object]] = deque()
        self._stops: list[Callable[[], None]] = []
        self._end = self._later(lasts, self.close)
        self._next_bookmark: Timer | None = None
        if bookmarks:
            self._bookmark_later(lasts)

    def __len__(self) -> int:
        return len(self._queue)

    def next(self) -> Object | None:
        """The next event, None if there is none yet."""
        if not self._queue:
            return None
        type, obj = self._queue.popleft()
        return {"type": type, "object": obj if type in ("BOOKMARK", "ERROR") else self.shown(obj)}

    def close(self) -> None:
        """End the watch; what has not been read can still be read."""
        if self.closed:
            return
        self.closed = True
        for stop in self._stops:
            stop()
        self._end.cancel()
        if self._next_bookmark is not None:
            self._next_bookmark.cancel()
        self._ready()

    def when_closed(self, call: Callable[[], None]) -> None:
        """Call when the watch ends."""
        self._stops.append(call)

    # -- feeding -----------------------------------------------------------------------------------

    def follow(self, namespace: str, trigger: str) -> None:
        """Take in every change from now on."""
        stop = self._store.watch(self._kind.bucket, self.take, namespace=namespace, trigger=trigger)
        self._stops.append(stop)

    def take(self, event: WatchEvent) -> None:
        """Take in one change."""
        type = translate(event, self._matches)
        if type:
            self.put(type, self._kind.load(event.object))

    def put(self, type: str, obj: Object) -> None:
        """Make an event available to the reader."""
        self._queue.append((type, obj))
        self._ready()

    def bookmark(self, *, initial_end: bool = False) -> None:
        """Tell the reader up to which revision it has seen everything."""
        meta: dict[str, object] = {"resourceVersion": str(self._store.revision)}
        if initial_end:
            meta["annotations"] = {INITIAL_EVENTS_END: "true"}
        resource = self._kind.resource
        self.put("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta})

    def _later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self._clock.call_later(seconds * self._clock.speed, call, background=True)

    def _bookmark_later(self, left: float) -> None:
        """Bookmarks come every minute, and shortly before the end (`cache_watcher.go`, `nextBookmarkTime`)."""
        wait = min(BOOKMARK_SECONDS, left - LAST_BOOKMARK_SECONDS)

        def due() -> None:
            self.bookmark()
            self._bookmark_later(left - wait)

        if wait > 0:
            self._next_bookmark = self._later(wait, due)

    def _ready(self) -> None:
        if self.on_ready is not None:
            self.on_ready()


def replay(stream: WatchStream, kind: Kind, store: Store, namespace: str, since: int) -> None:
    """Feed a stream with what happened after a revision, or with the error that it is too long ago."""
    try:
        events = store.since(kind.bucket, since)
    except Compacted as error:
        stream.put("ERROR", expired(f"too old resource version: {since} ({error.compacted})").status)
        stream.close()
        return
    for event in events:
        if not namespace or event.object["metadata"].get("namespace") == namespace:
            stream.take(event)
