"""A scheduler's picture of a cluster, made from its objects: for whoever asks why, afterwards.

The scheduler keeps no record of what plugins said. A decision follows from the objects as they were, so it is worked
out again from them when somebody looks: nodes, the pods on them, workloads and Services, volumes, budgets, and which
nodes are kept for whom. Nothing can be written through it.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from k8snb.machinery.devices.claims import CLAIMS, consumers_of, is_reserved_for
from k8snb.machinery.objects import labels_of, revision_of
from k8snb.scheduler.api import Api
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.listing import Listing
from k8snb.scheduler.nominator import Nominator
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.registry import Profile
from k8snb.scheduler.runtime import Framework, Surroundings
from k8snb.scheduler.selectors import OWNERS, DefaultSelectors, Owner
from k8snb.scheduler.storage import Storage
from k8snb.typing import Object

BUDGETS = "poddisruptionbudgets.policy"
FINISHED = frozenset({"Succeeded", "Failed"})


class Reader(Protocol):
    """Objects as they are, or were at a revision."""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None: ...

    def list(self, resource: str, namespace: str = "") -> list[Object]: ...


class _Shelf:
    """One resource of a reader, as an informer would list it."""

    def __init__(self, reader: Reader, resource: str) -> None:
        self._reader = reader
        self._resource = resource

    def get(self, namespace: str, name: str) -> Object | None:
        return self._reader.get(self._resource, name, namespace)

    def list(self, namespace: str = "") -> list[Object]:
        return self._reader.list(self._resource, namespace)


class BeforeClaiming:
    """Objects as they were when a pod's turn came: its claims have no devices yet, if nobody else uses them."""

    def __init__(self, reader: Reader, pod: Object) -> None:
        self._reader = reader
        self._pod = pod

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        found = self._reader.get(resource, name, namespace)
        return self._before(found) if found is not None and resource == CLAIMS else found

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        found = self._reader.list(resource, namespace)
        return [self._before(each) for each in found] if resource == CLAIMS else found

    def _before(self, claim: Object) -> Object:
        ours = len(consumers_of(claim)) == 1 and is_reserved_for(claim, self._pod)
        return {**claim, "status": {}} if ours else claim


class _Nobody:
    """Stands where the API would be."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("a picture cannot be written to")


def picture(reader: Reader, profile: Profile, now: float = 0.0) -> Framework:
    """The plugins of a profile, ready to be asked about the cluster that the reader shows."""
    cache, nominator = Cache(), Nominator()
    selectors = DefaultSelectors(cache.spreading, {kind: _owner(reader, word) for kind, word in OWNERS.items()})
    for service in reader.list("services"):
        selectors.put_service(None, service)
    for node in sorted(reader.list("nodes"), key=_made):
        cache.put_node(node)
    for pod in sorted(reader.list("pods"), key=revision_of):
        if pod["spec"].get("nodeName"):
            if pod["status"].get("phase") not in FINISHED:
                cache.put_pod(pod)
        elif (pod.get("status") or {}).get("nominatedNodeName"):
            nominator.put(PodInfo(pod), pod["status"]["nominatedNodeName"])

    def namespace_labels(name: str) -> Any:
        found = reader.get("namespaces", name)
        return labels_of(found) if found is not None else {}

    def listing(word: str) -> Listing:
        return _Shelf(reader, word)

    surroundings = Surroundings(
        cache=cache,
        selectors=selectors,
        namespaces=namespace_labels,
        nominator=nominator,
        api=cast(Api, _Nobody()),
        now=lambda: now,
        storage=Storage(listing),
        devices=DeviceClaims(listing),
        budgets=lambda: reader.list(BUDGETS),
    )
    return Framework(surroundings, profile)


def _made(node: Object) -> tuple[str, str]:
    return node["metadata"].get("creationTimestamp") or "", node["metadata"]["name"]


def _owner(reader: Reader, word: str) -> Owner:
    return lambda namespace, name: reader.get(word, name, namespace)
