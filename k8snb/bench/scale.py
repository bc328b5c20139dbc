"""Figures: what the cluster costs at scale.

`scale` creates Deployments with a Service each and runs until every pod is Running. Everything is on that is
on in a notebook: admission and validation, the default scheduler plugins, EndpointSlices, events. Only the trace is
off, the turns are longer (`quantum`), and Python's cycle collector is told that there is little to collect.
"""

from __future__ import annotations

import gc
import json
import resource
import time
from dataclasses import asdict, dataclass

from k8snb.cluster.cluster import Cluster
from k8snb.controllers.settings import Settings
from k8snb.typing import Object

QUANTUM = 512
HISTORY = 2_000
FLAGS = Settings(mirror_endpoints=False)
"""Services have their EndpointSlices; the deprecated Endpoints are not mirrored as well."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome of one run."""

    nodes: int
    pods: int
    seconds: float
    pods_per_second: float
    cpu_seconds: float
    peak_rss_bytes: int
    bytes_per_pod: int
    cpu_microseconds_per_pod: float
    revisions: int
    virtual_seconds: float

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return (
            f"{self.pods:,} pods on {self.nodes:,} nodes in {self.seconds:.1f} s: {self.pods_per_second:,.0f} pods/s\n"
            f"CPU {self.cpu_seconds:.1f} s, {self.cpu_microseconds_per_pod:.0f} µs per pod\n"
            f"peak memory {self.peak_rss_bytes / 2**20:,.0f} MiB, {self.bytes_per_pod:,} bytes per pod\n"
            f"{self.revisions:,} revisions, {self.virtual_seconds:.1f} s of virtual time"
        )


def _deployment(name: str, replicas: int) -> Object:
    labels = {"app": name}
    container = {
        "name": "web",
        "image": "nginx:1.27",
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _service(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _running(cluster: Cluster) -> int:
    bucket = cluster.store.bucket("pods")
    return sum(1 for pod in bucket.objects() if (pod.get("status") or {}).get("phase") == "Running")


def scale(nodes: int, pods: int, replicas: int = 100) -> Figures:
    """Create `pods` pods in Deployments of `replicas` and run until all are Running."""
    cluster = Cluster(nodes, quantum=QUANTUM, history=HISTORY, trace=0, journal=False, flags=FLAGS)
    gc.collect()
    gc.freeze()
    gc.disable()
    before, began, cpu, at = _peak(), time.perf_counter(), time.process_time(), cluster.clock.now()
    full, rest = divmod(pods, replicas)
    for number, count in enumerate([replicas] * full + ([rest] if rest else [])):
        cluster.client.create("deployments", _deployment(f"app-{number}", count))
        cluster.client.create("services", _service(f"app-{number}"))
    cluster.settle(timeout=3600)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    running = _running(cluster)
    gc.enable()
    if running != pods:
        raise RuntimeError(f"{running} of {pods} pods are Running")
    return Figures(
        nodes,
        pods,
        seconds,
        pods / seconds,
        used,
        _peak(),
        (_peak() - before) // pods,
        used / pods * 1e6,
        cluster.revision,
        cluster.clock.now() - at,
    )
