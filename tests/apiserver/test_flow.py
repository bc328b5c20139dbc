"""Which flow schema and which priority level a request falls to, by upstream's schemas and by one of a reader's own."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.apiserver.flow import LEVEL, SCHEMA
from k8snb.cluster.cluster import ADMIN
from k8snb.cluster.rush import Outcome
from k8snb.wire import Request, User

USER = User("jane", ("system:authenticated",))
NODE = User("system:node:node-1", ("system:nodes", "system:authenticated"))
ACCOUNT = User(
    "system:serviceaccount:kube-system:deployment-controller", ("system:serviceaccounts", "system:authenticated")
)
VIEWS = {
    "metadata": {"name": "jane"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "User", "name": "jane"}],
}


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
    """Everything that jane asks falls to a level of its own, which borrows nothing."""
    limits = {"nominalConcurrencyShares": shares, "borrowingLimitPercent": 0, "limitResponse": answer}
    spec = {"type": "Limited", "limited": limits}
    cluster.client.create("prioritylevelconfigurations", {"metadata": {"name": "jail"}, "spec": spec})
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    rules = [{"subjects": [{"kind": "User", "user": {"name": "jane"}}], "resourceRules": [every]}]
    schema = {"priorityLevelConfiguration": {"name": "jail"}, "matchingPrecedence": 10, "rules": rules}
    cluster.client.create("flowschemas", {"metadata": {"name": "jane"}, "spec": schema})


QUEUING = {"type": "Queue", "queuing": {"queues": 2, "queueLengthLimit": 3, "handSize": 1}}


def fill(cluster: Cluster, name: str) -> int:
    """Take all seats of a level, as requests that cannot wait; how many there were."""
    level = cluster.server.flows.levels()[name]
    held = 0
    while level.enter():
        held += 1
    return held


def test_a_level_that_is_full_answers_that_there_are_too_many_requests() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 1, {"type": "Reject"})
    assert fill(cluster, "jail") == 3
    answer = cluster.server.handle(Request("GET", "/api/v1/pods", user=USER))
    assert (answer.code, answer.body) == (429, b"Too many requests, please try again later.\n")
    level = cluster.client.get("prioritylevelconfigurations", "jail")["metadata"]["uid"]
    assert (answer.headers["Retry-After"], answer.headers[LEVEL]) == ("1", level)
    assert cluster.server.handle(Request("GET", "/api/v1/pods", user=ADMIN)).code == 200
    cluster.server.flows.levels()["jail"].leave()
    assert cluster.server.handle(Request("GET", "/api/v1/pods", user=USER)).code == 403


def test_a_level_holds_as_many_requests_as_it_has_seats_and_room_in_its_queues() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 1, QUEUING)
    assert fill(cluster, "jail") == 3 + 2 * 3


def test_what_lasts_takes_no_seat(cluster: Cluster) -> None:
    answer = cluster.server.handle(Request("GET", "/api/v1/namespaces/default/pods/x/log", user=ADMIN))
    assert (answer.code, LEVEL in answer.headers) == (404, False)


def told(cluster: Cluster, name: str) -> list[str]:
    """The lines of a metric about jane's level."""
    text = cluster.server.handle(Request("GET", "/metrics", user=ADMIN)).body.decode()
    lead = f"apiserver_flowcontrol_{name}"
    return [line.removeprefix(lead) for line in text.splitlines() if line.startswith(lead) and "jail" in line]


def test_a_flood_waits_in_its_queues_and_what_is_too_much_is_refused() -> None:
    cluster = Cluster(nodes=0, seed=1)
    cluster.client.create("clusterrolebindings", VIEWS)
    limited(cluster, 1, QUEUING)
    flood = cluster.rush("jane", "GET /api/v1/pods", 10, lasts=0.1)
    quiet = cluster.rush("system:serviceaccount:default:quiet", "GET /healthz")
    cluster.settle()
    assert flood.codes == {200: 6, 429: 4}
    assert flood.waits == [0, 0, 0, 0.1, 0.1, 0.1]
    assert (quiet.codes, quiet.waits) == ({200: 1}, [0])
    labels = 'flow_schema="jane",priority_level="jail"'
    assert told(cluster, "dispatched") == [f"_requests_total{{{labels}}} 6"]
    assert told(cluster, "rejected") == [f'_requests_total{{{labels},reason="queue-full"}} 4']
    assert told(cluster, "nominal") == ['_limit_seats{priority_level="jail"} 3']
    waited = f'_wait_duration_seconds_count{{execute="true",{labels}}} 6'
    assert told(cluster, "request")[-1] == waited
    assert repr(flood) == "jane: 10 asked, 6 served, 4 refused; waited 0.05 s, at most 0.10 s"


def dumped(cluster: Cluster, table: str) -> list[list[str]]:
    """The cells of jane's level in one of the debugging tables."""
    path = f"/debug/api_priority_and_fairness/dump_{table}"
    text = cluster.server.handle(Request("GET", path, user=ADMIN)).body.decode()
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return [row[1:] for row in rows if row[0] == "jail"]


def test_the_tables_for_debugging_show_who_waits_where() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 1, QUEUING)
    cluster.rush("jane", "GET /api/v1/pods", 8)
    cluster.advance(0.05)
    assert dumped(cluster, "priority_levels") == [["1", "false", "false", "3", "3", "3", "2", "0", "0"]]
    idle, busy = dumped(cluster, "queues")
    assert idle[1:5] == ["0", "0", "0", "0.00000000ss"]
    assert busy[1:] == ["3", "3", "3", "0.00900000ss", "3", "3", "0.00900000ss"]
    assert [row[:3] for row in dumped(cluster, "requests")] == [["jane", "1", str(place)] for place in range(3)]


def test_a_fork_lives_through_the_same_rush() -> None:
    cluster = Cluster(nodes=0, seed=1)
    cluster.rush("jane", "GET /healthz", 3, every=1.0)
    cluster.advance(1.5)
    twin = cluster.fork()
    dispatched = [tally.dispatched for _, tally in cluster.server.flows.tallies()]
    assert [tally.dispatched for _, tally in twin.server.flows.tallies()] == dispatched


def test_a_level_without_seats_holds_requests_until_their_time_is_up() -> None:
    cluster = Cluster(nodes=0, seed=1)
    limited(cluster, 0, QUEUING)
    held = cluster.rush("jane", "GET /api/v1/pods")
    cluster.settle()
    assert held.outcomes == [Outcome(15.0, 429)]
    assert told(cluster, "rejected")[0].endswith('reason="time-out"} 1')
