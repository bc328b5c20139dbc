"""A pod runs with the handler that its RuntimeClass names, where the node's runtime has it."""

from __future__ import annotations

from k8snb import Cluster, NodeSpec


def cluster(*handlers: str) -> Cluster:
    made = Cluster([NodeSpec("node-1", handlers=handlers)], seed=1)
    made.client.create("runtimeclasses.node.k8s.io", {
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "sandboxed"}, "handler": "kata",
    })  # fmt: skip
    spec = {"runtimeClassName": "sandboxed", "containers": [{"name": "c", "image": "nginx"}]}
    made.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}, "default")
    made.advance(10)
    return made


def test_a_handler_that_the_runtime_has_is_asked_for() -> None:
    made = cluster("runc", "kata")
    assert made.client.get("pods", "p", "default")["status"]["phase"] == "Running"
    assert made.pool.calls.of_pod("p")[0].request["runtime_handler"] == "kata"


def test_a_handler_that_it_does_not_have_keeps_the_sandbox_from_being_made() -> None:
    made = cluster("runc")
    assert made.client.get("pods", "p", "default")["status"]["phase"] == "Pending"
    [said] = [each for each in made.client.list("events", "default") if each["reason"] == "FailedCreatePodSandBox"]
    assert said["message"] == (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: "
        'no runtime for "kata" is configured'
    )


def test_a_class_that_is_gone_when_the_kubelet_looks_is_said() -> None:
    made = cluster("runc")
    made.client.delete("runtimeclasses.node.k8s.io", "sandboxed")
    made.advance(60)
    said = [each["message"] for each in made.client.list("events", "default")]
    assert 'Failed to create pod sandbox: runtimeclass.node.k8s.io "sandboxed" not found' in said
