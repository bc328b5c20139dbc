"""Objects over a story, whole at every frame, as differences: what lets a reader pin one and read its YAML.

The front end keeps every object as it was at every frame. Written out that would be most of the page, so a frame
carries only what changed in it, and an object that is new is told as its difference from one that looks like it: the
latest of its kind with the same controller.

A difference is plain JSON. A mapping is told as the mapping of its members that differ: a scalar is given as it is, a
member that is gone as null, a mapping that both have as its own difference, and whatever else as `{"=": value}`. A
list of unchanged length is `{"#": {index: difference}}`, one that only grew `{"+": [new entries]}`. `unfold` in
`front/objects.js` reads this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.objects import controller_of
from k8snb.typing import Object

Objects = Mapping[str, Object]
"""Objects by the id that a scene gives them: `Pod/web-x7k2p`."""

_SIGNS = {"=", "#", "+"}


class History:
    """Fed with the objects of frame after frame, it gives what each frame has to say about them."""

    def __init__(self) -> None:
        self._raw: dict[str, Object] = {}
        self._told: dict[str, Object] = {}
        self._models: dict[tuple[str, str], str] = {}

    def frame(self, objects: Objects) -> dict[str, Any]:
        """What changed since the frame before: by id a difference, `["like", id, difference]` for a new object."""
        said: dict[str, Any] = {}
        for name in [name for name in self._raw if name not in objects]:
            del self._raw[name]
        for name, obj in objects.items():
            if self._raw.get(name) is obj:
                continue
            known = name in self._raw
            self._raw[name] = obj
            shown = _shown(obj)
            found = self._changed(name, shown) if known else self._new(name, shown)
            if found is not None:
                said[name] = found
            self._told[name] = shown
        return said

    def _changed(self, name: str, shown: Object) -> Any:
        found = difference(self._told[name], shown)
        return found if found != {} else None

    def _new(self, name: str, shown: Object) -> list[Any]:
        owner = controller_of(shown)
        family = (str(shown.get("kind")), owner["name"] if owner else "")
        model = self._models.get(family, "")
        self._models[family] = name
        return [model, difference(self._told.get(model, {}), shown)]


def _shown(obj: Object) -> Object:
    """The object as `kubectl get -o yaml` shows it."""
    meta = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": meta}


def difference(before: Any, after: Any) -> Any:
    """What has to be changed in one value to make it the other; an empty mapping if nothing."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _SIGNS & {*before, *after}:
        gone = dict.fromkeys(key for key in before if key not in after)
        return gone | {key: _member(before, after, key) for key in after if before.get(key, _NONE) != after[key]}
    if _listed(before) and _listed(after):
        if len(before) == len(after):
            pairs = enumerate(zip(before, after, strict=True))
            return {"#": {str(i): difference(old, new) for i, (old, new) in pairs if old != new}}
        if before and list(after[: len(before)]) == list(before):
            return {"+": list(after[len(before) :])}
    return {"=": after} if isinstance(after, Mapping) or _listed(after) or after is None else after


_NONE = object()


def _member(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> Any:
    return difference(before.get(key), after[key])


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
