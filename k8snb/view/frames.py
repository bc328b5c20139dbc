"""What a stepper steps through: frames, each of one component's turn, and how they are written as text and as data.

A frame says who acted, because of what, what it observed, what it wanted, what it sent, and how the cluster looked
afterwards. The data form keeps only what differs from frame to frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

from k8snb.i18n import _
from k8snb.machinery import quantity
from k8snb.typing import Object
from k8snb.view import theme
from k8snb.view.changes import Change
from k8snb.view.history import History
from k8snb.view.scene import Item, Scene, difference

MARKS = {"ring": "○", "half": "◐", "disc": "●", "cross": "✕", "dash": "◌", "check": "✓"}
"""The marks of states, as characters."""

_MOST_CHANGES = 6
_FEW_CHANGES = 4
_MOST_ACTS = 8


@dataclass(frozen=True, slots=True)
class Act:
    """One request: what it did (`create`), to which object, the answer's code, and the fields it changed.

    An event has no fields: `note` is what it says. In a story that is not about the API, `to` is who is addressed (and
    `by` who speaks, if it is not the frame's actor).
    """

    verb: str
    object: str
    code: int
    revision: int
    request: str = ""
    changes: Sequence[Change] = ()
    note: str = ""
    to: str = ""
    by: str = ""

    @property
    def sentence(self) -> str:
        """The act in one line, without the fields that it changed."""
        if self.note:
            return f"{self.verb} {self.note}"
        answer = f" → {self.code}" if self.code >= 300 else ""
        return f"{self.verb} {self.object}{answer}"


class Used(NamedTuple):
    """What the pods of an app used at a time, together, and what they request: millicores and bytes."""

    time: float
    app: str
    pods: int
    cpu: int
    cpu_requested: int
    memory: int
    memory_requested: int

    @property
    def sentence(self) -> str:
        """The measurement in words."""
        cpu = _amount(quantity.of_milli(self.cpu), _("CPU"), quantity.of_milli(self.cpu_requested))
        memory = _amount(mebibytes(self.memory), _("memory"), mebibytes(self.memory_requested))
        return f"{self.app.replace('/', ' ')}: {cpu}, {memory}"


def _amount(used: str, what: str, requested: str) -> str:
    asked = _("of {requested} requested").format(requested=requested) if requested != "0" else ""
    return " ".join(filter(None, (what, used, asked)))


def mebibytes(amount: int) -> str:
    """Bytes as `12Mi`; nothing is `0`."""
    return f"{round(amount / 2**20)}Mi" if amount else "0"


DIRECT = ("topology", "sequence", "diff")
"""The views of a story in which components speak with each other without the API between them."""


def opened(view: str, views: Sequence[str]) -> tuple[str, ...]:
    """The same views, beginning with one of them: a stepper opens with its first."""
    return (view, *(each for each in views if each != view))


@dataclass(frozen=True, slots=True)
class Frame:
    """One step. `time` is in seconds since the first frame; `cause` is the revision that brought it about, or 0.

    Where no object of the API is changed, as between members of etcd, `revision` is 0 and nothing is said of it.
    """

    actor: str
    subject: str
    caption: str
    time: float
    revision: int
    cause: int = 0
    observed: Sequence[tuple[str, str]] = ()
    acts: Sequence[Act] = ()
    scene: Scene = field(default_factory=dict)
    touched: Sequence[str] = ()
    error: str = ""
    compared: Sequence[tuple[str, str, str]] = ()
    """What was held against each other: a name, what was observed, what was desired."""
    read: Sequence[str] = ()
    """The ids of the objects that it looked at."""
    objects: Mapping[str, Object] = field(default_factory=dict)
    """The objects behind the scene, whole."""
    used: Sequence[Used] = ()
    """What was measured since the frame before."""

    @property
    def lane(self) -> str:
        """The line of the score it stands on: all kubelets share one."""
        return self.actor.split(" ")[0]


# -- text ------------------------------------------------------------------------------------------------


def text(title: str, frames: Sequence[Frame]) -> str:
    """The whole story as text: what a reader sees without a browser, and what tests compare."""
    count = _("{count} steps").format(count=len(frames))
    blocks = ["\n".join(_lines(number, frame)) for number, frame in enumerate(frames, 1)]
    return "\n".join([f"{title} · {count}", *blocks])


def _lines(number: int, frame: Frame) -> Iterator[str]:
    because = " " + _("because of @{revision}").format(revision=frame.cause) if frame.cause else ""
    pods = pods_line(frame.scene)
    revision = f"  @{frame.revision}" if frame.revision else ""
    yield f"{number:3}  {when(frame.time)}{revision}  {frame.actor}{because}{f'   [{pods}]' if pods else ''}"
    yield from (f"       {line}" for line in details(frame, _FEW_CHANGES))


def details(frame: Frame, most: int = _MOST_CHANGES) -> Iterator[str]:
    """What one frame says, line by line: observe, diff, act; of each act at most so many changes."""
    if frame.observed:
        yield _said(_("observe"), ", ".join(f"{name} {value}" for name, value in frame.observed))
    for name, observed, desired in frame.compared[:most]:
        yield _said(_("compare"), f"{name}: {observed} {'=' if observed == desired else '≠'} {desired}")
    if frame.caption:
        yield _said(_("diff"), frame.caption)
    for act in frame.acts[:_MOST_ACTS]:
        yield _said(_("act"), act.sentence)
        yield from (f"           {change}" for change in act.changes[:most])
        if len(act.changes) > most:
            yield "           " + _("… and {count} more").format(count=len(act.changes) - most)
    if len(frame.acts) > _MOST_ACTS:
        yield _said(_("act"), _("… and {count} more").format(count=len(frame.acts) - _MOST_ACTS))
    if frame.error:
        yield _said(_("error"), frame.error)
    for used in {used.app: used for used in frame.used}.values():
        yield _said(_("use"), used.sentence)


def _said(label: str, words: str) -> str:
    return f"{label:<9}{words}"


def pods_line(scene: Scene) -> str:
    """All pods as marks, by the revision of their app: `v1 ●●  v2 ◐○`."""
    groups: dict[int, str] = {}
    for name, item in scene.items():
        if name.startswith("Pod/"):
            generation = item.get("generation", 0)
            groups[generation] = groups.get(generation, "") + MARKS[theme.STATES[item["state"]].mark]
    return "  ".join(f"v{number} {marks}" if number else marks for number, marks in sorted(groups.items()))


def when(seconds: float) -> str:
    """A time since the first frame: `+0.0 s`, `+1 h 02 min 03 s`."""
    if seconds < 60:
        return f"+{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes:02} min {rest:02} s" if hours else f"+{minutes} min {rest:02} s"


def passed_on(frames: Sequence[Frame]) -> list[Frame]:
    """The frames of something that is handed from one to the next: each act is addressed to who comes next."""
    found = list(frames)
    for number, (frame, after) in enumerate(pairwise(frames)):
        if frame.actor != after.actor:
            found[number] = replace(frame, acts=[replace(act, to=after.actor) for act in frame.acts])
    return found


# -- data ------------------------------------------------------------------------------------------------


def document(title: str, frames: Sequence[Frame]) -> dict[str, Any]:
    """The story as the front end reads it: plain JSON, scenes as differences, in which nothing is random."""
    lanes = list(dict.fromkeys(frame.lane for frame in frames))
    kinds = dict.fromkeys(name.split("/")[0] for frame in frames for name in frame.scene)
    ids: dict[str, int] = {}
    told = list(_frames(frames, lanes, ids))
    hues = theme.actor_hues(lanes)
    return {
        "title": title,
        "words": words(),
        "lanes": [{"name": name, "hue": hues[name]} for name in lanes],
        "kinds": {kind: theme.look(kind)._asdict() for kind in kinds},
        "states": {name: state._asdict() for name, state in theme.STATES.items()},
        "generations": list(theme.GENERATIONS),
        "ids": list(ids),
        "frames": told,
    }


def _frames(frames: Sequence[Frame], lanes: Sequence[str], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    before: Mapping[str, Item] = {}
    history = History()
    for index, frame in enumerate(frames):
        changed, gone = difference(before, frame.scene)
        before = frame.scene
        data = {
            "lane": lanes.index(frame.lane),
            "actor": frame.actor,
            "subject": frame.subject,
            "caption": frame.caption,
            "time": when(frame.time),
            "at": round(frame.time, 3),
            "revision": frame.revision,
            "cause": frame.cause,
            "from": _cause(frames, index),
            "observed": [list(pair) for pair in frame.observed],
            "compared": [list(row) for row in frame.compared],
            "read": [ids.setdefault(name, len(ids)) for name in frame.read if name in frame.scene],
            "acts": [_act(act) for act in frame.acts],
            "error": frame.error,
            "set": changed,
            "gone": gone,
            "touched": list(frame.touched),
            "objects": history.frame(frame.objects),
            "used": [list(used._replace(time=round(used.time, 3))) for used in frame.used],
        }
        yield {name: value for name, value in data.items() if value not in ("", [], {}, None)}


def _cause(frames: Sequence[Frame], index: int) -> int | None:
    """Which earlier frame produced the revision that caused this one."""
    cause = frames[index].cause
    if not cause:
        return None
    produced = (i for i in range(index - 1, -1, -1) if any(act.revision == cause for act in frames[i].acts))
    return next(produced, None)


def _act(act: Act) -> dict[str, Any]:
    shown = [list(change) for change in act.changes[:_MOST_CHANGES]]
    data = {
        "verb": act.verb,
        "object": act.object,
        "request": act.request,
        "code": act.code,
        "revision": act.revision,
        "changes": shown,
        "more": len(act.changes) - len(shown),
        "note": act.note,
        "to": act.to,
        "by": act.by,
    }
    return {name: value for name, value in data.items() if value not in ("", [], 0)}


def shortcuts() -> list[list[str]]:
    """The keys that the front end heeds, and what each does."""
    return [
        [_("space"), _("play and pause")],
        ["← →", _("one event back or on")],
        [", .", _("the previous or next turn of the same component")],
        ["p n", _("the previous or next change of the pinned object")],
        ["Home End", _("the first and the last step")],
        ["+ −", _("faster, slower")],
        ["v", _("the next view")],
        ["Esc", _("unpin")],
        ["?", _("show and hide this list")],
    ]


def words() -> dict[str, Any]:
    """What the front end says, in the reader's language."""
    return {
        "first": _("first step"),
        "previous": _("previous step"),
        "play": _("play"),
        "pause": _("pause"),
        "next": _("next step"),
        "last": _("last step"),
        "scrub": _("step"),
        "step": _("Step {i} of {n}"),
        "stepper": _("stepper"),
        "because": _("because of @{revision}"),
        "observe": _("observe"),
        "difference": _("diff"),
        "act": _("act"),
        "nothing": _("nothing"),
        "more": _("… and {count} more"),
        "nowhere": _("no node yet"),
        "objects": _("Objects"),
        "nodes": _("Nodes"),
        "says": _("says"),
        "keys": _("Space plays and pauses; the arrow keys, Home and End move; question mark lists all keys."),
        "shortcuts": shortcuts(),
        "topology": _("Topology"),
        "sequence": _("Sequence"),
        "diff": _("Diff"),
        "timeline": _("Timeline"),
        "views": _("views"),
        "pace": _("speed"),
        "help": _("keys"),
        "link": _("link to this step"),
        "linked": _("The address of this step is in the address bar."),
        "pin": _("read the YAML of"),
        "pinned": _("pinned object"),
        "unpin": _("unpin"),
        "absent": _("not in the picture at this step"),
        "changedHere": _("changed at this step"),
        "newHere": _("new at this step"),
        "since": _("as of step {i}"),
        "changeBefore": _("previous change of it"),
        "changeAfter": _("next change of it"),
        "server": _("API server"),
        "hears": _("hears of @{revision}"),
        "thoughts": _("What each component thinks now"),
        "at": _("step {i}"),
        "read": _("read"),
        "field": _("field"),
        "observed": _("observed"),
        "desired": _("desired"),
        "compared": _("compared"),
        "uncompared": _("Nothing is compared in this step."),
        "differs": _("differs"),
        "equal": _("equal"),
        "therefore": _("Therefore:"),
        "actions": {
            "delete": _("delete it"),
            "crash": _("crash its container"),
            "cordon": _("cordon, uncordon"),
            "partition": _("cut off, reconnect"),
            "rewind": _("go back to this step"),
            "fork": _("fork here"),
            "continue": _("let it go on"),
            "apply": _("replace it"),
        },
        "edit": _("edit its manifest"),
        "breakIt": _("Break it now:"),
        "timeMachine": _("Time machine:"),
        "pinFirst": _("Pin {kind} first: click it."),
        "anObject": _("an object"),
        "working": _("the cluster is at work …"),
        "otherFuture": _("The other future"),
        "futures": _("What is different in the end"),
        "thisFuture": _("this future"),
        "phases": _("Phases"),
        "conditions": _("Conditions"),
        "usage": _("Usage"),
        "cpu": _("CPU"),
        "memory": _("memory"),
        "used": _("used"),
        "requested": _("requested"),
    }
