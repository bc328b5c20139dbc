"""What the API server itself keeps, from the first revision on: its flow control, the range of service
addresses and its own of them, an APIService for everything that it serves, and since when it tracks old tokens.

Upstream: `pkg/registry/flowcontrol/rest` and `pkg/controlplane/controller/defaultservicecidr`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from k8snb.apiserver.access.last_use import tracking_since
from k8snb.apiserver.access.policy import lasting_uid
from k8snb.apiserver.registry.flow_control import PriorityLevelStrategy
from k8snb.apiserver.registry.flow_defaults import dangling_condition, levels, schemas
from k8snb.apiserver.registry.service_plan import API_SERVER_IP, SERVICE_CIDR
from k8snb.apiserver.registry.service_ranges import address_object
from k8snb.machinery.api_services import BUCKET, api_service
from k8snb.machinery.scheme import ROWS
from k8snb.typing import Object

_FLOW = "flowcontrol.apiserver.k8s.io"


class Standing(NamedTuple):
    """An object, and the bucket it stands in."""

    bucket: str
    object: Object


@lru_cache(maxsize=8)
def standing(timestamp: str) -> tuple[Standing, ...]:
    """Every such object of a cluster that begins at this moment."""
    return tuple(Standing(bucket, _stamped(obj, timestamp)) for bucket, obj in _objects(timestamp))


def _objects(timestamp: str) -> Iterator[Standing]:
    rules = PriorityLevelStrategy()
    for level in levels():
        yield Standing(f"prioritylevelconfigurations.{_FLOW}", {**rules.default(level), "status": {}})
    for schema in schemas():
        condition = dangling_condition(schema["spec"]["priorityLevelConfiguration"]["name"], timestamp)
        yield Standing(f"flowschemas.{_FLOW}", {**schema, "status": {"conditions": [condition]}})
    yield Standing("servicecidrs.networking.k8s.io", _service_range(timestamp))
    yield Standing("configmaps", tracking_since(timestamp))
    yield Standing("ipaddresses.networking.k8s.io", address_object(API_SERVER_IP, "default", "kubernetes"))
    for group, version in dict.fromkeys((row.group, row.version) for row in ROWS):
        yield Standing(BUCKET, api_service(group, version, timestamp))


def _stamped(obj: Object, timestamp: str) -> Object:
    own = {"uid": lasting_uid(obj), "creationTimestamp": timestamp, "resourceVersion": "1"}
    counted = {} if obj["kind"] in ("IPAddress", "ConfigMap") else {"generation": 1}
    return {**obj, "metadata": {**obj["metadata"], **own, **counted}}


def trust(authority: str, timestamp: str) -> Standing:
    """By whose certificates clients and the proxy of aggregated APIs are known, for servers of such APIs to read.

    Upstream: `pkg/controlplane/controller/clusterauthenticationtrust`.
    """
    data = {
        "client-ca-file": authority,
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-client-ca-file": authority,
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-username-headers": '["X-Remote-User"]',
    }
    meta = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    return Standing("configmaps", _stamped(made, timestamp))


def _service_range(timestamp: str) -> Object:
    ready: dict[str, Any] = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": timestamp,
        "reason": "",
        "message": "Kubernetes Service CIDR is ready",
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": [str(SERVICE_CIDR)]},
        "status": {"conditions": [ready]},
    }
