"""Watches of parts of the same process: committed events as they are, to whom they concern.

Who is told is known by name, so that it can be said of a write whom it reached.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.apiserver.kinds import Kinds
from k8snb.apiserver.selecting import selection
from k8snb.apiserver.watching import translate
from k8snb.store.bucket import Deliver
from k8snb.store.mvcc import Store
from k8snb.typing import Resource
from k8snb.wire import Request, RequestInfo, User, WatchEvent


class Subscriptions:
    """The watches of parts of one server's process."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._users: dict[Deliver, User] = {}

    def open(
        self, user: User, info: RequestInfo, resource: Resource, request: Request, deliver: Deliver
    ) -> Callable[[], None]:
        """Tell `deliver` from now on; returns what ends it."""
        kind = self._kinds.of(resource)
        chosen = selection(kind, request.query)
        trigger = chosen.exact.get("spec.nodeName", "")
        if chosen.matches is None or (trigger and len(chosen.exact) == 1):
            self._users[deliver] = user
            return self._ending(
                deliver, self._store.watch(kind.bucket, deliver, namespace=info.namespace, trigger=trigger)
            )

        def filtered(event: WatchEvent) -> None:
            type = translate(event, chosen.matches)
            if type:
                deliver(event if type == event.type else WatchEvent(event.revision, type, event.object, event.previous))

        self._users[filtered] = user
        return self._ending(filtered, self._store.watch(kind.bucket, filtered, namespace=info.namespace))

    def user(self, deliver: Deliver) -> User | None:
        """Whose watch it is; None where it is none of a part."""
        return self._users.get(deliver)

    def _ending(self, deliver: Deliver, stop: Callable[[], None]) -> Callable[[], None]:
        def end() -> None:
            stop()
            self._users.pop(deliver, None)

        return end
