"""metrics.k8s.io: what pods and nodes use just now, as their kubelets know it.

Nothing of it is stored: an answer is made when somebody asks, from the pods that there are and from what the kubelet
of each says of its containers. Like a metrics server it needs two looks at a container before it can say anything.
Where the group's APIService is deleted, or names a Service that is not available, there is no answer, as where a
metrics server is down.
Upstream: `kubernetes-sigs/metrics-server`, `pkg/api`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from k8snb.apiserver.containers import Agents, Usage
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.selecting import selection
from k8snb.clock import Clock, parse_time
from k8snb.errors import StatusError, not_found, path_not_found, unavailable
from k8snb.machinery import quantity
from k8snb.machinery.api_services import BUCKET
from k8snb.machinery.objects import is_true
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response

API_VERSION = "metrics.k8s.io/v1beta1"
SERVICE = "v1beta1.metrics.k8s.io"
WINDOW_SECONDS = 15
"""How long a container must have run, and over what time its use is an average."""

NODE_CPU, NODE_MEMORY = 50_000_000, 384 * 1024
"""What a machine uses itself, kubelet and all, in billionths of a core and in Ki."""

Handler = Callable[[Kind, RequestInfo, Request], Response]


class UsageAPI:
    """The handlers of NodeMetrics and PodMetrics."""

    def __init__(self, store: Store, clock: Clock, agents: Agents, trace: Trace) -> None:
        self._store = store
        self._trace = trace
        self._clock = clock
        self._agents = agents
        self.handlers: Mapping[str, Handler] = {
            "nodes.metrics.k8s.io": self._answering(self._nodes),
            "pods.metrics.k8s.io": self._answering(self._pods),
        }

    def _answering(self, all: Callable[[str], Iterable[Object]]) -> Handler:
        def answer(kind: Kind, info: RequestInfo, request: Request) -> Response:
            matches = selection(kind, request.query).matches
            self._require_served(kind)
            found = [obj for obj in all(info.namespace) if matches is None or matches(obj)]
            if not info.name:
                listed = {"kind": f"{kind.resource.kind}List", "apiVersion": API_VERSION, "metadata": {}}
                return Response(200, {**listed, "items": found})
            for obj in found:
                if obj["metadata"]["name"] == info.name:
                    return Response(200, obj)
            shown = f"{info.namespace}/{info.name}" if info.namespace else info.name
            raise not_found(replace(kind.resource, plural=kind.resource.kind.lower()), shown)

        return answer

    def _require_served(self, kind: Kind) -> None:
        """Raise StatusError where nobody would answer, in the words of a client that got no Status."""
        service = self._store.get(self._store.bucket(BUCKET), "", SERVICE)
        words = f"(get {kind.resource.group_resource})"
        if service is None:
            raise StatusError(404, "NotFound", f"{path_not_found().message} {words}", {})
        if service["spec"].get("service") is not None and not is_true(service, "Available"):
            raise unavailable(f"the server is currently unable to handle the request {words}")

    def _pods(self, namespace: str) -> Iterator[Object]:
        for pod in self._store.scan(self._store.bucket("pods"), namespace):
            containers = self._containers(pod)
            if containers:
                self._note(pod, containers)
                yield {**self._head("PodMetrics", pod), "containers": containers}

    def _note(self, pod: Object, containers: Iterable[Object]) -> None:
        """Leave the reading in the trace, for views that show use over time."""
        used = [each["usage"] for each in containers]
        cpu = sum(quantity.milli(each["cpu"]) for each in used)
        memory = sum(quantity.value(each["memory"]) for each in used)
        self._trace.measures(pod["metadata"]["namespace"], pod["metadata"]["name"], cpu, memory)

    def _nodes(self, namespace: str) -> Iterator[Object]:
        used: dict[str, list[Object]] = {}
        for pod in self._store.scan(self._store.bucket("pods"), ""):
            node = pod["spec"].get("nodeName", "")
            used.setdefault(node, []).extend(self._containers(pod))
        for node in self._store.scan(self._store.bucket("nodes"), ""):
            name = node["metadata"]["name"]
            if self._agents(name) is not None:
                yield {**self._head("NodeMetrics", node), "usage": _total(used.get(name, ()))}

    def _head(self, kind: str, obj: Object) -> Object:
        meta, now = obj["metadata"], self._clock.timestamp()
        shown = {name: meta[name] for name in ("name", "namespace") if meta.get(name)}
        shown["creationTimestamp"] = now
        if meta.get("labels"):
            shown["labels"] = meta["labels"]
        head = {"kind": kind, "apiVersion": API_VERSION, "metadata": shown}
        return {**head, "timestamp": now, "window": f"{WINDOW_SECONDS}s"}

    def _containers(self, pod: Object) -> list[Object]:
        agent = self._agents(pod["spec"].get("nodeName", ""))
        if agent is None or (pod.get("status") or {}).get("phase") != "Running":
            return []
        if not self._has_run(pod):
            return []
        return [{"name": name, "usage": _shown(use)} for name, use in agent.usage(pod).items()]

    def _has_run(self, pod: Object) -> bool:
        """Whether every container has run long enough to be measured."""
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        began = [((status.get("state") or {}).get("running") or {}).get("startedAt") for status in statuses]
        return all(start and self._clock.now() - parse_time(start) >= WINDOW_SECONDS for start in began)


def _shown(use: Usage) -> Mapping[str, str]:
    return _quantities(round(use.cpu_millicores * 1_000_000), use.memory_bytes // 1024)


def _total(containers: Iterable[Object]) -> Mapping[str, Any]:
    cpu, memory = NODE_CPU, NODE_MEMORY
    for container in containers:
        used = container["usage"]
        cpu += quantity.parse(used["cpu"]).nano
        memory += quantity.value(used["memory"]) // 1024
    return _quantities(cpu, memory)


def _quantities(cpu: int, memory: int) -> Mapping[str, str]:
    """Billionths of a core and Ki as the API writes them."""
    return {"cpu": quantity.canonical(f"{cpu}n"), "memory": quantity.canonical(f"{memory}Ki")}
