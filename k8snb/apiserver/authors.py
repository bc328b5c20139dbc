"""Who makes a write: the field manager of a request, and what the store keeps of it.

A client says its name (`fieldManager`) or has that of its user agent; a part of this process has the name of the
component that it stands for. Most writes are kept as a `Write`, from which owners follow when somebody looks; where a
client sent `managedFields`, or wrote through `scale`, the outcome is worked out at once.

Upstream: `apiserver/pkg/endpoints/handlers/create.go` (`managerOrUserAgent`), `managedfields/internal/fieldmanager.go`
(`decodeLiveOrNew`) and `managedfields/scalehandler.go`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.ownership import By, History, Known, Write
from k8snb.apiserver.resetting import reset_fields
from k8snb.clock import Clock
from k8snb.machinery.managed.managers import (
    NOBODY,
    REPLICAS,
    Entry,
    Owners,
    Writer,
    created,
    decoded,
    from_scale,
    is_reset,
    of_scale,
)
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, User

_MANAGER_BYTES = 128
_PARTS = {
    "system:apiserver": "kube-apiserver",
    "kubernetes-admin": "k8snb",
}


def _part(user: str) -> str:
    """The name under which a part of this process writes."""
    if user.startswith("system:node:"):
        return "kubelet"
    if user.startswith("system:serviceaccount:kube-system:"):
        return "kube-controller-manager"
    return _PARTS.get(user) or user.rpartition(":")[2]


def is_outside(request: Request) -> bool:
    """Whether a request came as it does over a network. Parts of this process send nothing about themselves."""
    return bool(request.headers.keys() - {"content-type"})


def manager_of(request: Request) -> str:
    """The field manager of a request: as it says, or the first part of its user agent."""
    given = request.query.get("fieldManager", "")
    if given:
        return given
    if not is_outside(request):
        return _part(request.user.name if request.user else "")
    return _of_agent(request.headers.get("user-agent", ""))


@lru_cache(maxsize=256)
def _of_agent(agent: str) -> str:
    plain = "".join(each for each in agent.partition("/")[0] if each.isprintable())
    return plain.encode()[:_MANAGER_BYTES].decode("utf-8", "ignore")


class Authors:
    """Finds the `Write` of a request; within one second, the same for the same author."""

    def __init__(self, clock: Clock, history: History) -> None:
        self.history = history
        self._clock = clock
        self._stamp = ""
        self._parts: dict[str, str] = {}
        self._shared: dict[Any, Write] = {}

    def writer(self, resource: Resource, info: RequestInfo, request: Request) -> Writer:
        """Who writes."""
        return Writer(manager_of(request), resource.api_version, info.subresource, self._clock.timestamp())

    def of(self, resource: Resource, subresource: str, user: User | None) -> Write:
        """The write of a part of this process; its object is stored as it was sent."""
        stamp = self._clock.timestamp()
        found = self._shared.get((user, resource, subresource)) if stamp is self._stamp else None
        return found if found is not None else self._of_part(resource, subresource, user)

    def _of_part(self, resource: Resource, subresource: str, user: User | None) -> Write:
        who = user.name if user is not None else ""
        part = self._parts.get(who)
        if part is None:
            part = self._parts[who] = _part(who)
        shared = self._of_this_second()
        key = (part, resource, subresource)
        found = shared.get(key)
        if found is None:
            found = shared[key] = Write(Writer(part, resource.api_version, subresource, self._stamp))
        shared[user, resource, subresource] = found
        return found

    def of_template(self, user: str, asked: Object) -> Write:
        """The creation of one of many pods that a part of this process makes and that are `asked` alike."""
        return self._of_this_second().get(id(asked)) or self._alike(id(asked), _part(user), asked)

    def of_likeness(self, request: Request, asked: Object) -> Write:
        """The creation of one of many pods that a client makes and that are `asked` alike."""
        manager = manager_of(request)
        key = (id(asked), manager)
        return self._of_this_second().get(key) or self._alike(key, manager, asked)

    def _alike(self, key: Any, manager: str, asked: Object) -> Write:
        found = self._shared[key] = Write(Writer(manager, "v1", "", self._stamp), asked)
        return found

    def _of_this_second(self) -> dict[Any, Write]:
        stamp = self._clock.timestamp()
        if stamp is not self._stamp:
            self._stamp = stamp
            self._shared.clear()
        return self._shared

    # -- of a request ------------------------------------------------------------------------------

    def creating(self, kind: Kind, info: RequestInfo, request: Request, asked: Object) -> By:
        """The creation of an object, which is `asked` before admission."""
        writer = self.writer(kind.resource, info, request)
        if not kind.reshaped:
            return Write(writer, asked)
        return Known(created(kind.load(asked), kind.shape, writer, reset_fields(kind.resource, "")))

    def updating(
        self, kind: Kind, info: RequestInfo, request: Request, old: Object, asked: Object | None, given: Any = None
    ) -> By:
        """An update; `given` are the managed fields that came with it."""
        if request.object is not None and given is None:
            return self.of(kind.resource, info.subresource, request.user)
        writer = self.writer(kind.resource, info, request)
        if kind.reshaped and asked is not None and given is None:
            owners = self.history.live(kind, old)
            return Known(self.history.after(kind, owners, kind.load(old), kind.load(asked), writer))
        if given is None or info.subresource:
            return Write(writer, asked)
        if is_reset(given):
            return Known(NOBODY)
        owners = decoded(given) or self.history.live(kind, old)
        return Known(self.history.after(kind, owners, old, asked or old, writer))

    def scaling(self, kind: Kind, info: RequestInfo, request: Request, old: Object, replicas: int) -> Known:
        """An update of `spec.replicas` through `scale`."""
        owners = self.history.live(kind, old)
        if replicas == (old["spec"].get("replicas") or 0) or not owners:
            return Known(owners)
        writer = self.writer(kind.resource, info, request)
        claim: Owners = {writer.updating: Entry(REPLICAS, writer.api_version)} if replicas else {}
        scaled = {**{who: entry for who, entry in of_scale(owners).items() if who in claim}, **claim}
        return Known(from_scale(owners, scaled, kind.resource.api_version))
