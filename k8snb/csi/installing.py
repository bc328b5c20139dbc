"""Makes a driver a part of a cluster: its objects, its rights, its sidecars, and its part on every node.

What a vendor ships as a Deployment and a DaemonSet runs here beside the cluster's controllers, each with the name and
the rights that it has there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from k8snb.client.controller import Context, Controller
from k8snb.csi.attacher import Attacher
from k8snb.csi.capacities import Capacities
from k8snb.csi.driver import Driver
from k8snb.csi.modifier import Modifier
from k8snb.csi.provisioner import Provisioner
from k8snb.csi.resizer import Resizer
from k8snb.csi.sidecar import Sidecar
from k8snb.csi.snapshotter import Snapshotter
from k8snb.machinery.volumes import CSI_DRIVERS
from k8snb.typing import Object

NAMESPACE, ACCOUNT = "kube-system", "csi-controller"
_ROLE = "csi-controller"
_DEFINITIONS = Path(__file__).with_name("snapshots.yaml")
_EVERYTHING = ["get", "list", "watch", "create", "update", "patch", "delete"]
_READ = ["get", "list", "watch"]
_RIGHTS = (
    ("", ["persistentvolumes", "persistentvolumeclaims", "persistentvolumeclaims/status", "events"], _EVERYTHING),
    ("", ["nodes", "pods"], _READ),
    ("events.k8s.io", ["events"], _EVERYTHING),
    ("storage.k8s.io", ["storageclasses", "csinodes", "csidrivers", "volumeattributesclasses"], _READ),
    ("storage.k8s.io", ["csistoragecapacities"], _EVERYTHING),
    ("storage.k8s.io", ["volumeattachments", "volumeattachments/status"], _EVERYTHING),
    ("snapshot.storage.k8s.io", ["*"], _EVERYTHING),
)


def install(context: Context, driver: Driver, *, snapshots: bool) -> list[Controller]:
    """Create what a driver needs and start its sidecars. `context` is an administrator's."""
    client = context.client
    for resource, obj in _objects(driver, snapshots=snapshots):
        meta = obj["metadata"]
        if client.find(resource, meta["name"], meta.get("namespace", "")) is None:
            client.create(resource, obj)
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}")
    own = context.separate(f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}", *groups)
    kinds: tuple[type[Sidecar], ...] = (Provisioner, Attacher, Resizer, Modifier)
    sidecars = [made(own, driver) for made in ((*kinds, Capacities) if driver.stock.capacity else kinds)]
    for sidecar in sidecars:
        sidecar.start()
    return list[Controller](sidecars)


def start_snapshots(context: Context, driver: Driver) -> Controller:
    """Start the sidecar for snapshots; their definitions have to be established."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}")
    own = context.separate(f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}", *groups)
    made = Snapshotter(own, driver)
    made.start()
    return made


def _objects(driver: Driver, *, snapshots: bool) -> Iterator[tuple[str, Object]]:
    counts = {"storageCapacity": True} if driver.stock.capacity else {}
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": driver.name}}
    yield CSI_DRIVERS, {**made, "spec": {"attachRequired": True, "podInfoOnMount": False, **counts}}
    meta = {"name": ACCOUNT, "namespace": NAMESPACE}
    yield "serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    rules = [{"apiGroups": [group], "resources": names, "verbs": verbs} for group, names, verbs in _RIGHTS]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": _ROLE}}
    yield "clusterroles.rbac.authorization.k8s.io", {**role, "rules": rules}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": _ROLE}}
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _ROLE}
    yield (
        "clusterrolebindings.rbac.authorization.k8s.io",
        {**binding, "subjects": [subject], "roleRef": reference},
    )
    if snapshots:
        yield from _definitions()


def _definitions() -> Iterable[tuple[str, Object]]:
    for each in yaml.safe_load_all(_DEFINITIONS.read_text("utf-8")):
        yield "customresourcedefinitions.apiextensions.k8s.io", each
