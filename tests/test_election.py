"""Several replicas of the control plane: who leads, who takes over and when, and what of two API servers is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.clock import parse_time
from k8snb.cluster.replicating import ControlPlane
from k8snb.errors import StatusError
from k8snb.typing import Object

SERVER, SCHEDULER, MANAGER = "kube-apiserver", "kube-scheduler", "kube-controller-manager"
ONE, TWO = "control-plane-1", "control-plane-2"
LEASES = "leases.coordination.k8s.io"


@pytest.fixture(scope="module")
def founded() -> Cluster:
    return Cluster(1, seed=1, control_planes=2)


@pytest.fixture
def cluster(founded: Cluster) -> Cluster:
    return founded.fork()


def lease(cluster: Cluster, name: str) -> Object:
    spec: Object = cluster.client.get(LEASES, name, "kube-system")["spec"]
    return spec


def leaders(cluster: Cluster, name: str) -> list[str]:
    return [host for host, each in cluster.replicas(name).replicas.items() if each.leading]


def identity(cluster: Cluster, name: str, host: str) -> str:
    return cluster.replicas(name).replicas[host].identity


def taken_over(cluster: Cluster, name: str, host: str) -> float:
    """After how many seconds a machine leads."""
    began = cluster.clock.now()
    assert cluster.wait(lambda: host in leaders(cluster, name))
    return cluster.clock.now() - began


def told(cluster: Cluster) -> list[tuple[str, str, str]]:
    """The events of elections: of which Lease, who says it, and what."""
    events = cluster.client.list("events", "kube-system")
    return [(e["involvedObject"]["name"], e["source"]["component"], e["message"]) for e in events]


def test_the_first_replica_of_each_component_leads_and_says_so(cluster: Cluster) -> None:
    holder = identity(cluster, SCHEDULER, ONE)
    assert {name: leaders(cluster, name) for name in (SCHEDULER, MANAGER)} == {SCHEDULER: [ONE], MANAGER: [ONE]}
    assert lease(cluster, SCHEDULER) == {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 0,
    }
    manager = f"{identity(cluster, MANAGER, ONE)} became leader"
    assert told(cluster) == [
        (MANAGER, MANAGER, manager),
        (SCHEDULER, "default-scheduler", f"{holder} became leader"),
    ]


def test_a_leader_renews_every_two_seconds_and_a_settled_cluster_does_not_wait_for_it(cluster: Cluster) -> None:
    assert cluster.settle() == 0
    seen = []
    for _ in range(3):
        cluster.advance(2)
        seen.append(lease(cluster, SCHEDULER)["renewTime"][17:23])
    assert seen == ["02.000", "04.000", "06.000"]


@pytest.mark.parametrize("name", [SCHEDULER, MANAGER])
def test_a_killed_leader_is_followed_by_the_other_when_its_lease_has_expired(cluster: Cluster, name: str) -> None:
    cluster.stop(name, on=ONE)
    before = lease(cluster, name)
    seconds = taken_over(cluster, name, TWO)
    assert 15 <= seconds < 15 + 2 * 2.2
    after = lease(cluster, name)
    assert (after["holderIdentity"], after["leaseTransitions"]) == (identity(cluster, name, TWO), 1)
    assert parse_time(after["acquireTime"]) - parse_time(before["renewTime"]) == pytest.approx(seconds, abs=0.01)


def test_a_scheduler_that_is_asked_to_end_gives_its_lease_back_and_a_manager_does_not(cluster: Cluster) -> None:
    for name in (SCHEDULER, MANAGER):
        cluster.stop(name, on=ONE, gracefully=True)
    released = {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0}
    assert released.items() <= lease(cluster, SCHEDULER).items()
    assert lease(cluster, MANAGER)["holderIdentity"].startswith(ONE)
    assert taken_over(cluster, SCHEDULER, TWO) < 2 * 2.2
    assert leaders(cluster, MANAGER) == []


def test_a_waiting_scheduler_knows_the_pods_and_binds_none(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER, on=ONE)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.advance(10)
    waiting: Any = cluster.components[SCHEDULER]
    assert len(waiting.replicas[TWO]._waiting[0].queue) == 2
    assert cluster.client.list("pods", "default", fields="status.phase=Running") == []
    taken_over(cluster, SCHEDULER, TWO)
    cluster.settle()
    assert len(cluster.client.list("pods", "default", fields="status.phase=Running")) == 2


def test_a_waiting_manager_has_read_nothing_until_it_leads(cluster: Cluster) -> None:
    cluster.stop(MANAGER, on=ONE)
    pods = cluster.store.bucket("pods")
    before = len(pods.all)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.advance(5)
    assert (len(pods.all), cluster.client.list("replicasets", "default")) == (before, [])
    taken_over(cluster, MANAGER, TWO)
    cluster.settle()
    assert len(cluster.client.list("replicasets", "default")) == 1


def test_a_leader_whose_api_server_is_gone_gives_up_and_comes_back_as_a_candidate(cluster: Cluster) -> None:
    cluster.advance(4)
    first = identity(cluster, SCHEDULER, ONE)
    cluster.stop(SERVER, on=ONE)
    cluster.advance(11.5)
    assert leaders(cluster, SCHEDULER) == [ONE]
    cluster.advance(1)
    assert (leaders(cluster, SCHEDULER), str(cluster.replicas(SCHEDULER)).splitlines()[1]) == ([], f"  {ONE}  down")
    assert 0 < taken_over(cluster, SCHEDULER, TWO) < 15
    cluster.start(SERVER, on=ONE)
    cluster.advance(30)
    assert leaders(cluster, SCHEDULER) == [TWO]
    assert identity(cluster, SCHEDULER, ONE) not in ("", first)


def test_a_short_outage_of_its_server_costs_nobody_the_lead_and_no_news(cluster: Cluster) -> None:
    cluster.stop(SERVER, on=ONE)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.advance(8)
    assert cluster.client.list("replicasets", "default") == []
    cluster.start(SERVER, on=ONE)
    cluster.settle()
    assert leaders(cluster, MANAGER) == [ONE]
    assert len(cluster.client.list("pods", "default", fields="status.phase=Running")) == 1


def test_a_lease_that_somebody_else_takes_ends_its_holder(cluster: Cluster) -> None:
    cluster.client.patch(LEASES, SCHEDULER, {"spec": {"holderIdentity": "somebody"}}, "kube-system")
    cluster.advance(13)
    assert leaders(cluster, SCHEDULER) == []
    assert "stopped leading" in told(cluster)[-1][2]
    cluster.advance(10)
    assert len(leaders(cluster, SCHEDULER)) == 1
    assert lease(cluster, SCHEDULER)["leaseTransitions"] == 1


def test_a_scheduler_that_may_nothing_ends_again_and_again_until_it_may(cluster: Cluster) -> None:
    cluster.kubectl(f"delete clusterrolebinding system:{SCHEDULER}")
    cluster.kubectl("create deployment web --image=nginx")
    cluster.advance(30)
    assert leaders(cluster, SCHEDULER) == []
    assert [pod["spec"].get("nodeName") for pod in cluster.client.list("pods", "default")] == [None]
    cluster.kubectl(f"create clusterrolebinding again --clusterrole=system:{SCHEDULER} --user=system:{SCHEDULER}")
    cluster.advance(30)
    assert len(leaders(cluster, SCHEDULER)) == 1
    assert [pod["spec"].get("nodeName") for pod in cluster.client.list("pods", "default")] == ["node-1"]


def test_clocks_that_differ_make_no_difference() -> None:
    cluster = Cluster(1, control_planes=[ControlPlane(ONE, ahead=-3600), ControlPlane(TWO, ahead=3600)])
    cluster.advance(60)
    assert leaders(cluster, SCHEDULER) == [ONE]
    assert lease(cluster, SCHEDULER)["renewTime"].startswith("2025-12-31T23:01:00")
    cluster.stop(SCHEDULER, on=ONE)
    assert 15 <= taken_over(cluster, SCHEDULER, TWO) < 15 + 2 * 2.2


def test_a_clock_that_runs_at_half_the_pace_lets_two_lead_at_once() -> None:
    cluster = Cluster(1, control_planes=[ControlPlane(ONE, rate=0.5), ControlPlane(TWO)])
    cluster.stop(SERVER, on=ONE)
    assert cluster.wait(lambda: leaders(cluster, SCHEDULER) == [ONE, TWO])


def test_clients_go_on_with_the_other_api_server(cluster: Cluster) -> None:
    doors = cluster.replicas(SERVER).replicas
    cluster.stop(SERVER, on=ONE)
    before = doors[ONE].state
    assert "node-1" in cluster.kubectl("get nodes")
    assert "NotReady" not in cluster.kubectl("get nodes")
    cluster.advance(60)
    assert doors[ONE].state == before == "down"
    cluster.stop(SERVER, on=TWO)
    assert "refused" in cluster.kubectl("get nodes")
    with pytest.raises(StatusError, match="connection refused"):
        cluster.client.list("pods")
    cluster.start(SERVER)
    cluster.advance(30)
    assert [len(leaders(cluster, name)) for name in (SCHEDULER, MANAGER)] == [1, 1]


def test_each_api_server_says_that_it_is_there_and_the_others_clear_it_away(cluster: Cluster) -> None:
    selector = "apiserver.kubernetes.io/identity=kube-apiserver"

    def hosts() -> list[str]:
        found = cluster.client.list(LEASES, "kube-system", labels=selector)
        return sorted(each["metadata"]["labels"]["kubernetes.io/hostname"] for each in found)

    def endpoints() -> list[str]:
        slices = cluster.client.get("endpointslices.discovery.k8s.io", "kubernetes", "default")["endpoints"]
        return [address for each in slices for address in each["addresses"]]

    assert (hosts(), endpoints()) == ([ONE, TWO], ["192.168.49.2", "192.168.49.3"])
    cluster.stop(SERVER, on=TWO)
    cluster.advance(26)
    assert (hosts(), endpoints()) == ([ONE, TWO], ["192.168.49.2"])
    for name in (SCHEDULER, MANAGER):
        cluster.stop(name)
    cluster.advance(7200)
    assert (hosts(), endpoints()) == ([ONE], ["192.168.49.2"])


def test_one_machine_elects_itself_and_a_cluster_without_any_elects_nobody() -> None:
    alone = Cluster(1, control_planes=1)
    assert leaders(alone, SCHEDULER) == [ONE]
    assert len(alone.client.list(LEASES, "kube-system")) == 3
    none = Cluster(1)
    assert none.client.list(LEASES, "kube-system") == []
    with pytest.raises(ValueError, match="there is one kube-scheduler only"):
        none.stop(SCHEDULER, on=ONE)


def test_a_replica_is_named_by_its_machine_or_by_its_identity(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER, on=lease(cluster, SCHEDULER)["holderIdentity"])
    assert [each.running for each in cluster.replicas(SCHEDULER).replicas.values()] == [False, True]
    with pytest.raises(ValueError, match="no kube-scheduler runs on nowhere; it does on: control-plane-1, control-"):
        cluster.stop(SCHEDULER, on="nowhere")


def test_without_etcd_nobody_leads_and_afterwards_one_does(cluster: Cluster) -> None:
    cluster.stop("etcd")
    cluster.advance(20)
    assert [leaders(cluster, name) for name in (SCHEDULER, MANAGER)] == [[], []]
    cluster.start("etcd")
    cluster.advance(30)
    assert [len(leaders(cluster, name)) for name in (SCHEDULER, MANAGER)] == [1, 1]


# -- what holds whatever happens -------------------------------------------------------------------------

RUNS = 60 if os.environ.get("K8SNB_PROPERTIES") == "long" else 3


def bindings(cluster: Cluster) -> Iterator[tuple[int, int]]:
    """Who bound a pod (the process whose user it is), and at which revision."""
    for sent in cluster.trace.requests:
        info = sent.request.info
        if info is not None and info.subresource == "binding" and sent.code < 300:
            yield id(sent.request.user), sent.revision


@pytest.mark.parametrize("seed", range(RUNS))
def test_of_replicas_that_come_and_go_only_the_holder_acts_and_one_leads_in_the_end(seed: int) -> None:
    """Clocks run alike here and no process stands still: then the store never sees a write of one that is no holder."""
    draw = Random(seed)
    cluster = Cluster(2, seed=seed, control_planes=3)
    hosts = [*cluster.replicas(SCHEDULER).replicas]
    users: dict[int, str] = {}
    """The machine of each user, for every process has one of its own."""
    too_many = False

    def watched() -> bool:
        nonlocal too_many
        too_many = too_many or any(len(leaders(cluster, name)) > 1 for name in (SCHEDULER, MANAGER))
        return False

    for number in range(40):
        name, host = draw.choice((SERVER, SCHEDULER, MANAGER)), draw.choice(hosts)
        if draw.random() < 0.5:
            cluster.stop(name, on=host, gracefully=draw.random() < 0.5)
        else:
            cluster.start(name, on=host)
        schedulers: Any = cluster.components[SCHEDULER]
        users |= {id(each._process.user): host for host, each in schedulers.replicas.items()}
        cluster.kubectl(f"run pod-{number} --image=nginx")
        cluster.wait(watched, timeout=draw.choice((0.5, 3, 9, 20)))
    for name in (SERVER, SCHEDULER, MANAGER):
        cluster.start(name)
    cluster.wait(watched, timeout=60)
    assert not too_many
    assert [len(leaders(cluster, name)) for name in (SCHEDULER, MANAGER)] == [1, 1]
    pods = cluster.client.list("pods", "default")
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    for user, revision in bindings(cluster):
        then = cluster.at(revision).get(LEASES, SCHEDULER, "kube-system")
        assert then is not None
        assert then["spec"]["holderIdentity"].partition("_")[0] == users[user]
