"""The official Python client: in process, without a socket, and over TLS to a served cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward
from kubernetes.stream import stream as stream_over_websocket

from k8snb import Cluster
from k8snb.client.official import Finished, stream
from k8snb.testing import served


def deployment(name: str = "web", replicas: int = 2, image: str = "nginx:1.27") -> client.V1Deployment:
    """A Deployment made of the client's own models."""
    labels = {"app": name}
    container = client.V1Container(name=name, image=image)
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(
        replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template
    )
    return client.V1Deployment(metadata=client.V1ObjectMeta(name=name), spec=spec)


def pod(name: str, *command: str) -> client.V1Pod:
    """A pod that runs a command once."""
    container = client.V1Container(name=name, image="busybox", command=list(command))
    spec = client.V1PodSpec(containers=[container], restart_policy="Never")
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=spec)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=2, seed=1)


@pytest.fixture
def core(cluster: Cluster) -> client.CoreV1Api:
    return client.CoreV1Api(cluster.api_client)


@pytest.fixture
def apps(cluster: Cluster) -> client.AppsV1Api:
    return client.AppsV1Api(cluster.api_client)


# -- in process ----------------------------------------------------------------------------------------


def test_what_is_created_can_be_read_changed_and_deleted(
    cluster: Cluster, core: client.CoreV1Api, apps: client.AppsV1Api
) -> None:
    assert apps.create_namespaced_deployment("default", deployment()).status.replicas is None
    cluster.settle()
    assert apps.read_namespaced_deployment("web", "default").status.ready_replicas == 2

    patched = apps.patch_namespaced_deployment("web", "default", {"metadata": {"labels": {"tier": "front"}}})
    assert patched.metadata.labels == {"tier": "front"}
    changed = apps.read_namespaced_deployment("web", "default")
    changed.spec.template.spec.containers[0].image = "nginx:1.28"
    assert apps.replace_namespaced_deployment("web", "default", changed).metadata.generation == 2
    scale = apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
    assert scale.spec.replicas == 3
    cluster.settle()
    pods = core.list_namespaced_pod("default", label_selector="app=web").items
    assert [each.spec.containers[0].image for each in pods] == ["nginx:1.28"] * 3

    assert apps.delete_namespaced_deployment("web", "default")["status"] == "Success"
    cluster.settle()
    assert core.list_namespaced_pod("default").items == []


def test_every_kind_fits_the_clients_models(cluster: Cluster, core: client.CoreV1Api, apps: client.AppsV1Api) -> None:
    apps.create_namespaced_deployment("default", deployment())
    port = client.V1ServicePort(port=80)
    spec = client.V1ServiceSpec(selector={"app": "web"}, ports=[port])
    core.create_namespaced_service("default", client.V1Service(metadata=client.V1ObjectMeta(name="web"), spec=spec))
    cluster.settle()
    made = cluster.api_client
    coordination, discovery = client.CoordinationV1Api(made), client.DiscoveryV1Api(made)
    lists: list[Any] = [
        core.list_node(), core.list_namespace(), core.list_pod_for_all_namespaces(),
        core.list_namespaced_event("default"), core.list_service_for_all_namespaces(),
        core.list_endpoints_for_all_namespaces(), core.list_config_map_for_all_namespaces(),
        core.list_service_account_for_all_namespaces(),
        apps.list_namespaced_deployment("default"), apps.list_namespaced_replica_set("default"),
        coordination.list_namespaced_lease("kube-node-lease"), discovery.list_namespaced_endpoint_slice("default"),
        client.SchedulingV1Api(made).list_priority_class(),
    ]  # fmt: skip
    assert all(found.items for found in lists)


def test_pages_of_a_list_add_up_to_the_whole(core: client.CoreV1Api) -> None:
    for number in range(5):
        core.create_namespaced_config_map("default", {"metadata": {"name": f"cm-{number}"}})
    whole = [each.metadata.name for each in core.list_namespaced_config_map("default").items]
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map("default", limit=2, _continue=token)
        names += [each.metadata.name for each in page.items]
        token = page.metadata._continue or ""
    assert names == whole


def test_a_watch_lets_time_pass_until_it_ends(cluster: Cluster, core: client.CoreV1Api, apps: client.AppsV1Api) -> None:
    apps.create_namespaced_deployment("default", deployment(replicas=1))
    began = cluster.clock.now()
    seen = [
        (event["type"], event["object"].status.phase)
        for event in watch.Watch().stream(core.list_namespaced_pod, "default", timeout_seconds=30)
    ]
    assert seen[0] == ("ADDED", "Pending")
    assert seen[-1] == ("MODIFIED", "Running")
    assert cluster.clock.now() == began + 30


def test_a_watch_can_be_left_early(core: client.CoreV1Api, apps: client.AppsV1Api) -> None:
    apps.create_namespaced_deployment("default", deployment())
    watching = watch.Watch()
    for event in watching.stream(apps.list_namespaced_deployment, "default"):
        if event["object"].status.ready_replicas == 2:
            watching.stop()
    assert len(core.list_namespaced_pod("default").items) == 2


def test_a_log_is_followed_to_its_end(cluster: Cluster, core: client.CoreV1Api) -> None:
    core.create_namespaced_pod("default", pod("count", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 1; done"))
    cluster.wait(lambda: core.read_namespaced_pod("count", "default").status.phase == "Running")
    assert list(watch.Watch().stream(core.read_namespaced_pod_log, "count", "default")) == ["1", "2", "3"]
    assert core.read_namespaced_pod_log("count", "default", tail_lines=1) == "3\n"


def test_a_command_runs_in_a_container_without_a_socket(cluster: Cluster, core: client.CoreV1Api) -> None:
    core.create_namespaced_pod("default", pod("idle", "sleep", "inf"))
    cluster.settle()
    execute = core.connect_get_namespaced_pod_exec
    assert stream(execute, "idle", "default", command=["echo", "a b"], stdout=True, stderr=True) == "a b\n"
    assert stream(execute, "idle", "default", command=["cat"], stdin=True, stdout=True, stdin_text="typed") == "typed"
    done: Finished = stream(
        execute, "idle", "default", command=["sh", "-c", "echo no >&2; exit 3"], stderr=True, _preload_content=False
    )
    assert (done.read_stdout(), done.read_stderr(), done.returncode) == ("", "no\n", 3)
    with pytest.raises(ApiException) as raised:
        stream(execute, "idle", "default", command=["ls"], container="other")
    assert raised.value.status == 400


def test_refusals_are_the_clients_own_exceptions(core: client.CoreV1Api) -> None:
    with pytest.raises(ApiException) as raised:
        core.read_namespaced_pod("none", "default")
    assert (raised.value.status, raised.value.reason) == (404, "Not Found")
    with pytest.raises(ApiException) as raised:
        core.create_namespaced_config_map("default", {"metadata": {"name": "A"}})
    assert raised.value.status == 422


def test_the_dynamic_client_discovers_and_the_helpers_create(cluster: Cluster, core: client.CoreV1Api) -> None:
    found = dynamic.DynamicClient(cluster.api_client).resources.get(api_version="v1", kind="Node")
    assert [node.metadata.name for node in found.get().items] == ["node-1", "node-2"]
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "default"}}
    utils.create_from_dict(cluster.api_client, manifest)
    assert core.read_namespaced_config_map("made", "default").metadata.name == "made"


# -- over TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def remote() -> Iterator[client.ApiClient]:
    """The client of a served cluster, made from its kubeconfig."""
    with served(nodes=1, speed=20) as path:
        yield client_of(path)


def client_of(path: Path) -> client.ApiClient:
    configuration = client.Configuration()
    config.load_kube_config(str(path), client_configuration=configuration)
    return client.ApiClient(configuration)


def wait_for(core: client.CoreV1Api, name: str) -> None:
    """Watch a pod until it runs."""
    watching = watch.Watch()
    for event in watching.stream(core.list_namespaced_pod, "default", field_selector=f"metadata.name={name}"):
        if event["object"].status.phase == "Running":
            watching.stop()


def test_over_tls_a_deployment_becomes_ready_before_ones_eyes(remote: client.ApiClient) -> None:
    apps, core = client.AppsV1Api(remote), client.CoreV1Api(remote)
    apps.create_namespaced_deployment("default", deployment())
    watching = watch.Watch()
    for event in watching.stream(apps.list_namespaced_deployment, "default", timeout_seconds=600):
        if event["object"].status.ready_replicas == 2:
            watching.stop()
    pods = core.list_namespaced_pod("default", label_selector="app=web").items
    assert [each.status.phase for each in pods] == ["Running", "Running"]


def test_over_tls_commands_run_over_a_websocket(remote: client.ApiClient) -> None:
    core = client.CoreV1Api(remote)
    core.create_namespaced_pod("default", pod("idle", "sleep", "inf"))
    wait_for(core, "idle")
    execute = core.connect_get_namespaced_pod_exec
    text = stream_over_websocket(execute, "idle", "default", command=["echo", "hello"], stdout=True, stderr=True)
    assert text == "hello\n"
    done = stream_over_websocket(
        execute, "idle", "default", command=["sh", "-c", "echo no >&2; exit 3"],
        stdout=True, stderr=True, _preload_content=False,
    )  # fmt: skip
    done.run_forever(timeout=10)
    assert (done.read_stderr(), done.returncode) == ("no\n", 3)


def test_over_tls_ports_are_forwarded_over_a_websocket(remote: client.ApiClient) -> None:
    core = client.CoreV1Api(remote)
    container = client.V1Container(name="front", image="nginx")
    spec = client.V1PodSpec(containers=[container])
    core.create_namespaced_pod("default", client.V1Pod(metadata=client.V1ObjectMeta(name="front"), spec=spec))
    wait_for(core, "front")
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, "front", "default", ports="80,81")
    wire = forwarded.socket(80)
    wire.setblocking(True)
    wire.sendall(b"GET / HTTP/1.1\r\nhost: front\r\n\r\n")
    assert wire.recv(65536).startswith(b"HTTP/1.1 200 OK")
    wire.close()
    assert str(forwarded.error(81)).startswith("error forwarding port 81 to pod front, uid : failed to connect")


def test_over_tls_a_log_is_followed(remote: client.ApiClient) -> None:
    core = client.CoreV1Api(remote)
    core.create_namespaced_pod("default", pod("count", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 4; done"))
    wait_for(core, "count")
    assert list(watch.Watch().stream(core.read_namespaced_pod_log, "count", "default")) == ["1", "2", "3"]
