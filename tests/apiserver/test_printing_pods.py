"""How pods and durations are printed: what `kubectl get pods` shows."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.printing.durations import human_duration, since
from k8snb.clock import EPOCH, rfc3339
from tests.apiserver.printed import (
    DAY,
    HOUR,
    RUNNING,
    YEAR,
    container,
    ended,
    line,
    named,
    pod,
    waiting,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (119, "119s"),
        (119.9999999, "2m"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 61, "3h1m"),
        (8 * HOUR, "8h"),
        (47 * HOUR, "47h"),
        (48 * HOUR, "2d"),
        (49 * HOUR, "2d1h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + DAY, "2y1d"),
        (8 * YEAR, "8y"),
        (9 * YEAR + 30 * DAY, "9y"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_a_missing_time_is_unknown() -> None:
    assert since(None, EPOCH) == "<unknown>"


def test_a_running_pod_counts_its_ready_containers() -> None:
    obj = pod(container(RUNNING), container({"running": {}}, ready=False), podIP="10.0.0.1")
    obj["spec"]["nodeName"] = "node-1"
    assert named("v1", "Pod", obj) == {
        "Name": "web",
        "Ready": "1/2",
        "Status": "Running",
        "Restarts": "0",
        "Age": "60s",
        "IP": "10.0.0.1",
        "Node": "node-1",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }


def test_the_first_container_that_waits_or_has_ended_gives_the_pod_its_status() -> None:
    assert line(pod(container(waiting("ImagePullBackOff")), container(waiting("CrashLoopBackOff"))))[1] == (
        "ImagePullBackOff"
    )
    assert line(pod(container(ended(137, "OOMKilled")), phase="Failed"))[1] == "OOMKilled"
    assert line(pod(container(ended(3)), phase="Failed"))[1] == "ExitCode:3"
    assert line(pod(container(ended(0, signal=9)), phase="Failed"))[1] == "Signal:9"


def test_restarts_say_when_the_last_one_was() -> None:
    last = {"terminated": {"finishedAt": rfc3339(EPOCH + 50)}}
    assert line(pod(container(RUNNING, restarts=3, lastState=last))) == ["1/1", "Running", "3 (10s ago)"]


def test_a_pod_with_one_container_left_running_is_not_completed() -> None:
    done, ready = container(ended(0, "Completed")), [{"type": "Ready", "status": "True"}]
    assert line(pod(done, container(RUNNING)))[1] == "NotReady"
    assert line(pod(done, container(RUNNING), conditions=ready))[1] == "Running"
    assert line(pod(done, phase="Succeeded"))[:2] == ["0/1", "Completed"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (RUNNING, "Init:0/1"),
        (waiting("PodInitializing"), "Init:0/1"),
        (waiting("CrashLoopBackOff"), "Init:CrashLoopBackOff"),
        (ended(1, "Error"), "Init:Error"),
        (ended(2), "Init:ExitCode:2"),
        (ended(0, "Completed"), "PodInitializing"),
    ],
)
def test_an_init_container_in_the_way_gives_the_pod_its_status(state: dict[str, Any], status: str) -> None:
    obj = pod(
        container(waiting("PodInitializing")),
        spec={"initContainers": [{"name": "i"}]},
        phase="Pending",
        initContainerStatuses=[container(state, name="i", ready=False)],
    )
    assert line(obj)[1] == status


def test_a_sidecar_counts_among_the_containers_and_its_restarts_stay() -> None:
    sidecar = container(RUNNING, name="s", restarts=2, started=True)
    obj = pod(
        container(RUNNING, restarts=1),
        spec={"initContainers": [{"name": "s", "restartPolicy": "Always"}]},
        initContainerStatuses=[sidecar],
    )
    assert line(obj) == ["2/2", "Running", "3"]


def test_restarts_of_finished_init_containers_are_forgotten() -> None:
    obj = pod(
        container(RUNNING),
        spec={"initContainers": [{"name": "i"}]},
        initContainerStatuses=[container(ended(0, "Completed"), name="i", restarts=4)],
    )
    assert line(obj) == ["1/1", "Running", "0"]


def test_a_deleted_pod_is_terminating_until_it_has_ended() -> None:
    gone = {"deletionTimestamp": rfc3339(EPOCH)}
    assert line(pod(container(RUNNING), meta=gone))[1] == "Terminating"
    assert line(pod(container(ended(0, "Completed")), meta=gone, phase="Succeeded"))[1] == "Completed"
    assert line(pod(container(RUNNING), meta=gone, reason="NodeLost"))[1] == "Unknown"


def test_a_gated_pod_says_so_and_an_evicted_one_too() -> None:
    gated = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    assert line(pod(phase="Pending", conditions=gated)) == ["0/1", "SchedulingGated", "0"]
    assert line(pod(phase="Failed", reason="Evicted"))[1] == "Evicted"


def test_readiness_gates_are_counted() -> None:
    gates = {"readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]}
    obj = pod(container(RUNNING), spec=gates, conditions=[{"type": "a", "status": "True"}])
    assert named("v1", "Pod", obj)["Readiness Gates"] == "1/2"
