"""kr8s: objects with methods, over TLS, with its own discovery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kr8s
import pytest
from kr8s.objects import ConfigMap, Deployment, Pod

LABELS = {"app": "kr8s"}


@pytest.fixture
def api(kubeconfig: Path) -> Any:
    return kr8s.api(kubeconfig=str(kubeconfig))


def pod(name: str, *command: str) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "busybox", "command": list(command)}
    return {"metadata": {"name": name, "labels": LABELS}, "spec": {"containers": [container]}}


def test_it_knows_the_cluster(api: Any) -> None:
    assert api.version()["minor"] == "36"
    assert [node.name for node in api.get("nodes")] == ["node-1"]
    assert "deployments" in {each["name"] for each in api.api_resources()}
    assert api.whoami() == "kubernetes-admin"


def test_an_object_is_created_patched_labelled_listed_and_deleted(api: Any) -> None:
    made = ConfigMap({"metadata": {"name": "k"}, "data": {"a": "1"}}, api=api)
    made.create()
    made.patch({"data": {"b": "2"}})
    made.label(app="kr8s")
    made.annotate(note="x")
    assert (made.data, made.labels, made.annotations) == ({"a": "1", "b": "2"}, LABELS, {"note": "x"})
    assert [each.name for each in api.get("configmaps", label_selector=LABELS)] == ["k"]
    made.delete()
    assert not made.exists()


def test_a_pod_is_waited_for_read_and_run_in(api: Any) -> None:
    made = Pod(pod("p", "sh", "-c", "echo hello; sleep 3600"), api=api)
    made.create()
    made.wait("condition=Ready", timeout=60)
    assert made.ready()
    assert list(made.logs()) == ["hello"]
    assert made.exec(["echo", "hi"]).stdout == b"hi\n"
    made.delete(grace_period=0)
    made.wait("delete", timeout=60)


def test_a_deployment_is_scaled_and_finds_its_pods(api: Any) -> None:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    made = Deployment({"metadata": {"name": "web"}, "spec": spec}, api=api)
    made.create()
    made.wait("condition=Available", timeout=60)
    made.scale(2)
    assert len(made.pods()) == 2
    made.delete()


def test_a_watch_tells_what_happens(api: Any) -> None:
    seen = []
    ConfigMap({"metadata": {"name": "w", "labels": LABELS}}, api=api).create()
    for event, obj in api.watch("configmaps", label_selector=LABELS):
        seen.append((event, obj.name))
        if event == "DELETED":
            break
        obj.delete()
    assert seen == [("ADDED", "w"), ("DELETED", "w")]
