"""An object of a kind without a picture of its own: who owns it, what it owns, and what it names by a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from k8snb.i18n import _
from k8snb.machinery.scheme import ROWS
from k8snb.typing import Object
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import identity

_QUIET = frozenset({"events", "events.events.k8s.io"})


def anything(sketch: Sketch, start: Object) -> str:
    """Owners upwards, owned objects downwards, references sideways."""
    objects = {identity(obj): obj for obj in _all(sketch)} | {identity(start): start}
    sketch.put(start)
    for obj in _line(start, objects):
        for owner in obj["metadata"].get("ownerReferences") or ():
            above = objects.get(f"{owner['kind']}/{owner['name']}")
            end = sketch.lack(owner["kind"], owner["name"]) if above is None else sketch.put(above)
            sketch.link(end, sketch.put(obj), _("owns"))
    for field, reference in _references(start):
        there = objects.get(f"{reference['kind']}/{reference['name']}")
        end = sketch.note(reference["kind"], reference["name"]) if there is None else sketch.put(there)
        sketch.link(sketch.put(start), end, field)
    kind, name = start["kind"], start["metadata"]["name"]
    return _("{kind} {name}, its owners, and what it owns").format(kind=kind, name=name)


def _all(sketch: Sketch) -> Iterator[Object]:
    """Every object that may own one here or be owned by one."""
    seen = set()
    for row in ROWS:
        if "list" in row.verbs and row.storage not in seen and row.group_resource not in _QUIET and row.singular:
            seen.add(row.storage)
            yield from sketch.here(row.group_resource)
    for custom in sketch.here("customresourcedefinitions.apiextensions.k8s.io"):
        yield from sketch.here(f"{custom['spec']['names']['plural']}.{custom['spec']['group']}")


def _line(start: Object, objects: Mapping[str, Object]) -> list[Object]:
    """The object, those above it, and those below it."""
    line = {identity(start): start}
    upward = [start]
    for obj in upward:  # grows while it is walked
        for owner in obj["metadata"].get("ownerReferences") or ():
            above = objects.get(f"{owner['kind']}/{owner['name']}")
            if above is not None and identity(above) not in line:
                line[identity(above)] = above
                upward.append(above)
    below: dict[str, list[Object]] = {}
    for obj in objects.values():
        for owner in obj["metadata"].get("ownerReferences") or ():
            below.setdefault(f"{owner['kind']}/{owner['name']}", []).append(obj)
    downward = [start]
    for obj in downward:
        fresh = [each for each in below.get(identity(obj), ()) if identity(each) not in line]
        line |= {identity(each): each for each in fresh}
        downward += fresh
    return list(line.values())


def _references(obj: Object) -> Iterator[tuple[str, Object]]:
    """What its fields name by kind and name, at the top and in its spec."""
    for part in (obj, obj.get("spec") or {}):
        for field, value in part.items():
            if isinstance(value, Mapping) and value.get("kind") and value.get("name"):
                yield field, value
