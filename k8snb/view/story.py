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
from k8snb.view.acts import History, actor_name, acts_of, effective, id_of_act, is_event, subject
from k8snb.view.changes import show, sized
from k8snb.view.frames import Act, Frame
from k8snb.view.scene import (
    RESOURCES,
    Scene,
    Snapshot,
    difference,
    id_of,
    identity,
    is_custom,
    named,
    population,
    related,
    scene,
    scene_of,
)
from k8snb.view.stepper import Stepper
from k8snb.view.use import Use, using

VIEWS = ("topology", "sequence", "diff", "timeline")
_DRAWN = {"nodes", "namespaces"}
"""Without a namespace, and told all the same: nodes are drawn. Stories of other such kinds have no topology."""

_READING = {"get", "list", "watch", ""}
_SILENT = {"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"}
_TALKING = {"attach", "exec", "log", "portforward", "proxy"}
"""Subresources through which a container is talked to; nothing is written."""


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
    kinds = [named(kind) for name in about if not is_custom(kind := name.partition("/")[0])]
    storage = disks.concerns(about)
    wide = {*(disks.CLUSTER_WIDE if storage else ()), *(kind.plural for kind in kinds if not kind.namespaced)}
    recent = (sent for sent in effective(requests) if since < sent.revision <= until)
    chosen = [sent for sent in recent if _counts(sent, namespace, wide)]
    ended = {id(sent): span for span in spans for sent in span.requests}
    more = [kind.group_resource for kind in kinds if kind.namespaced and kind.group_resource not in RESOURCES.values()]
    frames = [_frame(turn, at, lambda then: _shown(then, namespace, more, storage)) for turn in turns(chosen, ended)]
    frames = _limited(frames, about)
    frames = _settled(frames, at(since), namespace, about, using(measured, namespace))
    drawn = not wide - _DRAWN or any(name for frame in frames for name in frame.scene if not name.startswith("Node/"))
    return Stepper(title, frames, VIEWS if drawn else VIEWS[1:])


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
    said = is_event(one) or is_event(other)
    return said and one.user == other.user and one.time == other.time and subject(one) == subject(other)


def _turn(group: list[Sent], spans: dict[int, Span]) -> Turn:
    first = group[0]
    span = first.span or spans.get(id(first))
    actor = actor_name(span.component if span else first.user)
    if span and actor == "kubelet":
        actor = actor_name(first.user)
    return Turn(first.number, actor, tuple(group), span)


def _counts(sent: Sent, namespace: str, wide: Collection[str] = ()) -> bool:
    """Whether the request wrote something that a story of the namespace tells."""
    info = sent.request.info
    if info is None or info.resource is None or info.verb in _READING or info.resource.plural in _SILENT:
        return False
    if "dryRun" in sent.request.query or info.subresource in _TALKING:
        return False
    if not info.resource.namespaced:
        return info.resource.plural in _DRAWN or info.resource.plural in wide
    return info.namespace == namespace


# -- frames ------------------------------------------------------------------------------------------------


def _shown(then: Snapshot, namespace: str, more: Sequence[str], storage: bool) -> dict[str, Object]:
    """The objects that a story shows: those of every picture, disks, and what else it is about."""
    objects = population(then, namespace)
    told = [
        *(disks.stored(then, namespace) if storage else ()),
        *(o for kind in more for o in then.list(kind, namespace)),
    ]
    return objects | {identity(each): sized(each) if each["kind"] == "Secret" else each for each in told}


def _frame(turn: Turn, at: History, shown: Callable[[Snapshot], dict[str, Object]]) -> Frame:
    last = turn.sent[-1]
    acts = [act for sent in turn.sent for act in acts_of(sent, at)]
    touched = list(dict.fromkeys(id_of_act(act) for act in acts if not act.note))
    span = turn.span
    objects = shown(at(last.revision))
    return Frame(
        actor=turn.actor,
        subject=span.key.name if span else (acts[0].object if acts else ""),
        caption=span.wanted if span else "",
        time=turn.sent[0].time,
        revision=max(sent.revision for sent in turn.sent),
        cause=span.cause if span else 0,
        observed=observed_of(span) if span else (),
        acts=acts,
        compared=_compared(span) if span else (),
        read=[f"{kind}/{name}" for kind, name in span.read] if span else (),
        scene=scene_of(objects),
        objects=objects,
        touched=touched,
        error=span.error if span else "",
    )


def observed_of(span: Span) -> list[tuple[str, str]]:
    """What a turn observed, by name."""
    return [(_(name.replace("_", " ")), show(value) or "–") for name, value in span.observed.items()]


def _compared(span: Span) -> list[tuple[str, str, str]]:
    return [(name, show(found) or "–", show(wanted) or "–") for name, (found, wanted) in span.compared.items()]


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
    concerned = (frame for frame in frames if wanted.intersection(map(id_of_act, frame.acts)))
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
        shown = any(act.object.startswith(kinds) or id_of_act(act) in about or _is_custom(act) for act in frame.acts)
        if changed or gone or shown or frame.actor == _("you"):
            told.append(frame)
        before = frame.scene
    origin = told[0].time if told else 0.0
    used = use(told)
    return [replace(frame, time=frame.time - origin, used=found) for frame, found in zip(told, used, strict=True)]
