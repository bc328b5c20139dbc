"""A scene as a still picture: for paper, and where no script runs.

The same things as in the stepper's topology, drawn as one inline SVG in the page's text colour: on the left the objects
that stand above pods, indented under their owners, on the right the nodes with the pods that sit on them. It has
neither ids nor fonts of its own, and it says in words what it shows.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from k8snb.i18n import _
from k8snb.view import theme
from k8snb.view.frames import MARKS
from k8snb.view.lettering import LONGEST_NARROW, broken, measure, without_middle
from k8snb.view.scene import Item, Scene

_CARD, _GAP, _ROW, _PLACE = 270, 20, 18, 206
_PER_LINE = 2
_SIZE = 11
"""Letters take about as much room as those of this size do at most."""


def still(scene: Scene) -> str:
    """The picture of a scene as inline SVG; nothing for a scene without objects."""
    if not scene:
        return ""
    cards, height = _cards(scene)
    left = _CARD + _GAP if cards else 0
    places, depth = _places(scene, left)
    height = max(height, depth) + 4
    width = left + _PER_LINE * (_PLACE + 12)
    said = html.escape(_("In the end: {objects}").format(objects=alternative(scene)), quote=True)
    return (
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto;font:12px sans-serif" fill="currentColor">{cards}{places}</svg>'
    )


def alternative(scene: Scene) -> str:
    """What the picture shows, in words."""
    return "; ".join(_said(name, item) for name, item in scene.items())


def _said(name: str, item: Item) -> str:
    words = [item.get("word", ""), *(f"{label} {value}" for label, value in item.get("facts", ()))]
    place = item.get("place", "").removeprefix("Node/")
    where = " " + _("on {name}").format(name=place) if place else ""
    told = ", ".join(filter(None, words))
    return name.replace("/", " ") + where + (f": {told}" if told else "")


def _cards(scene: Scene) -> tuple[str, int]:
    shown: list[str] = []
    y = 0
    for name, depth in _forest(scene):
        item, kind = scene[name], name.partition("/")[0]
        x = 12 * depth
        head = f"{kind}  {name.partition('/')[2]}  {item.get('word', '')}".rstrip()
        facts = " · ".join(f"{label} {value}" for label, value in item.get("facts", ()))
        heads = broken(head, _CARD - x - 16, _SIZE)
        lines = [*heads, *(broken(facts, _CARD - x - 16, _SIZE) if facts else ())]
        tall = 8 + _ROW * len(lines)
        shown.append(_box(x, y, _CARD - x, tall, theme.hue(theme.look(kind).hue)))
        shown += [_text(x + 10, y + _ROW * (i + 1) - 1, line, _CARD, i < len(heads)) for i, line in enumerate(lines)]
        y += tall + 8
    return "".join(shown), y


def _forest(scene: Scene) -> Iterator[tuple[str, int]]:
    """What sits nowhere and is no place, each under its owner, with its depth."""
    cards = {n: item.get("parent", "") for n, item in scene.items() if "place" not in item and n[:5] != "Node/"}

    def under(parent: str, depth: int) -> Iterator[tuple[str, int]]:
        for name, owner in cards.items():
            if owner == parent or (not depth and owner not in cards):
                yield name, depth
                yield from under(name, depth + 1)

    return under("", 0)


def _places(scene: Scene, left: int) -> tuple[str, int]:
    held: dict[str, list[str]] = {name: [] for name in scene if name.startswith("Node/")}
    for name, item in scene.items():
        if "place" in item:
            held.setdefault(item["place"], []).append(name)
    shown: list[str] = []
    top = 0
    places = list(held)
    for start in range(0, len(places), _PER_LINE):
        line = places[start : start + _PER_LINE]
        tall = 12 + _ROW * (1 + max(len(held[place]) for place in line))
        for number, place in enumerate(line):
            shown += _place(scene, place, held[place], left + number * (_PLACE + 12), top, tall)
        top += tall + 10
    return "".join(shown), top


def _place(scene: Scene, place: str, pods: Sequence[str], x: int, y: int, tall: int) -> Iterator[str]:
    yield _box(x, y, _PLACE, tall, theme.hue("slate"))
    word = scene.get(place, {}).get("word", "")
    yield _text(x + 8, y + 17, f"{place.removeprefix('Node/') or _('no node yet')}  {word}", _PLACE - 14, True)
    for number, pod in enumerate(pods, 1):
        item = scene[pod]
        state = theme.STATES.get(item.get("state", ""))
        hue, mark = (theme.hue(state.hue), MARKS[state.mark]) if state else ("currentColor", "▪")
        yield f'<text x="{x + 8}" y="{y + 17 + number * _ROW}" fill="{hue}">{mark}</text>'
        yield _text(x + 24, y + 17 + number * _ROW, f"{_called(pod, item)}  {item.get('word', '')}", _PLACE - 30)


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
