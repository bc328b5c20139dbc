"""Commands that wait let virtual time pass, no more than is needed."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.kubectl.conftest import Typed


@pytest.fixture
def web(kubectl: Typed) -> Typed:
    """A Deployment that has just been created."""
    kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    return kubectl


def test_rollout_status_follows_a_rollout_to_its_end(web: Typed) -> None:
    lines = web("rollout status deployment/web").stdout.splitlines()
    assert lines[-3:] == [
        'Waiting for deployment "web" rollout to finish: 0 of 2 updated replicas are available...',
        'Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...',
        'deployment "web" successfully rolled out',
    ]


def test_rollout_status_gives_up_in_time(web: Typed, cluster: Cluster) -> None:
    web("rollout status deployment/web")
    web("set image deployment/web nginx=nowhere.example/nginx:1")
    before = cluster.clock.now()
    output = web("rollout status deployment/web --timeout=30s")
    assert (output.stderr, output.code) == ("error: timed out waiting for the condition\n", 1)
    assert cluster.clock.now() - before == 30


def test_a_rollout_can_be_looked_back_on_and_undone(web: Typed) -> None:
    web("set image deployment/web nginx=nginx:1.28")
    web("rollout status deployment/web")
    assert web("rollout history deployment/web").stdout == (
        "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n"
    )
    assert "Image:\tnginx:1.27\n" in web("rollout history deployment/web --revision=1").stdout
    assert web("rollout undo deployment/web").text == "deployment.apps/web rolled back\n"
    web("rollout status deployment/web")
    assert web("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}").stdout == "nginx:1.27"


def test_wait_returns_when_the_condition_is_met(web: Typed, cluster: Cluster) -> None:
    before = cluster.clock.now()
    output = web("wait --for=condition=Available deployment/web --timeout=300s")
    assert output.text == "deployment.apps/web condition met\n"
    assert cluster.clock.now() - before < 60


def test_wait_says_what_did_not_come_in_time(web: Typed) -> None:
    output = web("wait --for=condition=Nope deployment/web --timeout=5s")
    assert output.text == "error: timed out waiting for the condition on deployments/web\n"
    assert web("wait --for=condition=Ready pod -l app=nope").text == "error: no matching resources found\n"


def test_wait_looks_at_fields_too(web: Typed) -> None:
    assert web("wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web").code == 0


def test_delete_waits_until_the_object_is_gone(web: Typed) -> None:
    web("run alone --image=nginx:1.27")
    web("wait --for=condition=Ready pod/alone")
    assert web("delete pod alone").text == 'pod "alone" deleted from default namespace\n'
    assert web("get pod alone").text == 'Error from server (NotFound): pods "alone" not found\n'


def test_delete_need_not_wait(web: Typed) -> None:
    web("run alone --image=nginx:1.27")
    web("wait --for=condition=Ready pod/alone")
    web("delete pod alone --wait=false")
    assert "Terminating" in web("get pod alone").stdout


def test_watching_prints_every_change_and_ends_when_all_is_quiet(web: Typed) -> None:
    head, *rows = web("get deployment web --watch").stdout.splitlines()
    assert head.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert [row.split()[1] for row in rows if row.split()[1] != "0/2"] == ["1/2", "2/2"]


def test_watching_can_be_limited_in_time(web: Typed, cluster: Cluster) -> None:
    web("rollout status deployment/web")
    before = cluster.clock.now()
    web("get pods -w --request-timeout=7s")
    assert cluster.clock.now() - before == 7


def test_watched_objects_can_be_printed_as_names(web: Typed) -> None:
    assert set(web("get deployment web -w -o name").stdout.split()) == {"deployment.apps/web"}


def test_logs_can_be_followed_to_the_end(web: Typed) -> None:
    script = "for i in 1 2 3; do echo line $i; sleep 5; done"
    web(f'run counter --image=busybox:1.36 --restart=Never -- sh -c "{script}"')
    web("wait --for=jsonpath={.status.phase}=Running pod/counter")
    assert web("logs counter -f").stdout == "line 1\nline 2\nline 3\n"


def test_a_pod_can_be_run_for_one_answer(web: Typed) -> None:
    web("rollout status deployment/web")
    web("expose deployment web --port=80")
    output = web("run ask --rm -i --image=busybox:1.36 --restart=Never -- wget -qO- web")
    assert "Welcome to nginx!" in output.stdout
    assert output.stdout.endswith('pod "ask" deleted from default namespace\n')
    assert web("get pod ask").code == 1


def test_a_pod_that_fails_passes_its_exit_code_on(web: Typed) -> None:
    assert web("run ask --rm -i --image=busybox:1.36 --restart=Never -- sh -c 'exit 7'").code == 7


def test_a_command_runs_in_a_container(web: Typed) -> None:
    web("rollout status deployment/web")
    assert web("exec deploy/web -- echo hello").text == "hello\n"
    failed = web("exec deploy/web -- sh -c 'exit 3'")
    assert (failed.stderr, failed.code) == ("command terminated with exit code 3\n", 3)
    assert web("exec -i deploy/web -- cat", "typed in").code == 0


def test_events_are_told_oldest_first(web: Typed) -> None:
    web("run alone --image=nginx:1.27")
    web("wait --for=condition=Ready pod/alone")
    reasons = [line.split()[2] for line in web("events --for pod/alone --no-headers").stdout.splitlines()]
    assert reasons[0] == "Scheduled"
    assert reasons[-1] == "Started"


def test_the_same_commands_print_the_same_on_every_run() -> None:
    def told() -> list[str]:
        cluster = Cluster(nodes=3, seed=7)
        commands = ["create deployment web --image=nginx:1.27 --replicas=3", "rollout status deployment/web"]
        commands += ["get pods -o wide", "describe deployment web", "get deployment web -o yaml", "events"]
        return [cluster.kubectl(command) for command in commands]

    assert told() == told()
