"""Somebody who watches one request on its way: what each filter and each stage decided, and how long it took.

A witness is the request's notes. Filters and handlers know nothing of it: the filters are wrapped, and the handler is
given a kind whose strategy tells what it is asked. Plugins of admission answer through the notes anyway. A step begins
where the one before ended, so the times of all steps add up to that of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.notes import Notes
from k8snb.errors import StatusError
from k8snb.typing import Object

FILTER, HANDLER, STORE, BACK = "filter", "handler", "store", "back"
"""Where a step is: in the filters, the handler, behind it, or on the way back. Those of admission are in its phases."""


class Remark(NamedTuple):
    """What somebody answered whom a plugin asked: a webhook, a rule of a policy."""

    who: str
    before: Object | None
    after: Object | None
    said: str


class Step(NamedTuple):
    """One step of a request."""

    name: str
    place: str
    said: str = ""
    """What was decided, in a sentence."""
    seen: Sequence[tuple[str, str]] = ()
    """What the decision was made of: a name and a value."""
    before: Object | None = None
    after: Object | None = None
    """The object before and after the step, where it may have changed it."""
    refused: str = ""
    """Why the request ended here; empty where it went on."""
    remarks: Sequence[Remark] = ()
    seconds: float = 0.0
    """How long it took, on the machine's clock."""


class Witness(Notes):
    """Keeps the steps of one request. `ticks` is a clock that measures."""

    keeps_steps = True

    def __init__(self, received: float, ticks: Callable[[], float]) -> None:
        super().__init__(received, level="RequestResponse")
        self.steps: list[Step] = []
        self._ticks = ticks
        self._remarks: list[Remark] = []
        self._last = ticks()

    def lap(self) -> float:
        """How long it is since the last step ended."""
        return self._ticks() - self._last

    def step(self, name: str, place: str, said: str = "", seconds: float | None = None, **more: Any) -> None:
        """A step has ended; `seconds` is how long it took, where that was measured before it was put into words."""
        took = self.lap() if seconds is None else seconds
        self.steps.append(Step(name, place, said, remarks=tuple(self._remarks), seconds=took, **more))
        self._remarks.clear()
        self._last = self._ticks()

    def refuse(self, name: str, place: str, why: str) -> None:
        """The request ends in this step, perhaps after all: more may have been looked at than the step knew."""
        if self.steps and self.steps[-1].name == name:
            self.steps.pop()
        self.step(name, place, refused=why)

    @property
    def refused(self) -> bool:
        """Whether the request has ended."""
        return bool(self.steps) and bool(self.steps[-1].refused)

    def has(self, name: str) -> bool:
        """Whether there has been a step of that name."""
        return any(step.name == name for step in self.steps)

    # -- as notes ----------------------------------------------------------------------------------

    def asked(self, who: str, phase: str, before: Object | None, call: Callable[[], Object | None]) -> Object | None:
        try:
            changed = call()
        except StatusError as error:
            self.step(who, phase, refused=error.message, before=before, after=before)
            raise
        self.step(who, phase, before=before, after=before if changed is None else changed)
        return changed

    def remark(self, who: str, before: Object | None, after: Object | None, said: str = "") -> None:
        self._remarks.append(Remark(who, before, after, said))
