"""Which flow schema and which priority level a request falls to, by upstream's schemas and by one of a reader's own."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.apiserver.flow import LEVEL, SCHEMA
from k8snb.cluster import ADMIN
from k8snb.wire import Request, User

USER = User("jane", ("system:authenticated",))
NODE = User("system:node:node-1", ("system:nodes", "system:authenticated"))
ACCOUNT = User(
    "system:serviceaccount:kube-system:deployment-controller", ("system:serviceaccounts", "system:authenticated")
)


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(nodes=0, seed=1)


def flow(cluster: Cluster, user: User, path: str) -> tuple[str, str]:
    """The names of the schema and of the level that the headers of an answer stand for."""
    headers = cluster.server.handle(Request("GET", path, user=user)).headers
    kinds = ("flowschemas", SCHEMA), ("prioritylevelconfigurations", LEVEL)
    found = [
        next(each["metadata"]["name"] for each in cluster.client.list(kind) if each["metadata"]["uid"] == headers[key])
        for kind, key in kinds
    ]
    return found[0], found[1]


@pytest.mark.parametrize(
    ("user", "path", "expected"),
    [
        (ADMIN, "/api/v1/pods", ("exempt", "exempt")),
        (USER, "/healthz", ("probes", "exempt")),
        (USER, "/api/v1/pods", ("global-default", "global-default")),
        (NODE, "/api/v1/nodes/node-1", ("system-node-high", "node-high")),
        (NODE, "/api/v1/pods", ("system-nodes", "system")),
        (ACCOUNT, "/api/v1/pods", ("kube-system-service-accounts", "workload-high")),
    ],
)
def test_a_request_falls_to_the_first_schema_that_covers_it(
    cluster: Cluster, user: User, path: str, expected: tuple[str, str]
) -> None:
    assert flow(cluster, user, path) == expected


def test_a_new_schema_counts_from_the_next_request_on(cluster: Cluster) -> None:
    before = flow(cluster, USER, "/api/v1/configmaps")
    rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"], "clusterScope": True}
    subject = {"kind": "User", "user": {"name": "jane"}}
    spec = {
        "matchingPrecedence": 50,
        "priorityLevelConfiguration": {"name": "workload-low"},
        "rules": [{"subjects": [subject], "resourceRules": [rule]}],
    }
    cluster.client.create("flowschemas", {"metadata": {"name": "jane"}, "spec": spec})
    assert (before, flow(cluster, USER, "/api/v1/configmaps")) == (
        ("global-default", "global-default"),
        ("jane", "workload-low"),
    )


def limited(cluster: Cluster, shares: int, answer: dict[str, object]) -> None:
    """Everything that jane asks falls to a level of its own."""
    spec = {"type": "Limited", "limited": {"nominalConcurrencyShares": shares, "limitResponse": answer}}
    cluster.client.create("prioritylevelconfigurations", {"metadata": {"name": "jail"}, "spec": spec})
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    rules = [{"subjects": [{"kind": "User", "user": {"name": "jane"}}], "resourceRules": [every]}]
    schema = {"priorityLevelConfiguration": {"name": "jail"}, "matchingPrecedence": 10, "rules": rules}
    cluster.client.create("flowschemas", {"metadata": {"name": "jane"}, "spec": schema})


def test_a_level_without_seats_answers_that_there_are_too_many_requests() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 0, {"type": "Reject"})
    answer = cluster.server.handle(Request("GET", "/api/v1/pods", user=USER))
    assert (answer.code, answer.body) == (429, b"Too many requests, please try again later.\n")
    level = cluster.client.get("prioritylevelconfigurations", "jail")["metadata"]["uid"]
    assert (answer.headers["Retry-After"], answer.headers[LEVEL]) == ("1", level)
    assert cluster.server.handle(Request("GET", "/api/v1/pods", user=ADMIN)).code == 200


def test_a_level_holds_as_many_requests_as_it_has_seats_and_room_in_its_queues() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 1, {"type": "Queue", "queuing": {"queues": 2, "queueLengthLimit": 3, "handSize": 1}})
    level = cluster.client.get("prioritylevelconfigurations", "jail")["metadata"]["uid"]
    flows = cluster.server.flows
    held = 0
    while flows.enter(level):
        held += 1
    assert held == 3 + 2 * 3
    flows.leave(level)
    assert flows.enter(level)
