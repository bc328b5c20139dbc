"""A stepper on paper: a table of its steps, and numbered stills of those that changed most of what is seen.

A stepper carries its story with it as JSON (`k8snb.view.packing`), so nothing has to run for this. A long story is cut:
the steps that have a still stay, and those around its beginning and its end.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bs4 import BeautifulSoup, Tag

from k8snb.i18n import _
from k8snb.view.changes import Change
from k8snb.view.still import still

Story = Mapping[str, Any]

MOST_STEPS = 9
MOST_STILLS = 3
_HEAD, _TAIL = 3, 2
_MOST_LINES = 3
_DIFFERENT = 3
"""So many things must look different in two stills."""


def on_paper(stepper: Tag) -> None:
    """Replace a stepper by what of it can be read on paper."""
    carried = stepper.find("script", type="application/json")
    if not isinstance(carried, Tag):
        return
    story = unpacked(json.loads(carried.get_text()))
    stepper.replace_with(BeautifulSoup(drawn(story), "html.parser"))


def unpacked(document: Story) -> dict[str, Any]:
    """A story with its repetitions said again: what the front end's `unpack` does."""
    table: list[Any] = []

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            return table[value["@"]] if value.keys() == {"@"} else {name: whole(each) for name, each in value.items()}
        return [whole(each) for each in value] if isinstance(value, list) else value

    for entry in document.get("shared", ()):  # an entry refers to earlier ones
        table += [whole(entry)]
    return {name: whole(value) for name, value in document.items() if name != "shared"}


def drawn(story: Story) -> str:
    """The story as HTML for paper."""
    frames = story["frames"]
    scenes = list(_scenes(frames))
    pictured = _pictured(scenes)
    rows = "".join(_rows(frames, _kept(len(frames), pictured)))
    steps = _("{count} steps").format(count=len(frames))
    pictures = "".join(
        f"<figure><figcaption>{_('Step {number}').format(number=number + 1)} "
        f"<span>{html.escape(frames[number]['time'])}</span></figcaption>"
        f"{still(scenes[number])}</figure>"
        for number in pictured
    )
    return (
        f'<div class="story"><p class="title">{html.escape(story["title"])} <span>{steps}</span></p>'
        f"<table><tbody>{rows}</tbody></table>{pictures}</div>"
    )


def _scenes(frames: Sequence[Story]) -> Iterator[dict[str, Any]]:
    """How everything looked after each step."""
    scene: dict[str, Any] = {}
    for frame in frames:
        gone = frame.get("gone", ())
        scene = {name: item for name, item in scene.items() if name not in gone} | frame.get("set", {})
        yield scene


def _pictured(scenes: Sequence[Mapping[str, Any]]) -> list[int]:
    """Which steps get a still: the last, and those before it that are most unlike the others."""
    candidates = [number for number, scene in enumerate(scenes) if _worth_seeing(scene)]
    if not candidates:
        return []
    chosen = [candidates[-1]]
    while len(chosen) < MOST_STILLS:
        far = max(candidates, key=lambda number: min(_unlike(scenes[number], scenes[other]) for other in chosen))
        if min(_unlike(scenes[far], scenes[other]) for other in chosen) < _DIFFERENT:
            break
        chosen.append(far)
    return sorted(chosen)


def _worth_seeing(scene: Mapping[str, Any]) -> bool:
    """Whether there is more in it than machines."""
    return any(not name.startswith("Node/") for name in scene)


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())


def _kept(count: int, pictured: Sequence[int]) -> list[int]:
    """Which steps are listed."""
    if count <= MOST_STEPS:
        return list(range(count))
    return sorted({*range(_HEAD), *pictured, *range(count - _TAIL, count)})


def _rows(frames: Sequence[Story], kept: Sequence[int]) -> Iterator[str]:
    before = -1
    for number in kept:
        if left_out := number - before - 1:
            more = _("… one more step") if left_out == 1 else _("… {count} more steps").format(count=left_out)
            yield f'<tr class="gap"><td></td><td colspan="3">{more}</td></tr>'
        before = number
        frame = frames[number]
        cells = (str(number + 1), frame["time"], frame["actor"])
        told = "".join(f"<div>{html.escape(line)}</div>" for line in _told(frame))
        yield f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}<td>{told}</td></tr>"


def _told(frame: Story) -> Iterator[str]:
    """What a step says: why, and what it did."""
    if frame.get("caption"):
        yield frame["caption"]
    acts = frame.get("acts", ())
    for act in acts[:_MOST_LINES]:
        yield f"→ {_done(act)}"
    if len(acts) > _MOST_LINES:
        yield "→ " + _("… and {count} more").format(count=len(acts) - _MOST_LINES)
    if frame.get("error"):
        yield frame["error"]


def _done(act: Story) -> str:
    if act.get("note"):
        return f"{act.get('verb', '')} {act['note']}".strip()
    code = f" → {act['code']}" if act.get("code", 0) >= 300 else ""
    changes = "; ".join(str(Change(*change)) for change in act.get("changes", ())[:2])
    return f"{act.get('verb', '')} {act.get('object', '')}{code}" + (f": {changes}" if changes else "")
