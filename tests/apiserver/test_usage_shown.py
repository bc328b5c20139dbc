"""The use of pods and nodes as kubectl shows it, and what a kubelet says on its own port."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from tests.controllers.world import deployment
from tests.kubelet.pods import pod, sh


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(2, seed=1)
    made.client.create("deployments", deployment(replicas=2))
    made.settle()
    made.advance(30)
    return made


def test_the_tables_of_both_are_those_of_a_metrics_server(cluster: Cluster) -> None:
    assert cluster.kubectl("get nodes.metrics.k8s.io").splitlines() == [
        "NAME     CPU   MEMORY   WINDOW", "node-1   51m   393Mi    15s", "node-2   51m   393Mi    15s",
    ]  # fmt: skip
    assert [line.split()[1:] for line in cluster.kubectl("get podmetrics").splitlines()[1:]] == [
        ["1m", "9Mi", "15s"]
    ] * 2


def test_both_are_explained(cluster: Cluster) -> None:
    told = cluster.kubectl("explain podmetrics.containers")
    assert told.startswith("GROUP:      metrics.k8s.io\nKIND:       PodMetrics\nVERSION:    v1beta1\n\n")
    assert [line.split()[0] for line in told.splitlines() if "-required-" in line] == ["name", "usage"]


def port(cluster: Cluster, path: str) -> str:
    return cluster.kubectl(f"get --raw /api/v1/nodes/node-1/proxy/{path}")


def test_a_kubelet_is_well_and_shows_its_settings(cluster: Cluster) -> None:
    assert [port(cluster, path) for path in ("healthz", "healthz/ping", "healthz/syncloop")] == ["ok"] * 3
    settings: Any = json.loads(port(cluster, "configz"))["kubeletconfig"]
    assert (settings["maxPods"], settings["port"], settings["clusterDNS"]) == (110, 10250, ["10.96.0.10"])


def test_a_kubelet_sums_up_what_is_used(cluster: Cluster) -> None:
    told: Any = json.loads(port(cluster, "stats/summary"))
    assert (told["node"]["nodeName"], told["node"]["cpu"]["usageNanoCores"]) == ("node-1", 51_000_000)
    (of_pod,) = told["pods"]
    assert [(each["name"], each["cpu"]["usageNanoCores"]) for each in of_pod["containers"]] == [("web", 1_000_000)]
    assert of_pod["memory"]["workingSetBytes"] == 9 * 1024**2


def test_a_kubelet_counts_what_runs(cluster: Cluster) -> None:
    lines = port(cluster, "metrics").splitlines()
    assert {"kubelet_running_pods 1", 'kubelet_node_name{node="node-1"} 1'} <= set(lines)
    used = [line for line in port(cluster, "metrics/resource").splitlines() if "working_set_bytes{" in line]
    assert [line.split()[1] for line in used] == [str(9 * 1024**2)]


def test_the_logs_of_pods_are_files_below_a_kubelet(cluster: Cluster) -> None:
    cluster.client.create("pods", pod(sh("echo hello; sleep 10000", "talks"), nodeName="node-1"))
    cluster.settle()
    place = f"logs/pods/default_p_{cluster.client.get('pods', 'p', 'default')['metadata']['uid']}"
    assert '<a href="pods/">pods/</a>' in port(cluster, "logs/")
    assert '<a href="talks/">talks/</a>' in port(cluster, place)
    assert '<a href="0.log">0.log</a>' in port(cluster, f"{place}/talks/")
    assert port(cluster, f"{place}/talks/0.log").endswith("Z stdout F hello\n")
    assert "could not find the requested resource" in port(cluster, "logs/nope")
