"""Numbers over time as steps: how many old and new pods a rollout had, and when.

A chart is drawn from a list of moments, each with a value per series; between moments nothing changes, so lines are
steps. It is a small inline SVG in the page's text colour. Every series ends in its name and has its own dashes, so that
colour is not needed to tell them apart, and the text is the table of moments.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, controller_of
from k8snb.trace import Sent
from k8snb.typing import Object
from k8snb.view import theme
from k8snb.view.frames import when
from k8snb.view.scene import Snapshot, image_of, natural, pod_state
from k8snb.view.svg import HIDDEN, framed, named, sizes

WIDTH, NARROW, HEIGHT = 640, 326, 220
SMALLEST = 0.92
"""A chart shrinks to this part of its size; then the narrow one takes its place."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 130, 40, 34
_LETTER = 7.3
"""About how wide a letter is, in pixels."""

_PARTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Moment:
    """The values of all series from `time` (seconds since the first moment) on."""

    time: float
    values: Mapping[str, float]


class Chart:
    """Series over time that show themselves in a notebook; `limits` are dashed lines with a name."""

    def __init__(
        self, title: str, moments: Iterable[Moment], *, limits: Mapping[str, float] | None = None, unit: str = ""
    ) -> None:
        self.title = title
        self.moments = _thinned(moments)
        self.limits = dict(limits or {})
        self.unit = unit
        self.series = list(dict.fromkeys(name for moment in self.moments for name in moment.values))

    @property
    def names(self) -> list[str]:
        """What stands at the ends of its lines."""
        return [*self.series, *(f"{name} {_number(value)}" for name, value in self.limits.items())]

    def __str__(self) -> str:
        return table(self)

    def __repr__(self) -> str:
        return f"<Chart {self.title!r}: {', '.join(self.series)}>"

    def svg(self, names: Sequence[str] = ()) -> str:
        """The picture as inline SVG: one for a page, and one for a phone, of which either is shown.

        It leaves as much room at its end as the longest of the names needs: charts below each other share their scale.
        """
        wide, narrow = sizes(WIDTH, NARROW, SMALLEST)
        longest = max(map(len, [*self.names, *names]), default=0)
        label = named(f"{self.title}. {_spoken(self)}")
        shown = ((WIDTH, f'{label} style="{wide}'), (NARROW, f'{HIDDEN} style="{narrow}'))
        return "".join(part for width, opened in shown for part in _parts(self, width, longest, opened))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": framed(self.svg())}


def _thinned(moments: Iterable[Moment]) -> list[Moment]:
    """The moments at which something changes; of several at one time the last."""
    kept: list[Moment] = []
    final: Moment | None = None
    for moment in moments:
        final = moment
        if kept and kept[-1].time == moment.time:
            kept.pop()
        if not kept or kept[-1].values != moment.values:
            kept.append(moment)
    if final is not None and kept and kept[-1].time < final.time:
        kept.append(final)
    return kept


# -- text ------------------------------------------------------------------------------------------------


def table(chart: Chart) -> str:
    """The moments as a table; a value that a series does not have yet is a dash."""
    rows = [[_("time"), *chart.series]]
    rows += [[when(m.time), *(_number(m.values.get(name)) for name in chart.series)] for m in chart.moments]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    limits = [f"{name}: {_number(value)}" for name, value in chart.limits.items()]
    return "\n".join([chart.title, *lines, *limits])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


# -- SVG ---------------------------------------------------------------------------------------------------


def _parts(chart: Chart, width: int, longest: int, opened: str) -> Iterable[str]:
    lines = textwrap.wrap(chart.title, round((width - _LEFT) / _LETTER / 1.15))
    above = 15 * (len(lines) - 1)
    box = f"0 {-above} {width} {HEIGHT + above}"
    yield f'<svg {opened};font:12px system-ui,sans-serif" viewBox="{box}" fill="currentColor">'
    for number, line in enumerate(lines):
        top = 14 - above + 15 * number
        yield f'<text x="{_LEFT}" y="{top}" font-weight="600" font-size="13">{html.escape(line)}</text>'
    scale = _Scale(chart, width, longest)
    yield from _axes(chart, scale)
    for value in chart.limits.values():
        dashes = 'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="3 3"'
        yield f'<path d="M{_LEFT} {scale.y(value):g}H{scale.right}" {dashes}/>'
    yield from _lines(chart, scale)
    yield from _names(chart, scale)
    yield "</svg>"


def _spoken(chart: Chart) -> str:
    """What the picture shows, in a sentence: how every series begins and ends, and where it turned; and the limits."""
    if not chart.moments:
        return ""
    words = [f"{name} {_course(chart, name)}" for name in chart.series]
    words += [
        _("dashed, {name}: {value}").format(name=name, value=_number(value)) for name, value in chart.limits.items()
    ]
    return f"{'; '.join(words)} ({when(chart.moments[-1].time)})"


def _course(chart: Chart, name: str) -> str:
    """From where to where a series goes, with its highest and its lowest value if they are neither."""
    times = [(moment.values[name], moment.time) for moment in chart.moments if name in moment.values]
    first, last = times[0][0], times[-1][0]
    said = [_("from {first} to {last}").format(first=_number(first), last=_number(last))]
    high, low = max(times, key=lambda each: each[0]), min(times, key=lambda each: each[0])
    if high[0] > max(first, last):
        said.append(_("highest {value} at {time}").format(value=_number(high[0]), time=when(high[1])))
    if low[0] < min(first, last):
        said.append(_("lowest {value} at {time}").format(value=_number(low[0]), time=when(low[1])))
    return ", ".join(said)


class _Scale:
    """From seconds and values to places in the picture."""

    def __init__(self, chart: Chart, width: int, longest: int) -> None:
        self.right = width - min(_RIGHT, round(longest * _LETTER) + 24)
        values = [value for moment in chart.moments for value in moment.values.values()]
        highest = max([*values, *chart.limits.values()], default=1) or 1
        paces = _STEPS if highest >= 1 else _PARTS
        self.step = next((step for step in paces if highest / step <= 5), highest)
        self.top = -(-highest // self.step) * self.step
        self.end = max([moment.time for moment in chart.moments], default=0) or 1

    def x(self, time: float) -> float:
        return round(_LEFT + (self.right - _LEFT) * time / self.end, 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / self.top, 1)


def ticks(end: float, most: int = 6) -> list[tuple[float, str]]:
    """At which seconds an axis of time is marked, and with which words: so many times at most, at round numbers."""
    pace = next((each for each in _SECONDS if end / each <= most), end)
    return [(tick * pace, _clock(tick * pace)) for tick in range(int(end / pace + 1e-9) + 1)]


def _clock(seconds: float) -> str:
    """A time on an axis: `0`, `2.5 s`, `4 min`, `1 h 30 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds else "0"
    hours, minutes, rest = int(seconds // 3600), int(seconds // 60 % 60), round(seconds % 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _axes(chart: Chart, scale: _Scale) -> Iterable[str]:
    value = 0.0
    while value <= scale.top:
        y = scale.y(value)
        yield f'<path d="M{_LEFT} {y:g}H{scale.right}" stroke="currentColor" stroke-opacity=".14"/>'
        yield f'<text x="{_LEFT - 7}" y="{y + 4:g}" text-anchor="end" opacity=".72">{_number(value)}</text>'
        value += scale.step
    for tick, words in ticks(scale.end, (scale.right - _LEFT) // 60):
        x = scale.x(tick)
        yield f'<text x="{x:g}" y="{HEIGHT - 12}" text-anchor="middle" opacity=".72">{words}</text>'
    if chart.unit:
        yield f'<text x="{_LEFT}" y="{_TOP - 2}" opacity=".72">{html.escape(chart.unit)}</text>'


def _points(chart: Chart, scale: _Scale, name: str) -> list[tuple[float, float]]:
    return [(scale.x(m.time), scale.y(m.values[name])) for m in chart.moments if name in m.values]


def _lines(chart: Chart, scale: _Scale) -> Iterable[str]:
    for number, name in enumerate(chart.series):
        hue = theme.hue(theme.generation_hue(number + 1))
        points = _points(chart, scale, name)
        path = f"M{points[0][0]:g} {points[0][1]:g}" + "".join(f"H{x:g}V{y:g}" for x, y in points[1:])
        dash = f' stroke-dasharray="{_DASHES[number % 4]}"' if _DASHES[number % 4] else ""
        area = f"{path}V{scale.y(0):g}H{points[0][0]:g}Z"
        yield f'<path d="{area}" fill="{hue}" fill-opacity=".1"/>'
        yield f'<path d="{path}" fill="none" stroke="{hue}" stroke-width="2.4" stroke-linejoin="round"{dash}/>'


def _names(chart: Chart, scale: _Scale) -> Iterable[str]:
    """The names of the lines where these end, none over another, from top to bottom in the order of the lines."""
    ends = [_points(chart, scale, name)[-1] for name in chart.series]
    heights = _spread([*(y for _x, y in ends), *map(scale.y, chart.limits.values())])
    words = list(zip(chart.names, heights, strict=True))
    for number, ((name, y), (x, _y)) in enumerate(zip(words, ends, strict=False)):
        yield _word(x + 8, y, name, theme.hue(theme.generation_hue(number + 1)))
    for name, y in words[len(ends) :]:
        yield f'<text x="{scale.right + 19:g}" y="{y + 4:g}" font-size="11" opacity=".72">{html.escape(name)}</text>'


def _spread(wanted: Sequence[float], apart: float = 15) -> list[float]:
    """These heights, moved as far as it takes to be apart, in the same order, and not below the axis."""
    order = sorted(range(len(wanted)), key=lambda each: wanted[each])
    found = list(wanted)
    for above, below in pairwise(order):
        found[below] = max(found[below], found[above] + apart)
    lowest: float = HEIGHT - _BOTTOM
    for each in reversed(order):
        found[each] = min(found[each], lowest)
        lowest = found[each] - apart
    return found


def _word(x: float, y: float, word: str, hue: str) -> str:
    dot = f'<circle cx="{x + 3:g}" cy="{y:g}" r="3.5" fill="{hue}"/>'
    return f'{dot}<text x="{x + 11:g}" y="{y + 4:g}">{html.escape(word)}</text>'


# -- rollouts ------------------------------------------------------------------------------------------------


def rollout(
    name: str,
    requests: Iterable[Sent],
    at: Callable[[int], Snapshot],
    *,
    since: int,
    until: int,
    namespace: str = "default",
) -> Chart:
    """Ready pods of each revision of a Deployment over time, between two revisions of the store.

    Old revisions that are only kept to go back to, and had no pod in that time, are left out.
    """
    times: dict[int, float] = {}
    for sent in requests:
        times.setdefault(sent.revision, sent.time)
    shown = sorted(revision for revision in times if since <= revision <= until)
    origin = times[shown[0]] if shown else 0.0
    moments = [Moment(times[each] - origin, ready_pods(at(each), name, namespace)) for each in shown]
    end = at(until)
    limits = {_("wanted"): wanted} if (wanted := _wanted(end, name, namespace)) is not None else {}
    title = _("Ready pods of Deployment {name}").format(name=name)
    return Chart(title, _filled(moments, _labels(end, name, namespace), _at_rest(end, name, namespace)), limits=limits)


def ready_pods(snapshot: Snapshot, name: str, namespace: str) -> dict[str, float]:
    """How many pods of each ReplicaSet of a Deployment are ready, by the ReplicaSet's name."""
    pods = snapshot.list("pods", namespace)
    counts: dict[str, float] = {}
    for each in _replica_sets(snapshot, name, namespace):
        own = each["metadata"]["name"]
        counts[own] = sum(1 for pod in pods if _belongs(pod, "ReplicaSet", own) and pod_state(pod) == "ready")
    return counts


def _replica_sets(snapshot: Snapshot, name: str, namespace: str) -> list[Object]:
    """The ReplicaSets of a Deployment, the oldest revision first."""
    sets = [each for each in snapshot.list("replicasets.apps", namespace) if _belongs(each, "Deployment", name)]
    return sorted(sets, key=lambda each: (_revision(each), natural(each)))


def _labels(snapshot: Snapshot, name: str, namespace: str) -> dict[str, str]:
    """What each ReplicaSet is called in the picture: its revision and its image."""
    sets = _replica_sets(snapshot, name, namespace)
    return {each["metadata"]["name"]: f"v{_revision(each)} {image_of(each)}" for each in sets if _revision(each)}


def _belongs(obj: Object, kind: str, name: str) -> bool:
    owner = controller_of(obj)
    return owner is not None and (owner["kind"], owner["name"]) == (kind, name)


def _revision(replica_set: Object) -> int:
    text = annotations_of(replica_set).get("deployment.kubernetes.io/revision", "")
    return int(text) if text.isdigit() else 0


def _wanted(snapshot: Snapshot, name: str, namespace: str) -> int | None:
    found = [each for each in snapshot.list("deployments.apps", namespace) if each["metadata"]["name"] == name]
    return int((found[0].get("spec") or {}).get("replicas", 1)) if found else None


def _at_rest(snapshot: Snapshot, name: str, namespace: str) -> list[str]:
    """The ReplicaSets that are kept only to go back to."""
    sets = _replica_sets(snapshot, name, namespace)
    return [each["metadata"]["name"] for each in sets if each["spec"].get("replicas") == 0]


def _filled(moments: Sequence[Moment], labels: Mapping[str, str], at_rest: Sequence[str]) -> list[Moment]:
    """Every series at every moment, labelled: a ReplicaSet that does not exist yet has no ready pods."""
    known = dict.fromkeys(name for moment in moments for name in moment.values)
    seen = {name for moment in moments for name, count in moment.values.items() if count}
    names = [name for name in known if name in seen or name not in at_rest]
    rows = ({labels.get(name, name): moment.values.get(name, 0) for name in names} for moment in moments)
    return [Moment(moment.time, row) for moment, row in zip(moments, rows, strict=True)]
