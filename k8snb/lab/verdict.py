"""Claims about a cluster, and the verdict on them.

A check is a generator: it reads the cluster and yields claims, the simplest first. `check` makes a function of it
that returns a `Verdict` and asks no further than the first claim that does not hold, because those that follow rest
on it: whoever has not made the pod yet needs not hear that it has no label.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple, Protocol, TypeVar

from k8snb.client.client import Client
from k8snb.i18n import _


class Claim(NamedTuple):
    """Something that is to be so. `missing` says what the check saw instead, or what to try."""

    holds: bool
    sentence: str
    missing: str = ""


class Reader(Protocol):
    """What a check needs of a cluster: a client that reads its API."""

    @property
    def client(self) -> Client: ...


Place = TypeVar("Place", bound=Reader)
"""A cluster, seen as far as a check needs it."""


_HANGING = "display:flex;gap:.35em"


@dataclass(frozen=True)
class Verdict:
    """The claims that hold and, unless the exercise is solved, the first that does not. True if it is solved."""

    claims: tuple[Claim, ...]

    @property
    def solved(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    @property
    def title(self) -> str:
        """The verdict in one word or two."""
        return _("Solved.") if self.solved else _("Not yet.")

    def __bool__(self) -> bool:
        return self.solved

    def __repr__(self) -> str:
        return "\n".join([self.title, *(_line(claim) for claim in self.claims)])

    def _repr_html_(self) -> str:
        entries = "".join(f'<li style="{_HANGING}">{_entry(claim)}</li>' for claim in self.claims)
        title = f'<p style="margin:0"><strong>{self.title}</strong></p>'
        style = "list-style:none;margin:0;padding:0;overflow-wrap:anywhere"
        return f'<div class="k8snb-view">{title}<ul style="{style}">{entries}</ul></div>'


def _mark(claim: Claim) -> str:
    return "✓" if claim.holds else "✗"


def _line(claim: Claim) -> str:
    line = f"{_mark(claim)} {claim.sentence}"
    return line if claim.holds or not claim.missing else f"{line}\n  → {claim.missing}"


def _entry(claim: Claim) -> str:
    """A claim, whose further lines begin below its first word, on a phone too."""
    line, *hints = (html.escape(each.strip()) for each in _line(claim).split("\n"))
    return _hung(line, *(f'<div style="{_HANGING}">{_hung(hint)}</div>' for hint in hints))


def _hung(line: str, *below: str) -> str:
    mark, _space, words = line.partition(" ")
    return f"<span>{mark}</span> <div>{words}{''.join(below)}</div>"


def check(claims: Callable[[Place], Iterator[Claim]]) -> Callable[[Place], Verdict]:
    """Make a check of a generator of claims."""

    @wraps(claims)
    def verdict(cluster: Place) -> Verdict:
        return judged(claims(cluster))

    return verdict


def judged(claims: Iterator[Claim]) -> Verdict:
    """The verdict on claims, up to the first that does not hold."""
    return Verdict(tuple(_until_one_fails(claims)))


def _until_one_fails(claims: Iterator[Claim]) -> Iterator[Claim]:
    for claim in claims:
        yield claim
        if not claim.holds:
            return
