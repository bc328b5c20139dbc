"""Whatever happens to a workload and its load: its size keeps to the bounds, and ends up where the load is."""

from __future__ import annotations

import os
from functools import cache
from math import ceil
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.k8s.io/hpa-example, resources: {requests: {cpu: 200m}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 6
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""
TARGET = 50
WAVER = 2
"""By how many percent a steady load wavers, as requests fall to one pod or another; the most of five minutes counts."""
CASES = 1_000 if os.environ.get("K8SNB_PROPERTIES") == "long" else 4
"""A case is twenty minutes of a whole cluster."""
ACTIONS = ("load", "scale", "bounds", "kill", "cordon", "image")
stories = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 7), st.sampled_from((20, 45, 200))), max_size=8)


@cache
def started() -> Cluster:
    cluster = Cluster(3, seed=1, trace=0)
    cluster.kubectl("apply -f -", MANIFEST)
    cluster.advance(60)
    return cluster


def act(cluster: Cluster, action: str, number: int) -> None:
    """One thing that people do to the workload."""
    if action == "load":
        cluster.load("web", number % 5)
    elif action == "scale":
        cluster.client.patch("deployments", "web", {"spec": {"replicas": 1 + number}}, "default")
    elif action == "bounds":
        bounds = {"minReplicas": 1 + number % 3, "maxReplicas": 3 + number}
        cluster.client.patch("horizontalpodautoscalers", "web", {"spec": bounds}, "default")
    elif action == "cordon":
        cluster.client.patch("nodes", f"node-{1 + number % 3}", {"spec": {"unschedulable": True}})
    elif action == "image":
        cluster.kubectl(f"set env deployment/web NUMBER={number}")
    elif pods := cluster.client.list("pods", "default"):
        cluster.client.delete("pods", pods[number % len(pods)]["metadata"]["name"], "default", grace=0)


def autoscaler(cluster: Cluster) -> Object:
    return cluster.client.get("horizontalpodautoscalers", "web", "default")


def size(cluster: Cluster) -> int:
    """How many pods are asked for, which is never out of bounds for longer than a look takes to come."""
    spec = autoscaler(cluster)["spec"]
    replicas = int(cluster.client.get("deployments", "web", "default")["spec"]["replicas"])
    assert spec["minReplicas"] <= replicas <= spec["maxReplicas"]
    return replicas


def needed(pods: int, used: int, spec: Object) -> int:
    """How many pods there should be where so many use so much of what they request."""
    wanted = pods if 0.9 <= used / TARGET <= 1.1 else ceil(pods * used / TARGET)
    return min(max(wanted, int(spec["minReplicas"])), int(spec["maxReplicas"]))


@settings(max_examples=CASES)
@given(stories, st.integers(0, 4))
def test_a_workload_ends_up_as_large_as_its_load_needs_and_stays_so(story: list[Any], load: int) -> None:
    cluster = started().fork()
    for action, number, seconds in story:
        act(cluster, action, number)
        cluster.advance(seconds)
        size(cluster)
    for number in (1, 2, 3):
        cluster.client.patch("nodes", f"node-{number}", {"spec": {"unschedulable": None}})
    cluster.load("web", load)
    cluster.advance(900)
    found, hpa = size(cluster), autoscaler(cluster)
    cluster.advance(120)
    assert size(cluster) == found, "a steady load has a steady size"
    assert (hpa["status"]["currentReplicas"], hpa["status"]["desiredReplicas"]) == (found, found)
    used = hpa["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"]
    assert needed(found, used - WAVER, hpa["spec"]) <= found <= needed(found, used + WAVER, hpa["spec"])
