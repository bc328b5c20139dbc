"""A scene as a still picture: for paper, and where no script runs.

The same things as in the stepper's topology, drawn as one inline SVG in the page's text colour: on the left the objects
that stand above pods, indented under their owners, on the right the nodes with the pods that sit on them; for phones
one below the other. It has neither ids nor fonts of its own, and it says in words what it shows.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from k8snb.i18n import _
from k8snb.view import theme
from k8snb.view.frames import MARKS
from k8snb.view.lettering import LONGEST_NARROW, broken, measure, without_middle
from k8snb.view.scene import Item, Scene
from k8snb.view.svg import HIDDEN, named, sizes

_GAP, _BETWEEN, _ROW = 20, 12, 18
_SIZE = 11
"""Letters take about as much room as those of this size do at most."""

_SMALLEST = 0.92
"""To this part of its size the wide picture shrinks: its letters are then 11 pixels high."""


class _Room(NamedTuple):
    """How wide cards and places are, how many places stand side by side, and whether all stand beside the cards."""

    card: int
    place: int
    per_line: int
    beside: bool


_WIDE, _NARROW = _Room(270, 206, 2, True), _Room(324, 324, 1, False)


def still(scene: Scene) -> str:
    """The picture of a scene as inline SVG; nothing for a scene without objects."""
    return _drawn(scene, _WIDE, _called_in_the_end(scene), "max-width:100%;height:auto") if scene else ""


def stills(scene: Scene) -> str:
    """The picture as it fits a page, and as it fits a phone; who has room for the one does not see the other."""
    if not scene:
        return ""
    one, other = sizes(_width(scene, _WIDE), _width(scene, _NARROW), _SMALLEST)
    return _drawn(scene, _WIDE, _called_in_the_end(scene), one) + _drawn(scene, _NARROW, HIDDEN, other)


def _called_in_the_end(scene: Scene) -> str:
    return named(_("In the end: {objects}").format(objects=alternative(scene)))


def _drawn(scene: Scene, room: _Room, who: str, size: str) -> str:
    cards, height = _cards(scene, room)
    places, depth = _places(scene, room, _left(scene, room), 0 if room.beside else height)
    width, height = _width(scene, room), max(height, depth) + 4
    return (
        f'<svg {who} viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="{size};font:12px sans-serif" fill="currentColor">{cards}{places}</svg>'
    )


def _left(scene: Scene, room: _Room) -> int:
    """Where places begin: beside the cards, if there are any."""
    return room.card + _GAP if room.beside and any(True for _card in _forest(scene)) else 0


def _width(scene: Scene, room: _Room) -> int:
    return _left(scene, room) + room.per_line * (room.place + _BETWEEN) - _BETWEEN


def alternative(scene: Scene) -> str:
    """What the picture shows, in words."""
    return "; ".join(_said(name, item) for name, item in scene.items())


def _said(name: str, item: Item) -> str:
    words = [item.get("word", ""), *(f"{label} {value}" for label, value in item.get("facts", ()))]
    place = item.get("place", "").removeprefix("Node/")
    where = " " + _("on {name}").format(name=place) if place else ""
    told = ", ".join(filter(None, words))
    return name.replace("/", " ") + where + (f": {told}" if told else "")


def _cards(scene: Scene, room: _Room) -> tuple[str, int]:
    shown: list[str] = []
    y = 0
    for name, depth in _forest(scene):
        item, kind = scene[name], name.partition("/")[0]
        x = 12 * depth
        head = f"{kind}  {name.partition('/')[2]}  {item.get('word', '')}".rstrip()
        facts = [f"{label} {value}" for label, value in item.get("facts", ())]
        heads = broken(head, room.card - x - 16, _SIZE)
        lines = [*heads, *_flowed(facts, room.card - x - 16)]
        tall = 8 + _ROW * len(lines)
        shown.append(_box(x, y, room.card - x, tall, theme.hue(theme.look(kind).hue)))
        shown += [
            _text(x + 10, y + _ROW * (i + 1) - 1, words, room.card, i < len(heads)) for i, words in enumerate(lines)
        ]
        y += tall + 8
    return "".join(shown), y


def _flowed(facts: Sequence[str], room: float) -> list[str]:
    """Facts in lines, with a sign between them; only what is longer than a line is broken."""
    lines: list[str] = []
    for fact in facts:
        if lines and measure(f"{lines[-1]} · {fact}", _SIZE) <= room:
            lines[-1] += f" · {fact}"
        else:
            lines += broken(fact, room, _SIZE)
    return lines


def _forest(scene: Scene) -> Iterator[tuple[str, int]]:
    """What sits nowhere and is no place, each under its owner, with its depth."""
    cards = {n: item.get("parent", "") for n, item in scene.items() if "place" not in item and n[:5] != "Node/"}

    def under(parent: str, depth: int) -> Iterator[tuple[str, int]]:
        for name, owner in cards.items():
            if owner == parent or (not depth and owner not in cards):
                yield name, depth
                yield from under(name, depth + 1)

    return under("", 0)


def _places(scene: Scene, room: _Room, left: int, top: int) -> tuple[str, int]:
    held: dict[str, list[str]] = {name: [] for name in scene if name.startswith("Node/")}
    for name, item in scene.items():
        if "place" in item:
            held.setdefault(item["place"], []).append(name)
    shown: list[str] = []
    places = list(held)
    for start in range(0, len(places), room.per_line):
        line = places[start : start + room.per_line]
        tall = 12 + _ROW * (1 + max(len(held[place]) for place in line))
        for number, place in enumerate(line):
            shown += _place(scene, place, held[place], (left + number * (room.place + _BETWEEN), top, room.place, tall))
        top += tall + 10
    return "".join(shown), top


def _place(scene: Scene, place: str, pods: Sequence[str], box: tuple[int, int, int, int]) -> Iterator[str]:
    x, y, wide, tall = box
    yield _box(x, y, wide, tall, theme.hue("slate"))
    word = scene.get(place, {}).get("word", "")
    yield _text(x + 8, y + 17, f"{place.removeprefix('Node/') or _('no node yet')}  {word}", wide - 14, True)
    for number, pod in enumerate(pods, 1):
        item = scene[pod]
        state = theme.STATES.get(item.get("state", ""))
        hue, mark = (theme.hue(state.hue), MARKS[state.mark]) if state else ("currentColor", "▪")
        yield f'<text x="{x + 8}" y="{y + 17 + number * _ROW}" fill="{hue}">{mark}</text>'
        yield _text(x + 24, y + 17 + number * _ROW, f"{_called(pod, item)}  {item.get('word', '')}", wide - 30)


def _called(pod: str, item: Item) -> str:
    """The name of a pod as far as its owner's does not say it already; a number alone would be no name."""
    name, owner = pod.partition("/")[2], item.get("parent", "").partition("/")[2]
    rest = name.removeprefix(f"{owner}-")
    called = name if rest.isdigit() else rest
    return called if len(called) <= LONGEST_NARROW else without_middle(called, LONGEST_NARROW)


def _box(x: int, y: int, width: int, height: int, hue: str) -> str:
    return f'<rect x="{x + 1}" y="{y + 1}" width="{width - 2}" height="{height}" rx="5" fill="none" stroke="{hue}"/>'


def _text(x: int, y: int, words: str, room: float, strong: bool = False) -> str:
    weight = ' font-weight="600"' if strong else ""
    return f'<text x="{x}" y="{y}"{weight}>{html.escape(_cut(words, room))}</text>'


def _cut(words: str, room: float) -> str:
    """As much of the words as fits."""
    if measure(words, _SIZE) <= room:
        return words
    return next(f"{words[:end]}…" for end in range(len(words), -1, -1) if measure(f"{words[:end]}…", _SIZE) <= room)
