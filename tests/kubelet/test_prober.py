"""Probes: what each kind does when it fails."""

from __future__ import annotations

from typing import Any

from tests.kubelet.pods import Here, container, pod, sh


def http(port: int = 80, path: str = "/", **fields: Any) -> dict[str, Any]:
    return {"httpGet": {"port": port, "path": path}, **fields}


def test_a_readiness_probe_that_fails_keeps_the_pod_out_of_traffic() -> None:
    here = Here(pod(container("main", "nginx", readinessProbe=http(9090, "/ready"))))
    assert here.phase == "Running"
    assert here.condition("Ready")["message"] == "containers with unready status: [main]"
    ip = here.get()["status"]["podIP"]
    refused = f'Get "http://{ip}:9090/ready": dial tcp {ip}:9090: connect: connection refused'
    assert f"Unhealthy: Readiness probe failed: {refused}" in here.events()
    here.cluster.advance(120)
    assert here.status()["restartCount"] == 0


def test_a_pod_becomes_ready_when_its_probe_succeeds_and_unready_when_it_fails_again() -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 5, "failureThreshold": 2}
    here = Here(
        pod(sh("sleep 20; touch /tmp/ready; sleep 20; rm /tmp/ready; sleep 3600", readinessProbe=probe)), settle=False
    )
    here.cluster.advance(15)
    assert here.condition("Ready")["status"] == "False"
    here.cluster.advance(15)
    assert here.condition("Ready")["status"] == "True"
    here.cluster.advance(25)
    assert here.condition("Ready")["status"] == "False"
    said = "Unhealthy: Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory\n"
    assert said in here.events()


def test_a_liveness_probe_that_fails_restarts_the_container() -> None:
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5, "periodSeconds": 5}
    script = "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"
    here = Here(pod(sh(script, livenessProbe=probe), terminationGracePeriodSeconds=5))
    here.cluster.advance(60)
    assert here.status()["restartCount"] == 1
    assert "Killing: Container main failed liveness probe, will be restarted" in here.events()
    assert here.status()["lastState"]["terminated"]["exitCode"] == 137


def test_a_status_code_is_reported() -> None:
    here = Here(pod(container("main", "nginx", livenessProbe=http(80, "/nosuch"))))
    assert "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404" in here.events()


def test_the_other_probes_wait_for_the_startup_probe() -> None:
    startup = {"exec": {"command": ["cat", "/tmp/started"]}, "periodSeconds": 10, "failureThreshold": 30}
    liveness = {"exec": {"command": ["false"]}, "periodSeconds": 5, "failureThreshold": 1000}
    here = Here(
        pod(sh("sleep 35; touch /tmp/started; sleep 3600", startupProbe=startup, livenessProbe=liveness)), settle=False
    )
    here.cluster.advance(30)
    assert here.status()["started"] is False
    assert not any("Liveness" in event for event in here.events())
    here.cluster.advance(30)
    assert here.status()["started"] is True
    assert any("Liveness probe failed" in event for event in here.events())


def test_a_startup_probe_that_never_succeeds_kills_the_container() -> None:
    startup = {"tcpSocket": {"port": 81}, "periodSeconds": 1, "failureThreshold": 3}
    here = Here(pod(container("main", "nginx", startupProbe=startup)))
    assert "Killing: Container main failed startup probe, will be restarted" in here.events()


def test_a_named_port_is_found() -> None:
    probe = {"httpGet": {"port": "web", "path": "/"}}
    here = Here(pod(container("main", "nginx", ports=[{"name": "web", "containerPort": 80}], readinessProbe=probe)))
    assert here.condition("Ready")["status"] == "True"
    assert '"GET / HTTP/1.1" 200 615 "-" "kube-probe/1.36" "-"' in here.log()


def test_a_probe_that_takes_too_long_has_failed() -> None:
    probe = {"exec": {"command": ["sleep", "3"]}, "timeoutSeconds": 1}
    here = Here(pod(container("main", "nginx", readinessProbe=probe)))
    assert any('command timed out: "sleep 3" timed out after 1s' in event for event in here.events())


def test_upstreams_liveness_example_fails_after_ten_seconds() -> None:
    probe = http(8080, "/healthz", initialDelaySeconds=3, periodSeconds=3)
    image = "registry.k8s.io/e2e-test-images/agnhost:2.40"
    here = Here(pod(container("main", image, args=["liveness"], livenessProbe=probe)))
    here.cluster.advance(30)
    assert here.status()["restartCount"] >= 1
    assert "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500" in here.events()


def test_steady_probes_do_not_keep_the_cluster_from_settling() -> None:
    here = Here(pod(container("main", "nginx", readinessProbe=http(), livenessProbe=http())))
    assert here.phase == "Running"
    assert here.cluster.settle() == 0
