"""What a request that is on record did: who sent it, and which objects it changed.

Stories and causes are written from these. Reading what a request changed costs a look at two revisions, so it is done
only for those that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from k8snb.i18n import _
from k8snb.trace import Sent
from k8snb.typing import Object
from k8snb.view.changes import Change, changes
from k8snb.view.frames import Act
from k8snb.view.scene import Snapshot, identity

History = Callable[[int], Snapshot]
"""Objects as of a revision: `Cluster.at`."""

_ACCOUNT = "system:serviceaccount:kube-system:"
_VERBS = {"binding": "bind", "eviction": "evict"}


def effective(requests: Iterable[Sent]) -> Iterator[Sent]:
    """The requests that were refused or made a revision: a write that changes nothing makes none."""
    newest = 0
    for sent in requests:
        if sent.code >= 300 or sent.revision > newest or is_event(sent):
            yield sent
        newest = max(newest, sent.revision)


def actor_name(user: str) -> str:
    """Whom readers see for a component or a user: `kubelet node-1`, `deployment-controller`, `you`."""
    if user.startswith(("system:node:", "kubelet/")):
        return f"kubelet {user.removeprefix('system:node:').removeprefix('kubelet/')}"
    if user.startswith(_ACCOUNT):
        return user.removeprefix(_ACCOUNT)
    if user in ("system:kube-scheduler", "kube-scheduler", "default-scheduler"):
        return "scheduler"
    if user.startswith("system:kube-"):
        return user.removeprefix("system:")
    return _("you") if user in ("kubernetes-admin", "system:admin", "") else user


def is_event(sent: Sent) -> bool:
    """Whether it tells people something, and changes nothing else."""
    info = sent.request.info
    return bool(info and info.resource and info.resource.plural == "events")


def id_of_act(act: Act) -> str:
    """The id of the object that an act is about."""
    return act.object.replace(" ", "/")


def subject(sent: Sent) -> str:
    """The id of the object that a request (or the event in it) is about."""
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    if is_event(sent):
        about = _regarding(sent.request.object or {})
        return f"{about.get('kind', '')}/{about.get('name', '')}"
    return f"{info.resource.kind}/{info.name}"


def _regarding(event: Object) -> Object:
    about: Object = event.get("involvedObject") or event.get("regarding") or {}
    return about


def acts_of(sent: Sent, at: History) -> Iterator[Act]:
    """What the request did: an act for each object that it changed, or for the event that it recorded."""
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    line = f"{sent.request.method} {sent.request.path}"
    if is_event(sent):
        note = _note(sent.request.object or {})
        if note and sent.code < 300:
            yield Act(_("event"), subject(sent).replace("/", " "), sent.code, sent.revision, line, note=note)
        return
    verb = _VERBS.get(info.subresource, info.verb)
    if info.subresource == "status":
        verb = _("{verb} status of").format(verb=verb)
    if sent.code >= 300:
        yield Act(verb, f"{info.resource.kind} {info.name}".strip(), sent.code, 0, line)
        return
    for name, found in _written(sent, at):
        yield Act(verb, name.replace("/", " "), sent.code, sent.revision, line, found)


def _note(event: Object) -> str:
    message = event.get("message") or event.get("note") or ""
    reason = event.get("reason", "")
    return f"{reason}: {message}" if reason and message else message


def _written(sent: Sent, at: History) -> Iterator[tuple[str, list[Change]]]:
    """The objects that the request wrote, each with the fields that it changed."""
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    resource, namespace = info.resource.group_resource, info.namespace
    before = _by_name(at(sent.revision - 1).list(resource, namespace))
    after = _by_name(at(sent.revision).list(resource, namespace))
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old != new:
            yield name, changes(old, new)


def _by_name(objects: Iterable[Object]) -> dict[str, Object]:
    return {identity(obj): obj for obj in objects}
