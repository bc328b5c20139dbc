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
CUSTOM, EXTERNAL = "/apis/custom.metrics.k8s.io", "/apis/external.metrics.k8s.io"
VERSIONS = {CUSTOM: ("v1beta2", "v1beta1"), EXTERNAL: ("v1beta1",)}
"""The versions of each API, those that are asked first first."""
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
        listed = self._get(CUSTOM, f"namespaces/{namespace}/pods/%2A/{metric['name']}", query)
        found: Samples = {}
        for each in listed:
            window = float(each.get("windowSeconds") or DEFAULT_WINDOW)
            value = quantity.milli(str(each["value"]))
            found[each["describedObject"]["name"]] = Sample(value, parse_time(each["timestamp"]), window)
        return found

    def of_object(self, metric: Object, namespace: str, about: Object) -> int:
        """The value of a custom metric of one object."""
        found = self._client.scheme.kind(about.get("apiVersion") or "v1", about["kind"])
        if found is None:
            group = about.get("apiVersion", "").rpartition("/")[0]
            raise MetricsError('no matches for kind "{}" in group "{}"'.format(about["kind"], group))
        where = "metrics" if about["kind"] == "Namespace" else f"{found.group_resource}/{about['name']}"
        path = f"namespaces/{namespace}/{where}/{metric['name']}"
        listed = self._get(CUSTOM, path, _metric_selector(metric))
        return quantity.milli(str(listed[0]["value"]))

    def external(self, metric: Object, namespace: str) -> int:
        """The sum of the values of an external metric."""
        query = {"labelSelector": str(of_object(metric["selector"]))} if metric.get("selector") else {}
        listed = self._get(EXTERNAL, f"namespaces/{namespace}/{metric['name']}", query)
        return sum(quantity.milli(str(each["value"])) for each in listed)

    def _get(self, api: str, path: str, query: Mapping[str, str]) -> list[Object]:
        word = api.removeprefix("/apis/").partition(".")[0]
        content = self._answer(api, path, query)
        items: list[Object] = content.get("items") or []
        if not items:
            raise MetricsError(f"no metrics returned from {word} metrics API")
        return items

    def _answer(self, api: str, path: str, query: Mapping[str, str]) -> Object:
        """What the first version that is served answers."""
        word = api.removeprefix("/apis/").partition(".")[0]
        why = _NOBODY[word].format(path.rpartition("/")[2])
        for version in VERSIONS[api]:
            parts = [quote(part, safe="%*") for part in path.split("/")]
            response = self._client.request("GET", f"{api}/{version}/{'/'.join(parts)}", query)
            if response.object is None and not response.body.startswith(b"{"):
                continue
            if response.code < 400:
                content: Object = response.object if response.object is not None else json.loads(response.body)
                return content
            why = refused(response).message
            break
        raise MetricsError(f"unable to fetch metrics from {word} metrics API: {why}")


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
