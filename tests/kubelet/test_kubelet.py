"""The node, its heartbeats, what is asked of it, and how it is lost."""

from __future__ import annotations

import pytest

from k8snb.apiserver.containers import LogOptions
from k8snb.cluster.cluster import Cluster
from k8snb.errors import StatusError
from tests.kubelet.pods import Here, container, pod, sh


def test_a_node_says_what_it_is() -> None:
    node = Cluster(nodes=1).client.get("nodes", "node-1")
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    assert node["status"]["capacity"] == {"cpu": "8", "ephemeral-storage": "100Gi", "memory": "32Gi", "pods": "110"}
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://2.")
    assert [(c["type"], c["status"], c["reason"]) for c in node["status"]["conditions"]] == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]


def renewed(cluster: Cluster) -> str:
    return str(cluster.client.get("leases", "node-1", "kube-node-lease")["spec"]["renewTime"])


def test_a_lease_is_renewed_every_ten_seconds() -> None:
    cluster = Cluster(nodes=1)
    first = renewed(cluster)
    cluster.advance(10)
    assert renewed(cluster) > first


def test_images_appear_in_the_nodes_status() -> None:
    here = Here(pod(container("main", "nginx:1.27"), nodeName="node-1"))
    here.cluster.advance(11)
    images = here.cluster.client.get("nodes", "node-1")["status"]["images"]
    assert images[0]["names"][1] == "docker.io/library/nginx:1.27"
    assert images[0]["sizeBytes"] == 72385000


def test_a_lost_node_comes_back_and_takes_up_its_pods() -> None:
    here = Here(pod(container("main", "nginx"), nodeName="node-1"))
    here.cluster.stop_kubelet("node-1")
    here.cluster.advance(60)
    assert here.condition("Ready")["status"] == "False"
    assert here.phase == "Running"
    here.cluster.start_kubelet("node-1")
    here.cluster.settle()
    node = here.cluster.client.get("nodes", "node-1")
    assert node["status"]["conditions"][-1]["status"] == "True"
    assert here.condition("Ready")["status"] == "True"
    assert here.status()["restartCount"] == 0


def test_a_pod_deleted_while_its_node_was_lost_is_stopped_when_it_returns() -> None:
    here = Here(pod(container("main", "nginx"), nodeName="node-1"))
    here.cluster.stop_kubelet("node-1")
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.advance(40)
    assert not here.gone()
    here.cluster.start_kubelet("node-1")
    here.cluster.settle()
    assert here.gone()


def refused(here: Here, container: str = "main", **query: str) -> tuple[int, str]:
    agent = next(k for k in here.cluster.kubelets.values() if k.workers)
    options = LogOptions(container=container, previous=query.get("previous") == "true")
    with pytest.raises(StatusError) as caught:
        agent.logs(here.get(), options)
    return caught.value.code, caught.value.message


def test_there_is_no_log_before_a_container_runs() -> None:
    here = Here(pod(container("main", "nginx:nosuch")))
    assert refused(here) == (400, 'container "main" in pod "p" is waiting to start: image can\'t be pulled')
    here.cluster.advance(2)
    assert refused(here) == (400, 'container "main" in pod "p" is waiting to start: trying and failing to pull image')
    assert refused(here, "nosuch") == (400, "container nosuch is not valid for pod p")
    creating = Here(pod(container("main", "nginx"), volumes=[{"name": "x", "secret": {"secretName": "nosuch"}}]))
    assert refused(creating) == (400, 'container "main" in pod "p" is waiting to start: ContainerCreating')


def test_the_log_of_the_run_before_is_kept() -> None:
    here = Here(pod(container("main", "nginx"), nodeName="node-1"))
    assert refused(here, previous="true") == (400, 'previous terminated container "main" in pod "p" not found')
    crashed = Here(pod(sh("echo $(date +%S); exit 1")))
    assert crashed.log() == "03\n"
    crashed.cluster.advance(11)
    assert (crashed.log(previous="true"), crashed.log()) != ("", "")


def test_logs_can_be_cut() -> None:
    here = Here(pod(sh("for i in 1 2 3 4 5; do echo line $i; sleep 10; done"), restartPolicy="Never"))
    here.cluster.advance(60)
    assert here.log(tailLines="2") == "line 4\nline 5\n"
    assert here.log(limitBytes="6") == "line 1"
    assert here.log(timestamps="true").splitlines()[0].endswith("Z line 1")
    assert here.log(sinceTime="2026-01-01T00:00:30Z") == "line 4\nline 5\n"


def test_commands_run_in_containers() -> None:
    here = Here(pod(container("main", "nginx"), nodeName="node-1"))
    agent = here.cluster.kubelets["node-1"]
    assert agent.exec(here.get(), "main", ["cat", "/etc/hostname"]) == (b"p\n", b"", 0)
    assert agent.exec(here.get(), "main", ["cat"], b"hello") == (b"hello", b"", 0)
    assert agent.exec(here.get(), "main", ["sh", "-c", "exit 3"])[2] == 3
    with pytest.raises(StatusError, match=r'exec: "nosuch": executable file not found in \$PATH'):
        agent.exec(here.get(), "main", ["nosuch"])


def test_a_killed_process_is_restarted() -> None:
    here = Here(pod(container("main", "nginx"), nodeName="node-1"))
    here.cluster.kubelets["node-1"].exec(here.get(), "main", ["sh", "-c", "kill 1"])
    here.cluster.settle()
    assert here.status()["restartCount"] == 1
    assert here.status()["lastState"]["terminated"]["reason"] == "Completed"


def test_services_are_in_the_environment_of_pods_that_come_after_them() -> None:
    here = Here(settle=False)
    spec = {"selector": {"app": "x"}, "ports": [{"port": 6379}]}
    meta = {"name": "redis-primary", "namespace": "default"}
    address = here.cluster.client.create(
        "services", {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    )
    here.cluster.client.create("pods", pod(sh("env | sort | grep -i redis"), restartPolicy="Never"))
    here.cluster.settle()
    ip = address["spec"]["clusterIP"]
    assert here.log().splitlines()[0] == f"REDIS_PRIMARY_PORT=tcp://{ip}:6379"
    assert f"REDIS_PRIMARY_SERVICE_HOST={ip}" in here.log()


def test_a_calls_log_shows_what_one_pod_asks_of_the_runtime() -> None:
    here = Here(pod(container("main", "nginx")))
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.settle()
    assert [call.method for call in here.cluster.pool.calls.of_pod("p")] == [
        "RunPodSandbox", "CreateContainer", "StartContainer", "StopContainer", "StopPodSandbox", "RemovePodSandbox",
    ]  # fmt: skip


def said_by(here: Here, *command: str) -> str:
    return here.cluster.kubelets["node-1"].exec(here.get(), "main", list(command))[0].decode()


def test_a_pod_with_a_subdomain_knows_its_full_name() -> None:
    here = Here(pod(sh("sleep 100"), nodeName="node-1", hostname="web-0", subdomain="nginx"))
    assert [said_by(here, "hostname", *option) for option in ((), ("-f",), ("-d",))] == [
        "web-0\n",
        "web-0.nginx.default.svc.cluster.local\n",
        "nginx.default.svc.cluster.local\n",
    ]
    assert said_by(here, "tail", "-n", "1", "/etc/hosts").split() == [
        here.get()["status"]["podIP"],
        "web-0.nginx.default.svc.cluster.local",
        "web-0",
    ]


def test_a_pod_can_carry_its_full_name_as_its_host_name() -> None:
    here = Here(pod(sh("sleep 100"), nodeName="node-1", hostname="a", subdomain="b", setHostnameAsFQDN=True))
    assert said_by(here, "hostname") == "a.b.default.svc.cluster.local\n"


def test_host_aliases_are_names_that_only_this_pod_knows() -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["foo.remote", "bar.remote"]}]
    here = Here(pod(sh("sleep 100"), nodeName="node-1", hostAliases=aliases))
    assert said_by(here, "tail", "-n", "2", "/etc/hosts") == (
        "# Entries added by HostAliases.\n10.1.2.3\tfoo.remote\tbar.remote\n"
    )
    assert said_by(here, "hostname", "-f") == "p\n"


def test_a_name_in_the_hosts_file_leads_to_its_address_and_is_the_host_that_was_asked_for() -> None:
    here = Here(pod(container("main", "traefik/whoami:v1.11"), name="web"))
    aliases = [{"ip": here.get("web")["status"]["podIP"], "hostnames": ["shop.example.com"]}]
    here.cluster.client.create("pods", pod(sh("sleep 100"), hostAliases=aliases))
    here.cluster.settle()
    said = here.cluster.kubectl("exec p -- wget -qO- http://shop.example.com/")
    assert "Host: shop.example.com\n" in said
    assert here.cluster.kubectl("exec p -- sh -c 'nc -z shop.example.com 80 && echo open'") == "open\n"


def test_a_node_keeps_what_its_containers_write_in_its_own_files() -> None:
    mounts = [{"name": "logs", "mountPath": "/logs"}]
    volumes = [{"name": "logs", "hostPath": {"path": "/var/log"}}]
    here = Here(pod(sh("echo hello; sleep 100", volumeMounts=mounts), nodeName="node-1", volumes=volumes))
    assert said_by(here, "sh", "-c", "cat /logs/pods/default_p_*/main/0.log") == (
        "2026-01-01T00:00:01.661000000Z stdout F hello\n"
    )
    assert said_by(here, "ls", "/logs/containers").startswith("p_default_main-")


def test_what_somebody_wrote_about_a_node_and_is_not_so_is_put_right_with_the_next_heartbeat() -> None:
    cluster = Cluster(nodes=1)
    untrue = {"type": "Ready", "status": "False", "reason": "Rumour", "message": "it is said"}
    other = {"type": "Haunted", "status": "True", "reason": "Ghosts", "message": "steps at night"}
    change = {"status": {"conditions": [untrue, other], "allocatable": {"cpu": "1"}}}
    cluster.client.patch("nodes", "node-1", change, kind="merge", subresource="status")
    cluster.advance(10)
    told = cluster.client.get("nodes", "node-1")["status"]
    assert told["allocatable"]["cpu"] == "8"
    assert {each["type"]: each["reason"] for each in told["conditions"] if each["type"] in ("Ready", "Haunted")} == {
        "Haunted": "Ghosts",
        "Ready": "KubeletReady",
    }


def test_a_node_about_which_there_is_no_news_is_left_alone() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.patch("nodes", "node-1", {"metadata": {"labels": {"disk": "ssd"}}}, kind="merge")
    before = cluster.client.get("nodes", "node-1")["metadata"]["resourceVersion"]
    cluster.advance(60)
    assert cluster.client.get("nodes", "node-1")["metadata"]["resourceVersion"] == before


def test_what_somebody_says_that_a_machine_has_stays_and_is_handed_out() -> None:
    cluster = Cluster(nodes=1)
    change = {"status": {"capacity": {"example.com/dongle": "4"}, "conditions": []}}
    cluster.client.patch("nodes", "node-1", change, kind="merge", subresource="status")
    cluster.advance(10)
    told = cluster.client.get("nodes", "node-1")["status"]
    assert (told["capacity"]["example.com/dongle"], told["allocatable"]["example.com/dongle"]) == ("4", "4")
    assert told["conditions"][-1]["reason"] == "KubeletReady"
    wanted = {"limits": {"example.com/dongle": "3"}}
    for name in ("one", "two"):
        container = {"name": "c", "image": "nginx", "resources": wanted}
        cluster.client.create("pods", {"metadata": {"name": name}, "spec": {"containers": [container]}}, "default")
    cluster.advance(10)
    phases = [cluster.client.get("pods", name, "default")["status"]["phase"] for name in ("one", "two")]
    assert phases == ["Running", "Pending"]
