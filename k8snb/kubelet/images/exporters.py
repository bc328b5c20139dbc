"""Exporters: programs that tell in Prometheus' format what something else knows.

kube-state-metrics says what the API says of its objects, one series per object and state; node-exporter, what a machine
says of itself. Names of metrics and labels are theirs; of each there are those that dashboards and alerts use first.
Source: https://github.com/kubernetes/kube-state-metrics/tree/main/docs, https://github.com/prometheus/node_exporter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from k8snb.apiserver.exposition import head, sample
from k8snb.client.controller import Context
from k8snb.client.informer import Informer
from k8snb.clock import parse_time
from k8snb.errors import StatusError
from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Process, Program
from k8snb.machinery.quantity import NANO, parse
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

Row = tuple[Mapping[str, str], float]
Read = Callable[[Object], Iterable[Row]]

PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
STATUSES = ("true", "false", "unknown")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: what it is called, what it says, and what it reads from an object."""

    name: str
    type: str
    help: str
    read: Read


def _named(obj: Object, word: str) -> dict[str, str]:
    meta = obj["metadata"]
    found = {"namespace": meta["namespace"]} if "namespace" in meta else {}
    return {**found, word: meta["name"]}


def _number(word: str, *path: str) -> Read:
    """A number at a path of the object."""

    def read(obj: Object) -> Iterator[Row]:
        here = obj
        for name in path:
            here = here.get(name, {}) if isinstance(here, Mapping) else {}
        yield _named(obj, word), float(here) if isinstance(here, int | float) else 0.0

    return read


def _created(word: str) -> Read:
    return lambda obj: [(_named(obj, word), parse_time(obj["metadata"]["creationTimestamp"]))]


def _conditions(word: str) -> Read:
    def read(obj: Object) -> Iterator[Row]:
        for condition in obj.get("status", {}).get("conditions", ()):
            for status in STATUSES:
                of = {**_named(obj, word), "condition": condition["type"], "status": status}
                yield of, float(condition["status"].lower() == status)

    return read


def _pod(obj: Object) -> dict[str, str]:
    return {**_named(obj, "pod"), "uid": obj["metadata"]["uid"]}


def _pod_info(obj: Object) -> Iterator[Row]:
    owner = next((each for each in obj["metadata"].get("ownerReferences", ()) if each.get("controller")), None)
    yield (
        {
            **_pod(obj),
            "host_ip": obj["status"].get("hostIP", ""),
            "pod_ip": obj["status"].get("podIP", ""),
            "node": obj["spec"].get("nodeName", ""),
            "created_by_kind": owner["kind"] if owner else "",
            "created_by_name": owner["name"] if owner else "",
        },
        1.0,
    )


def _pod_phase(obj: Object) -> Iterator[Row]:
    for phase in PHASES:
        yield {**_pod(obj), "phase": phase}, float(obj["status"].get("phase") == phase)


def _pod_ready(obj: Object) -> Iterator[Row]:
    ready = next((c["status"] for c in obj["status"].get("conditions", ()) if c["type"] == "Ready"), None)
    for status in STATUSES if ready is not None else ():
        yield {**_pod(obj), "condition": status}, float(str(ready).lower() == status)


def _of_containers(value: Callable[[Object], float]) -> Read:
    def read(obj: Object) -> Iterator[Row]:
        for status in obj["status"].get("containerStatuses", ()):
            yield {**_pod(obj), "container": status["name"]}, value(status)

    return read


def _waiting(obj: Object) -> Iterator[Row]:
    for status in obj["status"].get("containerStatuses", ()):
        reason = status.get("state", {}).get("waiting", {}).get("reason")
        if reason:
            yield {**_pod(obj), "container": status["name"], "reason": reason}, 1.0


def _resources(field: str) -> Read:
    def read(obj: Object) -> Iterator[Row]:
        for container in obj["spec"]["containers"]:
            for resource, amount in container.get("resources", {}).get(field, {}).items():
                of = {**_pod(obj), "container": container["name"], "node": obj["spec"].get("nodeName", "")}
                yield {**of, "resource": resource, "unit": _unit(resource)}, parse(amount).nano / NANO

    return read


def _unit(resource: str) -> str:
    return {"cpu": "core", "memory": "byte"}.get(resource, "integer")


def _amounts(field: str) -> Read:
    def read(obj: Object) -> Iterator[Row]:
        for resource, amount in obj.get("status", {}).get(field, {}).items():
            yield {**_named(obj, "node"), "resource": resource, "unit": _unit(resource)}, parse(amount).nano / NANO

    return read


def _taints(obj: Object) -> Iterator[Row]:
    for taint in obj["spec"].get("taints", ()):
        of = {"key": taint["key"], "value": taint.get("value", ""), "effect": taint["effect"]}
        yield {**_named(obj, "node"), **of}, 1.0


def _numbers(word: str, *rows: tuple[str, str, tuple[str, ...]]) -> list[Metric]:
    return [Metric(name, "gauge", about, _number(word, *path)) for name, about, path in rows]


STATES: Mapping[str, list[Metric]] = {
    "pods": [
        Metric("kube_pod_info", "gauge", "Information about pod.", _pod_info),
        Metric("kube_pod_created", "gauge", "Unix creation timestamp", _created("pod")),
        Metric("kube_pod_status_phase", "gauge", "The pods current phase.", _pod_phase),
        Metric("kube_pod_status_ready", "gauge", "Whether the pod is ready to serve requests.", _pod_ready),
        Metric(
            "kube_pod_container_status_ready", "gauge", "Whether a container is ready.",
            _of_containers(lambda status: float(status["ready"])),
        ),
        Metric(
            "kube_pod_container_status_restarts_total", "counter", "How often a container was restarted.",
            _of_containers(lambda status: float(status["restartCount"])),
        ),
        Metric("kube_pod_container_status_waiting_reason", "gauge", "Why a container waits.", _waiting),
        Metric("kube_pod_container_resource_requests", "gauge", "What containers request.", _resources("requests")),
        Metric("kube_pod_container_resource_limits", "gauge", "What containers may use.", _resources("limits")),
    ],
    "deployments.apps": _numbers(
        "deployment",
        ("kube_deployment_spec_replicas", "Number of desired pods.", ("spec", "replicas")),
        ("kube_deployment_status_replicas", "Number of pods.", ("status", "replicas")),
        ("kube_deployment_status_replicas_available", "Number of available pods.", ("status", "availableReplicas")),
        ("kube_deployment_status_replicas_unavailable", "Number of missing pods.", ("status", "unavailableReplicas")),
        ("kube_deployment_status_replicas_updated", "Number of new pods.", ("status", "updatedReplicas")),
        ("kube_deployment_metadata_generation", "The wanted generation.", ("metadata", "generation")),
        ("kube_deployment_status_observed_generation", "The seen generation.", ("status", "observedGeneration")),
    ),
    "statefulsets.apps": _numbers(
        "statefulset",
        ("kube_statefulset_replicas", "Number of desired pods.", ("spec", "replicas")),
        ("kube_statefulset_status_replicas_ready", "Number of ready pods.", ("status", "readyReplicas")),
    ),
    "daemonsets.apps": _numbers(
        "daemonset",
        ("kube_daemonset_status_desired_number_scheduled", "Wanted.", ("status", "desiredNumberScheduled")),
        ("kube_daemonset_status_number_ready", "Ready.", ("status", "numberReady")),
    ),
    "jobs.batch": _numbers(
        "job_name",
        ("kube_job_status_active", "Running pods.", ("status", "active")),
        ("kube_job_status_succeeded", "Pods that succeeded.", ("status", "succeeded")),
        ("kube_job_status_failed", "Pods that failed.", ("status", "failed")),
    ),
    "nodes": [
        Metric("kube_node_created", "gauge", "Unix creation timestamp", _created("node")),
        Metric("kube_node_status_condition", "gauge", "The condition of a node.", _conditions("node")),
        Metric("kube_node_status_allocatable", "gauge", "What pods may use.", _amounts("allocatable")),
        Metric("kube_node_status_capacity", "gauge", "What there is.", _amounts("capacity")),
        *_numbers("node", ("kube_node_spec_unschedulable", "Whether it takes no pods.", ("spec", "unschedulable"))),
        Metric("kube_node_spec_taint", "gauge", "The taint of a node.", _taints),
    ],
}  # fmt: skip
"""What is told, by resource."""


def told(metrics: Iterable[Metric], objects: Iterable[Object]) -> Iterator[str]:
    """The lines of some metrics about some objects."""
    objects = list(objects)
    for metric in metrics:
        yield from head(metric.name, metric.type, metric.help)
        for obj in objects:
            yield from (sample(metric.name, of, number) for of, number in metric.read(obj))


class KubeStateMetrics(Program):
    """The executable `/kube-state-metrics`: it follows the API, as the account of its pod, and tells on port 8080."""

    idle = False
    memory = 30 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._context: Context | None = None
        self._informers: dict[str, Informer] = {}

    def start(self) -> None:
        try:
            self._context = self.process.cluster()
            self.process.listen(8080)
        except NetworkError as error:
            self.process.log(f"F cannot start: {error.kind}\n", "stderr")
            self.process.exit(1)
            return
        self._follow()

    def _follow(self) -> None:
        """Read what may be read; ask again for the rest."""
        assert self._context is not None
        missing = False
        for resource in STATES.keys() - self._informers.keys():
            try:
                self._informers[resource] = self._context.informers.of(resource)
            except StatusError as refusal:
                self.process.log(f"E Failed to watch {resource}: {refusal.message}\n", "stderr")
                missing = True
        if missing:
            self.process.after(5.0, self._follow)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        if web.path_of(request) in ("/healthz", "/livez", "/readyz"):
            return web.text("OK")
        if web.path_of(request) != "/metrics":
            return web.text("404 page not found\n", 404)
        found = (told(STATES[name], informer.list()) for name, informer in sorted(self._informers.items()))
        return web.text("\n".join(line for lines in found for line in lines) + "\n", kind="text/plain; version=0.0.4")
