"""Parts of the control plane that are killed and started again: what goes on without them, and what waits for them."""

from __future__ import annotations

from typing import Any

import kubernetes
import pytest
from urllib3.exceptions import MaxRetryError

from k8snb import Cluster
from k8snb.errors import Unreachable
from k8snb.machinery.objects import condition

SCHEDULER, MANAGER = "kube-scheduler", "kube-controller-manager"


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(2, seed=1)
    made.kubectl("create deployment web --image=nginx --replicas=2")
    made.kubectl("expose deployment web --port=80")
    made.settle()
    return made


def phases(cluster: Cluster) -> list[tuple[str, bool]]:
    """Of each pod its phase, and whether it has a node."""
    pods = cluster.client.list("pods", "default")
    return sorted((pod["status"]["phase"], "nodeName" in pod["spec"]) for pod in pods)


def watchers(cluster: Cluster) -> dict[str, int]:
    """How many listen to each bucket."""
    buckets = cluster.store.buckets().items()
    counts = {name: len(b.all) + sum(map(len, b.by_namespace.values())) + len(b.by_trigger) for name, b in buckets}
    return {name: count for name, count in counts.items() if count}


def test_without_a_scheduler_new_pods_wait_and_the_others_go_on(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.settle()
    assert phases(cluster) == [("Pending", False), ("Running", True), ("Running", True)]
    waiting = next(pod for pod in cluster.client.list("pods", "default") if pod["status"]["phase"] == "Pending")
    assert "conditions" not in waiting["status"], "nobody has tried"
    assert "Welcome to nginx" in cluster.kubectl("exec deploy/web -- curl -s web")
    cluster.start(SCHEDULER)
    cluster.settle()
    assert [each for each in phases(cluster) if each != ("Running", True)] == []


def test_without_a_controller_manager_nothing_is_replaced_and_nothing_is_rolled_out(cluster: Cluster) -> None:
    cluster.stop(MANAGER)
    victim = cluster.client.list("pods", "default")[0]["metadata"]["name"]
    cluster.kubectl(f"delete pod {victim}")
    cluster.kubectl("create deployment late --image=nginx")
    cluster.advance(600)
    assert phases(cluster) == [("Running", True)]
    assert cluster.client.list("replicasets", "default", labels="app=late") == []
    cluster.start(MANAGER)
    cluster.settle()
    assert phases(cluster) == [("Running", True)] * 3


def test_a_lost_node_is_found_out_by_the_manager_that_comes_back(cluster: Cluster) -> None:
    cluster.stop(MANAGER)
    cluster.stop_kubelet("node-1")
    cluster.advance(120)

    def ready() -> str:
        conditions = cluster.client.get("nodes", "node-1")["status"]["conditions"]
        return next(each["status"] for each in conditions if each["type"] == "Ready")

    assert ready() == "True"
    cluster.start(MANAGER)
    cluster.advance(60)
    assert ready() == "Unknown"


@pytest.mark.parametrize("name", [SCHEDULER, MANAGER])
def test_a_process_that_ends_leaves_no_watches_and_no_timers_behind(cluster: Cluster, name: str) -> None:
    def state() -> tuple[Any, ...]:
        calls = [timer.call for *_, timer in cluster.clock._timers if timer.call is not None]
        return watchers(cluster), sorted(call.__qualname__ for call in calls if "Leased.of" not in call.__qualname__)

    cluster.advance(60)
    cluster.stop(name)
    cluster.advance(60)
    after_one = state()
    for _ in range(3):
        cluster.start(name)
        cluster.settle()
        cluster.stop(name)
        cluster.advance(60)
    assert state() == after_one


def test_stopping_twice_and_starting_twice_changes_nothing(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    cluster.stop(SCHEDULER)
    cluster.start(SCHEDULER)
    cluster.start(SCHEDULER)
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.settle()
    assert phases(cluster) == [("Running", True)] * 3


def test_a_fork_lacks_what_was_stopped_too(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    fork = cluster.fork()
    fork.kubectl("scale deployment web --replicas=3")
    fork.settle()
    assert ("Pending", False) in phases(fork)
    cluster.start(SCHEDULER)
    assert [fork.components[SCHEDULER].running, cluster.components[SCHEDULER].running] == [False, True]


def test_the_health_of_the_components_says_who_is_down(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    rows = [line.split(maxsplit=2) for line in cluster.kubectl("get componentstatuses").splitlines()[-3:]]
    refused = 'Get "https://127.0.0.1:10259/healthz": dial tcp 127.0.0.1:10259: connect: connection refused'
    assert {name: (status, message.strip()) for name, status, message in rows} == {
        "controller-manager": ("Healthy", "ok"),
        "scheduler": ("Unhealthy", refused),
        "etcd-0": ("Healthy", "ok"),
    }


# -- the API server ------------------------------------------------------------------------------------

SERVER, ETCD = "kube-apiserver", "etcd"


def containers(cluster: Cluster) -> list[int]:
    """How often each container of the pods was restarted, as the API says."""
    pods = cluster.client.list("pods", "default")
    return [status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]]


def test_without_an_api_server_nobody_gets_an_answer_and_the_pods_go_on(cluster: Cluster) -> None:
    address = cluster.client.get("services", "web", "default")["spec"]["clusterIP"]
    before = cluster.revision
    cluster.stop(SERVER)
    refused = "The connection to the server 10.96.0.1:443 was refused - did you specify the right host or port?\n"
    assert cluster.kubectl("get pods") == cluster.kubectl("create namespace late") == refused
    with pytest.raises(Unreachable, match=r"dial tcp 192\.168\.49\.2:6443: connect: connection refused"):
        cluster.client.list("pods")
    with pytest.raises(MaxRetryError):
        kubernetes.client.CoreV1Api(cluster.api_client).list_node()
    cluster.advance(300)
    assert cluster.revision == before
    assert "Welcome to nginx" in cluster.network.fetch("172.18.0.2", f"http://{address}/").response.body
    cluster.start(SERVER)
    cluster.advance(20)
    assert phases(cluster) == [("Running", True)] * 2
    assert {condition(node, "Ready")["status"] for node in cluster.client.list("nodes")} == {"True"}


def test_a_kubelet_restarts_containers_without_an_api_server_and_tells_of_it_later(cluster: Cluster) -> None:
    cluster.kubectl("run flaky --image=busybox -- sh -c 'sleep 60; exit 1'")
    cluster.advance(10)
    cluster.stop(SERVER)
    cluster.advance(60)
    back = cluster.clock.timestamp()
    cluster.start(SERVER)
    cluster.advance(12)
    flaky = cluster.client.get("pods", "flaky", "default")["status"]["containerStatuses"][0]
    assert flaky["restartCount"] == 1
    assert flaky["state"]["running"]["startedAt"] < back


def test_the_others_of_the_control_plane_come_back_with_the_api_server_unless_they_were_stopped(
    cluster: Cluster,
) -> None:
    cluster.stop(SCHEDULER)
    cluster.stop(SERVER)
    running = {name: each.running for name, each in cluster.components.items()}
    assert {name for name, each in running.items() if not each} == {SERVER, MANAGER, SCHEDULER}
    cluster.start(SERVER)
    assert {name for name, each in cluster.components.items() if not each.running} == {SCHEDULER}
    cluster.stop(SERVER)
    cluster.start(SCHEDULER)
    assert not cluster.components[SCHEDULER].running
    cluster.start(SERVER)
    assert all(each.running for each in cluster.components.values())


def test_what_was_asked_for_before_the_api_server_fell_is_done_after_it(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=4")
    cluster.stop(SERVER)
    cluster.settle()
    cluster.start(SERVER)
    cluster.settle()
    assert phases(cluster) == [("Running", True)] * 4
    assert cluster.server.panics == []


def test_a_component_that_may_not_read_comes_back_when_an_api_server_has_restored_its_rights(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    cluster.kubectl("delete clusterrolebinding system:kube-scheduler")
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.start(SCHEDULER)
    cluster.advance(20)
    assert not cluster.components[SCHEDULER].running
    cluster.stop(SERVER)
    cluster.start(SERVER)
    cluster.advance(20)
    assert phases(cluster) == [("Running", True)] * 3


# -- what is no part of the control plane ----------------------------------------------------------------


def test_without_cluster_dns_names_mean_nothing_and_addresses_still_do(cluster: Cluster) -> None:
    address = cluster.client.get("services", "web", "default")["spec"]["clusterIP"]
    cluster.kubectl("run shell --image=busybox -- sleep 3600")
    cluster.settle()
    cluster.stop("coredns")
    assert "bad address 'web'" in cluster.kubectl("exec shell -- wget -qO- web")
    asked = cluster.kubectl("exec shell -- nslookup web.default.svc.cluster.local.")
    assert asked.startswith(";; connection timed out; no servers could be reached\n")
    assert "Welcome to nginx" in cluster.kubectl(f"exec shell -- wget -qO- {address}")
    cluster.start("coredns")
    assert "Welcome to nginx" in cluster.kubectl("exec shell -- wget -qO- web")


def test_a_kubelet_that_is_gone_shows_no_logs_and_runs_no_commands(cluster: Cluster) -> None:
    pod = cluster.client.list("pods", "default")[0]
    name, node, ip = pod["metadata"]["name"], pod["spec"]["nodeName"], pod["status"]["hostIP"]
    cluster.stop("kubelet", on=node)
    refused = f"dial tcp {ip}:10250: connect: connection refused"
    url = f"https://{ip}:10250/containerLogs/default/{name}/nginx"
    assert cluster.kubectl(f"logs {name}") == f'Error from server: Get "{url}": {refused}\n'
    assert cluster.kubectl(f"exec {name} -- date") == f"Error from server: error dialing backend: {refused}\n"


def test_every_process_is_listed_and_drawn_as_it_is(cluster: Cluster) -> None:
    cluster.stop(SCHEDULER)
    cluster.stop("kube-proxy", on="node-2")
    rows = [line.split() for line in str(cluster.processes()).splitlines()]
    assert rows == [
        *([SERVER, "running"], [MANAGER, "running"], [SCHEDULER, "down"], ["coredns", "running"], ["etcd", "running"]),
        *(["kubelet", "node-1", "running"], ["kube-proxy", "node-1", "running"]),
        *(["kubelet", "node-2", "running"], ["kube-proxy", "node-2", "down"]),
    ]
    drawn = str(cluster.diagram("control-plane"))
    assert [line.strip() for line in drawn.splitlines() if "✕" in line] == [
        "✕ Component kube-scheduler in: control plane: down, 20 plugins",
        "✕ Component kube-proxy on node-2: down",
    ]


def test_of_several_the_picture_shows_who_leads() -> None:
    cluster = Cluster(1, control_planes=2)
    cluster.stop(SCHEDULER, on="control-plane-1")
    cluster.advance(20)
    marked = [
        line.split("Component ")[1] for line in str(cluster.diagram("control-plane")).splitlines() if ": leads" in line
    ]
    assert marked == ["kube-controller-manager in: control-plane-1: leads", "kube-scheduler in: control-plane-2: leads"]
