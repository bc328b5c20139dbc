"""Objects as clients outside see them: bytes, worked out once for each revision of an object.

What is stored never changes, so its bytes do not either: whoever reads, lists or watches the same revision of an
object gets the same bytes. They are kept here as long as there is room, beside the object itself, whose identity is
the key. `Encoder.object` is the one place where an object of the store becomes bytes for somebody outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from k8snb.machinery.fieldorder import in_order, order_of
from k8snb.typing import Object

BUDGET_BYTES = 64 * 1024 * 1024
"""How much is kept. Lists of more than that are encoded anew each time, at no more than that costs."""


class Encoder:
    """Remembers the bytes of objects, the newest `budget` of them."""

    def __init__(self, budget: int = BUDGET_BYTES) -> None:
        self._budget = budget
        self._held = 0
        self._known: dict[int, tuple[Object, bytes]] = {}

    def object(self, obj: Object) -> bytes:
        """An object of the store as JSON."""
        known = self._known.get(id(obj))
        if known is not None and known[0] is obj:
            return known[1]
        return self._encode(obj)

    def _encode(self, obj: Object) -> bytes:
        data = orjson.dumps(in_order(obj))
        if lasting(obj):
            self._keep(obj, data)
        return data

    def _keep(self, obj: Object, data: bytes) -> None:
        self._known[id(obj)] = (obj, data)
        self._held += len(data)
        while self._held > self._budget:
            oldest = next(iter(self._known))
            self._held -= len(self._known.pop(oldest)[1])

    def answer(self, obj: Object) -> bytes:
        """An answer as JSON, a line of its own: an object, or a list whose items are objects of the store."""
        items = obj.get("items")
        if not isinstance(items, list) or not items or not lasting(items[0]):
            return self.object(obj) + b"\n"
        known, data = self._known, []
        for item in items:
            found = known.get(id(item))
            data.append(found[1] if found is not None and found[0] is item else self._encode(item))
        head = orjson.dumps({name: value for name, value in obj.items() if name != "items"})
        between, start = (b",", 0) if order_of(items[0]) is None else (b",{", _start(items[0]))
        parts: list[bytes | memoryview] = [memoryview(each)[start:] for each in data] if start else [*data]
        parts[0] = b'%b,"items":[%b%b' % (head[:-1], between[1:], bytes(parts[0]))
        parts[-1] = b"%b]}\n" % bytes(parts[-1])
        return between.join(parts)

    def event(self, event: Mapping[str, Any]) -> bytes:
        """A watch event as a line of JSON."""
        return b'{"type":"%b","object":%b}\n' % (event["type"].encode(), self.object(event["object"]))


def _start(obj: Object) -> int:
    """Where the bytes of an object go on after its kind, which is left out in a list."""
    return len('{"kind":"","apiVersion":"",') + len(obj["kind"]) + len(obj["apiVersion"])


def lasting(obj: Any) -> bool:
    """Whether it looks like a revision of a stored object. Events are stored packed and come out new each time."""
    if type(obj) is not dict or obj.get("kind") in ("Event", "Status", "Table"):
        return False
    meta = obj.get("metadata")
    return type(meta) is dict and "uid" in meta and "resourceVersion" in meta


ENCODER = Encoder()
"""The one of this process."""
