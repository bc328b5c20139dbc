"""Who wrote what, as the page on control loops shows it."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.lab import loops
from tests.lab.repairs import after


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
