"""Reading what a target exposes: the text format that Prometheus scrapes.

A line is a name, labels between braces, a value and perhaps a time in milliseconds; `# TYPE` and `# HELP` tell about a
metric. A text with one line that cannot be read is refused as a whole, as Prometheus does.
Source: `model/textparse/promparse.go`; https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from k8snb.metrics.labels import NAME, Labels, labels
from k8snb.metrics.numbers import read

_LINE = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{)?", re.ASCII)
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|(?=\}))', re.ASCII)
_END = re.compile(r"\s*\}")
_VALUE = re.compile(r"[ \t]*(\S+)(?:[ \t]+(-?\d+))?[ \t]*(?:#.*)?", re.ASCII)
_COMMENT = re.compile(r"#\s*(HELP|TYPE)\s+([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(.*)", re.ASCII)
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class ExpositionError(ValueError):
    """A text that is no exposition."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """One sample. `time` in milliseconds, None where the moment of the scrape is meant."""

    labels: Labels
    value: float
    time: int | None = None


@dataclass(slots=True)
class Exposition:
    """What a target said: samples, and for each metric its type and help."""

    samples: list[Exposed] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    helps: dict[str, str] = field(default_factory=dict)


def parsed(text: str) -> Exposition:
    """What `text` exposes. Raises ExpositionError with the line."""
    found = Exposition()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.startswith("#"):
            _comment(stripped, found)
            continue
        try:
            found.samples.append(_sample(line))
        except ValueError as error:
            raise ExpositionError(f"line {number}: {error} while parsing: {stripped!r}") from None
    return found


def _comment(line: str, found: Exposition) -> None:
    match = _COMMENT.fullmatch(line)
    if match and match[1] == "TYPE":
        found.types[match[2]] = match[3]
    elif match:
        found.helps[match[2]] = match[3].replace("\\n", "\n").replace("\\\\", "\\")


def _sample(line: str) -> Exposed:
    head = _LINE.match(line)
    if not head:
        raise ValueError("expected a metric's name")
    pairs, place = {NAME: head[1]}, head.end()
    if head[2]:
        place = _labels(line, place, pairs)
    rest = _VALUE.fullmatch(line, place)
    if not rest:
        raise ValueError("expected value after metric")
    return Exposed(labels(pairs), read(rest[1]), int(rest[2]) if rest[2] else None)


def _labels(line: str, place: int, pairs: dict[str, str]) -> int:
    while not (end := _END.match(line, place)):
        label = _LABEL.match(line, place)
        if not label:
            raise ValueError("expected label or '}'")
        if label[1] in pairs:
            raise ValueError(f"label {label[1]!r} twice")
        pairs[label[1]] = _unescaped(label[2])
        place = label.end()
    return end.end()


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match[0], match[0]), text) if "\\" in text else text


def families(exposition: Exposition) -> Iterator[tuple[str, str, str]]:
    """(metric, type, help) of all that the text tells about."""
    for name in dict.fromkeys([*exposition.types, *exposition.helps]):
        yield name, exposition.types.get(name, "unknown"), exposition.helps.get(name, "")
