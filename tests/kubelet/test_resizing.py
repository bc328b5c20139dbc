"""Resizing in place: what becomes of a pod's wish for other resources."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.errors import StatusError
from k8snb.typing import Object

from .pods import Here, container, pod


def asking(cpu: str, memory: str = "1Gi", *, restart: str = "", name: str = "main", **fields: Any) -> Object:
    """A container that never ends; `restart` names the resource that it cannot change while it runs."""
    policy = [{"resourceName": restart, "restartPolicy": "RestartContainer"}] if restart else []
    resources = {"requests": {"cpu": cpu, "memory": memory}}
    return container(name, "registry.k8s.io/pause:3.10", resources=resources, resizePolicy=policy, **fields)


def resize(here: Here, cpu: str, memory: str = "1Gi", name: str = "p", **resources: Any) -> Object:
    """Ask for other resources, through `pods/resize`."""
    wanted = {"requests": {"cpu": cpu, "memory": memory}, **resources}
    patch = {"spec": {"containers": [{"name": "main", "resources": wanted}]}}
    return here.cluster.client.patch("pods", name, patch, "default", kind="strategic", subresource="resize")


def resizing(here: Here, name: str = "p") -> list[tuple[str, str, str]]:
    found = here.get(name)["status"]["conditions"]
    return [(c["type"], c.get("reason", ""), c.get("message", "")) for c in found if "Resize" in c["type"]]


def of_resize(here: Here, name: str = "p") -> list[str]:
    return [told for told in here.events(name) if told.startswith("Resize")]


def test_a_pod_is_promised_what_it_asks_for_and_then_gets_it_without_running_anew() -> None:
    here = Here(pod(asking("1")))
    resize(here, "2")
    here.cluster.advance(0.5)
    promised = here.status()
    assert (promised["allocatedResources"]["cpu"], promised["resources"]["requests"]["cpu"]) == ("2", "1")
    assert resizing(here) == [("PodResizeInProgress", "", "")]
    here.cluster.settle()
    got = here.status()
    assert (got["allocatedResources"]["cpu"], got["resources"]["requests"]["cpu"], got["restartCount"]) == ("2", "2", 0)
    assert resizing(here) == []
    summary = '{"containers":[{"name":"main","resources":{"requests":{"cpu":"2","memory":"1Gi"}}}],"generation":2}'
    assert of_resize(here) == [
        f"ResizeStarted: Pod resize started: {summary}",
        f"ResizeCompleted: Pod resize completed: {summary}",
    ]


def test_a_container_runs_anew_where_its_policy_says_so() -> None:
    here = Here(pod(asking("1", restart="memory")))
    resize(here, "2")
    here.cluster.settle()
    assert here.status()["restartCount"] == 0
    resize(here, "2", "2Gi")
    here.cluster.settle()
    status = here.status()
    assert (status["restartCount"], status["resources"]["requests"]["memory"], resizing(here)) == (1, "2Gi", [])
    assert "Killing: Container main resize requires restart" in here.events()


def test_a_wish_that_does_not_fit_waits_until_another_pod_makes_room() -> None:
    here = Here(pod(asking("3"), nodeName="node-1"), pod(asking("4"), name="other", nodeName="node-1"))
    resize(here, "5")
    here.cluster.settle()
    lacking = "Node didn't have enough resource: cpu, requested: 5000, used: 4000, capacity: 8000"
    assert resizing(here) == [("PodResizePending", "Deferred", lacking)]
    assert here.status()["resources"]["requests"]["cpu"] == "3"
    here.cluster.client.delete("pods", "other", "default", grace=0)
    here.cluster.settle()
    assert (resizing(here), here.status()["resources"]["requests"]["cpu"]) == ([], "5")
    reasons = [told.partition(":")[0] for told in of_resize(here)]
    assert reasons == ["ResizeDeferred", "ResizeStarted", "ResizeCompleted"]


def test_who_takes_a_wish_back_has_what_it_had() -> None:
    here = Here(pod(asking("3"), nodeName="node-1"), pod(asking("4"), name="other", nodeName="node-1"))
    resize(here, "5")
    here.cluster.settle()
    resize(here, "3")
    here.cluster.settle()
    assert (resizing(here), here.status()["allocatedResources"]["cpu"]) == ([], "3")


def test_a_memory_limit_does_not_shrink_below_what_is_in_use() -> None:
    here = Here(
        pod(
            container(
                image="nginx:1.27", resources={"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
            )
        )
    )
    resize(here, "1", "1Mi", limits={"memory": "1Mi"})
    here.cluster.advance(2)
    ((kind, reason, message),) = resizing(here)
    assert (kind, reason) == ("PodResizeInProgress", "Error")
    assert message.startswith(
        "cannot decrease memory limits: [attempting to set pod memory limit (1048576) below current usage ("
    )
    resize(here, "1", "512Mi", limits={"memory": "512Mi"})
    here.cluster.settle()
    assert (resizing(here), here.status()["resources"]["limits"]) == ([], {"memory": "512Mi"})


def test_nobody_is_resized_beyond_the_node_or_into_another_quality_of_service() -> None:
    here = Here(pod(asking("1")))
    with pytest.raises(StatusError) as refused:
        resize(here, "9")
    why = "Node didn't have enough allocatable resources: cpu, requested: 9000, allocatable: 8000"
    assert refused.value.message == f'pods "p" is forbidden: {why}'
    assert refused.value.status["details"] == {"name": "p", "kind": "pods", "causes": [{"reason": "NodeCapacity"}]}
    with pytest.raises(StatusError) as invalid:
        resize(here, "1", limits={"cpu": "1", "memory": "1Gi"})
    assert (
        invalid.value.message
        == 'Pod "p" is invalid: spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'
    )


def test_the_scheduler_counts_what_is_wanted_until_it_is_had() -> None:
    here = Here(pod(asking("3"), nodeName="node-1"), pod(asking("4"), name="other", nodeName="node-1"))
    resize(here, "5")
    here.cluster.settle()
    here.cluster.client.create("pods", pod(asking("1"), name="late", nodeSelector={"kubernetes.io/hostname": "node-1"}))
    here.cluster.settle()
    assert here.get("late")["status"]["phase"] == "Pending"
    resize(here, "2")
    here.cluster.settle()
    assert here.get("late")["spec"]["nodeName"] == "node-1"


def test_a_pod_counts_with_what_it_holds_until_it_has_less() -> None:
    here = Here(pod(asking("7"), nodeName="node-1"))
    here.cluster.client.create("pods", pod(asking("3"), name="late", nodeSelector={"kubernetes.io/hostname": "node-1"}))
    here.cluster.settle()
    resize(here, "2")
    here.cluster.advance(0.5)
    assert "nodeName" not in here.get("late")["spec"]
    here.cluster.settle()
    assert here.get("late")["spec"]["nodeName"] == "node-1"
