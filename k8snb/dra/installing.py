"""Makes a driver of devices a part of a cluster: its class, its rights, and what publishes its devices.

What a vendor ships as a DaemonSet runs here beside the cluster's controllers, with the rights that it has there.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.client.controller import Context
from k8snb.dra.driver import DeviceDriver
from k8snb.dra.publishing import Publisher
from k8snb.machinery.devices.claims import CLASSES
from k8snb.typing import Object

NAMESPACE = "kube-system"
_RBAC = "rbac.authorization.k8s.io"
_RIGHTS = (
    ("resource.k8s.io", ["resourceclaims"], ["get"]),
    ("", ["nodes"], ["get", "list", "watch"]),
    ("resource.k8s.io", ["resourceslices"], ["get", "list", "watch", "create", "update", "patch", "delete"]),
)


def install(context: Context, driver: DeviceDriver) -> Publisher:
    """Create what a driver needs and start to publish its devices. `context` is an administrator's."""
    account = f"{driver.name}-service-account"
    for resource, obj in _objects(driver, account):
        meta = obj["metadata"]
        if context.client.find(resource, meta["name"], meta.get("namespace", "")) is None:
            context.client.create(resource, obj)
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}")
    publisher = Publisher(context.separate(f"system:serviceaccount:{NAMESPACE}:{account}", *groups), driver)
    publisher.start()
    return publisher


def _objects(driver: DeviceDriver, account: str) -> Iterator[tuple[str, Object]]:
    selector = {"cel": {"expression": f"device.driver == '{driver.name}'"}}
    made = {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": driver.name}}
    yield CLASSES, {**made, "spec": {"selectors": [selector]}}
    meta = {"name": account, "namespace": NAMESPACE}
    yield "serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    role = f"{driver.name}-role"
    rules = [{"apiGroups": [group], "resources": names, "verbs": verbs} for group, names, verbs in _RIGHTS]
    kind = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": role}}
    yield f"clusterroles.{_RBAC}", {**kind, "rules": rules}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}
    kind = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": f"{role}-binding"}}
    yield f"clusterrolebindings.{_RBAC}", {**kind, "subjects": [subject], "roleRef": reference}
