"""The working of one evaluation, number by number: what was seen of each pod, and what follows from it.

Nothing here decides. The calculator and the controller say what they come to, and it is kept as sentences, in order,
for the trace: a reader can check the sum. Where nothing is traced, nothing is written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8snb.i18n import _

TOLERANCE = 0.1


class Tolerance(NamedTuple):
    """By what share use may differ from the target, downwards and upwards."""

    down: float = TOLERANCE
    up: float = TOLERANCE

    def covers(self, ratio: float) -> bool:
        """Whether a ratio of use and target is near enough to one."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Groups(NamedTuple):
    """Pods by how they count."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


UTILIZATION, AVERAGE, RATIO, ASSUMED, TOLERATED, ASKED = (
    "utilization",
    "average",
    "ratio",
    "assumed",
    "tolerance",
    "asks for",
)
HELD, LIMITED = "stabilized", "limited"
"""What the numbers are called, in the order in which they are found."""


class Working:
    """The numbers of one evaluation, by name, each with how it came about."""

    def __init__(self, *, kept: bool = True) -> None:
        self._kept = kept
        self.notes: dict[str, str] = {}

    def _note(self, name: str, text: str) -> None:
        if self._kept:
            self.notes[name] = text

    def used(self, pods: Mapping[str, tuple[int, int | None]], groups: Groups) -> None:
        """What each pod uses, of what it asked for, and which pods do not count like others."""
        for name, (value, request) in sorted(pods.items()):
            self._note(
                name, f"{value}m" if request is None else _("{used}m of {request}m").format(used=value, request=request)
            )
        for names, words in (
            (groups.unready, _("not ready")),
            (groups.missing, _("no metrics")),
            (groups.ignored, _("does not count")),
        ):
            for name in sorted(names):
                self._note(name, words)

    def utilization(self, used: int, percent: int, ratio: float, target: int) -> None:
        """Use in percent of the requests, and over the target."""
        self._note(UTILIZATION, _("{used}m in all, {percent} % of the requests").format(used=used, percent=percent))
        self._note(RATIO, f"{percent} % / {target} % = {ratio:.2f}")

    def average(self, average: int, ratio: float, target: int) -> None:
        """Use per pod, and over the target."""
        self._note(AVERAGE, f"{average}m")
        self._note(RATIO, f"{average}m / {target}m = {ratio:.2f}")

    def assumed(self, level: str, ratio: float) -> None:
        """What it comes to with the pods of which something has to be assumed."""
        self._note(ASSUMED, _("{level} with the others, ratio {ratio}").format(level=level, ratio=f"{ratio:.2f}"))

    def answer(self, ratio: float, pods: int, replicas: int, tolerance: Tolerance, *, within: bool) -> None:
        """How many pods that asks for."""
        low, high = f"{1 - tolerance.down:g}", f"{1 + tolerance.up:g}"
        words = _("{low} to {high}: near enough") if within else _("{low} to {high}: {ratio} is outside")
        self._note(TOLERATED, words.format(low=low, high=high, ratio=f"{ratio:.2f}"))
        sum = str(replicas) if within else f"ceil({ratio:.2f} × {pods}) = {replicas}"
        self._note(ASKED, sum)

    def decision(self, wanted: int, held: int, replicas: int, able: str, limit: str) -> None:
        """What stabilisation and limits make of it."""
        self._note(HELD, str(held) if held == wanted else f"{wanted} → {held}: {able}")
        self._note(LIMITED, str(replicas) if held == replicas else f"{held} → {replicas}: {limit}")


IN_SILENCE = Working(kept=False)
"""For those who do not want to know."""
