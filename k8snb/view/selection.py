"""Which objects a selector catches, requirement by requirement.

A selector is a list of requirements that must all hold. The story begins with every object of the namespace and applies
one requirement after the other; what does not meet it leaves the picture, with the label that was wanted and the one
that was there. The last frame shows what is caught. It is the same selector that the API server runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import labels_of
from k8snb.machinery.selectors import LabelSelector, Requirement
from k8snb.typing import Object, Resource
from k8snb.view.changes import Change
from k8snb.view.frames import Act, Frame
from k8snb.view.scene import RESOURCES, Scene, Snapshot, identity, named, scene
from k8snb.view.stepper import Stepper

_BY_MAP = frozenset({"Service", "ReplicationController"})
"""Kinds whose selector is a plain map of labels."""


def selection(
    snapshot: Snapshot, revision: int, what: str, selector: str = "", title: str = "", namespace: str = "default"
) -> Stepper:
    """The story of `selector` over the resource `what` (`pods`), or of the selector that an object has (`service/web`).

    Raises ValueError for a kind that pictures do not show or that has no selector, and if there is no such object.
    """
    word, _slash, name = what.partition("/")
    resource = named(word)
    if name:
        chosen, resource = selector_of(_one(snapshot, resource, name, namespace)), named("pods")
    else:
        chosen = selectors.parse(selector)
    if resource.kind not in RESOURCES:
        raise ValueError(_("there is no picture of {kind} yet").format(kind=resource.kind))
    objects = snapshot.list(resource.group_resource, namespace)
    known = title or _("What {selector} selects").format(selector=str(chosen) or _("an empty selector"))
    frames = list(_frames(resource, objects, chosen, scene(snapshot, namespace), revision))
    return Stepper(known, frames, ("topology", "diff"))


def selector_of(obj: Object) -> LabelSelector:
    """The selector that an object has for its pods; ValueError if it has none."""
    found = (obj.get("spec") or {}).get("selector")
    if not found:
        raise ValueError(_("{object} has no selector").format(object=identity(obj)))
    return selectors.of_set(found) if obj["kind"] in _BY_MAP else selectors.of_object(found)


def _one(snapshot: Snapshot, resource: Resource, name: str, namespace: str) -> Object:
    for obj in snapshot.list(resource.group_resource, namespace):
        if obj["metadata"]["name"] == name:
            return obj
    raise ValueError(_("there is no {kind} {name}").format(kind=resource.kind, name=name))


def _frames(
    resource: Resource, objects: Sequence[Object], selector: LabelSelector, whole: Scene, revision: int
) -> Iterator[Frame]:
    left = list(objects)
    everything = _("nothing is asked yet: every {kind} of the namespace").format(kind=resource.kind)
    yield _frame(everything, left, (), (), whole, revision)
    for requirement in selector.requirements:
        holds = LabelSelector([requirement]).matches
        seen = [(requirement.key, _values(left, requirement.key))]
        out = [obj for obj in left if not holds(labels_of(obj))]
        left = [obj for obj in left if holds(labels_of(obj))]
        words = _("{requirement}: {count} of {all} remain").format(
            requirement=requirement, count=len(left), all=len(left) + len(out)
        )
        yield _frame(words, left, seen, [_refused(obj, requirement) for obj in out], whole, revision)


def _values(objects: Sequence[Object], key: str) -> str:
    """The values of a label among objects, each with how often it is there."""
    counts = Counter(labels_of(obj).get(key, _("none")) for obj in objects)
    return ", ".join(f"{value} × {count}" for value, count in sorted(counts.items()))


def _refused(obj: Object, requirement: Requirement) -> Act:
    """An object leaves: the label that it has, and what was wanted."""
    value = labels_of(obj).get(requirement.key)
    has = _("no label") if value is None else f"{requirement.key}={value}"
    change = Change(requirement.key, has, _("wanted: {requirement}").format(requirement=requirement))
    return Act(_("leave out"), f"{obj['kind']} {obj['metadata']['name']}", 0, 0, changes=[change])


def _frame(
    words: str,
    left: Sequence[Object],
    seen: Sequence[tuple[str, str]],
    acts: Sequence[Act],
    whole: Scene,
    revision: int,
) -> Frame:
    caught = [identity(obj) for obj in left]
    shown = {name: item for name, item in whole.items() if name in caught or name.startswith("Node/")}
    return Frame(_("selector"), "", words, 0.0, revision, 0, seen, acts, shown, caught)
