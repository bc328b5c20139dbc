"""How a cluster lets its Prometheus be asked: over the API server's proxy, as anybody else would."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from k8snb.client.client import Client
from k8snb.wire import Request, Response

if TYPE_CHECKING:
    from k8snb.clock import Clock
    from k8snb.view.monitoring import Monitoring


class Monitored(ABC):
    """Questions to a Prometheus that was installed (`k8snb.metrics.MONITORING`)."""

    client: Client
    clock: Clock

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one HTTP request to the API."""

    def monitoring(self, *, namespace: str = "monitoring") -> Monitoring:
        """The Prometheus in a namespace: the Services `prometheus` and `alertmanager`, the ConfigMap `prometheus`."""
        from k8snb.view.monitoring import Monitoring

        def jobs() -> Mapping[str, Any]:
            config = yaml.safe_load(self.client.get("configmaps", "prometheus", namespace)["data"]["prometheus.yml"])
            return {each["job_name"]: each for each in config["scrape_configs"]}

        return Monitoring(_Proxy(self, namespace), self.clock.now, jobs)


class _Proxy:
    """The API server's way to the Services of a namespace."""

    def __init__(self, cluster: Monitored, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def _send(self, method: str, service: str, path: str, query: Mapping[str, str], body: str = "") -> Response:
        way = f"/api/v1/namespaces/{self._namespace}/services/{service}/proxy/{path}"
        user = self._cluster.client.user
        return self._cluster.handle(Request(method, way, query, {}, body.encode(), user=user))

    def ask(self, service: str, path: str, query: Mapping[str, str]) -> Any:
        """What a path answers; raises ValueError with the program's own words, or the API server's."""
        response = self._send("GET", service, path, query)
        body = response.object or _read(response.body)
        if response.code != 200:
            raise ValueError(body.get("error") or body.get("message"))
        return body

    def post(self, service: str, path: str, body: str) -> str:
        """What sending a body to a path answers."""
        response = self._send("POST", service, path, {}, body)
        return response.body.decode(errors="replace").strip()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}
