"""A cluster that is kept in a file, and comes back in another process: here, in another `Cluster`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.apiserver.server import APIServer
from k8snb.clock import VirtualClock
from k8snb.cluster.datafile import open_file
from k8snb.cluster.keeping import bring_back
from k8snb.machinery.names import Lottery
from k8snb.store.ledger import CannotKeep, CannotOpen
from k8snb.store.mvcc import Store
from k8snb.trace import Trace

SEALED = {
    "resources": [
        {
            "resources": ["secrets"],
            "providers": [
                {"aesgcm": {"keys": [{"name": "one", "secret": "c2l4dGVlbiBieXRlcyAhIQ=="}]}},
                {"identity": {}},
            ],
        }
    ]
}
PODS = (
    "get pods -A --no-headers -o custom-columns=:.metadata.name,:.status.phase,"
    ":.status.containerStatuses[0].restartCount,:.status.containerStatuses[0].lastState.terminated.reason"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cluster.db"


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default", "uid": name}}


def lines(text: str) -> list[list[str]]:
    """A table without its spaces."""
    return [line.split() for line in text.splitlines()]


def everything(server: APIServer) -> dict[str, list[Any]]:
    """All objects of a cluster, and who owns their fields."""
    kinds = [server.kinds.of(resource) for resource in server.scheme]
    return {
        kind.resource.group_resource: server.history.all_shown(kind, server.store.scan(kind.bucket))
        for kind in kinds
        if len(kind.bucket)
    }


def read(path: Path) -> APIServer:
    """An API server over what is in a file, with nothing around it."""
    clock = VirtualClock()
    server = APIServer(Store(clock), clock, Lottery(1), Trace(clock.now, lambda: 0))
    file = open_file(path)
    bring_back(file.kept, server, lambda: None)
    file.close()
    return server


# -- objects -------------------------------------------------------------------------------------------


def test_every_object_is_in_the_file_as_it_was_with_its_owners(path: Path) -> None:
    cluster = Cluster(nodes=1, path=path)
    cluster.kubectl("create configmap one --from-literal=a=1")
    cluster.kubectl("label configmap one color=red")
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl(
        "apply --server-side -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {name: ours}, data: {a: b}}"
    )
    cluster.kubectl("create configmap two")
    cluster.kubectl("delete configmap two")
    cluster.settle()
    cluster.advance(30)
    wanted, revision = everything(cluster.server), cluster.revision
    server = read(path)
    assert (everything(server), server.store.revision, server.store.compacted) == (wanted, revision, revision)


def test_a_watch_of_what_was_before_hears_that_it_is_gone(path: Path) -> None:
    cluster = Cluster(nodes=0, path=path)
    before, _ = cluster.revision, cluster.kubectl("create configmap one")
    cluster = Cluster(path=path)
    stream = cluster.client.watch("configmaps", "default", since=before)
    told = stream.next()["object"]
    assert (told["code"], told["message"]) == (410, f"too old resource version: {before} ({before + 1})")
    assert cluster.kubectl("get configmaps --no-headers -o name") == "configmap/kube-root-ca.crt\nconfigmap/one\n"


def test_what_is_there_from_the_beginning_is_not_made_twice_and_made_again_if_it_was_deleted(path: Path) -> None:
    cluster = Cluster(nodes=0, path=path)
    cluster.kubectl("delete clusterrole view")
    cluster.kubectl("label clusterrole edit mine=yes")
    uid = cluster.client.get("services", "kubernetes", "default")["metadata"]["uid"]
    count = len(cluster.client.list("clusterroles.rbac.authorization.k8s.io"))
    cluster = Cluster(path=path)
    roles = {each["metadata"]["name"]: each for each in cluster.client.list("clusterroles.rbac.authorization.k8s.io")}
    assert cluster.client.get("services", "kubernetes", "default")["metadata"]["uid"] == uid
    assert (len(roles), roles["edit"]["metadata"]["labels"]["mine"]) == (count + 1, "yes")


def test_addresses_ports_and_names_of_services_are_taken(path: Path) -> None:
    cluster = Cluster(nodes=0, path=path)
    cluster.kubectl("create service nodeport web --tcp=80 --node-port=30080")
    address = cluster.client.get("services", "web", "default")["spec"]["clusterIP"]
    cluster = Cluster(path=path)
    told = cluster.kubectl("create service nodeport other --tcp=80 --node-port=30080")
    assert "provided port is already allocated" in told
    told = cluster.kubectl(f"create service clusterip third --tcp=80 --clusterip={address}")
    assert "provided IP is already allocated" in told


def test_events_end_an_hour_after_they_were_written_whoever_runs_then(path: Path) -> None:
    cluster = Cluster(nodes=1, path=path)
    cluster.advance(3000)
    cluster = Cluster(path=path)
    first = [each for each in cluster.client.list("events") if each["reason"] == "Starting"]
    cluster.advance(700)
    left = [each for each in cluster.client.list("events") if each["reason"] == "Starting"]
    assert (len(first), len(left)) == (2, 1)


def test_names_and_uids_are_not_drawn_again_and_the_same_past_gives_the_same_bytes(tmp_path: Path) -> None:
    def lives(path: Path) -> tuple[list[Any], set[str]]:
        uids: list[str] = []
        for _ in range(3):
            cluster = Cluster(nodes=0, seed=7, path=path)
            cluster.client.create("configmaps", {"metadata": {"generateName": "x-"}}, "default")
            uids += [each["metadata"]["uid"] for each in cluster.client.list("configmaps", "default")]
            cluster.close()
        return cluster.client.list("configmaps", "default"), set(uids)

    one, uids = lives(tmp_path / "one")
    assert len(uids) == 4
    assert lives(tmp_path / "two")[0] == one


def test_custom_resources_are_served_again(path: Path) -> None:
    names = "names: {plural: ants, singular: ant, kind: Ant}, scope: Namespaced"
    schema = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
    versions = f"versions: [{{name: v1, served: true, storage: true, {schema}}}]"
    kind = "apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ants.example.com}"
    cluster = Cluster(nodes=0, path=path)
    cluster.kubectl("apply -f -", f"{{{kind}, spec: {{group: example.com, {names}, {versions}}}}}")
    cluster.settle()
    cluster.kubectl("apply -f -", "{apiVersion: example.com/v1, kind: Ant, metadata: {name: one}, legs: 6}")
    cluster.kubectl("label crd ants.example.com later=yes")
    cluster = Cluster(path=path)
    assert cluster.kubectl("get ants -o jsonpath={.items[*].legs}") == "6"
    cluster.kubectl("label ant one fast=yes")
    assert Cluster(path=path).kubectl("get ants -o jsonpath={.items[*].metadata.labels.fast}") == "yes"


# -- encryption ----------------------------------------------------------------------------------------


def test_ciphertext_is_ciphertext_in_the_file_and_whoever_opens_it_needs_the_configuration(path: Path) -> None:
    cluster = Cluster(nodes=0, path=path, encryption=SEALED)
    cluster.kubectl("create secret generic login --from-literal=password=hunter2")
    cluster.close()
    assert b"aHVudGVyMg" not in path.read_bytes()
    with pytest.raises(CannotOpen, match="secrets default/login is encrypted: .*; give the EncryptionConfiguration"):
        Cluster(path=path)
    cluster = Cluster(path=path, encryption=SEALED)
    assert cluster.kubectl("get secret login -o jsonpath={.data.password}") == "aHVudGVyMg=="


# -- machines ------------------------------------------------------------------------------------------


def test_all_machines_come_up_again_and_containers_run_once_more(path: Path) -> None:
    cluster = Cluster(nodes=2, path=path)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    cluster.kubectl("run once --image=busybox --restart=Never -- sleep 1000")
    cluster.kubectl("run done --image=busybox --restart=Never -- true")
    cluster.advance(20)
    cluster.add_node("node-9")
    before = lines(cluster.kubectl(PODS))
    cluster = Cluster(path=path)
    cluster.settle()
    after = lines(cluster.kubectl(PODS))
    pods = [name for name, *_ in before if name.startswith("web")]
    assert [row[1:] for row in before] == [["Succeeded", "0", "<none>"], ["Running", "0", "<none>"]] + 2 * [
        ["Running", "0", "<none>"]
    ]
    assert after == [
        ["done", "Succeeded", "0", "<none>"],
        ["once", "Failed", "0", "<none>"],
        *[[name, "Running", "1", "Unknown"] for name in pods],
    ]
    assert cluster.kubectl("get nodes -o name") == "node/node-1\nnode/node-2\nnode/node-9\n"
    reasons = {(each["reason"], each["involvedObject"]["name"]) for each in cluster.client.list("events")}
    assert {("Rebooted", "node-1"), ("Rebooted", "node-9"), ("SandboxChanged", pods[0])} <= reasons
    cluster.kubectl("delete pod done once --wait=false")
    cluster.settle()
    assert [row[0] for row in lines(cluster.kubectl(PODS))] == pods


def test_what_was_on_disks_is_there_and_static_pods_run_again(path: Path) -> None:
    volumes = "volumes: [{name: d, hostPath: {path: /var/d}}, {name: s, emptyDir: {}}]"
    mounts = "volumeMounts: [{name: d, mountPath: /d}, {name: s, mountPath: /s}]"
    container = f"containers: [{{name: a, image: busybox, command: [sleep, '1000'], {mounts}}}]"
    pod = f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{{container}, {volumes}}}}}"
    cluster = Cluster(nodes=1, path=path)
    cluster.kubectl("apply -f -", pod)
    cluster.put_manifest("node-1", pod.replace("name: a}, spec", "name: static}, spec"))
    cluster.settle()
    cluster.kubectl("exec a -- sh -c 'mkdir /d/e; echo hello > /d/f; echo gone > /d/g'")
    cluster.kubectl("exec a -- sh -c 'rm /d/g; echo mine > /s/f'")
    cluster = Cluster(path=path)
    cluster.settle()
    assert cluster.kubectl("exec static-node-1 -- sh -c 'ls /d; cat /d/f'") == "e\nf\nhello\n"
    assert cluster.kubectl("exec a -- cat /s/f") == "mine\n"
    again = ["Running", "1", "Unknown"]
    assert lines(cluster.kubectl(PODS)) == [["a", *again], ["static-node-1", *again]]
    cluster.remove_manifest("node-1", "static")
    cluster.kubectl("delete pod a --grace-period=1")
    cluster.settle()
    assert sorted(cluster.pool.volumes) == ["node-1:/var/d"]
    cluster = Cluster(path=path)
    assert (sorted(cluster.pool.volumes), cluster.client.list("pods")) == (["node-1:/var/d"], [])


def test_disks_of_a_driver_are_where_they_were(path: Path) -> None:
    storage = (
        "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: disks.example.com}"
    )
    claim = (
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: fast, "
        "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"
    )
    pod = (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: busybox, "
        "command: [sleep, '1000'], volumeMounts: [{name: d, mountPath: /d}]}], "
        "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}}"
    )
    cluster = Cluster(nodes=2, path=path)
    cluster.add_driver("disks.example.com", limit=3)
    cluster.kubectl("apply -f -", "\n---\n".join([storage, claim, pod]))
    cluster.settle()
    cluster.kubectl("exec a -- sh -c 'echo hello > /d/f'")
    disks = cluster.drivers["disks.example.com"].disks
    cluster = Cluster(path=path)
    cluster.settle()
    assert cluster.drivers["disks.example.com"].disks == disks
    assert cluster.kubectl("exec a -- cat /d/f") == "hello\n"


def test_plugins_and_routes_of_a_node_are_those_that_it_was_given(path: Path) -> None:
    cluster = Cluster(nodes=2, path=path)
    config = cluster.cni_config("node-1").replace('"mtu": 1450', '"mtu": 1400')
    cluster.configure_cni("node-1", config)
    cluster.configure_cni("node-1", None, "10-k8snb.conflist")
    cluster.configure_cni("node-1", config, "20-mine.conflist")
    cluster.ip("node-2", "route del 10.244.0.0/24")
    cluster.tunnel_pods(False)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.settle()
    routes = cluster.ip("node-2", "route")
    cluster = Cluster(path=path)
    assert (cluster.cni_config("node-1"), cluster.cni_config("node-1", "20-mine.conflist")) == ("", config)
    assert cluster.ip("node-2", "route") == routes
    pods = [pod for pod in cluster.client.list("pods", "default") if pod["spec"]["nodeName"] == "node-1"]
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    assert "mtu 1400" in cluster.ip("node-1", "link", pods[0]["status"]["podIP"])
    cluster.configure_cni("node-1", None, "20-mine.conflist")
    cluster = Cluster(path=path)
    assert "cni plugin not initialized" in cluster.kubectl("get node node-1 -o yaml")


# -- the past ------------------------------------------------------------------------------------------


def test_a_cluster_that_came_back_is_forked_and_rewound_to_where_it_began(path: Path) -> None:
    cluster = Cluster(nodes=1, path=path)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.settle()
    cluster = Cluster(path=path)
    began = cluster.revision
    cluster.kubectl("create configmap later")
    twin = cluster.fork()
    assert everything(twin.server) == everything(cluster.server)
    cluster.rewind(began)
    assert "later" in twin.kubectl("get configmaps")
    wanted = cluster.kubectl("get configmaps,pods -o name")
    assert Cluster(path=path).kubectl("get configmaps,pods -o name") == wanted
    assert "later" not in wanted


def test_more_is_written_than_the_store_remembers(path: Path) -> None:
    cluster = Cluster(nodes=0, path=path, history=10)
    with cluster:
        for number in range(600):
            cluster.server.store.create(
                cluster.store.bucket("configmaps"), "default", f"c{number}", config_map(f"c{number}")
            )
    with Cluster(path=path) as cluster:
        assert len(cluster.store.bucket("configmaps").names("default")) >= 600


# -- the file ------------------------------------------------------------------------------------------


def test_a_cell_that_is_run_again_takes_the_file_and_the_former_cluster_says_so(path: Path) -> None:
    former = Cluster(nodes=0, path=path)
    Cluster(nodes=0, path=path)
    with pytest.raises(CannotKeep, match="has been closed, or given to another cluster of this process"):
        former.client.create("configmaps", {"metadata": {"name": "lost"}}, "default")


def test_without_a_file_nothing_is_kept() -> None:
    with Cluster(nodes=0) as cluster:
        assert (cluster.keeper, cluster.store.spare) == (None, None)
