"""A served cluster drawn by a stranger: another process, real TLS, and nothing but the path of a kubeconfig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import k8snb
from k8snb.testing import served
from k8snb.view.diagram import Diagram

kubernetes = pytest.importorskip("kubernetes")


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with served(nodes=2, speed=50) as path:
        yield path


@pytest.fixture(scope="module")
def api(kubeconfig: Path) -> Any:
    api = kubernetes.config.new_client_from_config(str(kubeconfig))
    core, apps = kubernetes.client.CoreV1Api(api), kubernetes.client.AppsV1Api(api)
    labels, meta = {"app": "web"}, {"name": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    apps.create_namespaced_deployment("default", {"metadata": meta, "spec": spec})
    core.create_namespaced_service("default", {"metadata": meta, "spec": {"selector": labels, "ports": [{"port": 80}]}})
    watch = kubernetes.watch.Watch()
    for event in watch.stream(apps.list_namespaced_deployment, "default", timeout_seconds=60):
        if event["object"].status.ready_replicas == 2:
            watch.stop()
    return api


def words(diagram: Diagram) -> list[str]:
    """What is drawn, and how it hangs together."""
    kinds = {node.id: node.kind for node in diagram.graph.nodes}
    edges = [f"{kinds[edge.tail]} {edge.word} {kinds[edge.head]}" for edge in diagram.graph.edges]
    return [*sorted(edges), *sorted(group.name for group in diagram.graph.groups)]


def test_a_path_is_enough(kubeconfig: Path, api: Any) -> None:
    shown = k8snb.diagram(str(kubeconfig), "deployment/web")
    assert words(shown) == ["Deployment owns ReplicaSet", *["ReplicaSet owns Pod"] * 2, "node-1", "node-2"]
    assert words(k8snb.diagram(kubeconfig, "deployment/web")) == words(k8snb.diagram(api, "deployment/web"))
    assert [node.word for node in shown.graph.nodes if node.kind == "Pod"] == ["Running", "Running"]


def test_who_may_read_little_sees_what_he_may_read(kubeconfig: Path, api: Any, tmp_path: Path) -> None:
    """A stranger with a token of a service account that may only list Services and pods."""
    core, rbac = kubernetes.client.CoreV1Api(api), kubernetes.client.RbacAuthorizationV1Api(api)
    core.create_namespaced_service_account("default", {"metadata": {"name": "guest"}})
    rules = [{"apiGroups": [""], "resources": ["services", "pods"], "verbs": ["list"]}]
    rbac.create_namespaced_role("default", {"metadata": {"name": "look"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "guest", "namespace": "default"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"}
    binding = {"metadata": {"name": "look"}, "subjects": [subject], "roleRef": reference}
    rbac.create_namespaced_role_binding("default", binding)
    token = core.create_namespaced_service_account_token("guest", "default", {"spec": {}}).status.token
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    path = tmp_path / "guest"
    path.write_text(yaml.safe_dump(config))
    shown = k8snb.diagram(path, "service/web")
    assert {node.kind for node in shown.graph.nodes} == {"Service", "Pod"}
    assert k8snb.diagram(path, "control-plane").graph.nodes
