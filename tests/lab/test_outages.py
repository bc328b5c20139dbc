"""What still works while a component is down, tried out on forks."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab.outages import Outages, outage, outages

TABLE = """\
              kube-    etcd    kube-       kube-     kubelet  kube-proxy  coredns
            apiserver        scheduler  controller-
                                          manager
reads           ✗       ✗        ✓           ✓          ✓         ✓          ✓
writes          ✗       ✗        ✓           ✓          ✓         ✓          ✓
logs            ✗       ✗        ✓           ✓          ✗         ✓          ✓
exec            ✗       ✗        ✓           ✓          ✗         ✓          ✓
traffic         ✓       ✓        ✓           ✓          ✓         ✓          ✓
names           ✓       ✓        ✓           ✓          ✓         ✓          ✗
scheduling      ✗       ✗        ✗           ✓          ✓         ✓          ✓
starting        ✗       ✗        ✓           ✓          ✗         ✓          ✓
restarting      ✓       ✓        ✓           ✓          ✗         ✓          ✓
healing         ✗       ✗        ✗           ✗          ✓         ✓          ✓
scaling         ✗       ✗        ✗           ✗          ✓         ✓          ✓
endpoints       ✗       ✗        ✓           ✗          ✓         ✗          ✓"""


@pytest.fixture(scope="module")
def measured() -> Outages:
    return outages(Cluster(3, seed=1))


def test_each_component_takes_something_along_and_nobody_takes_everything(measured: Outages) -> None:
    assert repr(measured) == TABLE


def test_a_prediction_is_held_against_what_was_found(measured: Outages) -> None:
    right = "reads writes logs exec traffic names starting restarting endpoints"
    assert measured.works("kube-scheduler") == right.split()
    assert measured.wrong({"kube-scheduler": right}) == []
    assert measured.wrong({"kube-scheduler": f"{right} healing".replace("reads ", "")}) == [
        "without kube-scheduler: reads works",
        "without kube-scheduler: no healing",
    ]


def test_with_nothing_down_everything_works_and_the_cluster_is_left_as_it_was() -> None:
    cluster = Cluster(3, seed=1)
    before = cluster.revision
    assert {name for name, works in outage(cluster, "").items() if not works} == set()
    assert cluster.revision == before
