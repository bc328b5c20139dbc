"""The table of kinds: every resource that the API serves is one row here.

Routing, discovery, printing, OpenAPI and the clients all read this table, so adding a kind is adding a
row (and, where it has rules of its own, a strategy in `apiserver/registry`). The order of the groups is
the order in which discovery lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from k8snb.typing import Resource

_NO_COLLECTION = ("create", "delete", "get", "list", "patch", "update", "watch")
_STATUS = ("status",)
_CREATE = ("create",)
_STATUS_SCALE = ("scale", "status")


def _row(
    api: str,
    kind: str,
    plural: str,
    short: str = "",
    *,
    namespaced: bool = True,
    subresources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    verbs: tuple[str, ...] | None = None,
    storage: str = "",
    singular: str | None = None,
) -> Resource:
    group, _, version = api.rpartition("/")
    optional: dict[str, Any] = {} if verbs is None else {"verbs": verbs}
    return Resource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=kind.lower() if singular is None else singular,
        namespaced=namespaced,
        short_names=tuple(short.split()),
        categories=categories,
        subresources=subresources,
        storage=storage or (f"{plural}.{group}" if group else plural),
        **optional,
    )


_ALL = ("all",)
_ADMISSION = "admissionregistration.k8s.io/v1"
_EXTENSION: dict[str, Any] = {"namespaced": False, "categories": ("api-extensions",)}
_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io/v1", "authorization.k8s.io/v1"
_NETWORKING = "networking.k8s.io/v1"
_STORAGE = "storage.k8s.io/v1"
_FLOW = "flowcontrol.apiserver.k8s.io/v1"
_RESOURCE = "resource.k8s.io/v1"
_METRICS = "metrics.k8s.io/v1beta1"
_RBAC = "rbac.authorization.k8s.io/v1"
_POD_SUBRESOURCES = (
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "resize",
    "status",
)

ROWS: tuple[Resource, ...] = (
    _row("v1", "Binding", "bindings", verbs=_CREATE),
    _row("v1", "ComponentStatus", "componentstatuses", "cs", namespaced=False, verbs=("get", "list")),
    _row("v1", "ConfigMap", "configmaps", "cm"),
    _row("v1", "Endpoints", "endpoints", "ep"),
    _row("v1", "Event", "events", "ev"),
    _row("v1", "LimitRange", "limitranges", "limits"),
    _row(
        "v1",
        "Namespace",
        "namespaces",
        "ns",
        namespaced=False,
        subresources=("finalize", "status"),
        verbs=_NO_COLLECTION,
    ),
    _row("v1", "Node", "nodes", "no", namespaced=False, subresources=("proxy", "status")),
    _row("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", subresources=_STATUS),
    _row("v1", "PersistentVolume", "persistentvolumes", "pv", namespaced=False, subresources=_STATUS),
    _row("v1", "Pod", "pods", "po", subresources=_POD_SUBRESOURCES, categories=_ALL),
    _row("v1", "PodTemplate", "podtemplates"),
    _row("v1", "ReplicationController", "replicationcontrollers", "rc", subresources=_STATUS_SCALE, categories=_ALL),
    _row("v1", "ResourceQuota", "resourcequotas", "quota", subresources=_STATUS),
    _row("v1", "Secret", "secrets"),
    _row("v1", "ServiceAccount", "serviceaccounts", "sa", subresources=("token",)),
    _row("v1", "Service", "services", "svc", subresources=("proxy", "status"), categories=_ALL),
    _row("apps/v1", "ControllerRevision", "controllerrevisions"),
    _row("apps/v1", "DaemonSet", "daemonsets", "ds", subresources=_STATUS, categories=_ALL),
    _row("apps/v1", "Deployment", "deployments", "deploy", subresources=_STATUS_SCALE, categories=_ALL),
    _row("apps/v1", "ReplicaSet", "replicasets", "rs", subresources=_STATUS_SCALE, categories=_ALL),
    _row("apps/v1", "StatefulSet", "statefulsets", "sts", subresources=_STATUS_SCALE, categories=_ALL),
    _row("events.k8s.io/v1", "Event", "events", "ev", storage="events"),
    _row(_AUTHENTICATION, "SelfSubjectReview", "selfsubjectreviews", namespaced=False, verbs=_CREATE),
    _row(_AUTHENTICATION, "TokenReview", "tokenreviews", namespaced=False, verbs=_CREATE),
    _row(_AUTHORIZATION, "LocalSubjectAccessReview", "localsubjectaccessreviews", verbs=_CREATE),
    _row(_AUTHORIZATION, "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False, verbs=_CREATE),
    _row(_AUTHORIZATION, "SelfSubjectRulesReview", "selfsubjectrulesreviews", namespaced=False, verbs=_CREATE),
    _row(_AUTHORIZATION, "SubjectAccessReview", "subjectaccessreviews", namespaced=False, verbs=_CREATE),
    _row(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        subresources=_STATUS,
        categories=_ALL,
    ),
    _row(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        subresources=_STATUS,
        categories=_ALL,
    ),
    _row("batch/v1", "CronJob", "cronjobs", "cj", subresources=_STATUS, categories=_ALL),
    _row("batch/v1", "Job", "jobs", subresources=_STATUS, categories=_ALL),
    _row(
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        "csr",
        namespaced=False,
        subresources=("approval", "status"),
    ),
    _row(_NETWORKING, "IngressClass", "ingressclasses", namespaced=False),
    _row(_NETWORKING, "Ingress", "ingresses", "ing", subresources=_STATUS),
    _row(_NETWORKING, "IPAddress", "ipaddresses", "ip", namespaced=False),
    _row(_NETWORKING, "NetworkPolicy", "networkpolicies", "netpol"),
    _row(_NETWORKING, "ServiceCIDR", "servicecidrs", namespaced=False, subresources=_STATUS),
    _row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", subresources=_STATUS),
    _row(_RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _row(_RBAC, "ClusterRole", "clusterroles", namespaced=False),
    _row(_RBAC, "RoleBinding", "rolebindings"),
    _row(_RBAC, "Role", "roles"),
    _row(_STORAGE, "CSIDriver", "csidrivers", namespaced=False),
    _row(_STORAGE, "CSINode", "csinodes", namespaced=False),
    _row(_STORAGE, "CSIStorageCapacity", "csistoragecapacities"),
    _row(_STORAGE, "StorageClass", "storageclasses", "sc", namespaced=False),
    _row(_STORAGE, "VolumeAttachment", "volumeattachments", namespaced=False, subresources=_STATUS),
    _row(_STORAGE, "VolumeAttributesClass", "volumeattributesclasses", "vac", namespaced=False),
    _row(
        "apiregistration.k8s.io/v1",
        "APIService",
        "apiservices",
        namespaced=False,
        subresources=_STATUS,
        categories=("api-extensions",),
    ),
    _row(_ADMISSION, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", **_EXTENSION),
    _row(_ADMISSION, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", **_EXTENSION),
    _row(_ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", **_EXTENSION),
    _row(_ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", subresources=_STATUS, **_EXTENSION),
    _row(_ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", **_EXTENSION),
    _row(_ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", **_EXTENSION),
    _row(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd crds",
        namespaced=False,
        subresources=_STATUS,
        categories=("api-extensions",),
    ),
    _row("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "pc", namespaced=False),
    _row("coordination.k8s.io/v1", "Lease", "leases"),
    _row("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", namespaced=False),
    _row("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    _row(_FLOW, "FlowSchema", "flowschemas", namespaced=False, subresources=_STATUS),
    _row(_FLOW, "PriorityLevelConfiguration", "prioritylevelconfigurations", namespaced=False, subresources=_STATUS),
    _row(_RESOURCE, "DeviceClass", "deviceclasses", namespaced=False),
    _row(_RESOURCE, "ResourceClaim", "resourceclaims", subresources=_STATUS),
    _row(_RESOURCE, "ResourceClaimTemplate", "resourceclaimtemplates"),
    _row(_RESOURCE, "ResourceSlice", "resourceslices", namespaced=False),
    _row(_METRICS, "NodeMetrics", "nodes", namespaced=False, verbs=("get", "list"), singular=""),
    _row(_METRICS, "PodMetrics", "pods", verbs=("get", "list"), singular=""),
)


@lru_cache(maxsize=1024)
def _words(row: Resource) -> tuple[str, ...]:
    """What a resource answers to, each word once."""
    words = [row.group_resource, f"{row.plural}.{row.version}.{row.group}"]
    for word in (row.plural, row.singular, row.kind, *row.short_names):
        words += [word, f"{word}.{row.group}"]
    return tuple(dict.fromkeys(form for word in words for form in (word, word.lower())))


class Scheme:
    """The resources that one API server serves, and the ways to look them up.

    Lookups return None for what is not served: what that means is the caller's to say.
    """

    def __init__(self, rows: Iterable[Resource] = ROWS) -> None:
        self._built_in = tuple(rows)
        self.changed = 0
        """Grows with every change of the table."""
        self.extend(())

    def extend(self, rows: Iterable[Resource]) -> None:
        """Serve these resources besides those that are built in, in place of those of the last time."""
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._by_word: dict[str, Resource] = {}
        for row in (*self._built_in, *rows):
            self.add(row)

    def add(self, row: Resource) -> None:
        """Serve one more resource. Where two groups share a word (`events`), the first one added answers to it."""
        self.changed += 1
        self._by_path[row.group, row.version, row.plural] = row
        self._by_kind[row.api_version, row.kind] = row
        for word in _words(row):
            self._by_word.setdefault(word, row)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_path.values())

    def served(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource behind a URL path."""
        return self._by_path.get((group, version, plural))

    def kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's `apiVersion` and `kind`."""
        return self._by_kind.get((api_version, kind))

    def find(self, word: str) -> Resource | None:
        """The resource a person means: `pods`, `po`, `Pod`, `deployments.apps`, `deployments.v1.apps`."""
        return self._by_word.get(word) or self._by_word.get(word.lower())

    def versions(self) -> dict[str, list[str]]:
        """The versions of each group, in discovery order; the core group is the empty string."""
        groups: dict[str, list[str]] = {}
        for row in self:
            versions = groups.setdefault(row.group, [])
            if row.version not in versions:
                versions.append(row.version)
        return groups
