"""Clients that ask at the same time: requests in virtual time, each of which takes its time to be served.

A client in a notebook asks one thing after the other, and every answer comes at once, so it never meets another. A rush
sends its requests whether or not the ones before have been answered, and each keeps its seats for a while, so flow
control has something to do: see `apiserver/levels.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from k8snb.apiserver.access.impersonation import account_groups
from k8snb.apiserver.access.node import NODE_PREFIX, NODES
from k8snb.apiserver.reception import Reception, Visit
from k8snb.clock import Clock
from k8snb.i18n import _
from k8snb.wire import Request, Response, User

TOO_MANY = 429
_ACCOUNT = "system:serviceaccount:"


class Asking(NamedTuple):
    """Who asks what, how often, with how many seconds between, and how long it takes to serve each request."""

    user: str
    line: str
    """The request line: `GET /api/v1/pods?limit=5`."""
    times: int
    every: float
    lasts: float


class Outcome(NamedTuple):
    """What came of one request: how long it waited until it was served or refused, and the code of its answer."""

    waited: float
    code: int


class Rush:
    """The requests of one client, and what has come of them so far."""

    def __init__(self, asking: Asking, reception: Reception, clock: Clock) -> None:
        self.asking = asking
        self.outcomes: list[Outcome] = []
        self._reception = reception
        self._clock = clock
        self._user = user_named(asking.user)
        for number in range(asking.times):
            clock.call_later(number * asking.every, self._ask)

    def _ask(self) -> None:
        method, _space, target = self.asking.line.partition(" ")
        path, _mark, query = target.partition("?")
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        request = Request(method, path, {name: value for name, _sign, value in pairs}, user=self._user)
        began = self._clock.now()
        self._reception.receive(request, lambda visit: self._seated(visit, began), self._answered(began))

    def _seated(self, visit: Visit, began: float) -> None:
        """Serve it now; it keeps its seats as long as it lasts."""
        self._note(began, self._reception.serve(visit))
        self._clock.call_later(self.asking.lasts, lambda: self._reception.leave(visit))

    def _answered(self, began: float) -> Callable[[Response], None]:
        return lambda response: self._note(began, response)

    def _note(self, began: float, response: Response) -> None:
        self.outcomes.append(Outcome(round(self._clock.now() - began, 6), response.code))

    @property
    def codes(self) -> dict[int, int]:
        """How many answers had which code."""
        return dict(sorted(Counter(each.code for each in self.outcomes).items()))

    @property
    def waits(self) -> list[float]:
        """How long those waited that were served, in the order in which they were."""
        return [each.waited for each in self.outcomes if each.code != TOO_MANY]

    def __repr__(self) -> str:
        waits = self.waits
        text = _("{user}: {asked} asked, {served} served, {refused} refused; waited {mean:.2f} s, at most {most:.2f} s")
        return text.format(
            user=self.asking.user,
            asked=self.asking.times,
            served=len(waits),
            refused=len(self.outcomes) - len(waits),
            mean=sum(waits) / max(len(waits), 1),
            most=max(waits, default=0.0),
        )


def user_named(name: str) -> User:
    """A user with the groups that authentication would find."""
    groups: tuple[str, ...] = ("system:masters",) if name == "kubernetes-admin" else ()
    if name.startswith(_ACCOUNT):
        groups = account_groups(name.removeprefix(_ACCOUNT).partition(":")[0])
    if name.startswith(NODE_PREFIX):
        groups = (NODES,)
    return User(name, (*groups, "system:authenticated"))
