"""A whole cluster: the same on every run, moved by waiting alone, steppable, rewindable."""

from __future__ import annotations

import gc
from typing import Any

import orjson
import pytest

from k8snb import Cluster, NodeSpec
from k8snb.collector import SELDOM
from k8snb.machinery.objects import is_true
from k8snb.store.mvcc import Compacted


def deployment(name: str, replicas: int, image: str = "nginx:1.27") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def with_web(replicas: int = 3, **options: Any) -> Cluster:
    cluster = Cluster(**options)
    cluster.client.create("deployments", deployment("web", replicas), "default")
    cluster.settle()
    return cluster


def phases(cluster: Cluster) -> list[str]:
    return [pod["status"]["phase"] for pod in cluster.client.list("pods", "default")]


def everything(cluster: Cluster) -> bytes:
    """All objects of the cluster as bytes."""
    buckets = cluster.store.buckets()
    return orjson.dumps({name: cluster.store.scan(bucket) for name, bucket in sorted(buckets.items())})


def test_a_new_cluster_has_ready_nodes_and_the_four_namespaces() -> None:
    cluster = Cluster(nodes=3, seed=1)
    names = [each["metadata"]["name"] for each in cluster.client.list("namespaces")]
    ready = [is_true(node, "Ready") for node in cluster.client.list("nodes")]
    assert (names, ready) == (["default", "kube-node-lease", "kube-public", "kube-system"], [True] * 3)


def test_nodes_can_be_described() -> None:
    cluster = Cluster(nodes=[NodeSpec("big", cpu="64", memory="256Gi", labels={"disk": "ssd"})])
    node = cluster.client.get("nodes", "big")
    assert (node["status"]["capacity"]["cpu"], node["metadata"]["labels"]["disk"]) == ("64", "ssd")


def test_a_deployment_becomes_running_pods() -> None:
    assert phases(with_web(3)) == ["Running"] * 3


def test_nothing_happens_until_somebody_waits() -> None:
    cluster = Cluster()
    before = cluster.clock.now()
    cluster.client.create("deployments", deployment("web", 3), "default")
    assert (cluster.client.list("pods", "default"), cluster.clock.now()) == ([], before)


def test_the_same_program_gives_the_same_bytes() -> None:
    assert everything(with_web(4, seed=7)) == everything(with_web(4, seed=7))


def test_another_seed_gives_other_names() -> None:
    def names(seed: int) -> list[str]:
        return [pod["metadata"]["name"] for pod in with_web(2, seed=seed).client.list("pods", "default")]

    assert names(1) != names(2)


def test_no_part_of_the_cluster_changes_an_object_in_place() -> None:
    cluster = with_web(3, debug=True)
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 1}}, "default")
    cluster.settle()
    cluster.client.delete("deployments", "web", "default")
    cluster.settle()
    assert (cluster.store.verify(), cluster.server.panics) == ([], [])


def test_a_longer_turn_reaches_the_same_state() -> None:
    def outcome(quantum: int) -> tuple[list[str], Any]:
        cluster = with_web(5, quantum=quantum)
        return phases(cluster), cluster.client.get("deployments", "web", "default")["status"]["readyReplicas"]

    assert outcome(1) == outcome(64)


def test_a_snapshot_shows_the_cluster_as_it_was() -> None:
    cluster = with_web(3)
    at = cluster.revision
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 0}}, "default")
    cluster.settle()
    assert (len(cluster.at(at).list("pods", "default")), len(cluster.client.list("pods", "default"))) == (3, 0)


def test_a_snapshot_of_a_compacted_revision_is_refused() -> None:
    cluster = with_web(1)
    cluster.store.compact(cluster.revision - 1)
    with pytest.raises(Compacted):
        cluster.at(2)


def test_steps_are_reconciles_in_the_order_in_which_they_cause_each_other() -> None:
    cluster = Cluster()
    cluster.pause()
    cluster.client.create("deployments", deployment("web", 1), "default")
    acted = dict.fromkeys(span.component for span in iter(cluster.step, None) if span.requests)
    order = ["deployment-controller", "replicaset-controller", "scheduler"]
    assert [component for component in acted if component in order] == order


def test_stepping_to_the_end_is_the_same_as_letting_it_run() -> None:
    stepped = Cluster()
    stepped.client.create("deployments", deployment("web", 2), "default")
    while stepped.step() is not None:
        pass
    assert [p["metadata"]["name"] for p in stepped.client.list("pods", "default")] == [
        p["metadata"]["name"] for p in with_web(2).client.list("pods", "default")
    ]


def test_a_paused_cluster_stands_still() -> None:
    cluster = Cluster()
    cluster.pause()
    cluster.client.create("deployments", deployment("web", 1), "default")
    assert (cluster.settle(), cluster.client.list("pods", "default")) == (0.0, [])
    cluster.resume()
    cluster.settle()
    assert phases(cluster) == ["Running"]


def test_a_fork_has_the_same_past_and_its_own_future() -> None:
    cluster = with_web(2)
    twin = cluster.fork()
    assert everything(twin) == everything(cluster)
    twin.client.patch("deployments", "web", {"spec": {"replicas": 5}}, "default")
    twin.settle()
    assert (len(phases(cluster)), len(phases(twin))) == (2, 5)


def test_rewinding_undoes_what_happened_since() -> None:
    cluster = with_web(2)
    at = cluster.revision
    before = everything(cluster)
    cluster.client.delete("deployments", "web", "default")
    cluster.settle()
    cluster.rewind(at)
    assert everything(cluster) == before


def test_a_rewound_cluster_goes_on_from_there() -> None:
    cluster = with_web(2)
    at = cluster.revision
    cluster.client.delete("deployments", "web", "default")
    cluster.settle()
    cluster.rewind(at)
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 3}}, "default")
    cluster.settle()
    assert phases(cluster) == ["Running"] * 3


def test_a_cluster_can_be_rewound_into_the_middle_of_a_rollout_and_finish_it() -> None:
    cluster = with_web(3)
    cluster.rewind(cluster.revision - 12)
    assert phases(cluster) != ["Running"] * 3
    cluster.settle()
    assert phases(cluster) == ["Running"] * 3


def test_every_reconcile_names_the_revision_that_caused_it_and_the_requests_it_sent() -> None:
    cluster = with_web(2)
    span = next(s for s in cluster.trace.spans if s.component == "replicaset-controller" and s.requests)
    cause = next(s for s in cluster.trace.requests if s.revision == span.cause)
    sent = [s.request.path for s in span.requests if s.request.path.endswith("/pods")]
    assert cause.request.path == "/apis/apps/v1/namespaces/default/replicasets"
    assert sent == ["/api/v1/namespaces/default/pods"] * 2


def test_waiting_ends_when_the_condition_holds() -> None:
    cluster = Cluster()
    cluster.client.create("deployments", deployment("web", 1), "default")
    began = cluster.clock.now()
    assert cluster.wait(lambda: phases(cluster) == ["Running"], timeout=60)
    assert cluster.clock.now() - began < 10


def test_python_looks_for_cycles_seldom_while_a_cluster_runs_and_as_before_afterwards() -> None:
    cluster, before, seen = Cluster(), gc.get_threshold(), []
    cluster.clock.call_later(1, lambda: seen.append(gc.get_threshold()))
    cluster.advance(2)
    assert (seen, gc.get_threshold()) == ([SELDOM], before)


def test_a_condition_that_has_held_is_not_asked_again() -> None:
    cluster = Cluster(nodes=1)
    stream = cluster.client.watch("pods", "default")
    cluster.kubectl("run web --image=nginx")
    assert cluster.wait(lambda: stream.next() is not None and len(stream) == 0, timeout=1)


def test_waiting_gives_up_when_the_time_is_over() -> None:
    cluster = Cluster()
    began = cluster.clock.now()
    assert (cluster.wait(lambda: False, timeout=5), cluster.clock.now() - began) == (False, 5.0)


def test_a_lost_node_is_noticed_and_its_pods_are_replaced() -> None:
    cluster = with_web(3)
    victim = cluster.client.list("pods", "default")[0]["spec"]["nodeName"]
    cluster.stop_kubelet(victim)
    cluster.advance(60)
    reasons = [c["reason"] for c in cluster.client.get("nodes", victim)["status"]["conditions"] if c["type"] == "Ready"]
    cluster.advance(400)
    alive = [p for p in cluster.client.list("pods", "default") if "deletionTimestamp" not in p["metadata"]]
    assert (reasons, len(alive), victim in {p["spec"]["nodeName"] for p in alive}) == (["NodeStatusUnknown"], 3, False)


def test_servers_of_other_apis_can_read_by_whom_clients_are_known() -> None:
    cluster = Cluster(nodes=0)
    reader = "auth can-i get configmaps/extension-apiserver-authentication -n kube-system --as=system:kube-scheduler"
    assert cluster.kubectl(reader) == "yes\n"
    root = cluster.client.get("configmaps", "kube-root-ca.crt", "default")["data"]["ca.crt"]
    data = cluster.client.get("configmaps", "extension-apiserver-authentication", "kube-system")["data"]
    assert (data["client-ca-file"], data["requestheader-username-headers"]) == (root, '["X-Remote-User"]')
