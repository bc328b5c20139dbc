"""A pod's life on its node: start, restart, completion, deletion."""

from __future__ import annotations

import pytest

from tests.kubelet.pods import Here, container, pod, sh


def phases(here: Here, name: str = "p") -> list[str]:
    """The phases and first container states that the API showed, one after another."""
    kind = here.cluster.server.kinds.named("pods")
    found: list[str] = []
    for event in here.cluster.store.history(kind.bucket, "default", name):
        status = kind.load(event.object)["status"]
        states = [next(iter(s["state"].items())) for s in status.get("containerStatuses", ())]
        text = " ".join([status["phase"], *(f"{k}:{v.get('reason', '')}".rstrip(":") for k, v in states)])
        if not found or found[-1] != text:
            found.append(text)
    return found


def test_a_pod_is_pending_then_creating_then_running() -> None:
    here = Here(pod(container("main", "nginx:1.27")))
    assert phases(here) == ["Pending", "Pending waiting:ContainerCreating", "Running running"]
    assert here.events() == [
        'Pulling: Pulling image "nginx:1.27"',
        'Pulled: Successfully pulled image "nginx:1.27" in 2.41s (2.41s including waiting). '
        "Image size: 72385000 bytes.",
        "Created: Container created",
        "Started: Container started",
    ]


def test_pods_that_are_bound_together_become_ready_together() -> None:
    here = Here(*(pod(container("main", "nginx"), name=f"p{i}") for i in range(4)))
    stamps = {here.get(f"p{i}")["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] for i in range(4)}
    assert len(stamps) == 1


def test_an_image_that_is_present_is_not_pulled_again() -> None:
    here = Here(pod(container("main", "nginx:1.27"), nodeName="node-1"))
    here.cluster.client.create("pods", pod(container("main", "nginx:1.27"), name="q", nodeName="node-1"))
    here.cluster.settle()
    assert (
        here.events("q")[0]
        == 'Pulled: Container image "nginx:1.27" already present on machine and can be accessed by the pod'
    )


def test_a_status_has_the_fields_that_a_kubelet_writes() -> None:
    status = Here(pod(container("main", "nginx"))).get()["status"]
    assert list(status) == [
        "observedGeneration", "phase", "conditions", "hostIP", "hostIPs", "podIP", "podIPs", "startTime",
        "containerStatuses", "qosClass", "resources",
    ]  # fmt: skip
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [
        ("PodReadyToStartContainers", "True"), ("Initialized", "True"), ("Ready", "True"), ("ContainersReady", "True"),
        ("PodScheduled", "True"),
    ]  # fmt: skip
    main = status["containerStatuses"][0]
    assert main["image"] == "docker.io/library/nginx:latest"
    assert main["imageID"].startswith("docker.io/library/nginx@sha256:")
    assert len(main["containerID"].removeprefix("containerd://")) == 64


def test_a_container_that_fails_restarts_at_once_then_backs_off() -> None:
    here = Here(pod(sh("echo run; exit 1")))
    assert here.waiting()[0] == "CrashLoopBackOff"
    assert here.waiting()[1].startswith("back-off 10s restarting failed container=main pod=p_default(")
    assert here.phase == "Running"
    assert here.status()["restartCount"] == 1
    assert here.status()["lastState"]["terminated"]["exitCode"] == 1
    here.cluster.advance(15)
    assert here.waiting()[1].startswith("back-off 20s ")
    here.cluster.advance(500)
    assert here.waiting()[1].startswith("back-off 5m0s ")
    assert here.status()["restartCount"] == 6
    assert any(
        e.startswith("BackOff: Back-off restarting failed container main in pod p_default(") for e in here.events()
    )


def test_what_the_api_shows_of_a_crash() -> None:
    here = Here(pod(sh("exit 1")))
    assert phases(here) == [
        "Pending", "Pending waiting:ContainerCreating", "Running running", "Running terminated:Error",
        "Running running", "Running terminated:Error", "Running waiting:CrashLoopBackOff",
    ]  # fmt: skip


def test_a_pod_that_never_restarts_fails_or_succeeds() -> None:
    failed = Here(pod(sh("exit 3"), restartPolicy="Never"))
    assert (failed.phase, failed.status()["state"]["terminated"]["exitCode"]) == ("Failed", 3)
    assert failed.condition("Ready")["reason"] == "PodFailed"
    done = Here(pod(sh("echo done"), restartPolicy="Never"))
    assert (done.phase, done.log()) == ("Succeeded", "done\n")
    assert done.condition("Ready")["reason"] == "PodCompleted"
    assert done.condition("Initialized")["reason"] == "PodCompleted"
    assert done.condition("PodReadyToStartContainers")["status"] == "False"
    assert done.status()["state"]["terminated"]["reason"] == "Completed"


def test_on_failure_restarts_only_what_fails() -> None:
    script = "n=$(cat /data/n 2>/dev/null || echo 0); echo $((n+1)) > /data/n; [ $n -ge 1 ]"
    mounts = [{"name": "data", "mountPath": "/data"}]
    here = Here(
        pod(sh(script, volumeMounts=mounts), restartPolicy="OnFailure", volumes=[{"name": "data", "emptyDir": {}}])
    )
    here.cluster.advance(30)
    assert (here.phase, here.status()["restartCount"]) == ("Succeeded", 1)


def test_deletion_waits_for_the_process_and_no_longer() -> None:
    here = Here(pod(container("main", "nginx")))
    began = here.seconds()
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.settle()
    assert here.gone()
    assert here.seconds() - began < 2
    assert here.cluster.settle() == 0, "no timer of the dead is waited for"
    assert here.events()[-1] == "Killing: Stopping container main"


def test_a_process_that_ignores_the_signal_is_killed_after_the_grace_period() -> None:
    here = Here(pod(sh("sleep 3600")))
    began = here.seconds()
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.advance(29)
    assert "deletionTimestamp" in here.get()["metadata"]
    here.cluster.settle()
    assert here.gone()
    assert here.seconds() - began == 30


def test_a_prestop_hook_has_its_time_before_the_signal() -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 5; echo stopping > /proc/1/fd/1"]}}}
    here = Here(pod(container("main", "nginx", lifecycle=hook)))
    began = here.seconds()
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.advance(4)
    assert not here.gone()
    here.cluster.settle()
    assert 5 <= here.seconds() - began < 7


def test_a_poststart_hook_that_fails_kills_the_container() -> None:
    here = Here(pod(container("main", "nginx", lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "exit 1"]}}})))
    assert "FailedPostStartHook: PostStartHook failed" in here.events()
    assert here.status()["restartCount"] >= 1


def test_a_container_that_ends_before_its_poststart_hook_is_run_again_and_not_thought_to_run() -> None:
    hook = {"postStart": {"exec": {"command": ["true"]}}}
    here = Here(pod(container("main", "postgres:17", lifecycle=hook)))
    here.cluster.advance(5)
    assert here.status()["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_a_forced_deletion_takes_the_object_at_once() -> None:
    here = Here(pod(sh("sleep 3600")))
    worker = next(w for k in here.cluster.kubelets.values() for w in k.workers.values())
    here.cluster.client.delete("pods", "p", "default", grace=0)
    here.cluster.settle()
    assert here.gone()
    assert worker.state == "Gone"


def test_init_containers_run_in_order_before_the_others() -> None:
    inits = [sh("sleep 2; echo one", "one"), sh("sleep 2; echo two", "two")]
    here = Here(pod(container("main", "nginx"), initContainers=inits), settle=False)
    here.cluster.advance(3)
    assert here.status("two")["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert here.waiting() == ("PodInitializing", "")
    assert here.condition("Initialized")["message"] == "containers with incomplete status: [one two]"
    here.cluster.settle()
    assert here.phase == "Running"
    assert (here.log("one"), here.log("two")) == ("one\n", "two\n")
    assert here.status("two")["ready"] is True
    assert here.status("two")["state"]["terminated"]["reason"] == "Completed"


def test_an_init_container_that_fails_is_tried_again_or_fails_the_pod() -> None:
    here = Here(pod(container("main", "nginx"), initContainers=[sh("exit 1", "init")]))
    assert (here.phase, here.waiting("init")[0]) == ("Pending", "CrashLoopBackOff")
    never = Here(pod(container("main", "nginx"), initContainers=[sh("exit 1", "init")], restartPolicy="Never"))
    assert never.phase == "Failed"


def test_a_sidecar_starts_before_the_main_container_and_stops_after_it() -> None:
    side = sh(
        "trap 'echo side stops; exit 0' TERM; echo side starts; sleep 3600 & wait", "side", restartPolicy="Always"
    )
    here = Here(pod(sh("sleep 3; echo main"), initContainers=[side], restartPolicy="Never"))
    assert here.phase == "Succeeded"
    assert here.log("side") == "side starts\nside stops\n"
    assert (
        here.status("side")["state"]["terminated"]["finishedAt"] >= here.status()["state"]["terminated"]["finishedAt"]
    )


def test_a_sidecar_that_dies_is_restarted_and_the_pod_goes_on() -> None:
    here = Here(pod(container("main", "nginx"), initContainers=[sh("sleep 5; exit 1", "side", restartPolicy="Always")]))
    here.cluster.advance(10)
    assert here.phase == "Running"
    assert here.status("side")["restartCount"] >= 1
    assert here.status()["restartCount"] == 0


def test_a_deadline_ends_a_pod() -> None:
    here = Here(pod(sh("trap 'exit 0' TERM; sleep 3600 & wait"), activeDeadlineSeconds=20, restartPolicy="Never"))
    here.cluster.advance(30)
    status = here.get()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"


def test_a_node_without_room_rejects_a_pod_that_is_put_on_it() -> None:
    big = container("main", "nginx", resources={"requests": {"cpu": "9"}})
    here = Here(pod(big, nodeName="node-1"))
    status = here.get()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert status["message"] == (
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 9000, used: 0, capacity: 8000"
    )


def test_a_pod_that_sets_an_unsafe_kernel_parameter_is_rejected() -> None:
    parameters = {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}
    here = Here(pod(container("main", "nginx"), securityContext=parameters))
    status = here.get()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "SysctlForbidden")
    assert status["message"] == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'


def test_a_container_reads_its_kernel_parameters_and_the_files_of_an_image_volume() -> None:
    parameters = {"sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "1024 65535"}]}
    mounts = [{"name": "site", "mountPath": "/site"}]
    script = "cat /proc/sys/net/ipv4/ip_local_port_range; ls /site/usr/share/nginx/html; touch /site/x; sleep 3600"
    main = {**sh(script), "volumeMounts": mounts}
    here = Here(pod(main, securityContext=parameters, volumes=[{"name": "site", "image": {"reference": "nginx"}}]))
    assert here.log() == "1024 65535\n50x.html\nindex.html\ntouch: /site/x: Read-only file system\n"


def test_another_image_restarts_the_container_in_place() -> None:
    here = Here(pod(container("main", "nginx:1.27")))
    patch = {"spec": {"containers": [{"name": "main", "image": "nginx:1.28"}]}}
    here.cluster.client.patch("pods", "p", patch, "default", kind="strategic")
    here.cluster.settle()
    assert here.status()["image"] == "docker.io/library/nginx:1.28"
    assert here.status()["restartCount"] == 1
    assert "Killing: Container main definition changed, will be restarted" in here.events()
    assert phases(here)[2:] == ["Running running"], "stop and start are one synchronization: nobody sees it stopped"


def test_readiness_gates_hold_a_pod_back() -> None:
    here = Here(pod(container("main", "nginx"), readinessGates=[{"conditionType": "example.com/checked"}]))
    assert here.condition("ContainersReady")["status"] == "True"
    assert here.condition("Ready")["reason"] == "ReadinessGatesNotReady"
    seen = here.get()
    opened = {"type": "example.com/checked", "status": "True"}
    here.cluster.client.update_status(
        "pods", {**seen, "status": {**seen["status"], "conditions": [*seen["status"]["conditions"], opened]}}
    )
    here.cluster.settle()
    assert here.condition("Ready")["status"] == "True"
    assert here.condition("example.com/checked")["status"] == "True"


def test_too_little_memory_kills_the_container() -> None:
    limits = {"limits": {"memory": "100Mi"}}
    here = Here(pod(container("main", "polinux/stress", "stress", "--vm", "1", "--vm-bytes", "250M", resources=limits)))
    ended = here.status()["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert here.waiting()[0] == "CrashLoopBackOff"


def test_a_command_that_does_not_exist_is_a_start_error() -> None:
    here = Here(pod(container("main", "nginx", "nosuch")))
    ended = here.status()["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"], ended["startedAt"]) == ("StartError", 128, "1970-01-01T00:00:00Z")
    assert 'exec: "nosuch": executable file not found in $PATH' in ended["message"]


def test_the_same_program_gives_the_same_pods() -> None:
    made = [Here(pod(sh("exit 1")), pod(container("main", "nginx"), name="q")) for _ in range(2)]
    assert made[0].get() == made[1].get()
    assert made[0].get("q") == made[1].get("q")


def test_every_step_of_a_pod_is_in_the_trace() -> None:
    here = Here(pod(container("main", "nginx")))
    spans = [s for s in here.cluster.trace.spans if s.component.startswith("kubelet/") and s.key.name == "p"]
    assert [s.observed["event"] for s in spans] == ["seen", "sandbox ready", "pulled", "created"]
    assert [len(s.requests) > 0 for s in spans] == [True, True, True, True]
    assert spans[0].wanted


SHAPES = {
    "server": pod(container("main", "nginx")),
    "script": pod(sh("sleep 2; exit 1")),
    "no image": pod(container("main", "nginx:nosuch")),
    "init": pod(container("main", "nginx"), initContainers=[sh("sleep 2", "init")]),
    "sidecar": pod(
        sh("sleep 4"), initContainers=[sh("sleep 3600", "side", restartPolicy="Always")], restartPolicy="Never"
    ),
    "hooks": pod(
        container(
            "main", "nginx", lifecycle={"postStart": {"sleep": {"seconds": 2}}, "preStop": {"sleep": {"seconds": 3}}}
        )
    ),
    "no volume": pod(container("main", "nginx"), volumes=[{"name": "x", "configMap": {"name": "nosuch"}}]),
    "probes": pod(
        container("main", "nginx", livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1})
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pod_can_be_deleted_at_any_moment_and_leaves_nothing_behind(shape: str) -> None:
    for step in range(14):
        here = Here(SHAPES[shape], settle=False)
        here.cluster.advance(step * 0.75)
        here.cluster.client.delete("pods", "p", "default")
        here.cluster.advance(45)
        assert here.gone(), f"deleted after {step * 0.75} s"
        for kubelet in here.cluster.kubelets.values():
            assert kubelet.workers == {}
            assert kubelet._used == (0, 0, 0)
        assert len(here.cluster.network.addresses) == 0


def test_a_namespace_takes_its_pods_with_it() -> None:
    here = Here(settle=False)
    here.cluster.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    here.cluster.settle()
    made = pod(container("main", "nginx"))
    here.cluster.client.create("pods", {**made, "metadata": {"name": "p", "namespace": "n"}})
    here.cluster.settle()
    here.cluster.client.delete("namespaces", "n")
    here.cluster.settle()
    assert here.cluster.client.find("namespaces", "n") is None


def test_a_ready_condition_that_somebody_else_took_away_is_put_back() -> None:
    here = Here(pod(container("main", "nginx")))
    seen = here.get()
    taken = [{**c, "status": "False"} if c["type"] == "Ready" else c for c in seen["status"]["conditions"]]
    here.cluster.client.update_status("pods", {**seen, "status": {**seen["status"], "conditions": taken}})
    here.cluster.settle()
    assert here.condition("Ready")["status"] == "True"


def test_a_pod_that_goes_while_its_status_is_being_put_back_does_no_harm() -> None:
    here = Here(pod(container("main", "nginx")))
    seen = here.get()
    here.cluster.client.update_status("pods", {**seen, "status": {**seen["status"], "conditions": []}})
    here.cluster.client.delete("pods", "p", "default", grace=0)
    here.cluster.settle()
    assert here.gone()
    assert all(kubelet.workers == {} and kubelet._used == (0, 0, 0) for kubelet in here.cluster.kubelets.values())
