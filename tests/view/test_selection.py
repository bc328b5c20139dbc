"""A selector, requirement by requirement: who leaves and why is what the selector itself says."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.view.stepper import Stepper

LABELS = {"web": "app=shop,tier=web,env=prod", "db": "app=shop,tier=db,env=prod,backup=daily", "blog": "app=blog"}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    for name, labels in LABELS.items():
        cluster.kubectl(f"run {name} --image=nginx --labels={labels}")
    cluster.kubectl("create service clusterip web --tcp=80")
    cluster.kubectl('patch service web -p \'{"spec": {"selector": {"app": "shop", "tier": "web"}}}\'')
    cluster.settle()
    return cluster


def caught(story: Stepper) -> list[list[str]]:
    """The pods in each frame."""
    return [[name.removeprefix("Pod/") for name in frame.touched] for frame in story]


STORY = """\
What app in (shop),!backup selects · 3 steps
  1  +0.0 s  @{at}  selector   [●●●]
       diff     nothing is asked yet: every Pod of the namespace
  2  +0.0 s  @{at}  selector   [●●]
       observe  app blog × 1, shop × 2
       diff     app in (shop): 2 of 3 remain
       act      leave out Pod blog
                  app: app=blog → wanted: app in (shop)
  3  +0.0 s  @{at}  selector   [●]
       observe  backup daily × 1, none × 1
       diff     !backup: 1 of 2 remain
       act      leave out Pod db
                  backup: backup=daily → wanted: !backup"""


def test_every_requirement_says_whom_it_leaves_out_and_why(cluster: Cluster) -> None:
    assert str(cluster.selection("pods", "app in (shop),!backup")) == STORY.format(at=cluster.revision)


def test_what_remains_is_what_the_api_selects(cluster: Cluster) -> None:
    for selector in ("app=shop", "app!=shop", "tier", "!tier", "env notin (test),tier in (web,db)", ""):
        found = [pod["metadata"]["name"] for pod in cluster.client.list("pods", "default", labels=selector)]
        assert caught(cluster.selection("pods", selector))[-1] == found


def test_an_object_may_lend_its_own_selector(cluster: Cluster) -> None:
    assert caught(cluster.selection("service/web"))[1:] == [["db", "web"], ["web"]]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("pod/web", "Pod/web has no selector"),
        ("service/x", "there is no Service x"),
        ("secrets", "there is no picture of Secret yet"),
        ("nonsense", "there is no kind called nonsense"),
    ],
)
def test_what_cannot_be_shown_is_said(cluster: Cluster, what: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        cluster.selection(what)
