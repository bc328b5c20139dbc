"""When a node is short of something: signals, thresholds, and how long they have been crossed.

A hard threshold counts as soon as it is crossed, a soft one after its grace period. What was evicted for has to come
back by a *minimum reclaim* more before a threshold counts as left, and the node's condition stays for five minutes
longer, so that a node does not swing to and fro. Upstream: `pkg/kubelet/eviction/helpers.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snb.machinery import quantity

MONITOR_SECONDS = 10.0
"""How often a kubelet looks."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that a node can run out of: what is evicted for it, and the condition that says so."""

    name: str
    resource: str
    condition: str


MEMORY = Signal("memory.available", "memory", "MemoryPressure")
DISK = Signal("nodefs.available", "ephemeral-storage", "DiskPressure")
SIGNALS = {each.name: each for each in (MEMORY, DISK)}


@dataclass(frozen=True, slots=True)
class Threshold:
    """Less than `value` of a signal is too little; `seconds` is the grace period of a soft one."""

    signal: Signal
    value: str
    """An amount, or a part of the capacity in percent."""
    seconds: float = 0.0
    soft: bool = False
    reclaim: str = "0"
    """So much more has to be free again before it counts as left."""

    def amount(self, capacity: int) -> int:
        """How much that is."""
        return _amount(self.value, capacity)

    def is_met(self, available: int, capacity: int, *, before: bool) -> bool:
        """Whether there is too little; once it was so, until the minimum reclaim is free as well."""
        enough = self.amount(capacity) + (_amount(self.reclaim, capacity) if before else 0)
        return available < enough


def _amount(value: str, capacity: int) -> int:
    if value.endswith("%"):
        return int(capacity * float(value[:-1]) / 100)
    return quantity.value(value)


@dataclass(frozen=True, slots=True)
class EvictionSettings:
    """What a kubelet's configuration says about eviction, in the words of the KubeletConfiguration."""

    evictionHard: Mapping[str, str] = field(  # noqa: N815
        default_factory=lambda: {"memory.available": "100Mi", "nodefs.available": "10%"}
    )
    evictionSoft: Mapping[str, str] = field(default_factory=dict)  # noqa: N815
    evictionSoftGracePeriod: Mapping[str, float] = field(default_factory=dict)  # noqa: N815
    """In seconds."""
    evictionMinimumReclaim: Mapping[str, str] = field(default_factory=dict)  # noqa: N815
    evictionMaxPodGracePeriod: float = 0.0  # noqa: N815
    """The most grace that a pod gets when a soft threshold is met."""
    evictionPressureTransitionPeriod: float = 300.0  # noqa: N815

    def thresholds(self) -> list[Threshold]:
        """All thresholds. ValueError for a signal that is not watched, or a soft one without a grace period."""
        for name in (*self.evictionHard, *self.evictionSoft):
            if name not in SIGNALS:
                raise ValueError(f"unknown eviction signal {name}")
        for name in self.evictionSoft:
            if name not in self.evictionSoftGracePeriod:
                raise ValueError(f"grace period must be specified for the soft eviction threshold {name}")
        reclaim = self.evictionMinimumReclaim
        return [
            *(Threshold(SIGNALS[n], v, reclaim=reclaim.get(n, "0")) for n, v in self.evictionHard.items()),
            *(
                Threshold(SIGNALS[n], v, self.evictionSoftGracePeriod[n], True, reclaim.get(n, "0"))
                for n, v in self.evictionSoft.items()
            ),
        ]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a node has of something, and what of that is free."""

    available: int
    capacity: int


class Watch:
    """Which thresholds are met and since when, and which conditions hold."""

    def __init__(self, settings: EvictionSettings) -> None:
        self.settings = settings
        self.thresholds = settings.thresholds()
        self.met: dict[Threshold, float] = {}
        """Thresholds that are crossed, and since when."""
        self._conditions: dict[str, float] = {}
        """Conditions, and when there last was a reason for each."""

    def look(self, observed: Mapping[Signal, Observed], now: float) -> list[Threshold]:
        """Take note of what there is; the thresholds for which something has to be done, memory first."""
        found = {}
        for each in self.thresholds:
            there = observed.get(each.signal)
            before = each in self.met
            if there is not None and each.is_met(there.available, there.capacity, before=before):
                found[each] = self.met.get(each, now)
        self.met = found
        for each in found:
            self._conditions[each.signal.condition] = now
        due = [each for each, since in found.items() if now - since >= each.seconds]
        return sorted(due, key=lambda each: (each.signal is not MEMORY, each.soft))

    def conditions(self, now: float) -> set[str]:
        """The conditions that hold, with their time to pass."""
        period = self.settings.evictionPressureTransitionPeriod
        return {name for name, last in self._conditions.items() if now - last < period}
