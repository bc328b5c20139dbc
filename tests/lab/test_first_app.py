"""The exercises of "First app": each verdict names the step that is missing, and any way to solve one will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import first_app
from k8snb.lab.verdict import Verdict

DEPLOYMENTS = "deployments.apps"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3, seed=1)


def container(name: str, image: str = "busybox", script: str = "", **more: Any) -> dict[str, Any]:
    command = {"command": ["sh", "-c", script]} if script else {}
    return {"name": name, "image": image, **command, **more}


def pod(cluster: Cluster, name: str, *containers: Mapping[str, Any], settle: bool = True, **spec: Any) -> None:
    obj = {"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": list(containers), **spec}}
    cluster.client.create("pods", {"apiVersion": "v1", **obj}, "default")
    if settle:
        cluster.settle()


def deployment(cluster: Cluster, name: str, image: str, replicas: int = 1, **spec: Any) -> None:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container(image.split(":")[0], image)]}}
    wanted = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": wanted}
    cluster.client.create(DEPLOYMENTS, obj, "default")
    cluster.settle()


def change(cluster: Cluster, name: str, spec: Mapping[str, Any], *, settle: bool = True) -> None:
    cluster.client.patch(DEPLOYMENTS, name, {"spec": spec}, "default", kind="strategic")
    if settle:
        cluster.settle()


def image(value: str) -> dict[str, Any]:
    """What sets the image of a Deployment's container, as a patch of its spec."""
    return {"template": {"spec": {"containers": [{"name": value.split(":")[0], "image": value}]}}}


def missing(verdict: Verdict) -> str:
    """The claim that does not hold, with its hint."""
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


CHECKS = [getattr(first_app, name) for name in sorted(dir(first_app)) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.name))
def test_a_reader_who_has_done_nothing_is_told_what_there_is_not(cluster: Cluster, check: Any) -> None:
    verdict = check(cluster)
    assert "there is none in the namespace default" in missing(verdict)
    assert len(verdict.claims) == 1


# -- greeter ---------------------------------------------------------------------------------------------


def test_a_greeter_that_has_not_had_time_is_told_to_wait(cluster: Cluster) -> None:
    pod(cluster, "greeter", container("g", script="echo hello"), settle=False)
    found = missing(first_app.check_greeter(cluster))
    assert found == "its container has run: the reason is Pending; have you let time pass, with cluster.settle()?"


def test_a_greeter_that_is_always_restarted_hears_of_its_restart_policy(cluster: Cluster) -> None:
    pod(cluster, "greeter", container("g", script="echo hello"))
    cluster.advance(60)
    found = missing(first_app.check_greeter(cluster))
    assert found.endswith("because restartPolicy is Always")


def test_a_greeter_that_fails_is_told_its_phase(cluster: Cluster) -> None:
    pod(cluster, "greeter", container("g", script="echo hello; exit 3"), restartPolicy="Never")
    assert missing(first_app.check_greeter(cluster)) == "its phase is Succeeded: the phase is Failed"


def test_a_silent_greeter_is_told_to_speak(cluster: Cluster) -> None:
    pod(cluster, "greeter", container("g", script="true"), restartPolicy="Never")
    assert missing(first_app.check_greeter(cluster)).startswith("it has left a line in its log")


def test_a_greeter_under_on_failure_is_as_good_as_one_under_never(cluster: Cluster) -> None:
    pod(cluster, "greeter", container("g", script="echo hello"), restartPolicy="OnFailure")
    assert first_app.check_greeter(cluster)


# -- report ----------------------------------------------------------------------------------------------

MOUNTS = [{"name": "d", "mountPath": "/data"}]
REPORT = container("report", script="sleep 3; echo 'total: 42' >> /data/log", volumeMounts=MOUNTS)
SHIPPER = container("shipper", script="touch /data/log; tail -f /data/log", volumeMounts=MOUNTS)
VOLUMES: dict[str, Any] = {"restartPolicy": "Never", "volumes": [{"name": "d", "emptyDir": {}}]}


def test_a_helper_among_the_containers_is_named(cluster: Cluster) -> None:
    pod(cluster, "report", REPORT, SHIPPER, **VOLUMES)
    assert missing(first_app.check_report(cluster)).endswith("its ordinary containers are report, shipper")


def test_an_init_container_is_not_yet_a_sidecar(cluster: Cluster) -> None:
    pod(cluster, "report", REPORT, initContainers=[SHIPPER], **VOLUMES)
    assert missing(first_app.check_report(cluster)).endswith("restartPolicy is absent")


def test_a_report_that_is_still_being_written_is_told_to_wait(cluster: Cluster) -> None:
    pod(cluster, "report", REPORT, settle=False, initContainers=[{**SHIPPER, "restartPolicy": "Always"}], **VOLUMES)
    cluster.advance(4)
    assert "report still runs" in missing(first_app.check_report(cluster))


def test_a_report_with_a_sidecar_finishes(cluster: Cluster) -> None:
    pod(cluster, "report", REPORT, initContainers=[{**SHIPPER, "restartPolicy": "Always"}], **VOLUMES)
    assert first_app.check_report(cluster)


# -- patient ---------------------------------------------------------------------------------------------


def test_a_patient_that_is_ill_is_told_its_image(cluster: Cluster) -> None:
    pod(cluster, "patient", container("patient", "ngnix:1.29"))
    assert missing(first_app.check_patient(cluster)) == "its image exists: image is ngnix:1.29"


def test_a_patient_that_was_replaced_was_not_cured(cluster: Cluster) -> None:
    pod(cluster, "patient", container("patient", "nginx:1.29"))
    assert missing(first_app.check_patient(cluster)).startswith("it was repaired, not replaced")


def test_a_patient_is_cured_by_another_image(cluster: Cluster) -> None:
    pod(cluster, "patient", container("patient", "ngnix:1.29"))
    spec = {"spec": {"containers": [{"name": "patient", "image": "nginx:1.29"}]}}
    cluster.client.patch("pods", "patient", spec, "default", kind="strategic")
    cluster.settle()
    assert first_app.check_patient(cluster)


# -- frontend --------------------------------------------------------------------------------------------


def limits(unavailable: int | str, surge: int | str) -> dict[str, Any]:
    return {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}}


def test_the_default_budget_lets_one_of_four_be_missing(cluster: Cluster) -> None:
    deployment(cluster, "frontend", "nginx:1.27", 4)
    assert missing(first_app.check_frontend(cluster)) == "no pod may be missing: maxUnavailable is 25%"


def test_a_frontend_that_has_not_been_updated_is_told_so(cluster: Cluster) -> None:
    deployment(cluster, "frontend", "nginx:1.27", 4, **limits(0, 1))
    assert missing(first_app.check_frontend(cluster)).endswith("its ReplicaSets have nginx:1.27")


def test_a_frontend_in_the_middle_of_its_rollout_is_told_how_far_it_is(cluster: Cluster) -> None:
    deployment(cluster, "frontend", "nginx:1.27", 4, **limits(0, "25%"))
    change(cluster, "frontend", image("nginx:1.28"), settle=False)
    cluster.advance(5)
    assert missing(first_app.check_frontend(cluster)).endswith("of 4 pods 2 are updated and 4 available, 3 are old")


def test_percentages_are_as_good_as_numbers(cluster: Cluster) -> None:
    deployment(cluster, "frontend", "nginx:1.27", 4, **limits("0%", "25%"))
    change(cluster, "frontend", image("nginx:1.28"))
    assert first_app.check_frontend(cluster)


# -- shop ------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(cluster: Cluster) -> Cluster:
    deployment(cluster, "shop", "nginx:1.26", 2)
    change(cluster, "shop", image("nginx:1.27"))
    change(cluster, "shop", image("nginx:1.27-experimental"))
    return cluster


def test_a_shop_with_the_wrong_version_is_told_which(shop: Cluster) -> None:
    assert missing(first_app.check_shop(shop)).endswith("image is nginx:1.27-experimental")


def test_a_new_shop_has_no_history_to_go_back_to(cluster: Cluster) -> None:
    deployment(cluster, "shop", "nginx:1.26", 2)
    assert missing(first_app.check_shop(cluster)).endswith("this one is 1")


def test_a_shop_that_went_back_is_open(shop: Cluster) -> None:
    change(shop, "shop", image("nginx:1.26"))
    assert first_app.check_shop(shop)


# -- ledger ----------------------------------------------------------------------------------------------


def test_a_ledger_that_rolls_is_told_its_strategy(cluster: Cluster) -> None:
    deployment(cluster, "ledger", "redis:7")
    assert missing(first_app.check_ledger(cluster)).endswith("strategy.type is RollingUpdate")


def test_a_ledger_under_recreate_is_updated(cluster: Cluster) -> None:
    deployment(cluster, "ledger", "redis:7", strategy={"type": "Recreate"})
    assert missing(first_app.check_ledger(cluster)).endswith("image is redis:7")
    change(cluster, "ledger", image("redis:8"))
    assert first_app.check_ledger(cluster)
