"""Attempts at the puzzles of the labs: each is typed after the one before, and judged."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb import Cluster
from k8snb.lab.puzzles import Bench, Puzzles
from k8snb.lab.verdict import Verdict

SOLVED = "Solved."
Attempt = tuple[str, str]
"""Commands of kubectl, one a line, and the end of the hint that follows (`SOLVED` if there is none left)."""


def verdict_of(verdict: Verdict) -> str:
    """What the verdict says in the end."""
    return SOLVED if verdict else f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def type_in(cluster: Bench, commands: str) -> None:
    """Type lines; a line that begins with `>` is a file for the line before it."""
    lines = [line.strip() for line in commands.strip().splitlines()]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line and not line.startswith(">"):
            said = cluster.kubectl(line, after[1:].strip() if after.startswith(">") else "")
            assert "rror" not in said, f"{line}: {said}"
            cluster.settle(30)


def judged(lab: Puzzles, cluster: Bench, name: str, attempts: Sequence[Attempt]) -> list[str]:
    """Start a fault and try one thing after the other; returns which verdicts are not as they should be."""
    lab.start(name)
    seen = [] if not lab.check() else ["solved from the start"]
    for commands, hint in attempts:
        type_in(cluster, commands)
        said = verdict_of(lab.check())
        if (said != SOLVED) if hint == SOLVED else (hint not in said):
            seen.append(f"{commands.strip()} → {said}")
    return seen


def missing(verdict: Verdict) -> str:
    """The claim that does not hold, with its hint."""
    assert not verdict
    return verdict_of(verdict)


def after(cluster: Cluster, *commands: str) -> Cluster:
    """The cluster, after somebody has typed these commands and waited."""
    for command in commands:
        cluster.kubectl(command)
        cluster.settle()
    return cluster
