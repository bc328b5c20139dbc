"""Conditions as Gateway API has them: with the generation that they are about, and the time of the last change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Condition:
    """What is to be said: of which type, whether it holds, and why."""

    type: str
    holds: bool
    reason: str
    message: str = ""


def said(wanted: Iterable[Condition], before: Sequence[Object], generation: int, now: str) -> list[Object]:
    """The conditions as a status has them. What somebody else says is kept; a time changes only with the status."""
    own = list(wanted)
    known = {each["type"]: each for each in before}
    made = [_said(each, known.get(each.type), generation, now) for each in own]
    types = {each.type for each in own}
    return [*made, *(each for each in before if each["type"] not in types)]


def _said(condition: Condition, before: Object | None, generation: int, now: str) -> Object:
    status = "True" if condition.holds else "False"
    same = before is not None and before.get("status") == status
    return {
        "type": condition.type,
        "status": status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before is not None and same else now,
    }
