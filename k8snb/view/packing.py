"""Plain JSON with its repetitions said once.

A story repeats itself: fifty pods get the same status in the same second. `packed` puts every list, mapping and long
string that occurs more than once into a table and refers to it from where it stood, `{"@": number}`; an entry of the
table may refer to earlier ones. `unpack` in `front/objects.js` is the other half.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

SHORTEST = 24
"""What is written in fewer characters is cheaper to repeat."""


def packed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a member `shared`, the table; everything else as before, but for the references."""
    counts: Counter[str] = Counter()
    _count(document, counts)
    table = _Table(counts)
    body = {name: table.put(value) for name, value in document.items()}
    return {"shared": table.entries, **body}


def written(value: Any) -> str:
    """The shortest JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _count(value: Any, counts: Counter[str]) -> None:
    if not isinstance(value, (dict, list, str)):
        return
    text = written(value)
    counts[text] += 1
    if counts[text] == 1 and not isinstance(value, str):  # what is inside a repeated value is said once with it
        for each in value.values() if isinstance(value, dict) else value:
            _count(each, counts)


class _Table:
    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._places: dict[str, int] = {}
        self.entries: list[Any] = []

    def put(self, value: Any) -> Any:
        """The value, or the reference to it."""
        if not isinstance(value, (dict, list, str)):
            return value
        text = written(value)
        if text in self._places:
            return {"@": self._places[text]}
        inner = self._inside(value)
        if self._counts[text] < 2 or len(text) < SHORTEST:
            return inner
        self._places[text] = len(self.entries)
        self.entries.append(inner)
        return {"@": self._places[text]}

    def _inside(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return {name: self.put(each) for name, each in value.items()}
        return [self.put(each) for each in value]
