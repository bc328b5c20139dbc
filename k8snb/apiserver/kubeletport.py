"""What a kubelet answers on its own port, as `nodes/NAME/proxy/…` reaches it: health, pods, use, settings, logs.

The numbers are those that metrics.k8s.io is made from; a container's CPU time is what it uses just now, times how long
it has run. Of the metrics there are those that people look at first, and of the logs those of pods as they are now.
Upstream: `pkg/kubelet/server/server.go`, `server/stats`, `metrics/collectors/resource_metrics.go`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver import zpages
from k8snb.apiserver.containers import LogOptions, NodeAgent
from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.kubeletconfig import configuration
from k8snb.apiserver.metrics import CONTENT_TYPE, build_info
from k8snb.apiserver.usage import NODE_CPU, NODE_MEMORY
from k8snb.clock import Clock, parse_time, rfc3339
from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.wire import Response

TEXT, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
_HEALTH = frozenset({"healthz", "healthz/ping", "healthz/log", "healthz/syncloop"})
_NANO, _KI = 1_000_000_000, 1024
_PATHS = ("/configz", "/flagz", "/healthz", "/logs", "/metrics", "/pods", "/runningpods", "/stats", "/statusz")
_FLAGS = {"config": "/var/lib/kubelet/config.yaml", "kubeconfig": "/etc/kubernetes/kubelet.conf", "v": "0"}

Measured = tuple[Object, str, float, float, int]
"""A pod, its container, since when that runs, its use of CPU in cores and of memory in bytes."""


class KubeletPort:
    """The port of one node's kubelet."""

    def __init__(self, node: Object, pods: Iterable[Object], agent: NodeAgent, clock: Clock) -> None:
        self._node = node
        self._pods = list(pods)
        self._agent = agent
        self._now = clock.now()

    def answer(self, path: str, accept: str = "") -> Response:
        """The answer to a request for a path below the port. Raises NotAcceptable."""
        bare = path.strip("/")
        page = zpages.answer(self._itself(), bare, accept, self._now)
        if page is not None:
            return page
        if bare in _HEALTH:
            return Response(200, body=b"ok", content_type=TEXT)
        if bare == "logs" or bare.startswith("logs/"):
            return self._logs(bare.split("/")[1:])
        found = _ANSWERS.get(bare)
        return _missing() if found is None else found(self)

    def _itself(self) -> zpages.Component:
        name = self._node["metadata"]["name"]
        return zpages.Component("kubelet", self._booted(), _PATHS, {**_FLAGS, "hostname-override": name})

    def _list(self) -> Response:
        return Response(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._pods})

    def _settings(self) -> Response:
        capacity = (self._node.get("status") or {}).get("capacity") or {}
        settings = {"kubeletconfig": configuration(int(capacity.get("pods", 110)))}
        return Response(200, body=json.dumps(settings, separators=(",", ":")).encode(), content_type="application/json")

    # -- use ---------------------------------------------------------------------------------------

    def _measured(self) -> Iterator[Measured]:
        for pod in self._pods:
            status = pod.get("status") or {}
            fields = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
            states = [(each["name"], each.get("state") or {}) for field in fields for each in status.get(field) or ()]
            began = {name: parse_time(state["running"]["startedAt"]) for name, state in states if "running" in state}
            for name, use in self._agent.usage(pod).items() if began else ():
                if name in began:
                    yield pod, name, began[name], use.cpu_millicores / 1000, use.memory_bytes

    def _booted(self) -> float:
        return parse_time(self._node["metadata"]["creationTimestamp"])

    def _summary(self) -> Response:
        found: dict[str, list[Measured]] = {}
        for each in self._measured():
            found.setdefault(each[0]["metadata"]["uid"], []).append(each)
        pods = [self._pod_summary(measured) for measured in found.values()]
        every = [each for measured in found.values() for each in measured]
        cores, memory = _total(every)
        booted = self._booted()
        use = self._use(booted, cores + NODE_CPU / _NANO, memory + NODE_MEMORY * _KI)
        node = {"nodeName": self._node["metadata"]["name"], "startTime": rfc3339(booted), **use}
        text = json.dumps({"node": node, "pods": pods}, indent=1)
        return Response(200, body=text.encode(), content_type="application/json")

    def _pod_summary(self, measured: Sequence[Measured]) -> Object:
        pod, meta = measured[0][0], measured[0][0]["metadata"]
        containers = [
            {"name": name, "startTime": rfc3339(began), **self._use(began, cores, memory)}
            for _, name, began, cores, memory in measured
        ]
        began = min(each[2] for each in measured)
        return {
            "podRef": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
            "startTime": pod["status"].get("startTime"),
            "containers": containers,
            **self._use(began, *_total(measured)),
        }

    def _use(self, began: float, cores: float, memory: int) -> Mapping[str, Any]:
        time, spent = rfc3339(self._now), round(cores * (self._now - began) * _NANO)
        return {
            "cpu": {"time": time, "usageNanoCores": round(cores * _NANO), "usageCoreNanoSeconds": spent},
            "memory": {"time": time, "usageBytes": memory, "workingSetBytes": memory, "rssBytes": memory},
        }

    # -- metrics -----------------------------------------------------------------------------------

    def _counters(self) -> Response:
        running = list(self._measured())
        pods = {each[0]["metadata"]["uid"] for each in running}
        node = {"node": self._node["metadata"]["name"]}
        lines = [
            *head("kubelet_node_name", "gauge", "[ALPHA] The node's name. The count is always 1."),
            sample("kubelet_node_name", node, 1),
            *head("kubelet_running_containers", "gauge", "[ALPHA] Number of containers currently running"),
            sample("kubelet_running_containers", {"container_state": "running"}, len(running)),
            *head("kubelet_running_pods", "gauge", "[ALPHA] Number of pods that have a running pod sandbox"),
            sample("kubelet_running_pods", {}, len(pods)),
            *build_info(),
            *head("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
            sample("process_start_time_seconds", {}, self._booted()),
        ]
        return _text(lines)

    def _resources(self) -> Response:
        running = list(self._measured())
        labelled = [(_labels(pod, name), began, cores, size) for pod, name, began, cores, size in running]
        cores, memory = _total(running)
        spent = (cores + NODE_CPU / _NANO) * (self._now - self._booted())
        lines = [
            *head("container_cpu_usage_seconds_total", "counter", _CPU_TIME.format("container")),
            *(self._stamped("container_cpu_usage_seconds_total", at, c * (self._now - b)) for at, b, c, _ in labelled),
            *head("container_memory_working_set_bytes", "gauge", _WORKING_SET.format("container")),
            *(self._stamped("container_memory_working_set_bytes", at, size) for at, _, _, size in labelled),
            *head("container_start_time_seconds", "gauge", _STARTED),
            *(sample("container_start_time_seconds", at, began) for at, began, _, _ in labelled),
            *head("node_cpu_usage_seconds_total", "counter", _CPU_TIME.format("node")),
            self._stamped("node_cpu_usage_seconds_total", {}, spent),
            *head("node_memory_working_set_bytes", "gauge", _WORKING_SET.format("node")),
            self._stamped("node_memory_working_set_bytes", {}, memory + NODE_MEMORY * _KI),
            *head("resource_scrape_error", "gauge", _ERROR),
            sample("resource_scrape_error", {}, 0),
        ]
        return _text(lines)

    def _stamped(self, name: str, labels: Mapping[str, str], value: float) -> str:
        return f"{sample(name, labels, value)} {round(self._now * 1000)}"

    # -- logs --------------------------------------------------------------------------------------

    def _logs(self, way: Sequence[str]) -> Response:
        """A directory or a file below `/var/log`."""
        directories = {f"{m['namespace']}_{m['name']}_{m['uid']}": p for p in self._pods for m in (p["metadata"],)}
        if not way:
            return _directory(["pods/"])
        pod = directories.get(way[1]) if len(way) > 1 else None
        if way[0] != "pods" or (len(way) > 1 and pod is None):
            return _missing()
        if pod is None:
            return _directory(f"{name}/" for name in sorted(directories))
        attempts = _attempts(pod)
        if len(way) == 2:
            return _directory(f"{name}/" for name in sorted(attempts))
        file = f"{attempts[way[2]]}.log" if way[2] in attempts else ""
        if not file or len(way) > 4 or (len(way) == 4 and way[3] != file):
            return _missing()
        return self._log(pod, way[2]) if len(way) == 4 else _directory([file])

    def _log(self, pod: Object, container: str) -> Response:
        try:
            text = self._agent.logs(pod, LogOptions(container=container, timestamps=True))
        except StatusError:
            return _missing()
        parts = (line.partition(" ") for line in text.splitlines())
        return _text([f"{time} stdout F {said}" for time, _, said in parts], TEXT)


def _total(measured: Iterable[Measured]) -> tuple[float, int]:
    """CPU in cores and memory in bytes, together."""
    every = list(measured)
    return sum(each[3] for each in every), sum(each[4] for each in every)


def _labels(pod: Object, container: str) -> Mapping[str, str]:
    meta = pod["metadata"]
    return {"container": container, "namespace": meta["namespace"], "pod": meta["name"]}


def _attempts(pod: Object) -> Mapping[str, int]:
    """How often each container that has run was started again."""
    status = pod.get("status") or {}
    fields = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    every = [each for field in fields for each in status.get(field) or ()]
    return {each["name"]: each["restartCount"] for each in every if each.get("containerID")}


def _directory(names: Iterable[str]) -> Response:
    """A listing as Go's file server writes it."""
    top = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n'
    listed = "".join(f'<a href="{name}">{name}</a>\n' for name in names)
    return Response(200, body=f"{top}{listed}</pre>\n".encode(), content_type=HTML)


def _text(lines: Iterable[str], content_type: str = CONTENT_TYPE) -> Response:
    return Response(200, body="".join(f"{line}\n" for line in lines).encode(), content_type=content_type)


def _missing() -> Response:
    return Response(404, body=b"404 page not found\n", content_type=TEXT)


_CPU_TIME = "[STABLE] Cumulative cpu time consumed by the {} in core-seconds"
_WORKING_SET = "[STABLE] Current working set of the {} in bytes"
_STARTED = "[STABLE] Start time of the container since unix epoch in seconds"
_ERROR = "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise"

_ANSWERS: Mapping[str, Callable[[KubeletPort], Response]] = {
    "pods": KubeletPort._list,
    "runningpods": KubeletPort._list,
    "configz": KubeletPort._settings,
    "stats/summary": KubeletPort._summary,
    "metrics": KubeletPort._counters,
    "metrics/resource": KubeletPort._resources,
}
