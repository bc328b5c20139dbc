"""From the record of what happened to a story: one frame per turn in which somebody wrote something.

The trace says who acted, why, and which requests were sent; the store's history says what the cluster looked like at
each revision. A reconcile that found nothing to do makes no frame. Requests from outside any reconcile (a reader's
`kubectl`) make frames of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from k8snb.i18n import _
from k8snb.trace import Measured, Sent, Span
from k8snb.typing import Object
from k8snb.view import disks
from k8snb.view.changes import Change, changes, show
from k8snb.view.frames import Act, Frame
from k8snb.view.scene import (
    RESOURCES,
    Scene,
    Snapshot,
    difference,
    id_of,
    identity,
    is_custom,
    population,
    related,
    scene,
    scene_of,
)
from k8snb.view.stepper import Stepper
from k8snb.view.use import Use, using

History = Callable[[int], Snapshot]
"""Objects as of a revision: `Cluster.at`."""

VIEWS = ("topology", "sequence", "diff", "timeline")
_READING = {"get", "list", "watch", ""}
_SILENT = {"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"}
_TALKING = {"attach", "exec", "log", "portforward", "proxy"}
"""Subresources through which a container is talked to; nothing is written."""

_ACCOUNT = "system:serviceaccount:kube-system:"
_VERBS = {"binding": "bind", "eviction": "evict"}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one component sent in one go, in order."""

    number: int
    actor: str
    sent: Sequence[Sent]
    span: Span | None


def story(
    title: str,
    spans: Iterable[Span],
    requests: Iterable[Sent],
    at: History,
    *,
    since: int,
    until: int,
    namespace: str = "default",
    about: Sequence[str] = (),
    measured: Sequence[Measured] = (),
) -> Stepper:
    """What happened after revision `since`, up to `until`, in a namespace, as a stepper.

    `about` limits it to objects (`deployment/web`, `svc/web`) and what hangs from them. `measured` is what pods used.
    """
    about = [id_of(name) for name in about]
    storage = disks.concerns(about)
    recent = (sent for sent in _effective(requests) if since < sent.revision <= until)
    chosen = [sent for sent in recent if _counts(sent, namespace, disks.CLUSTER_WIDE if storage else ())]
    ended = {id(sent): span for span in spans for sent in span.requests}
    frames = [_frame(turn, at, namespace, storage=storage) for turn in turns(chosen, ended)]
    frames = _limited(frames, about)
    frames = _settled(frames, at(since), namespace, about, using(measured, namespace))
    return Stepper(title, frames, VIEWS)


def _effective(requests: Iterable[Sent]) -> Iterator[Sent]:
    """The requests that were refused or made a revision: a write that changes nothing makes none."""
    newest = 0
    for sent in requests:
        if sent.code >= 300 or sent.revision > newest or _is_event(sent):
            yield sent
        newest = max(newest, sent.revision)


def turns(requests: Sequence[Sent], spans: dict[int, Span]) -> Iterator[Turn]:
    """The requests, grouped by the reconcile that sent them; those of a reader, one by one."""
    group: list[Sent] = []
    for sent in requests:
        if group and not _together(group[-1], sent):
            yield _turn(group, spans)
            group = []
        group.append(sent)
    if group:
        yield _turn(group, spans)


def _together(one: Sent, other: Sent) -> bool:
    """Whether two requests belong to one turn."""
    if one.span is not None or other.span is not None:
        return one.span is other.span
    said = _is_event(one) or _is_event(other)
    return said and one.user == other.user and one.time == other.time and _subject(one) == _subject(other)


def _turn(group: list[Sent], spans: dict[int, Span]) -> Turn:
    first = group[0]
    span = first.span or spans.get(id(first))
    actor = actor_name(span.component if span else first.user)
    if span and actor == "kubelet":
        actor = actor_name(first.user)
    return Turn(first.number, actor, tuple(group), span)


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


def _counts(sent: Sent, namespace: str, wide: Collection[str] = ()) -> bool:
    """Whether the request wrote something that a story of the namespace tells."""
    info = sent.request.info
    if info is None or info.resource is None or info.verb in _READING or info.resource.plural in _SILENT:
        return False
    if "dryRun" in sent.request.query or info.subresource in _TALKING:
        return False
    if not info.resource.namespaced:
        return info.resource.plural in ("nodes", "namespaces") or info.resource.plural in wide
    return info.namespace == namespace


def _is_event(sent: Sent) -> bool:
    info = sent.request.info
    return bool(info and info.resource and info.resource.plural == "events")


# -- frames ------------------------------------------------------------------------------------------------


def _frame(turn: Turn, at: History, namespace: str, *, storage: bool = False) -> Frame:
    last = turn.sent[-1]
    acts = [act for sent in turn.sent for act in _acts(sent, at)]
    touched = list(dict.fromkeys(_id(act) for act in acts if not act.note))
    span = turn.span
    objects = population(at(last.revision), namespace)
    if storage:
        objects |= {identity(each): each for each in disks.stored(at(last.revision), namespace)}
    return Frame(
        actor=turn.actor,
        subject=span.key.name if span else (acts[0].object if acts else ""),
        caption=span.wanted if span else "",
        time=turn.sent[0].time,
        revision=max(sent.revision for sent in turn.sent),
        cause=span.cause if span else 0,
        observed=_observed(span) if span else (),
        acts=acts,
        compared=_compared(span) if span else (),
        read=[f"{kind}/{name}" for kind, name in span.read] if span else (),
        scene=scene_of(objects),
        objects=objects,
        touched=touched,
        error=span.error if span else "",
    )


def _observed(span: Span) -> list[tuple[str, str]]:
    return [(_(name.replace("_", " ")), show(value) or "–") for name, value in span.observed.items()]


def _compared(span: Span) -> list[tuple[str, str, str]]:
    return [(name, show(found) or "–", show(wanted) or "–") for name, (found, wanted) in span.compared.items()]


def _id(act: Act) -> str:
    return act.object.replace(" ", "/")


def _subject(sent: Sent) -> str:
    """The id of the object that a request (or the event in it) is about."""
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    if _is_event(sent):
        about = _regarding(sent.request.object or {})
        return f"{about.get('kind', '')}/{about.get('name', '')}"
    return f"{info.resource.kind}/{info.name}"


def _regarding(event: Object) -> Object:
    about: Object = event.get("involvedObject") or event.get("regarding") or {}
    return about


def _acts(sent: Sent, at: History) -> Iterator[Act]:
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    line = f"{sent.request.method} {sent.request.path}"
    if _is_event(sent):
        note = _note(sent.request.object or {})
        if note and sent.code < 300:
            yield Act(_("event"), _subject(sent).replace("/", " "), sent.code, sent.revision, line, note=note)
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


def _is_custom(act: Act) -> bool:
    """Whether it is about an object of a kind that somebody defined: no picture shows these, so the frame has to."""
    return is_custom(act.object.partition(" ")[0])


# -- editing ------------------------------------------------------------------------------------------------


def _limited(frames: list[Frame], about: Sequence[str]) -> list[Frame]:
    """The frames (and what their scenes show) that have to do with `about`; all of them if that is empty."""
    frames = [frame for frame in frames if frame.acts or frame.error]
    if not about:
        return frames
    wanted = related((frame.scene for frame in frames), about)
    concerned = (frame for frame in frames if wanted.intersection(map(_id, frame.acts)))
    return [
        replace(frame, scene=_part(frame.scene, wanted), objects=_part(frame.objects, wanted)) for frame in concerned
    ]


def _part(whole: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    return {name: found for name, found in whole.items() if name in wanted or name.startswith("Node/")}


def _settled(frames: list[Frame], start: Snapshot, namespace: str, about: Sequence[str], use: Use) -> list[Frame]:
    """The frames that tell something, with times counted from the first."""
    kinds = tuple(f"{kind} " for kind in RESOURCES)
    before: Scene = scene(start, namespace)
    told: list[Frame] = []
    for frame in frames:
        changed, gone = difference(before, frame.scene)
        shown = any(act.object.startswith(kinds) or _id(act) in about or _is_custom(act) for act in frame.acts)
        if changed or gone or shown or frame.actor == _("you"):
            told.append(frame)
        before = frame.scene
    origin = told[0].time if told else 0.0
    used = use(told)
    return [replace(frame, time=frame.time - origin, used=found) for frame, found in zip(told, used, strict=True)]
