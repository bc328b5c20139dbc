"""Processes as one sees them from outside: what there is of each component, how it is, and who of several leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Runs(Protocol):
    """A process, or several of a kind."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...


class One(Runs, Protocol):
    """One process of several."""

    @property
    def leading(self) -> bool: ...

    @property
    def identity(self) -> str: ...

    @property
    def state(self) -> str: ...

    def release(self) -> None: ...


class Replicated:
    """All processes of one component, by machine."""

    def __init__(self, name: str, replicas: Mapping[str, One]) -> None:
        self.name = name
        self.replicas = replicas

    @property
    def running(self) -> bool:
        """Whether any is there."""
        return any(each.running for each in self.replicas.values())

    @property
    def leader(self) -> str:
        """The machine whose process leads, as far as it knows itself; empty if none does."""
        return next((host for host, each in self.replicas.items() if each.leading), "")

    def start(self) -> None:
        """Start all of them."""
        for each in self.replicas.values():
            each.start()

    def stop(self) -> None:
        """Kill all of them."""
        for each in self.replicas.values():
            each.stop()

    def __repr__(self) -> str:
        rows = [(host, each.state, each.identity) for host, each in self.replicas.items()]
        first, second = (max(len(row[at]) for row in rows) for at in (0, 1))
        lines = (f"  {host:{first}}  {state:{second}}  {name}".rstrip() for host, state, name in rows)
        return "\n".join([self.name, *lines])


class Running(NamedTuple):
    """One process of a cluster: of which component, on which machine (empty where nobody asks), and how it is."""

    component: str
    on: str
    state: str
    running: bool
    leads: bool = False


class Processes(tuple[Running, ...]):
    """The processes of a cluster, as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        first = max((len(row.component) for row in self), default=0)
        second = max((len(row.on) for row in self), default=0)
        return "\n".join(f"{row.component:{first}}  {row.on:{second}}  {row.state}" for row in self)
