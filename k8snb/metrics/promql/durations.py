"""Durations as PromQL writes them: `5m`, `1h30m`, `2d`.

Source: `ParseDuration` of github.com/prometheus/common/model.
"""

from __future__ import annotations

import re

_DAY = 86_400_000
_UNITS = (("y", 365 * _DAY), ("w", 7 * _DAY), ("d", _DAY), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_SHAPE = re.compile("".join(rf"(?:(\d+){unit})?" for unit, _ in _UNITS), re.ASCII)
_EXACT = {"y", "w", "d"}
"""Units that are only written where nothing would remain."""


def milliseconds(text: str) -> int:
    """How long `text` says. Raises ValueError with Prometheus' words."""
    if text == "0":
        return 0
    if not text:
        raise ValueError("empty duration string")
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError(f"not a valid duration string: {_go(text)}")
    return sum(int(number) * size for number, (_, size) in zip(found.groups(), _UNITS, strict=True) if number)


def written(duration: int) -> str:
    """The shortest text for a duration in milliseconds."""
    if not duration:
        return "0s"
    parts = []
    for unit, size in _UNITS:
        if unit in _EXACT and duration % size:
            continue
        count, duration = divmod(duration, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _go(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
