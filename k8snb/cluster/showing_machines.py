"""What a cluster shows of single machines: what their kubelets did for a pod, and the rules of their kube-proxy."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.cluster.snapshot import Looking
from k8snb.kubelet.pool import Pool
from k8snb.network.proxy import Proxy
from k8snb.trace import Trace

if TYPE_CHECKING:
    from k8snb.view.diagram import Diagram
    from k8snb.view.gantt import Gantt
    from k8snb.view.syncing import Syncs


class ShowingMachines(Looking):
    """What can be seen on a machine."""

    client: Client
    clock: Clock
    pool: Pool
    trace: Trace

    @abstractmethod
    def proxy(self, node: str) -> Proxy:
        """kube-proxy on a node."""

    def probes(self, pod: str, *, seconds: float = 0.0, title: str = "", namespace: str = "default") -> Gantt:
        """The answers of a pod's probes over time, with what its container and the pod were meanwhile.

        `seconds` shows only the last so many. Raises StatusError (NotFound) if there is no such pod.
        """
        from k8snb.view.probing import timeline

        found, now = self.client.get("pods", pod, namespace), self.clock.now()
        requests, at = self.trace.requests, self.at
        return timeline(found, self.pool.probed, requests, at, now, seconds=seconds, title=title)

    def syncs(self, pod: str, *, idle: bool = False, namespace: str = "default", revision: int | None = None) -> Syncs:
        """What the kubelet saw of a pod, what it made of that, and what it did, moment by moment.

        `idle` shows moments without a consequence, too; `revision` is one at which the pod was there, if it is gone.
        Raises StatusError (NotFound) if it was not.
        """
        from k8snb.view.syncing import syncs

        found, _then = self._there("pods", pod, namespace, revision)
        return syncs(found, self.trace.spans, list(self.pool.calls.calls), idle=idle)

    def rules(self, service: str, on: str, *, namespace: str = "default") -> Diagram:
        """The rules that kube-proxy has written for a Service on a node, as a picture of chains."""
        from k8snb.view.diagram import Diagram
        from k8snb.view.graphs.rules import chains

        tables = self.proxy(on).tables()
        return Diagram(chains(self.at(self.revision), tables, f"{namespace}/{service.rpartition('/')[2]}", on))
