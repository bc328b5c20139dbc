"""The targets of a Prometheus in the cluster, for one outside: HTTP service discovery by way of the API server.

From outside nobody reaches a pod's address, but everybody who may can ask the API server to pass a request on. So each
target is told with the API server's address and the path of its proxy; the labels are those that it has inside.
Source: https://prometheus.io/docs/prometheus/latest/http_sd/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from k8snb.metrics.scrape import Target

Owner = Callable[[str], tuple[str, str, str] | None]
"""Who is meant by a host: resource, namespace and name; None for the API server itself."""


def groups(targets: Iterable[Target], server: str, owner: Owner) -> list[Mapping[str, Any]]:
    """Target groups as `http_sd_configs` reads them. `server` is where the API server is reached: `127.0.0.1:6443`."""
    return [{"targets": [server], "labels": _labels(target, owner)} for target in targets]


def _labels(target: Target, owner: Owner) -> dict[str, str]:
    parts = urlsplit(target.url)
    found = owner(parts.hostname or "")
    path = parts.path
    if found is not None:
        resource, namespace, name = found
        path = f"/api/v1/namespaces/{namespace}/{resource}/{name}:{parts.port}/proxy{path}"
    parameters = {f"__param_{name}": text for name, text in parse_qsl(parts.query)}
    return {**dict(target.labels), **parameters, "__scheme__": "https", "__metrics_path__": path}
