"""What a kubelet did for a pod: its probes as bars over time, and its decisions as a table."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.view import theme

POD = """
apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox:1.36
    command: [sh, -c, "sleep 12; touch /tmp/up; sleep 100000"]
    startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 5, failureThreshold: 6}
    livenessProbe: {exec: {command: [test, "!", -e, /tmp/stuck]}, periodSeconds: 5, failureThreshold: 3}
    readinessProbe: {exec: {command: [test, "!", -e, /tmp/busy]}, periodSeconds: 5, failureThreshold: 1}
"""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("apply -f -", POD)
    cluster.advance(40)
    for command, seconds in (("touch /tmp/busy", 20), ("rm /tmp/busy", 20), ("touch /tmp/stuck", 60)):
        cluster.kubectl(f"exec slow -- {command}")
        cluster.advance(seconds)
    return cluster


TIMELINE = """\
The probes of slow, 2 min 20 s
Container app    +0.0 s ContainerCreating, +1.7 s running, not started, +16.7 s running, \
+1 min 37 s running, not started, +1 min 52 s running
Probe startup    +1.7 s fails, +16.7 s succeeds, +1 min 37 s fails, +1 min 52 s succeeds
Probe liveness   +16.7 s succeeds, +1 min 21 s fails, +1 min 52 s succeeds
Probe readiness  +16.7 s succeeds, +41.7 s fails, +1 min 01 s succeeds, +1 min 52 s succeeds
Pod slow         +0.0 s not Ready, +16.7 s Ready, +41.7 s not Ready, +1 min 01 s Ready, \
+1 min 37 s not Ready, +1 min 52 s Ready"""


def test_each_answer_of_a_probe_stands_where_it_was_given(cluster: Cluster) -> None:
    found = cluster.probes("slow")
    assert str(found) == TIMELINE
    assert {each.state for bar in found.bars for each in bar.stretches} <= set(theme.STATES)
    assert found.svg().count("<svg") == 2
    assert ">Pod slow</text>" in found.svg()


KILLED = """\
+1 min 31 s  saw      probe (from a probe)
             decided  stage of the container: Running → Stopping
                      A probe failed too often, or the spec changed.
             runtime  ExecSync, StopContainer
             API      patch Event, create Event
+1 min 36 s  saw      exited (from the runtime, by the PLEG)
             decided  stage of the container: Configuring → Starting
                      Everything the container needs is there.
             runtime  CreateContainer
             API      create Event, patch Event"""


def test_a_kubelet_tells_what_it_saw_decided_and_did(cluster: Cluster) -> None:
    told = cluster.syncs("slow")
    assert KILLED in repr(told)
    assert [round(each.time, 1) for each in told if "StartContainer" in each.calls] == [1.7, 97.2]
    assert len(cluster.syncs("slow", idle=True)) > len(told)


def test_a_pod_that_is_not_there_has_neither(cluster: Cluster) -> None:
    for ask in (cluster.probes, cluster.syncs):
        with pytest.raises(StatusError, match="not found"):
            ask("ghost")
