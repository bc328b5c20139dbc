"""A cluster's past as data: whoever reads it lives through the same, and through nothing that it may not ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snb import Cluster, Controller, NodeSpec
from k8snb.cluster.journal import CALLS, Again, NoPast, Told, _read, _written
from k8snb.cluster.replicating import ControlPlane
from k8snb.errors import NotData


def live_again(cluster: Cluster) -> Cluster:
    """The cluster that somebody has who only gets the text."""
    made, entries = json.loads(json.dumps(cluster.past.told()))
    again = Again(made)
    again.live(entries)
    return again.cluster


def eventful() -> Cluster:
    """A cluster to which much came from outside."""
    nodes = [
        NodeSpec("node-1", labels={"zone": "a"}),
        NodeSpec("node-2", taints=[{"key": "k", "effect": "NoSchedule"}]),
    ]
    cluster = Cluster(nodes, seed=3, cloud=True, control_planes=[ControlPlane("one"), ControlPlane("two", ahead=1.5)])
    cluster.add_node("node-3", cpu="2", memory="1Gi")
    cluster.kubectl("create deployment web --image=nginx --replicas=3")
    cluster.client.create("configmaps", {"metadata": {"name": "a"}, "data": {"b": "☃"}}, "default")
    cluster.add_driver("disks.example.com", limit=3)
    cluster.configure_kubelet("node-1", evictionHard={"memory.available": "500Mi"})
    cluster.put_manifest(
        "node-1", {"metadata": {"name": "s"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    )
    cluster.stop("kube-scheduler", on="one")
    cluster.rush("tim", "GET /api/v1/pods", times=3)
    cluster.settle()
    cluster.kubectl("exec deploy/web -- touch /tmp/here")
    cluster.stop_kubelet("node-1")
    cluster.advance(60)
    return cluster


def test_a_past_that_was_written_down_leads_to_the_same_cluster() -> None:
    cluster = eventful()
    again = live_again(cluster)
    listed = "get pods,nodes,configmaps,events,leases -A -o yaml --show-managed-fields"
    assert again.revision == cluster.revision
    assert again.kubectl(listed) == cluster.kubectl(listed)
    assert again.past.told() == cluster.past.told()


def test_what_only_looks_like_something_else_stays_what_it_is() -> None:
    odd = {"$tuple": [1, (2, "☃")], "$": {"$map": None}, "plain": [True, 0.5, {}]}
    assert _read(json.loads(json.dumps(_written(odd)))) == odd


def test_what_members_of_etcd_went_through_is_data() -> None:
    cluster = Cluster(nodes=1, etcd_members=3)
    cluster.etcd.partition(["etcd-1"], ["etcd-2", "etcd-3"])
    cluster.kubectl("create configmap a")
    cluster.etcd.heal()
    cluster.advance(5)
    assert live_again(cluster).revision == cluster.revision


class Idle(Controller):
    name = "idle"

    def start(self) -> None:
        """Nothing interests it."""


def test_programs_and_functions_of_the_reader_are_no_data() -> None:
    runs, asks = Cluster(nodes=1), Cluster(nodes=1)
    runs.run(Idle)
    asks.webhooks["https://example.com"] = lambda review: review
    del asks.webhooks["https://example.com"]
    for cluster, words in ((runs, "Idle is no data"), (asks, "webhooks that are functions")):
        with pytest.raises(NotData, match=words):
            cluster.past.told()


TOLD = Told({"seed": 1, "nodes": []}, ())


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({}, "never made like that"),
        ({"seed": 1, "nodes": [], "path": "/tmp/x"}, "never made like that"),
        ({"seed": 1, "nodes": [], "outside": 1}, "never made like that"),
        ({"seed": 1, "nodes": [{"$Popen": {}}]}, "Popen is no data"),
        ({"seed": 1, "nodes": [{"$NodeSpec": {"color": "red"}}]}, "unexpected keyword"),
        ({"seed": 1, "nodes": 10**9}, "TypeError"),
        ({"seed": 1, "nodes": [1] * 201}, "never made like that"),
    ],
)
def test_a_cluster_is_made_in_known_ways_only(made: Any, words: str) -> None:
    with pytest.raises(NoPast, match=words):
        Again(made)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (["close"], "nothing called close comes from outside"),
        (["_replay", [], None], "nothing called _replay"),
        (["_etcd", "__class__"], "nothing called __class__"),
        (["_run_again", 10**9, 1.0], "so much time has not passed"),
        (["_run_again", 1, "soon"], "TypeError"),
        (["_curl", {"$object": 1}], "object is no data"),
        (["_handle_again", {"$request": {"method": "GET"}}], "KeyError"),
        (["_stop_kubelet", "node-9"], "KeyError"),
        ([], "ValueError"),
        (7, "TypeError"),
    ],
)
def test_only_what_comes_from_outside_can_be_told(entry: Any, words: str) -> None:
    with pytest.raises(NoPast, match=words):
        Again(TOLD.made).live([entry])


def test_every_call_is_a_method_of_a_cluster() -> None:
    assert [name for name in CALLS if not callable(getattr(Cluster, name, None))] == []
