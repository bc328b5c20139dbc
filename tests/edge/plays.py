"""Stories played against a listener, and what must not have changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from k8snb import Cluster
from tests.edge.wire import Open, Wire, listening

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
Story = Callable[[Open], Awaitable[None]]


async def flood(wire: Wire) -> None:
    """Send more than anybody should take."""
    for _ in range(64):
        wire.send(b"x" * 2**20)
        await wire.writer.drain()


def kept(cluster: Cluster) -> list[str]:
    """What clients could have changed; heartbeats go on meanwhile."""
    found = [*cluster.client.list("nodes"), *cluster.client.list("configmaps")]
    return [str(obj["metadata"]["uid"]) for obj in found]


def play(cluster: Cluster, story: Story) -> None:
    """Run a story against a listener; nothing may have gone wrong inside the server."""

    async def run() -> None:
        async with listening(cluster) as connect:
            await story(connect)

    asyncio.run(run())
    assert cluster.server.panics == []
