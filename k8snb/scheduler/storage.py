"""Claims, volumes and classes, as the scheduler knows them.

They come from informers; what the scheduler itself has just written to a volume is known at once.
Upstream: `plugins/volumebinding/assume_cache.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from k8snb.machinery.migration import disk_of_volume
from k8snb.machinery.nodeselection import NodeSelection
from k8snb.machinery.quantity import compare
from k8snb.machinery.selectors import of_object
from k8snb.machinery.volumes import (
    ATTACHMENTS,
    CSI_DRIVERS,
    STORAGE_CAPACITIES,
    STORAGE_CLASSES,
    asked_storage,
    claim_names,
)
from k8snb.scheduler.framework import NODE, VOLUME, VOLUME_CLAIM, Action, Interest
from k8snb.scheduler.listing import Assumed, Listing, Nothing
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

CLAIMS = "persistentvolumeclaims"
VOLUMES = "persistentvolumes"
CSI_NODES = "csinodes.storage.k8s.io"
WORDS = (CLAIMS, VOLUMES, STORAGE_CLASSES, CSI_NODES, CSI_DRIVERS, STORAGE_CAPACITIES, ATTACHMENTS)


class Storage:
    """Looks up what pods mount. `find` gives the listing of a resource."""

    def __init__(self, find: Callable[[str], Listing] = lambda word: Nothing()) -> None:
        self._find = find
        self._assumed = Assumed()

    def claim(self, namespace: str, name: str) -> Object | None:
        """The claim of that name."""
        return self._find(CLAIMS).get(namespace, name)

    def claims_of(self, pod: Object) -> Iterator[tuple[str, Object | None]]:
        """What a pod mounts, by name: the claims, None for one that is not there."""
        namespace = pod["metadata"]["namespace"]
        if CLASSES.of(pod["spec"]).has_claims:
            for name in claim_names(pod):
                yield name, self.claim(namespace, name)

    def volume(self, name: str) -> Object | None:
        """The volume of that name."""
        return self._assumed.newest(self._find(VOLUMES).get("", name), "", name)

    def volumes(self) -> Iterator[Object]:
        """All volumes."""
        for each in self._find(VOLUMES).list():
            newest = self._assumed.newest(each, "", each["metadata"]["name"])
            if newest is not None:
                yield newest

    def storage_class(self, name: str) -> Object | None:
        """The class of that name."""
        return self._find(STORAGE_CLASSES).get("", name) if name else None

    def csi_node(self, name: str) -> Object | None:
        """What the drivers say of a node."""
        return self._find(CSI_NODES).get("", name)

    def attached(self, node: str) -> Iterator[tuple[str, str]]:
        """Driver and handle of the volumes that are attached to a node, mounted or not."""
        for each in self._find(ATTACHMENTS).list():
            if each["spec"]["nodeName"] == node:
                volume = self.volume((each["spec"].get("source") or {}).get("persistentVolumeName") or "")
                disk = disk_of_volume(volume) if volume is not None else None
                if disk is not None:
                    yield disk

    def has_room(self, claim: Object, kind: Object, node: NodeInfo) -> bool:
        """Whether a driver has said that a volume for the claim can be made for a node; one that counts nothing can."""
        driver = self._find(CSI_DRIVERS).get("", kind["provisioner"])
        if driver is None or not driver["spec"].get("storageCapacity"):
            return True
        asked, name = asked_storage(claim), kind["metadata"]["name"]
        for each in self._find(STORAGE_CAPACITIES).list():
            most = largest_volume(each)
            fits = each["storageClassName"] == name and most is not None and compare(most, asked) >= 0
            if fits and of_object(each.get("nodeTopology")).matches(node.labels):
                return True
        return False

    def assume(self, volume: Object) -> None:
        """This is the newest version of a volume."""
        self._assumed.put(volume)


def largest_volume(capacity: Object) -> str | None:
    """How large a volume a driver can make, as it says; None if it does not say."""
    found: str | None = capacity.get("maximumVolumeSize") or capacity.get("capacity")
    return found


def mounts_it(pod: Object, old: Object | None, new: Object | None) -> bool:
    """Whether a claim that came, changed or went is one of the pod's (a queueing hint)."""
    changed = new if new is not None else old
    assert changed is not None
    meta = changed["metadata"]
    return meta["namespace"] == pod["metadata"]["namespace"] and meta["name"] in claim_names(pod)


WHEN_VOLUMES_CHANGE = (
    Interest(VOLUME_CLAIM, Action.ADD | Action.UPDATE, mounts_it),
    Interest(VOLUME, Action.ADD | Action.UPDATE),
    Interest(NODE, Action.ADD | Action.LABEL),
)
"""After what a pod that its volumes kept from a node may be tried again."""


def reachable(volume: Object, node: NodeInfo) -> bool:
    """Whether a volume can be mounted on a node."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or NodeSelection({}, required).matches(node.name, node.labels)


def topology_allows(terms: Iterable[Object], node: NodeInfo) -> bool:
    """Whether one of a class's allowed topologies is that of the node; no terms allow all."""
    terms = list(terms)
    return not terms or any(
        all(
            node.labels.get(each.get("key", "")) in (each.get("values") or ())
            for each in term.get("matchLabelExpressions") or ()
        )
        for term in terms
    )
