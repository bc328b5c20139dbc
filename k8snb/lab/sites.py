"""A type whose two versions do not agree in their fields, and the pod behind a Service that converts between them.

The converter is that of Kubernetes' own tests: agnhost makes `host` and `port` of `hostPort`, and `hostPort` of them.
"""

from __future__ import annotations

from k8snb.client.client import Client
from k8snb.lab.reading import NAMESPACE
from k8snb.typing import Object

GROUP = "stable.example.com"
_FIELDS = {"v1": ("hostPort",), "v2": ("host", "port")}
_LABELS = {"app": "converter"}


def add_converter(client: Client) -> None:
    """Start the converter and its Service, and define Sites of two versions: `v1` is stored, `v2` is converted."""
    words = ["crd-conversion-webhook", "--port=8443"]
    container = {"name": "converter", "image": "registry.k8s.io/e2e-test-images/agnhost:2.53", "args": words}
    meta = {"name": "converter", "labels": _LABELS}
    client.create("pods", {"metadata": meta, "spec": {"containers": [container]}}, NAMESPACE)
    ports = [{"port": 443, "targetPort": 8443}]
    client.create("services", {"metadata": meta, "spec": {"selector": _LABELS, "ports": ports}}, NAMESPACE)
    client.create("customresourcedefinitions.apiextensions.k8s.io", _definition())


def add_site(client: Client) -> None:
    """Make a Site, in the version `v1`."""
    path = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/sites"
    body = b'{"apiVersion": "%s/v1", "kind": "Site", "metadata": {"name": "shop"}, "hostPort": "shop.example.com:8080"}'
    client.request("POST", path, {}, {"content-type": "application/json"}, body % GROUP.encode())


def _definition() -> Object:
    where = {"service": {"name": "converter", "namespace": NAMESPACE, "path": "/crdconvert"}}
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": where}
    spec = {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "sites", "singular": "site", "kind": "Site"},
        "conversion": {"strategy": "Webhook", "webhook": webhook},
        "versions": [_version(name, fields) for name, fields in _FIELDS.items()],
    }
    return {"metadata": {"name": f"sites.{GROUP}"}, "spec": spec}


def _version(name: str, fields: tuple[str, ...]) -> Object:
    schema = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
    return {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema}}
