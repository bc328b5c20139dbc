"""Objects as clients outside see them: bytes, worked out once for each revision of an object.

What is stored never changes, so its bytes do not either: whoever reads, lists or watches the same revision of an
object gets the same bytes. They are kept here as long as there is room, beside the object itself, whose identity is
the key. `Encoder.object` is the one place where an object of the store becomes bytes for somebody outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import orjson

from k8snb.machinery.fieldorder import in_order, order_of
from k8snb.machinery.jsontext import escaped
from k8snb.typing import Object

BUDGET_BYTES = 64 * 1024 * 1024
"""How much is kept. Lists of more than that are encoded anew each time, at no more than that costs."""


_Encoded: TypeAlias = tuple[Object, bytes, bytes]
"""An object, how it begins where it stands alone, and the rest."""


class Encoder:
    """Remembers the bytes of objects, the newest `budget` of them."""

    def __init__(self, budget: int = BUDGET_BYTES) -> None:
        self._budget = budget
        self._held = 0
        self._known: dict[int, _Encoded] = {}

    def object(self, obj: Object) -> bytes:
        """An object of the store as JSON."""
        found = self._known.get(id(obj))
        if found is None or found[0] is not obj:
            found = self._encode(obj)
        return found[1] + found[2]

    def _encode(self, obj: Object) -> _Encoded:
        data = escaped(orjson.dumps(in_order(obj)))
        if not lasting(obj):
            return obj, data, b""
        head = b"" if order_of(obj) is None else _head(obj["kind"], obj["apiVersion"])
        found = (obj, head, data[len(head) :])
        self._keep(found)
        return found

    def _keep(self, found: _Encoded) -> None:
        self._known[id(found[0])] = found
        self._held += len(found[2])
        while self._held > self._budget:
            oldest = next(iter(self._known))
            self._held -= len(self._known.pop(oldest)[2])

    def answer(self, obj: Object) -> bytes:
        """An answer as JSON, a line of its own: an object, or a list whose items are objects of the store."""
        items = obj.get("items")
        if not isinstance(items, list) or not items or not lasting(items[0]):
            return self.object(obj) + b"\n"
        known = self._known
        parts = [
            found[2] if (found := known.get(id(item))) is not None and found[0] is item else self._encode(item)[2]
            for item in items
        ]
        head = escaped(orjson.dumps({name: value for name, value in obj.items() if name != "items"}))
        between = b"," if order_of(items[0]) is None else b",{"
        parts[0] = b'%b,"items":[%b%b' % (head[:-1], between[1:], parts[0])
        parts[-1] += b"]}\n"
        return between.join(parts)

    def event(self, event: Mapping[str, Any]) -> bytes:
        """A watch event as a line of JSON."""
        return b'{"type":"%b","object":%b}\n' % (event["type"].encode(), self.object(event["object"]))


@cache
def _head(kind: str, api_version: str) -> bytes:
    """How objects of a kind begin; in a list this is left out."""
    return b'{"kind":"%b","apiVersion":"%b",' % (kind.encode(), api_version.encode())


def lasting(obj: Any) -> bool:
    """Whether it looks like a revision of a stored object. Events are stored packed and come out new each time."""
    if type(obj) is not dict or obj.get("kind") in ("Event", "Status", "Table"):
        return False
    meta = obj.get("metadata")
    return type(meta) is dict and "uid" in meta and "resourceVersion" in meta


ENCODER = Encoder()
"""The one of this process."""
