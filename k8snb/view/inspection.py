"""One request through the API server: a table of what every filter and stage decided, and the same as a stepper.

The table has a row for each step, where it was and what it changed; a request that was refused ends with the row that
refused it. How long each step took was measured, so it is different in every run: it is in the table on the page and in
`took`, and not in the text, which is the same in every run.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from k8snb.apiserver.witness import BACK, FILTER, HANDLER, STORE, Remark, Step
from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.changes import Change, changes
from k8snb.view.frames import Act, Frame
from k8snb.view.scene import Item, facts, identity, scene_of
from k8snb.view.stepper import Stepper
from k8snb.view.theme import hue
from k8snb.wire import Response

CLIENT, SERVER, DATABASE, WATCHERS = "client", "kube-apiserver", "etcd", "watches"
_MOST = 8
_HUES = {FILTER: "blue", HANDLER: "teal", STORE: "green", BACK: "blue"}
_NAMES = "overflow-wrap:break-word;vertical-align:top;text-align:start"
_WRAP = "overflow-wrap:anywhere;vertical-align:top;text-align:start"
_TIME = f"{_WRAP};white-space:nowrap"


class Inspection:
    """What became of one request: `response`, and `steps`, one for each filter and stage."""

    def __init__(self, line: str, response: Response, steps: Sequence[Step], revision: int) -> None:
        self.line = line
        self.response = response
        self.steps = tuple(steps)
        self._revision = revision

    @property
    def code(self) -> int:
        """The code of the answer."""
        return self.response.code

    @property
    def ended(self) -> str:
        """The step that refused the request; empty if none did."""
        return next((step.name for step in self.steps if step.refused), "")

    @property
    def took(self) -> dict[str, float]:
        """How many seconds each step took, measured on this machine."""
        times: dict[str, float] = {}
        for step in self.steps:
            times[step.name] = times.get(step.name, 0.0) + step.seconds
        return times

    def __getitem__(self, name: str) -> Step:
        """The first step of that name; KeyError if there was none."""
        found = next((step for step in self.steps if step.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    # -- text --------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        lines = [self.line]
        number = 0
        for place, steps in groupby(self.steps, lambda step: step.place):
            lines.append(_places().get(place, place))
            for step in steps:
                number += 1
                lines.append(f"{number:4} {_mark(step)} {step.name}: {_decided(step)}")
                lines += [f"         {name}: {value}" for name, value in step.seen]
                lines += [f"         {line}" for line in _details(step)]
        return "\n".join(lines)

    # -- page --------------------------------------------------------------------------------------

    def html(self) -> str:
        """The table, with how long each step took; it takes the colours of the page."""
        heads = (_("Step"), _("Decision"), _("Time"))
        head = "".join(f'<th scope="col" style="{_WRAP}">{each}</th>' for each in heads)
        rows = "".join(_rows(self.steps))
        total = _clock(sum(step.seconds for step in self.steps))
        foot = f'<tr><th scope="row" style="{_WRAP}">{_("together")}</th><td></td><td style="{_TIME}">{total}</td></tr>'
        title = f"<p><code>{html.escape(self.line)}</code> → <strong>{self.code}</strong></p>"
        body = f"<thead><tr>{head}</tr></thead><tbody>{rows}{foot}</tbody>"
        table = f'<table class="passes" style="width:100%;border-collapse:collapse;font-size:14px">{body}</table>'
        return f'<div class="k8snb-view">{title}{table}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self.html()}

    # -- stepper -----------------------------------------------------------------------------------

    def stepper(self, title: str = "") -> Stepper:
        """The request step by step. Plugins that have nothing to change or refuse share a step."""
        together = [list(steps) for _key, steps in groupby(self.steps, _alike)]
        frames = [self._sent(), *self._frames(together)]
        times = [0.0, *(sum(step.seconds for step in steps) for steps in together)]
        return _Timed(title or self.line, frames, times)

    def _sent(self) -> Frame:
        words = _("the request goes to the only door that there is")
        act = Act(_("send"), self.line, 0, 0, to=SERVER)
        return replace(self._frame(CLIENT, {}), caption=words, acts=[act])

    def _frames(self, together: Sequence[Sequence[Step]]) -> Iterator[Frame]:
        scene: dict[str, Item] = {}
        for steps in together:
            step = steps[0]
            if step.name == "storage" and step.seen and not step.refused:
                scene = self._stored(scene)
            frame = self._frame(_actor(step), scene)
            if len(steps) > 1:
                names = ", ".join(each.name for each in steps)
                yield replace(frame, caption=_("{place}: nothing to change or refuse").format(place=step.place),
                              observed=[(_("asked"), names)])  # fmt: skip
                continue
            caption = f"{step.name}: {_decided(step)}"
            more = [(remark.who, _answered(remark)) for remark in step.remarks]
            frame = replace(frame, observed=[*step.seen, *more], caption="" if step.refused else caption)
            yield replace(frame, acts=self._acts(step), error=caption if step.refused else "", touched=list(scene))

    def _stored(self, scene: dict[str, Item]) -> dict[str, Item]:
        obj = self.response.object
        if obj is None or "name" not in (obj.get("metadata") or {}) or not obj.get("kind"):
            return scene
        name, revision = identity(obj), ["resourceVersion", obj["metadata"].get("resourceVersion", "")]
        return {name: {**scene_of({name: obj})[name], "facts": [*facts(obj), revision]}}

    def _acts(self, step: Step) -> list[Act]:
        if step.name == "answer":
            return [Act(_("answer"), str(self.code), 0, 0, to=CLIENT)]
        if step.place == STORE and step.name == "storage" and not step.refused:
            return [Act(_("put"), next((value for _name, value in step.seen), ""), 0, 0, to=DATABASE, by=SERVER)]
        if step.name == "watch":
            return [Act(_("send"), step.said, 0, 0, to=WATCHERS, by=SERVER)]
        changed = _changed(step)
        return [Act(_("set"), _named(step.after), 0, 0, changes=changed)] if changed else []

    def _frame(self, actor: str, scene: dict[str, Item]) -> Frame:
        return Frame(actor, "", "", 0.0, self._revision, scene=dict(scene))


class _Timed(Stepper):
    """A stepper that says on the page how long each step took, and not in its text."""

    def __init__(self, title: str, frames: Sequence[Frame], times: Sequence[float]) -> None:
        super().__init__(title, frames, ("sequence", "topology", "diff"))
        self._times = tuple(times)

    def document(self) -> dict[str, Any]:
        told = super().document()
        for frame, seconds in zip(told["frames"], self._times, strict=True):
            if seconds:
                frame["observed"] = [*frame.get("observed", ()), [_("took"), _clock(seconds)]]
        return told


def _places() -> dict[str, str]:
    return {FILTER: _("filters"), HANDLER: _("the handler"), STORE: _("behind it"), BACK: _("on the way back")}


def _mark(step: Step) -> str:
    return "✗" if step.refused else "✓"


def _actor(step: Step) -> str:
    if step.place != STORE:
        return SERVER
    return WATCHERS if step.name == "watch" else DATABASE


def _alike(step: Step) -> Any:
    """Steps of a phase of admission that say nothing are told together; all others alone."""
    is_plugin = step.place not in _HUES
    silent = is_plugin and not step.refused and not step.remarks and not _changed(step)
    return step.place if silent else id(step)


def _decided(step: Step) -> str:
    """The decision of a step in a sentence."""
    if step.refused:
        return _("refused: {why}").format(why=step.refused)
    if step.said:
        return step.said
    count = len(_changed(step))
    if step.name == "decoding":
        return _("what was sent makes an object of this kind; every field is in the schema")
    if count:
        return _("one field is set") if count == 1 else _("{count} fields are set").format(count=count)
    return _("nothing was left out") if step.name == "defaulting" else _("nothing to change or refuse")


def _changed(step: Step) -> list[Change]:
    return changes(step.before, step.after)


def _details(step: Step) -> Iterator[str]:
    """What a step changed, and what those said whom it asked."""
    for remark in step.remarks:
        yield f"{remark.who}: {_answered(remark)}"
    found = _changed(step)
    yield from (str(change) for change in found[:_MOST])
    if len(found) > _MOST:
        yield _("… and {count} more").format(count=len(found) - _MOST)


def _answered(remark: Remark) -> str:
    if remark.said:
        return remark.said
    found = changes(remark.before, remark.after)
    return ", ".join(map(str, found)) if found else _("has no objection")


def _named(obj: Object | None) -> str:
    meta = (obj or {}).get("metadata") or {}
    return f"{(obj or {}).get('kind', '')} {meta.get('name') or meta.get('generateName', '')}".strip()


def _clock(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _rows(steps: Sequence[Step]) -> Iterator[str]:
    """The rows, below the name of where they are."""
    number = 0
    for place, here in groupby(steps, lambda step: step.place):
        said = html.escape(_places().get(place, place))
        yield f'<tr><td colspan="3" style="{_WRAP};padding-top:.6em"><em>{said}</em></td></tr>'
        for step in here:
            number += 1
            yield _row(number, step)


def _breaking(name: str) -> str:
    """A name that may be broken between its words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "<wbr>", html.escape(name))


def _row(number: int, step: Step) -> str:
    colour = hue("red" if step.refused else _HUES.get(step.place, "violet"))
    inside = [f"{name}: {value}" for name, value in step.seen] + list(_details(step))
    said = html.escape(_decided(step))
    if inside:
        body = "".join(f"<div>{html.escape(line)}</div>" for line in inside)
        said = f"<details><summary>{said}</summary>{body}</details>"
    edge = "border-top:1px solid color-mix(in srgb,currentColor 20%,transparent)"
    bar = f"border-inline-start:4px solid {colour};padding-inline-start:.4em"
    name = f'<span style="{bar}">{number}</span>&nbsp;{_mark(step)}&nbsp;{_breaking(step.name)}'
    return (
        f'<tr><th scope="row" style="{edge};{_NAMES}">{name}</th>'
        f'<td style="{edge};{_WRAP};min-width:8.5rem">{said}</td>'
        f'<td style="{edge};{_TIME}">{_clock(step.seconds)}</td></tr>'
    )
