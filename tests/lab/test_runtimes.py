"""The exercises of the page on the container runtime: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import runtimes
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def pod(cluster: Cluster, name: str, image: str = "nginx", command: list[str] | None = None, **resources: Any) -> None:
    container = {"name": "c", "image": image, "resources": resources, **({"command": command} if command else {})}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
    cluster.client.create("pods", obj, "default")
    cluster.advance(30)


def calm(cluster: Cluster, **resources: Any) -> Verdict:
    pod(cluster, "calm", **resources)
    return runtimes.check_calm(cluster)


def glutton(cluster: Cluster, *limit: str, wants: str = "260M") -> Verdict:
    command = ["stress", "--vm", "1", "--vm-bytes", wants, "--vm-hang", "1"]
    pod(cluster, "glutton", "polinux/stress", command, **({"limits": {"memory": limit[0]}} if limit else {}))
    return runtimes.check_glutton(cluster)


def test_two_hundred_milliseconds_in_a_hundred_are_two_cpus(cluster: Cluster) -> None:
    assert missing(calm(cluster, limits={"cpu": "200m"})) == "cpu.max is 200000 100000: cpu.max is 20000 100000"


def test_a_request_that_is_lower_makes_it_burstable(cluster: Cluster) -> None:
    found = calm(cluster, limits={"cpu": "2", "memory": "256Mi"}, requests={"cpu": "1"})
    assert missing(found) == "its class is Guaranteed: qosClass is Burstable"


@pytest.mark.parametrize("cpu", ["2", "2000m"])
def test_limits_alone_make_it_guaranteed(cluster: Cluster, cpu: str) -> None:
    assert calm(cluster, limits={"cpu": cpu, "memory": "256Mi"})


def test_too_little_memory_is_named(cluster: Cluster) -> None:
    assert missing(glutton(cluster, "200Mi")) == "its limit is more than it needs: memory.max is 200 MiB"


def test_no_limit_is_too_much(cluster: Cluster) -> None:
    assert missing(glutton(cluster)) == "… and not much more: there is no limit"


def test_a_diet_is_no_solution(cluster: Cluster) -> None:
    assert missing(glutton(cluster, "300Mi", wants="10M")).startswith("it still wants 260M")


def test_enough_is_enough(cluster: Cluster) -> None:
    assert glutton(cluster, "300Mi")
