"""An exercise: what it is called, where it stands, how long it takes, and its check.

A check becomes an exercise by saying so in front of it, which is all there is to do; the catalogue finds it there.

    @exercise("first-app/labels", "The stable ones", minutes=5)
    def check_release(cluster: Reader) -> Claims:
        ...

The page is a file of the book and the title the heading that stands there; the name comes from the page and the check:
`labels/release`. Titles are translated when they are shown, because the language is chosen later than modules are read.
What is solved is noted (`solved`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from k8snb.i18n import _
from k8snb.lab.solved import RECORD
from k8snb.lab.verdict import Claim, Place, Verdict, judged

_PREFIX = "check_"


@dataclass(frozen=True)
class Exercise(Generic[Place]):
    """Something to do on a page. Called with a cluster, it says whether it is done and what is still missing."""

    page: str
    title: str
    minutes: int
    claims: Callable[[Place], Iterator[Claim]]

    @property
    def name(self) -> str:
        """The last part of the page and what the check is called: `labels/release`."""
        return f"{self.page.rpartition('/')[2]}/{self.claims.__name__.removeprefix(_PREFIX)}"

    def __call__(self, cluster: Place) -> Verdict:
        past = getattr(cluster, "past", None)  # before the check: some let time pass
        verdict = self.judge(cluster)
        if verdict:
            RECORD.note(self.name, past)
        return verdict

    def judge(self, cluster: Place) -> Verdict:
        """The verdict alone: nobody takes note of it."""
        return judged(self.claims(cluster))

    def __repr__(self) -> str:
        minutes = _("{minutes} min").format(minutes=self.minutes)
        return f"{self.name}: {_(self.title)} ({minutes})"


def exercise(page: str, title: str, *, minutes: int) -> Callable[[Callable[[Place], Iterator[Claim]]], Exercise[Place]]:
    """Make an exercise of a check; `minutes` is what somebody takes who has just read the page."""

    def made(claims: Callable[[Place], Iterator[Claim]]) -> Exercise[Place]:
        return Exercise(page, title, minutes, claims)

    return made
