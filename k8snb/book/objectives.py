"""What the exams CKA, CKAD and CKS ask for, and which pages practise it.

Names and weights of the domains are those of the CNCF's curricula. The topics below them are in words of this book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).with_name("objectives.yaml")


@dataclass(frozen=True)
class Objective:
    """A topic of a domain of an exam."""

    exam: str
    domain: str
    weight: int
    topic: str


@cache
def _table() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found


@cache
def objectives() -> Mapping[str, Objective]:
    """Every objective, by its name in the table (`CKA.networking.policies`), in the order of the curricula."""
    return {
        f"{exam}.{key}.{word}": Objective(exam, domain["name"], domain["weight"], topic)
        for exam, found in _table()["exams"].items()
        for key, domain in found["domains"].items()
        for word, topic in domain["topics"].items()
    }


def exams() -> Mapping[str, str]:
    """The exams and what their letters stand for."""
    return {exam: found["name"] for exam, found in _table()["exams"].items()}


def pages() -> Mapping[str, Sequence[str]]:
    """The names of the objectives that each page practises."""
    found: Mapping[str, Sequence[str]] = _table()["pages"]
    return found


def line(page: str) -> str:
    """What a page is good for in exams, in one line; empty if it is for none."""
    domains: dict[tuple[str, str, int], list[str]] = {}
    for name in sorted(pages().get(page, ()), key=list(objectives()).index):
        each = objectives()[name]
        domains.setdefault((each.exam, each.domain, each.weight), []).append(each.topic)
    return "; ".join(
        f"{exam} {domain} ({weight}\N{NO-BREAK SPACE}%): {', '.join(t)}"
        for (exam, domain, weight), t in domains.items()
    )


def practised(name: str) -> list[str]:
    """The pages that practise an objective."""
    return [page for page, names in pages().items() if name in names]
