"""Who ran when: jobs and pods as bars over time, each in the colours and with the marks of its states.

The bars are read from the store's history: of every request that wrote a pod or a job, what the object was like then.
A thick bar is an object that has something to do, a thin one is an object that has ended and is still there. The text
says the same, object by object.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from k8snb.i18n import _
from k8snb.machinery.objects import controller_of, is_deleting, is_true
from k8snb.trace import Sent
from k8snb.typing import Object
from k8snb.view import theme
from k8snb.view.chart import NARROW, SMALLEST, WIDTH, ticks
from k8snb.view.frames import MARKS, when
from k8snb.view.lettering import broken, measure
from k8snb.view.scene import Snapshot, id_of, natural, pod_state, pod_word
from k8snb.view.svg import HIDDEN, framed, named, sizes

JOBS, PODS = "jobs.batch", "pods"
_WIDTH, _NARROW, _RIGHT, _TOP, _ROW, _BOTTOM = WIDTH, NARROW, 26, 30, 20, 34
_LEFT = {_WIDTH: 210, _NARROW: 122}
_MOST_ROWS = 60
_OWNERS = {"Job": JOBS, "ReplicaSet": "replicasets.apps"}
"""Owners between a pod and what people ask about."""


class Past(Snapshot, Protocol):
    """A snapshot of which one object can be had."""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object as it was, None if there was none."""
        ...


class Stretch(NamedTuple):
    """From when to when (in seconds) an object was in a state, the word for it, and whether it was at work."""

    start: float
    end: float
    state: str
    word: str
    active: bool


@dataclass(slots=True)
class Bar:
    """One object and what became of it."""

    kind: str
    name: str
    owners: Sequence[str]
    """The ids of those it hangs from, the nearest first."""
    stretches: list[Stretch] = field(default_factory=list)
    gone: float | None = None
    late: bool = True
    """Whether it came in the time that is shown."""

    @property
    def depth(self) -> int:
        """How far it is set in: a pod below its job."""
        return int(self.kind == "Pod" and any(owner.startswith("Job/") for owner in self.owners))


class Gantt:
    """Bars that show themselves in a notebook."""

    def __init__(self, title: str, bars: Sequence[Bar], end: float) -> None:
        self.title = title
        self.bars = bars
        self.end = end

    def __str__(self) -> str:
        names = ["  " * bar.depth + f"{bar.kind} {bar.name}" for bar in self.bars]
        width = max(map(len, names), default=0)
        lines = [f"{name:<{width}}  {_said(bar)}" for name, bar in zip(names, self.bars, strict=True)]
        return "\n".join([f"{self.title}, {when(self.end)[1:]}", *lines])

    def __repr__(self) -> str:
        return f"<Gantt {self.title!r}: {len(self.bars)} bars>"

    def svg(self) -> str:
        """The picture as inline SVG: one for a page, and one for a phone, of which either is shown."""
        wide, narrow = sizes(_WIDTH, _NARROW, SMALLEST)
        spoken = "; ".join(f"{bar.kind} {bar.name}: {_said(bar)}" for bar in self.bars[:_MOST_ROWS])
        label = named(f"{self.title}. {spoken}")
        shown = (*_parts(self, _WIDTH, f'{label} style="{wide}'), *_parts(self, _NARROW, f'{HIDDEN} style="{narrow}'))
        return "".join(shown)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": framed(self.svg())}


def _said(bar: Bar) -> str:
    words = [f"{when(each.start)} {each.word}" for each in bar.stretches]
    return ", ".join([*words, *([f"{when(bar.gone)} {_('gone')}"] if bar.gone is not None else [])])


# -- history -------------------------------------------------------------------------------------------------


def gantt(
    about: Sequence[str],
    requests: Iterable[Sent],
    at: Callable[[int], Past],
    *,
    since: int,
    until: int,
    now: float,
    namespace: str = "default",
    title: str = "",
    from_first: bool = False,
) -> Gantt:
    """The jobs and pods of a namespace between two revisions, or those that hang from `about` (`cronjob/hello`).

    Time counts from the first revision; with `from_first`, from when the first of the objects was there.
    """
    wanted = [id_of(name) for name in about]
    history = _History(at, namespace, now)
    for sent in requests:
        if since < sent.revision <= until:
            history.take(sent, since)
    bars = [bar for bar in history.ended(now) if not wanted or _concerns(bar, wanted)]
    begin = min((bar.stretches[0].start for bar in bars if bar.stretches), default=0.0) if from_first else 0.0
    moved = [_moved(bar, begin) for bar in bars]
    return Gantt(title or _title(bars, wanted), _ordered(moved, wanted), now - history.origin - begin)


def _moved(bar: Bar, begin: float) -> Bar:
    """The bar on a scale that begins so many seconds later."""
    stretches = [each._replace(start=each.start - begin, end=each.end - begin) for each in bar.stretches]
    return replace(bar, stretches=stretches, gone=None if bar.gone is None else bar.gone - begin)


def _title(bars: Sequence[Bar], wanted: Sequence[str]) -> str:
    if not wanted:
        return _("Jobs and pods")
    words = _("Jobs and pods of {names}") if any(bar.kind == "Job" for bar in bars) else _("Pods of {names}")
    return words.format(names=", ".join(each.replace("/", " ") for each in wanted))


def _concerns(bar: Bar, wanted: Sequence[str]) -> bool:
    return any(each in wanted for each in (f"{bar.kind}/{bar.name}", *bar.owners))


def _ordered(bars: Sequence[Bar], wanted: Sequence[str]) -> list[Bar]:
    """Each job with its pods below it; what hangs from no job after that. In the order asked for, then by time."""

    def place(bar: Bar) -> tuple[int, bool, float, float]:
        above = [wanted.index(owner) for owner in bar.owners if owner in wanted]
        times = (bar.stretches[0].start, bar.gone or math.inf) if bar.stretches else (0.0, 0.0)
        return min(above, default=0), bar.late, *times

    bars = sorted(bars, key=place)
    jobs = [bar for bar in bars if bar.kind == "Job"]
    found: list[Bar] = []
    for job in jobs:
        found += [job, *(bar for bar in bars if bar.kind == "Pod" and f"Job/{job.name}" in bar.owners)]
    return found + [bar for bar in bars if bar not in found]


class _History:
    """Bars that grow as requests are read, in order."""

    def __init__(self, at: Callable[[int], Past], namespace: str, now: float) -> None:
        self.origin = now
        self._at = at
        self._namespace = namespace
        self._began = False
        self._bars: dict[str, Bar] = {}
        self._open: dict[str, tuple[float, str, str, bool]] = {}
        """The state that each object is in, and since when, by uid."""

    def take(self, sent: Sent, since: int) -> None:
        """Take in what a request changed."""
        if not self._began:
            self._began, self.origin = True, sent.time
            for resource in (JOBS, PODS):
                self._compare(resource, self._at(since), 0.0)
            for bar in self._bars.values():
                bar.late = False
        info = sent.request.info
        resource = _resource(sent)
        if info is None or not resource or info.namespace != self._namespace or info.verb in ("get", "list", "watch"):
            return
        time, then = sent.time - self.origin, self._at(sent.revision)
        found = then.get(resource, info.name, self._namespace) if info.name else None
        if found is None:
            self._compare(resource, then, time)
        else:
            self._saw(found, then, time)

    def _compare(self, resource: str, then: Past, time: float) -> None:
        """Look at all objects of a resource: which are new, and which are no longer there?"""
        there = {obj["metadata"]["uid"]: obj for obj in then.list(resource, self._namespace)}
        kind = "Job" if resource == JOBS else "Pod"
        for obj in sorted(there.values(), key=natural):
            self._saw(obj, then, time)
        for uid in [uid for uid, bar in self._bars.items() if bar.kind == kind and uid not in there]:
            if uid in self._open:
                self._close(uid, time)
                self._bars[uid].gone = time

    def _saw(self, obj: Object, then: Past, time: float) -> None:
        uid: str = obj["metadata"]["uid"]
        if uid not in self._bars:
            self._bars[uid] = Bar(obj["kind"], obj["metadata"]["name"], list(_owners(obj, then, self._namespace)))
        state = _pod(obj) if obj["kind"] == "Pod" else _job(obj)
        known = self._open.get(uid)
        if known is None or known[1:] != state:
            self._close(uid, time)
            self._open[uid] = (time, *state)

    def _close(self, uid: str, time: float) -> None:
        known = self._open.pop(uid, None)
        if known is not None and known[0] < time:
            start, state, word, active = known
            self._bars[uid].stretches.append(Stretch(start, time, state, word, active))

    def ended(self, now: float) -> Iterator[Bar]:
        """All bars, as they are now."""
        for uid in list(self._open):
            start, state, word, active = self._open.pop(uid)
            self._bars[uid].stretches.append(Stretch(start, now - self.origin, state, word, active))
        yield from self._bars.values()


def _resource(sent: Sent) -> str:
    """Which of the resources that have bars a request was about."""
    info = sent.request.info
    if info is None or info.resource is None or sent.code >= 300:
        return ""
    return info.resource.group_resource if info.resource.group_resource in (JOBS, PODS) else ""


def _owners(obj: Object, then: Past, namespace: str) -> Iterator[str]:
    owner = controller_of(obj)
    while owner is not None:
        yield f"{owner['kind']}/{owner['name']}"
        resource = _OWNERS.get(owner["kind"])
        above = then.get(resource, owner["name"], namespace) if resource else None
        owner = controller_of(above) if above is not None else None


def _pod(pod: Object) -> tuple[str, str, bool]:
    phase = (pod.get("status") or {}).get("phase")
    state, word = pod_state(pod), pod_word(pod)
    if is_deleting(pod) and phase not in ("Succeeded", "Failed"):
        word = "Terminating"
    elif state == "unready" and word == "Running":  # which a pod is called that is ready, too
        word = _("Running, not ready")
    return state, word, phase not in ("Succeeded", "Failed")


def _job(job: Object) -> tuple[str, str, bool]:
    for type, state in (("Complete", "done"), ("Failed", "failing")):
        if is_true(job, type):
            return state, type, False
    if is_deleting(job):
        return "ending", "Terminating", True
    if job["spec"].get("suspend"):
        return "pending", "Suspended", True
    return "ready", "Running", True


# -- SVG -----------------------------------------------------------------------------------------------------


def _parts(chart: Gantt, width: int, opened: str) -> Iterator[str]:
    bars = chart.bars[:_MOST_ROWS]
    title = broken(chart.title, width - 8, 13)
    first = _TOP + 17 * (len(title) - 1)
    bottom = first + _ROW * len(bars) + 4
    keys = _keys(bars, bottom + 36, width)
    height = keys[-1].y + 8 if keys else bottom + _BOTTOM - 4
    yield f'<svg {opened};font:12px system-ui,sans-serif" viewBox="0 0 {width} {height}" fill="currentColor">'
    for line, words in enumerate(title):
        yield f'<text x="4" y="{14 + 17 * line}" font-weight="600" font-size="13">{html.escape(words)}</text>'
    end = chart.end or 1.0
    for tick, words in ticks(end, (width - _LEFT[width]) // 60):
        x = _x(tick, end, width)
        yield f'<path d="M{x:g} {first - 4}V{bottom}" stroke="currentColor" stroke-opacity=".14"/>'
        yield f'<text x="{x:g}" y="{bottom + 15}" text-anchor="middle" font-size="11" opacity=".72">{words}</text>'
    kinds = {bar.kind for bar in bars} - {"Job", "Pod"}  # where there are others, each bar says what it is about
    for row, bar in enumerate(bars):
        name = f"{bar.kind} {bar.name}" if kinds else bar.name
        yield from _row(bar, _short(name, _LEFT[width] // 7 - 1 - 2 * bar.depth), first + _ROW * row, end, width)
    for key in keys:
        yield _block(key.x, key.y - 4, 16, key.state, key.active)
        mark = "" if key.active else MARKS[theme.STATES[key.state].mark] + " "
        words = html.escape(mark + key.words)
        yield f'<text x="{key.x + 22:g}" y="{key.y}" font-size="11" opacity=".85">{words}</text>'
    yield "</svg>"


class _Key(NamedTuple):
    """An entry of the legend: where it stands, and which words go with which look."""

    x: float
    y: int
    state: str
    active: bool
    words: str


def _keys(bars: Sequence[Bar], y: int, width: int) -> list[_Key]:
    """What each look of a bar means, in the order in which they come, on as many lines as that takes."""
    looks: dict[tuple[str, bool], dict[str, None]] = {}
    for each in (stretch for bar in bars for stretch in bar.stretches):
        looks.setdefault((each.state, each.active), {})[each.word] = None
    keys: list[_Key] = []
    x = 4.0
    for (state, active), words in looks.items():
        told = ", ".join(words)
        wide = 34 + measure(told, 11) + (0 if active else 14)
        if x > 4 and x + wide > width:
            x, y = 4.0, y + 17
        keys.append(_Key(x, y, state, active, told))
        x += wide
    return keys


def _block(x: float, middle: float, long: float, state: str, active: bool) -> str:
    """A piece of a bar: thick while something is at work, hollow while it waits or begins, thin when it has ended."""
    hue, high = theme.hue(theme.STATES[state].hue), 12 if active else 2.4
    fill = ".18" if state in ("pending", "starting") else "1" if not active else ".55"
    return (
        f'<rect x="{x:g}" y="{middle - high / 2:g}" width="{long:g}" height="{high:g}" rx="1.5" '
        f'fill="{hue}" fill-opacity="{fill}" stroke="{hue}" stroke-width=".8"/>'
    )


def _x(time: float, end: float, width: int) -> float:
    return round(_LEFT[width] + (width - _LEFT[width] - _RIGHT) * time / end, 1)


def _row(bar: Bar, name: str, top: float, end: float, width: int) -> Iterator[str]:
    weight = ' font-weight="600"' if bar.kind == "Job" else ""
    yield f'<text x="{4 + 12 * bar.depth}" y="{top + 14}" font-size="11.5"{weight}>{html.escape(name)}</text>'
    for each in bar.stretches:
        x = _x(each.start, end, width)
        long = max(round(_x(each.end, end, width) - x, 1), 0.8)
        yield _block(x, top + 10, long, each.state, each.active)
    last = bar.stretches[-1] if bar.stretches else None
    if last is not None:
        x, hue = _x(last.end, end, width), theme.hue(theme.STATES[last.state].hue)
        mark = "" if bar.gone is not None and last.active else MARKS[theme.STATES[last.state].mark]
        yield f'<text x="{x + 6:g}" y="{top + 14}" font-size="12" fill="{hue}">{mark}</text>'


def _short(name: str, room: int) -> str:
    """A name, cut in the middle where it is too long for a column of so many letters."""
    return name if len(name) <= room else f"{name[: room - 9]}…{name[-8:]}"
