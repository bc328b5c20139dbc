"""The exercises of the page on DaemonSets: each verdict names the step that is missing."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab import daemons
from tests.book.conftest import ROOT
from tests.lab.repairs import after, missing

SPEC = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: disk-monitor}
spec:
  selector: {matchLabels: {app: disk-monitor}}
  template:
    metadata: {labels: {app: disk-monitor}}
    spec:
      nodeSelector: {disktype: ssd}
      containers: [{name: monitor, image: 'busybox:1.36', command: [sleep, infinity]}]
"""
COLLECTOR = "fluentd-elasticsearch"
UPDATE = f"set image -n kube-system daemonset/{COLLECTOR} {COLLECTOR}={daemons.COLLECTOR}"


@pytest.fixture
def monitored() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("taint node node-3 dedicated=batch:NoSchedule")
    cluster.kubectl("apply -f -", SPEC)
    return after(cluster, "label node node-2 disktype=ssd")


@pytest.fixture
def collected() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    return after(cluster, f"apply -f {ROOT / 'manifests' / 'workloads' / 'daemonset.yaml'}")


def patched(cluster: Cluster, **template: object) -> Cluster:
    patch = {"spec": {"template": {"spec": template}}}
    cluster.client.patch("daemonsets.apps", "disk-monitor", patch, "default")
    cluster.settle()
    return cluster


def test_labels_alone_do_not_open_a_reserved_node(monitored: Cluster) -> None:
    after(monitored, "label nodes --all --overwrite disktype=ssd")
    assert missing(daemons.check_everywhere(monitored)).endswith("nodes without one that is ready is node-3")


def test_opening_the_node_to_all_is_no_solution(monitored: Cluster) -> None:
    after(monitored, "label nodes --all --overwrite disktype=ssd", "taint node node-3 dedicated-")
    assert missing(daemons.check_everywhere(monitored)).startswith("node-3 is still reserved")


def test_a_daemon_that_tolerates_everything_is_everywhere(monitored: Cluster) -> None:
    assert daemons.check_everywhere(patched(monitored, nodeSelector=None, tolerations=[{"operator": "Exists"}]))


def test_an_update_one_node_at_a_time_leaves_gaps(collected: Cluster) -> None:
    assert missing(daemons.check_seamless(after(collected, UPDATE))).endswith("maxUnavailable is 1")


def test_a_surge_closes_them(collected: Cluster) -> None:
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    patch = {"spec": {"updateStrategy": {"rollingUpdate": rolling}}}
    collected.client.patch("daemonsets.apps", COLLECTOR, patch, "kube-system")
    assert missing(daemons.check_seamless(collected)).endswith("fluentd:v5.0.1")
    assert daemons.check_seamless(after(collected, UPDATE))
