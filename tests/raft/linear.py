"""Is what clients saw what one register would have shown, with each operation at one moment while it was asked?

Wing and Gong's search: of the operations that could be next (nobody had got an answer before they were asked), try each
whose answer fits, and remember which sets of operations were a dead end. An operation whose answer never came may have
happened at any time after it was asked, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NEVER = float("inf")


@dataclass
class Operation:
    """A write of a value, or a read; when it was asked, when it was answered, and with what."""

    kind: str
    value: Any
    asked: float
    answered: float = NEVER


def linearizable(history: list[Operation]) -> bool:
    """Whether one order of the operations explains all answers."""
    history = [each for each in history if each.kind == "write" or each.answered < NEVER]
    must = frozenset(number for number, each in enumerate(history) if each.answered < NEVER)
    dead: set[tuple[frozenset[int], Any]] = set()
    stack: list[tuple[frozenset[int], Any]] = [(frozenset(), None)]
    while stack:
        done, value = stack.pop()
        if must <= done:
            return True
        if (done, value) in dead:
            continue
        dead.add((done, value))
        left = [number for number in range(len(history)) if number not in done]
        first = min(history[number].answered for number in left)
        for number in left:
            each = history[number]
            if each.asked > first:
                continue
            if each.kind == "write":
                stack.append((done | {number}, each.value))
            elif each.value == value:
                stack.append((done | {number}, value))
    return False
