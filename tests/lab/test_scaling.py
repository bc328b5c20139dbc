"""The exercises of the page on autoscaling: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import scaling
from k8snb.lab.verdict import Verdict
from tests.book.conftest import ROOT
from tests.lab.repairs import after, missing

REQUESTS = "set resources deployment shop --requests=cpu=100m"


@pytest.fixture
def cluster() -> Cluster:
    return after(Cluster(nodes=2, seed=1), "create deployment shop --image=registry.k8s.io/hpa-example")


def autoscaled(cluster: Cluster, *flags: str) -> Verdict:
    cluster.kubectl(f"autoscale deployment shop {' '.join(flags)}")
    cluster.advance(120)
    return scaling.check_shop(cluster)


def test_an_autoscaler_without_requests_exists_and_does_nothing(cluster: Cluster) -> None:
    verdict = autoscaled(cluster, "--cpu-percent=60", "--min=2", "--max=6")
    assert "missing request for cpu" in missing(verdict)


def test_the_bounds_are_asked_for(cluster: Cluster) -> None:
    after(cluster, REQUESTS)
    assert missing(autoscaled(cluster, "--cpu-percent=60", "--max=6")).endswith("the bounds is 1 – 6")


def test_with_requests_it_works(cluster: Cluster) -> None:
    after(cluster, REQUESTS)
    assert autoscaled(cluster, "--cpu-percent=60", "--min=2", "--max=6")


def patient(**behavior: Any) -> Verdict:
    cluster = after(Cluster(nodes=1, seed=1), f"apply -f {ROOT / 'manifests' / 'workloads' / 'hpa.yaml'}")
    patch = {"spec": {"behavior": behavior}}
    cluster.client.patch("horizontalpodautoscalers.autoscaling", "php-apache", patch, "default")
    return scaling.check_patient(cluster)


def pods(count: int, seconds: int) -> dict[str, Any]:
    return {"type": "Pods", "value": count, "periodSeconds": seconds}


def test_a_second_policy_that_allows_more_is_noticed() -> None:
    percent = {"type": "Percent", "value": 50, "periodSeconds": 60}
    down = {"stabilizationWindowSeconds": 600, "policies": [pods(2, 120), percent]}
    assert "the most generous counts" in missing(patient(scaleDown=down))
    assert patient(scaleDown={**down, "selectPolicy": "Min"})


def test_slow_both_ways_is_too_slow() -> None:
    down = {"stabilizationWindowSeconds": 600, "policies": [pods(2, 120)]}
    assert missing(patient(scaleDown=down, scaleUp={"stabilizationWindowSeconds": 60})).startswith("it grows at once")
