"""The exercises of the page on kubectl: each verdict names the step that is missing."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab import commands
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=2, seed=1)


def after(cluster: Cluster, *lines: str) -> Cluster:
    for line in lines:
        cluster.kubectl(line)
        cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def greeter(cluster: Cluster, *names: str) -> None:
    env = ", ".join(f"{{name: {name}, value: x}}" for name in names)
    spec = f"{{containers: [{{name: c, image: nginx, env: [{env}]}}]}}"
    template = f"{{metadata: {{labels: {{app: g}}}}, spec: {spec}}}"
    wanted = f"{{selector: {{matchLabels: {{app: g}}}}, template: {template}}}"
    manifest = f"{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: greeter}}, spec: {wanted}}}"
    cluster.kubectl("apply -f -", manifest)
    cluster.settle()


SHOP = "create deployment shop --image=nginx --replicas=2"


def test_the_place_of_another_pod_is_not_the_answer(cluster: Cluster) -> None:
    after(cluster, SHOP, "create configmap facts --from-literal=node=node-9")
    assert missing(commands.check_facts(cluster)) == "the oldest pod of shop runs there: the value is node-9"


def test_the_place_of_the_oldest_pod_is(cluster: Cluster) -> None:
    after(cluster, SHOP)
    place = cluster.client.list("pods", "default")[0]["spec"]["nodeName"]
    assert commands.check_facts(after(cluster, f"create configmap facts --from-literal=node={place}"))


def test_a_variable_that_was_unset_by_hand_is_not_taken_out_of_the_file(cluster: Cluster) -> None:
    greeter(cluster, "HELLO", "BYE")
    after(cluster, "scale deployment greeter --replicas=4", "set env deployment/greeter BYE-")
    assert missing(commands.check_greeter(cluster)).endswith("the last file that was applied still contains BYE")


def test_a_file_without_it_takes_it_out_and_leaves_the_replicas(cluster: Cluster) -> None:
    greeter(cluster, "HELLO", "BYE")
    after(cluster, "scale deployment greeter --replicas=4")
    assert missing(commands.check_greeter(cluster)) == "BYE is gone: its variables: HELLO, BYE"
    greeter(cluster, "HELLO")
    assert commands.check_greeter(cluster)


CLAIM = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: %d}}"


def claim(cluster: Cluster, replicas: int, flags: str) -> Verdict:
    after(cluster, "create deployment web --image=nginx --replicas=3")
    cluster.kubectl(f"apply --server-side {flags} -f -", CLAIM % replicas)
    return commands.check_payroll(cluster)


def test_a_conflict_leaves_the_field_with_its_manager(cluster: Cluster) -> None:
    found = missing(claim(cluster, 4, "--field-manager=payroll"))
    assert found == "payroll manages spec.replicas: the manager is kubectl-create"


def test_to_agree_is_to_share(cluster: Cluster) -> None:
    assert missing(claim(cluster, 3, "--field-manager=payroll")).startswith("nobody else does: the manager: ")


def test_force_makes_it_payrolls(cluster: Cluster) -> None:
    assert claim(cluster, 4, "--field-manager=payroll --force-conflicts")
