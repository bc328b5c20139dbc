"""What keeps an autoscaler from jumping: windows over past answers, and limits on what may change in a period.

Downwards the highest answer of the last five minutes counts. `behavior` replaces that, and says how fast the number may
go up and down. Upstream: `normalizeDesiredReplicas` and `normalizeDesiredReplicasWithBehaviors` in `horizontal.go`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.typing import Object

DOWN_SECONDS = 300
FASTER = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
SLOWER = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
READY = ("ReadyForNewScale", "recommended size matches current size")
UP_HELD = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
DOWN_HELD = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
Why = tuple[str, str]
"""The reason and message of a condition."""


class Stamped(NamedTuple):
    """A number, and when it was."""

    at: float
    size: int


class Decision(NamedTuple):
    """How many pods there shall be; why that is not what was asked for, if so; whether limits made it so."""

    replicas: int
    held: int
    """What stabilisation made of the answer, before limits."""
    able: Why
    limited: bool
    limit: Why


@dataclass(slots=True)
class Memory:
    """What an autoscaler remembers of the past."""

    answers: list[Stamped] = field(default_factory=list)
    ups: list[Stamped] = field(default_factory=list)
    downs: list[Stamped] = field(default_factory=list)

    def scaled(self, before: int, after: int, now: float) -> None:
        """The number of pods was changed."""
        if after > before:
            self.ups.append(Stamped(now, after - before))
        else:
            self.downs.append(Stamped(now, before - after))


def decide(spec: Object, memory: Memory, current: int, wanted: int, now: float) -> Decision:
    """What becomes of an answer; `memory` takes it in."""
    behavior = spec.get("behavior")
    least, most = int(spec.get("minReplicas", 1)), int(spec["maxReplicas"])
    if behavior is None:
        held = max([wanted, *_since(memory.answers, now - DOWN_SECONDS)])
        able = DOWN_HELD if held != wanted else READY
        replicas, limit = _by_default(current, held, least, most)
    else:
        held = _held(behavior, memory, current, wanted, now)
        able = READY if held == wanted else (UP_HELD if wanted >= current else DOWN_HELD)
        replicas, limit = _by_rate(behavior, memory, current, held, (least, most), now)
    longest = max([DOWN_SECONDS, *(_window(behavior or {}, name) for name in ("scaleUp", "scaleDown"))])
    memory.answers = [*(each for each in memory.answers if each.at > now - longest), Stamped(now, wanted)]
    return Decision(replicas, held, able, replicas != held, limit)


def _since(stamped: Iterable[Stamped], start: float) -> list[int]:
    return [each.size for each in stamped if each.at > start]


def _window(behavior: Object, name: str) -> int:
    rules = behavior.get(name) or {}
    seconds = rules.get("stabilizationWindowSeconds")
    return int(seconds) if seconds is not None else (DOWN_SECONDS if name == "scaleDown" else 0)


def _held(behavior: Object, memory: Memory, current: int, wanted: int, now: float) -> int:
    """The answer, held between the lowest of the window upwards and the highest of the window downwards."""
    lowest = min([wanted, *_since(memory.answers, now - _window(behavior, "scaleUp"))])
    highest = max([wanted, *_since(memory.answers, now - _window(behavior, "scaleDown"))])
    return min(max(current, lowest), highest)


def _by_default(current: int, wanted: int, least: int, most: int) -> tuple[int, Why]:
    """Without `behavior`: at most doubled (or four) at a time."""
    limit = max(2 * current, 4)
    ceiling, why = (limit, FASTER) if most > limit else (most, TOO_MANY)
    if wanted < least:
        return least, TOO_FEW
    return (ceiling, why) if wanted > ceiling else (wanted, WITHIN)


def _by_rate(
    behavior: Object, memory: Memory, current: int, wanted: int, bounds: tuple[int, int], now: float
) -> tuple[int, Why]:
    least, most = bounds
    if wanted > current:
        limit = max(_up_limit(behavior["scaleUp"], memory, current, now), current)
        ceiling, why = (limit, FASTER) if most > limit else (most, TOO_MANY)
        return (ceiling, why) if wanted > ceiling else (wanted, WITHIN)
    if wanted < current:
        limit = min(_down_limit(behavior["scaleDown"], memory, current, now), current)
        floor, why = (limit, SLOWER) if least < limit else (least, TOO_FEW)
        return (floor, why) if wanted < floor else (wanted, WITHIN)
    return wanted, WITHIN


def _at_start(memory: Memory, current: int, seconds: int, now: float) -> int:
    """How many pods there were when the period began."""
    return current - sum(_since(memory.ups, now - seconds)) + sum(_since(memory.downs, now - seconds))


def _up_limit(rules: Object, memory: Memory, current: int, now: float) -> int:
    limits = _limits(rules, memory, current, now, 1)
    return min(limits) if rules.get("selectPolicy") == "Min" else max(limits)


def _down_limit(rules: Object, memory: Memory, current: int, now: float) -> int:
    limits = _limits(rules, memory, current, now, -1)
    return max(limits) if rules.get("selectPolicy") == "Min" else min(limits)


def _limits(rules: Object, memory: Memory, current: int, now: float, way: int) -> list[int]:
    """How far each policy lets the number go, up (`way` 1) or down (-1); where none may act, the present number."""
    policies: Sequence[Object] = rules.get("policies") or ()
    if rules.get("selectPolicy") == "Disabled" or not policies:
        return [current]
    rounded = math.ceil if way > 0 else int
    limits: list[int] = []
    for policy in policies:
        start, value = _at_start(memory, current, policy["periodSeconds"], now), way * policy["value"]
        limits.append(start + value if policy["type"] == "Pods" else rounded(start * (1 + value / 100)))
    return limits
