"""`bench watch`: many watchers and many writers for a while, and then the books are compared.

Writers create, change and delete ConfigMaps of their own; watchers watch them all, some from the beginning and some
in turns, coming back with the revision at which they left. In the end every watcher must have seen every write that
was answered since it began, in the order of revisions, and nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from k8snb.bench.api import running, serve_command
from k8snb.bench.load import Client, Target, Watcher, revision_of

PATH = "/api/v1/namespaces/default/configmaps"
_SETTLE_SECONDS = 60.0
_RETURNS = 0.25
"""Which part of the watchers leaves and comes back."""
_STAY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome of one run."""

    watchers: int
    writers: int
    seconds: float
    writes: int
    deliveries: int
    lost: int
    out_of_order: int
    twice: int
    refused: int

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.lost or self.out_of_order or self.twice or self.refused)

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return (
            f"{self.writers} writers made {self.writes:,} writes in {self.seconds:.0f} s "
            f"({self.writes / self.seconds:,.0f}/s); {self.watchers} watchers saw {self.deliveries:,} events\n"
            f"{self.lost} lost, {self.out_of_order} out of order, {self.twice} twice, {self.refused} requests refused"
        )


class Book:
    """What one watcher has seen."""

    def __init__(self, target: Target, *, returns: bool) -> None:
        self._target = target
        self._returns = returns
        self._watcher: Watcher | None = None
        self.first = self.last = 0
        self.seen: list[int] = []
        self.faults = 0

    def _note(self, line: bytes, now: float) -> None:
        type, _, revision = revision_of(line)
        if type in ("ERROR", "BOOKMARK"):
            self.faults += type == "ERROR"
            return
        self.seen.append(revision)
        self.last = revision

    async def open(self, revision: int) -> None:
        """Begin to watch after a revision."""
        self.first = self.last = revision
        await self._watch()

    async def _watch(self) -> None:
        path = f"{PATH}?watch=1&resourceVersion={self.last}&timeoutSeconds=3600"
        self._watcher = Watcher(self._target.request("GET", path), self._note)
        await self._target.connect(self._watcher)
        await self._watcher.opened

    async def stay(self, end: float) -> None:
        """Go and come back until the end, if this is one that does."""
        while self._returns and time.perf_counter() < end:
            await asyncio.sleep(_STAY_SECONDS)
            self.close()
            await self._watch()

    def close(self) -> None:
        """Leave; what arrives from now on is not for this book."""
        if self._watcher is not None:
            self._watcher.close()


def _writes(target: Target, writer: int, end: float) -> Iterator[bytes]:
    """Create, change twice and delete, again and again."""
    round = 0
    while time.perf_counter() < end:
        name, round = f"w{writer}-{round}", round + 1
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": "0"}}
        yield target.request("POST", PATH, orjson.dumps(body))
        for number in (1, 2):
            yield target.request("PUT", f"{PATH}/{name}", orjson.dumps({**body, "data": {"n": str(number)}}))
        yield target.request("DELETE", f"{PATH}/{name}")


async def _run(watchers: int, writers: int, seconds: float, folder: Path) -> Figures:
    config = folder / "kubeconfig"
    with running(config, *serve_command(config, 1)) as server:
        target = server.target
        listed = orjson.loads(await target.ask("GET", PATH))
        start = int(listed["metadata"]["resourceVersion"])
        books = [Book(target, returns=number < watchers * _RETURNS) for number in range(watchers)]
        for book in books:
            await book.open(start)
        began = time.perf_counter()
        end = began + seconds
        stays = [asyncio.create_task(book.stay(end)) for book in books]
        clients = []
        for writer in range(writers):
            requests = _writes(target, writer, end)
            clients.append(Client(lambda requests=requests: next(requests, None)))  # type: ignore[misc]
            await target.connect(clients[-1])
        await asyncio.gather(*(client.done for client in clients), *stays)
        took = time.perf_counter() - began
        writes = sum(sum(client.codes.values()) for client in clients)
        refused = sum(count for client in clients for code, count in client.codes.items() if code >= 300)
        await _all_seen(books, writes - refused)
        return _compared(books, writers, took, writes, refused)


async def _all_seen(books: list[Book], writes: int) -> None:
    """Wait until the slowest watcher has what there is, or for so long that it has been lost."""
    patience = time.perf_counter() + _SETTLE_SECONDS
    while any(len(book.seen) < writes for book in books) and time.perf_counter() < patience:
        await asyncio.sleep(0.1)


def _compared(books: list[Book], writers: int, took: float, writes: int, refused: int) -> Figures:
    everything = set().union(*(book.seen for book in books))
    lost = sum(len(everything) - len(set(book.seen)) for book in books) + max(writes - refused - len(everything), 0)
    twice = sum(len(book.seen) - len(set(book.seen)) for book in books)
    disorder = sum(sum(b < a for a, b in zip(book.seen, book.seen[1:], strict=False)) for book in books)
    faults = sum(book.faults for book in books)
    deliveries = sum(len(book.seen) for book in books)
    return Figures(len(books), writers, took, writes, deliveries, lost + faults, disorder, twice, refused)


def watch(watchers: int, writers: int, seconds: float) -> Figures:
    """Run so many of each for so long."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(watchers, writers, seconds, Path(folder)))
