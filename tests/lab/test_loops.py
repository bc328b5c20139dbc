"""The exercises of the page on control loops: each verdict names the step that is missing."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab import loops
from tests.flocks import Flock, set_size
from tests.lab.repairs import after, missing


class Angora(Flock):
    """A flock whose pods can be told by a label."""

    def start(self) -> None:
        self.follow("configmaps")


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.run(Angora)
    set_size(cluster, "angoras", 2)
    return after(cluster, "label pods --all flock=angoras")


@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        ("get pods", "the ConfigMap angoras is gone: it is still there"),
        ("delete configmap angoras", "its two pods are there: their number is 0"),
        ("delete configmap angoras --cascade=foreground", "its two pods are there: their number is 0"),
    ],
)
def test_orphans_are_there_without_their_owner(cluster: Cluster, command: str, verdict: str) -> None:
    cluster.settle()
    assert missing(loops.check_orphans(after(cluster, "label pods --all flock=angoras", command))) == verdict


def test_orphans_go_on_running(cluster: Cluster) -> None:
    cluster.settle()
    labelled = after(cluster, "label pods --all flock=angoras")
    assert loops.check_orphans(after(labelled, "delete configmap angoras --cascade=orphan"))


@pytest.mark.parametrize(
    ("commands", "verdict"),
    [
        ([], "there is a flock jacobs of 2: jacobs is not there"),
        (["label configmap jacobs flock-size=large"], "jacobs is labelled small: jacobs is large"),
        (["label configmap jacobs flock-size=small"], "texels is labelled large: texels is none"),
        (
            [
                "label configmap angoras jacobs flock-size=small",
                "label configmap texels flock-size=large",
                "label configmap kube-root-ca.crt flock-size=small",
            ],
            "other ConfigMaps are left alone: with the label is kube-root-ca.crt",
        ),
    ],
)
def test_the_dog_labels_flocks_and_flocks_alone(cluster: Cluster, commands: list[str], verdict: str) -> None:
    if commands:
        after(cluster, "label configmap angoras flock-size=small")
        after(cluster, "create configmap jacobs --from-literal=size=2", "create configmap texels --from-literal=size=7")
    assert missing(loops.check_dog(after(cluster, *commands))) == verdict


def test_who_wrote_says_which_component_sent_what() -> None:
    cluster = Cluster(nodes=1, seed=1)
    since = cluster.revision
    after(cluster, "create job once --image=busybox --dry-run=server", "create configmap once")
    after(cluster, "run once --image=nginx")
    assert repr(loops.who_wrote(cluster, since)).splitlines() == [
        "kubernetes-admin  create ConfigMap",
        "                  create Pod",
        "kube-scheduler    create Pod/binding",
        "node-1            update Pod/status ×2",
    ]
