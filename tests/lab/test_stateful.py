"""The exercises of the page on StatefulSets: each verdict names the step that is missing."""

from __future__ import annotations

import pytest
import yaml

from k8snb import Cluster
from k8snb.lab import stateful
from tests.book.conftest import ROOT
from tests.lab.repairs import after, missing

SPEC = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: 'busybox:1.28', command: [sleep, infinity]}]
"""
LAST = """patch statefulset db -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}'"""
TIDY = """patch statefulset web -p '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}}}'"""
STRATEGY = '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}'
BY_HAND = f"patch statefulset db --type=merge -p '{STRATEGY}'"
IMAGE = "set image statefulset/db db=busybox:1.36"


@pytest.fixture
def db() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("apply -f -", SPEC)
    cluster.settle()
    return cluster


@pytest.fixture
def web() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    for number in range(3):
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": f"/{number}"}}
        disk = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"disk-{number}"}, "spec": spec}
        cluster.kubectl("apply -f -", yaml.safe_dump(disk))
    return after(cluster, f"apply -f {ROOT / 'manifests' / 'workloads' / 'statefulset.yaml'}")


def test_an_update_of_all_members_is_no_canary(db: Cluster) -> None:
    assert missing(stateful.check_canary(after(db, IMAGE))) == "its update stops at member 2: partition is 0"


def test_a_partition_alone_updates_nobody(db: Cluster) -> None:
    assert missing(stateful.check_canary(after(db, LAST))).endswith("image is busybox:1.28")


def test_a_partition_leaves_the_update_to_the_last_member(db: Cluster) -> None:
    assert stateful.check_canary(after(db, LAST, IMAGE))


def test_so_does_deleting_the_last_member_by_hand(db: Cluster) -> None:
    assert stateful.check_canary(after(db, BY_HAND, IMAGE, "delete pod db-2"))


def test_claims_that_were_deleted_by_hand_are_not_the_sets_doing(web: Cluster) -> None:
    after(web, "scale statefulset web --replicas=1", "delete pvc www-web-1 www-web-2")
    assert missing(stateful.check_tidy(web)) == "it clears up after members that go: whenScaled is Retain"


def test_a_policy_that_comes_after_the_pods_have_gone_is_too_late(web: Cluster) -> None:
    after(web, "scale statefulset web --replicas=1", TIDY)
    assert "www-web-1, www-web-2" in missing(stateful.check_tidy(web))


def test_a_set_with_the_policy_shrinks_without_a_trace(web: Cluster) -> None:
    assert stateful.check_tidy(after(web, TIDY, "scale statefulset web --replicas=1"))
