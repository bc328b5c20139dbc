"""A healthy cluster, faults for it, and somebody who complains: the frame of the labs that end a chapter.

A fault is a ticket, what breaks the cluster, and what has to hold when it is repaired. `Puzzles` remembers the healthy
cluster as a revision. Whoever starts a fault is taken back there first, so every fault can be tried again, and none
of them meets the remains of another.

    lab = production.puzzles(cluster)
    lab.start("key")
    …
    lab.check()
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from k8snb.i18n import _
from k8snb.lab.verdict import Reader, Verdict

HEARTBEAT = 15.0
"""Seconds after which some part of a cluster has certainly written something."""

SHORT = 10.0
"""Seconds between two commands of a break."""


class Bench(Reader, Protocol):
    """What a puzzle needs of a cluster: to ask from outside, to type, to let time pass, and to go back."""

    @property
    def revision(self) -> int: ...
    def curl(self, words: str) -> str: ...
    def kubectl(self, command: str, stdin: str = "") -> str: ...
    def settle(self, timeout: float = ...) -> float: ...
    def advance(self, seconds: float) -> None: ...
    def rewind(self, revision: int) -> None: ...


Break = Callable[[Bench], None]


@dataclass(frozen=True)
class Fault:
    """Something that is broken: `ticket` says what somebody noticed, `complain` shows it."""

    ticket: str
    happens: Break
    check: Callable[[Bench], Verdict]
    complain: Callable[[Bench], str]


class MakeFault(Protocol):
    """Makes faults of one kind."""

    def __call__(
        self,
        ticket: str,
        happens: Break,
        check: Callable[[Bench], Verdict] = ...,
        complain: Callable[[Bench], str] = ...,
    ) -> Fault: ...


def kind(usual_check: Callable[[Bench], Verdict], usual_complaint: Callable[[Bench], str]) -> MakeFault:
    """Faults that are checked and shown in one way, unless they say another."""

    def make(
        ticket: str,
        happens: Break,
        check: Callable[[Bench], Verdict] = usual_check,
        complain: Callable[[Bench], str] = usual_complaint,
    ) -> Fault:
        return Fault(ticket, happens, check, complain)

    return make


def typed(*commands: str) -> Break:
    """A break that somebody types: commands of kubectl; what follows a line break is what they read."""

    def happens(cluster: Bench) -> None:
        for command in commands:
            words, _line, stdin = command.partition("\n")
            cluster.kubectl(words, stdin)
            cluster.settle(SHORT)

    return happens


_COLUMNS = "   "
"""What is between columns, and never in a sentence."""


@dataclass(frozen=True)
class Ticket:
    """What somebody complains about, and the proof."""

    text: str
    proof: str

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.proof.rstrip()}"

    def _repr_html_(self) -> str:
        text, proof = html.escape(self.text), "".join(map(_printed, self.proof.rstrip().splitlines()))
        return f'<div class="k8snb-view"><p style="margin:0">{text}</p><pre tabindex="0">{proof}</pre></div>'


def _printed(line: str) -> str:
    """A line as a terminal prints it: sentences go on in the next one, columns keep their places."""
    sentence = "white-space:pre-wrap;overflow-wrap:anywhere;padding-inline-start:2ch;text-indent:-2ch"
    style = "white-space:pre" if _COLUMNS in line.strip() else sentence
    return f'<span style="display:block;{style}">{html.escape(line) or "<br>"}</span>'


class Puzzles:
    """The faults of a lab, in a cluster that is healthy now."""

    def __init__(self, cluster: Bench, faults: Mapping[str, Fault]) -> None:
        cluster.advance(HEARTBEAT)
        self._cluster = cluster
        self.faults = faults
        self.healthy = cluster.revision
        self.started = ""

    def start(self, name: str) -> Ticket:
        """Go back to the healthy cluster, break it, and say what somebody noticed."""
        fault = self.faults[name]
        if self._cluster.revision > self.healthy:
            self._cluster.rewind(self.healthy)
        self.started = name
        fault.happens(self._cluster)
        self._cluster.settle()
        return Ticket(fault.ticket, fault.complain(self._cluster))

    def check(self) -> Verdict:
        """Whether the fault that was started is repaired, with nothing else broken."""
        return self.faults[self.started].check(self._cluster)

    def __repr__(self) -> str:
        width = max(map(len, self.faults))
        lines = [f"{name.ljust(width)}  {fault.ticket}" for name, fault in self.faults.items()]
        return "\n".join([_("{count} faults").format(count=len(lines)), *lines])

    def _repr_html_(self) -> str:
        apart = "padding-inline-end:1.5em;white-space:nowrap"
        start = "text-align:start;vertical-align:top;padding-block:.2em"
        rows = "".join(
            f'<tr><td style="{start};{apart}"><code>{name}</code></td>'
            f'<td style="{start}">{html.escape(fault.ticket)}</td></tr>'
            for name, fault in self.faults.items()
        )
        return f'<div class="k8snb-view"><table>{rows}</table></div>'
