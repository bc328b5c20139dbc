"""Many clients at the same time at a served cluster: who waits, who is refused, and whom that does not concern."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count

import pytest

from k8snb import Cluster
from k8snb.clock import WallClock
from k8snb.serving.served import Served
from k8snb.wire import Request, User

JANE = User("jane", ("system:authenticated",))
EVERY = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
SCHEMA = {
    "metadata": {"name": "jane"},
    "spec": {
        "priorityLevelConfiguration": {"name": "small"},
        "matchingPrecedence": 10,
        "rules": [{"subjects": [{"kind": "User", "user": {"name": "jane"}}], "resourceRules": [EVERY]}],
    },
}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=0, clock=WallClock(), journal=False)
    made.server.authenticate.accept("of jane", JANE)
    queuing = {"queues": 4, "queueLengthLimit": 5, "handSize": 1}
    answer = {"type": "Queue", "queuing": queuing}
    limited = {"nominalConcurrencyShares": 1, "borrowingLimitPercent": 0, "limitResponse": answer}
    level = {"metadata": {"name": "small"}, "spec": {"type": "Limited", "limited": limited}}
    made.client.create("prioritylevelconfigurations", level)
    made.client.create("flowschemas", SCHEMA)
    made.server.handle(Request("GET", "/version", user=JANE))  # then it is known that no level only holds requests
    return made


def answers(cluster: Cluster, *askers: tuple[str, int]) -> list[tuple[str, int]]:
    """Who was answered in which order and how, where all come at the same time and each request takes a while."""
    ticks, order = count(), list[tuple[str, int]]()

    def ask(served: Served, who: str) -> None:
        request = Request("GET", "/api/v1/pods", {}, {"authorization": f"Bearer of {who}"})
        served.ask(request, lambda response: order.append((who, response.code)))

    async def main() -> None:
        served = Served(cluster, "of admin", now=lambda: next(ticks) * 0.002)
        for who, times in askers:
            for _ in range(times):
                ask(served, who)
        while len(order) < sum(times for _, times in askers):
            await asyncio.sleep(0)

    asyncio.run(main())
    return order


def test_a_flood_is_queued_and_refused_and_the_administrator_passes_it(cluster: Cluster) -> None:
    order = answers(cluster, ("jane", 30), ("admin", 2))
    assert Counter(order) == {("jane", 403): 11, ("jane", 429): 19, ("admin", 200): 2}
    served = [who for who, code in order if code != 429]
    assert served == [*["jane"] * 3, "admin", "admin", *["jane"] * 8]


def test_those_who_are_few_do_not_wait(cluster: Cluster) -> None:
    assert answers(cluster, ("jane", 2), ("admin", 1)) == [("jane", 403), ("jane", 403), ("admin", 200)]
