"""What pods and others use, as the metrics APIs tell: resource, custom and external metrics, in thousandths.

Upstream: `pkg/controller/podautoscaler/metrics/client.go`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from k8snb.client.client import Client, refused
from k8snb.clock import parse_time
from k8snb.errors import StatusError
from k8snb.machinery import quantity
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object

POD_METRICS = "pods.metrics.k8s.io"
CUSTOM, EXTERNAL = "/apis/custom.metrics.k8s.io/v1beta1", "/apis/external.metrics.k8s.io/v1beta1"
_PART = re.compile(r"([\d.]+)(h|m(?!s)|s|ms)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DEFAULT_WINDOW = 60.0
_NOBODY = {
    "custom": "no custom metrics API (custom.metrics.k8s.io) registered",
    "external": "the server could not find the requested resource (get {}.external.metrics.k8s.io)",
}
"""What is wrong where nobody serves an API."""


class MetricsError(Exception):
    """A metric cannot be had, and why."""


class Sample(NamedTuple):
    """What one pod uses: thousandths, and over which time that was measured, up to when."""

    value: int
    at: float = 0.0
    window: float = DEFAULT_WINDOW


Samples = dict[str, Sample]


class Metrics:
    """Asks the metrics APIs. Every method raises `MetricsError`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def resource(self, name: str, namespace: str, selector: str, container: str) -> Samples:
        """What the selected pods (or their containers of one name) use of a resource."""
        try:
            listed = self._client.list(POD_METRICS, namespace, labels=selector)
        except StatusError as error:
            raise MetricsError(f"unable to fetch metrics from resource metrics API: {error.message}") from error
        if not listed:
            raise MetricsError("no metrics returned from resource metrics API")
        found: Samples = {}
        for pod in listed:
            value = _of_container(pod, container, name) if container else _of_pod(pod, name)
            if value is not None:
                found[pod["metadata"]["name"]] = Sample(value, parse_time(pod["timestamp"]), _seconds(pod["window"]))
        return found

    def pods(self, metric: Object, namespace: str, selector: str) -> Samples:
        """The values of a custom metric of the selected pods."""
        query = {"labelSelector": selector, **_metric_selector(metric)}
        listed = self._get(f"{CUSTOM}/namespaces/{namespace}/pods/%2A/{metric['name']}", query, "custom")
        found: Samples = {}
        for each in listed:
            window = float(each.get("windowSeconds") or DEFAULT_WINDOW)
            value = quantity.milli(str(each["value"]))
            found[each["describedObject"]["name"]] = Sample(value, parse_time(each["timestamp"]), window)
        return found

    def of_object(self, metric: Object, namespace: str, about: Object) -> int:
        """The value of a custom metric of one object."""
        kind = about["kind"].lower()
        group = about.get("apiVersion", "").rpartition("/")[0]
        resource = f"{kind}s.{group}" if group else f"{kind}s"
        where = "metrics" if kind == "namespace" else f"{resource}/{about['name']}"
        path = f"{CUSTOM}/namespaces/{namespace}/{where}/{metric['name']}"
        listed = self._get(path, _metric_selector(metric), "custom")
        return quantity.milli(str(listed[0]["value"]))

    def external(self, metric: Object, namespace: str) -> int:
        """The sum of the values of an external metric."""
        query = {"labelSelector": str(of_object(metric["selector"]))} if metric.get("selector") else {}
        listed = self._get(f"{EXTERNAL}/namespaces/{namespace}/{metric['name']}", query, "external")
        return sum(quantity.milli(str(each["value"])) for each in listed)

    def _get(self, path: str, query: Mapping[str, str], api: str) -> list[Object]:
        parts = [quote(part, safe="%*") for part in path.split("/")]
        response = self._client.request("GET", "/".join(parts), query)
        if response.code >= 400:
            why = _NOBODY[api].format(path.rpartition("/")[2])
            if response.body.startswith(b"{") or response.object is not None:
                why = refused(response).message
            raise MetricsError(f"unable to fetch metrics from {api} metrics API: {why}")
        content = response.object if response.object is not None else json.loads(response.body)
        items: list[Object] = content.get("items") or []
        if not items:
            raise MetricsError(f"no metrics returned from {api} metrics API")
        return items


def _metric_selector(metric: Object) -> Mapping[str, str]:
    return {"metricLabelSelector": str(of_object(metric["selector"]))} if metric.get("selector") else {}


def _of_pod(pod: Object, resource: str) -> int | None:
    """What all containers use together; None if it is not known of one."""
    found = [each["usage"].get(resource) for each in pod["containers"]]
    return None if None in found else sum(quantity.milli(text) for text in found)


def _of_container(pod: Object, container: str, resource: str) -> int | None:
    for each in pod["containers"]:
        if each["name"] == container:
            text = each["usage"].get(resource)
            return None if text is None else quantity.milli(text)
    meta = pod["metadata"]
    where = f"{meta.get('namespace', '')}/{meta['name']}"
    raise MetricsError(f"container {container} not present in metrics for pod {where}")


def _seconds(duration: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))
