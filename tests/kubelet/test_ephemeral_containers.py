"""Ephemeral containers: what `kubectl debug` adds to a pod that is there."""

from __future__ import annotations

from typing import Any

from k8snb.typing import Object
from tests.kubelet.pods import Here, container, pod, sh


def debugged(here: Here, script: str = "sleep 100000", name: str = "debugger", **fields: Any) -> None:
    """Add an ephemeral container to the pod."""
    added = [*here.get()["spec"].get("ephemeralContainers", ()), sh(script, name, **fields)]
    patch = {"spec": {"ephemeralContainers": added}}
    here.cluster.client.patch("pods", "p", patch, "default", subresource="ephemeralcontainers")
    here.cluster.settle()


def statuses(here: Here) -> list[Object]:
    found: list[Object] = here.get()["status"]["ephemeralContainerStatuses"]
    return found


def test_an_ephemeral_container_starts_in_a_pod_that_runs_and_is_never_ready() -> None:
    here = Here(pod(container("main", "nginx")))
    before = here.get()["status"]
    debugged(here)
    (status,) = statuses(here)
    assert list(status["state"]) == ["running"]
    assert {k: status[k] for k in ("name", "ready", "restartCount", "lastState")} == {
        "name": "debugger", "ready": False, "restartCount": 0, "lastState": {},
    }  # fmt: skip
    assert "started" not in status
    after = here.get()["status"]
    kept = ("phase", "containerStatuses", "startTime", "podIP")
    assert [after[k] for k in kept] == [before[k] for k in kept]
    assert here.condition("Ready")["status"] == "True"


def test_its_events_name_its_place_in_the_spec() -> None:
    here = Here(pod(container("main", "nginx")))
    debugged(here)
    found = here.cluster.client.list("events", "default", fields="involvedObject.name=p")
    field = "spec.ephemeralContainers{debugger}"
    said = [e["reason"] for e in found if e["involvedObject"].get("fieldPath") == field]
    assert said == ["Pulling", "Pulled", "Created", "Started"]


def test_it_is_not_restarted_when_it_ends_and_the_pod_goes_on() -> None:
    here = Here(pod(container("main", "nginx")))
    debugged(here, "echo looked around; exit 3")
    here.cluster.advance(200)
    (status,) = statuses(here)
    assert status["state"]["terminated"]["exitCode"] == 3
    assert (status["restartCount"], here.phase, here.condition("Ready")["status"]) == (0, "Running", "True")
    assert here.log("debugger") == "looked around\n"


def test_a_pod_does_not_wait_for_it_to_end() -> None:
    here = Here(pod(sh("sleep 30"), restartPolicy="Never"), settle=False)
    here.cluster.advance(10)
    debugged(here)
    here.cluster.advance(100)
    assert here.phase == "Succeeded"
    assert statuses(here)[0]["state"]["terminated"]["exitCode"] == 137


def test_it_is_killed_with_its_pod() -> None:
    here = Here(pod(container("main", "nginx")))
    debugged(here)
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.advance(60)
    assert here.gone()
    assert "Killing: Stopping container debugger" in here.events()


def test_it_runs_although_the_pod_is_still_initialized() -> None:
    here = Here(pod(container("main", "nginx"), initContainers=[sh("sleep 1000", "wait")]), settle=False)
    here.cluster.advance(10)
    patch = {"spec": {"ephemeralContainers": [sh("sleep 1000", "debugger")]}}
    here.cluster.client.patch("pods", "p", patch, "default", subresource="ephemeralcontainers")
    here.cluster.advance(10)
    assert "running" in statuses(here)[0]["state"]
    assert here.phase == "Pending"


def test_further_ones_start_beside_it() -> None:
    here = Here(pod(container("main", "nginx")))
    debugged(here)
    debugged(here, name="another")
    assert [(s["name"], list(s["state"])) for s in statuses(here)] == [
        ("debugger", ["running"]), ("another", ["running"]),
    ]  # fmt: skip


def test_one_that_is_added_while_the_status_is_written_is_not_overlooked() -> None:
    here = Here(pod(container("main", "nginx")))
    for number in range(3):
        patch = {"spec": {"ephemeralContainers": [sh("sleep 100000", f"d{i}") for i in range(number + 1)]}}
        here.cluster.client.patch("pods", "p", patch, "default", subresource="ephemeralcontainers")
        here.cluster.client.patch("pods", "p", {"status": {"podIP": "9.9.9.9"}}, "default", subresource="status")
        here.cluster.advance(0.5)
    here.cluster.settle()
    assert [list(each["state"]) for each in statuses(here)] == [["running"]] * 3


def processes(here: Here, name: str) -> list[str]:
    """What `ps` prints in a container, without its head."""
    told = here.cluster.kubectl(f"exec p -c {name} -- ps")
    return [" ".join(line.split()) for line in told.splitlines()[1:]]


def test_it_sees_the_processes_of_the_container_that_it_looks_at_and_only_those() -> None:
    here = Here(pod(sh("sleep 100000")))
    debugged(here, "sleep 77777", targetContainerName="main")
    debugged(here, "sleep 88888", name="apart")
    shared = ["1 root 0:00 sh -c sleep 100000", "7 root 0:00 sh -c sleep 77777", "13 root 0:00 ps"]
    assert processes(here, "debugger") == shared
    assert processes(here, "main") == shared
    assert processes(here, "apart") == ["1 root 0:00 sh -c sleep 88888", "7 root 0:00 ps"]


def test_the_containers_of_a_pod_that_shares_its_processes_see_them_all() -> None:
    here = Here(pod(sh("sleep 1000"), sh("sleep 2000", "other"), shareProcessNamespace=True))
    assert processes(here, "other") == [
        "1 root 0:00 /pause", "7 root 0:00 sh -c sleep 1000", "13 root 0:00 sh -c sleep 2000", "19 root 0:00 ps",
    ]  # fmt: skip
