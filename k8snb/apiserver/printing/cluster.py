"""The cluster itself: nodes, namespaces, events, leases, configuration and quotas."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import AGE, NAME, NONE, Column, Printer, age, dig, joined, name_of, wide
from k8snb.apiserver.printing.durations import UNKNOWN, since
from k8snb.machinery.objects import condition, labels_of
from k8snb.typing import Object

_ROLE_PREFIX = "node-role.kubernetes.io/"


def _node(obj: Object, now: float) -> list[Any]:
    info = dig(obj, "status", "nodeInfo", default={})
    return [
        name_of(obj),
        _node_status(obj),
        joined(_roles(obj)),
        age(obj, now),
        info.get("kubeletVersion", ""),
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        *(info.get(field) or UNKNOWN for field in ("osImage", "kernelVersion", "containerRuntimeVersion")),
    ]


def _node_status(obj: Object) -> str:
    ready = condition(obj, "Ready")
    status = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return status + (",SchedulingDisabled" if dig(obj, "spec", "unschedulable") else "")


def _roles(obj: Object) -> list[str]:
    labels = labels_of(obj)
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    return sorted((roles | {labels.get("kubernetes.io/role", "")}) - {""})


def _address(obj: Object, type: str) -> str:
    addresses = dig(obj, "status", "addresses", default=())
    return next((str(a["address"]) for a in addresses if a["type"] == type), NONE)


def _namespace(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), dig(obj, "status", "phase", default=""), age(obj, now)]


def _event(obj: Object, now: float) -> list[Any]:
    """An event of either API: `events.k8s.io` calls the same things by other names."""
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    series = obj.get("series")
    if series is not None:
        last, count = series.get("lastObservedTime"), series.get("count", 0)
    target = obj.get("involvedObject") or obj.get("regarding") or {}
    kind = str(target.get("kind", "")).lower()
    return [
        since(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{kind}/{target['name']}" if target.get("name") else kind,
        target.get("fieldPath", ""),
        _event_source(obj),
        str(obj.get("message") or obj.get("note") or "").strip(),
        since(first, now),
        count,
        name_of(obj),
    ]


def _event_source(obj: Object) -> str:
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance")
    return f"{component}, {host}" if host else str(component)


def _lease(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), dig(obj, "spec", "holderIdentity", default=""), age(obj, now)]


def _config_map(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age(obj, now)]


def _secret(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or ()), age(obj, now)]


def _service_account(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("secrets") or ()), age(obj, now)]


def _quota(obj: Object, now: float) -> list[Any]:
    hard, used = dig(obj, "status", "hard", default={}), dig(obj, "status", "used", default={})
    shown = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    limits = [text for name, text in shown.items() if name.startswith("limits.")]
    requests = [text for name, text in shown.items() if not name.startswith("limits.")]
    return [name_of(obj), ", ".join(requests), ", ".join(limits), age(obj, now)]


def _priority_class(obj: Object, now: float) -> list[Any]:
    shown = [obj.get("value", 0), obj.get("globalDefault", False), age(obj, now)]
    return [name_of(obj), *shown, obj.get("preemptionPolicy", "")]


def _runtime_class(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("handler", ""), age(obj, now)]


def _component_status(obj: Object, now: float) -> list[Any]:
    healthy = next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), None)
    if healthy is None:
        return [name_of(obj), "Unknown", "", ""]
    status = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return [name_of(obj), status, healthy.get("message", ""), healthy.get("error", "")]


_INFO, _EVENT, _REFERENCE = "api.core.v1.NodeSystemInfo", "api.core.v1.Event", "api.core.v1.ObjectReference"
_PRIORITY = "api.scheduling.v1.PriorityClass"

_EVENTS = Printer(
    (
        Column("Last Seen", doc=(_EVENT, "lastTimestamp")),
        Column("Type", doc=(_EVENT, "type")),
        Column("Reason", doc=(_EVENT, "reason")),
        Column("Object", doc=(_EVENT, "involvedObject")),
        wide(Column("Subobject", doc=(_REFERENCE, "fieldPath"))),
        wide(Column("Source", doc=(_EVENT, "source"))),
        Column("Message", doc=(_EVENT, "message")),
        wide(Column("First Seen", doc=(_EVENT, "firstTimestamp"))),
        wide(Column("Count", doc=(_EVENT, "count"))),
        wide(NAME),
    ),
    _event,
)

PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Node"): Printer(
        (
            NAME,
            Column("Status", "The status of the node"),
            Column("Roles", "The roles of the node"),
            AGE,
            Column("Version", doc=(_INFO, "kubeletVersion")),
            wide(Column("Internal-IP", doc=("api.core.v1.NodeStatus", "addresses"))),
            wide(Column("External-IP", doc=("api.core.v1.NodeStatus", "addresses"))),
            wide(Column("OS-Image", doc=(_INFO, "osImage"))),
            wide(Column("Kernel-Version", doc=(_INFO, "kernelVersion"))),
            wide(Column("Container-Runtime", doc=(_INFO, "containerRuntimeVersion"))),
        ),
        _node,
    ),
    ("", "Namespace"): Printer((NAME, Column("Status", "The status of the namespace"), AGE), _namespace),
    ("", "Event"): _EVENTS,
    ("events.k8s.io", "Event"): _EVENTS,
    ("coordination.k8s.io", "Lease"): Printer(
        (NAME, Column("Holder", doc=("api.coordination.v1.LeaseSpec", "holderIdentity")), AGE), _lease
    ),
    ("", "ConfigMap"): Printer((NAME, Column("Data", doc=("api.core.v1.ConfigMap", "data")), AGE), _config_map),
    ("", "Secret"): Printer(
        (
            NAME,
            Column("Type", doc=("api.core.v1.Secret", "type")),
            Column("Data", doc=("api.core.v1.Secret", "data")),
            AGE,
        ),
        _secret,
    ),
    ("", "ServiceAccount"): Printer(
        (NAME, Column("Secrets", doc=("api.core.v1.ServiceAccount", "secrets")), AGE), _service_account
    ),
    ("", "ResourceQuota"): Printer(
        (
            NAME,
            Column("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
            Column(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use independent of"
                " contention on the node.",
            ),
            AGE,
        ),
        _quota,
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (
            NAME,
            Column("Value", type="integer", doc=(_PRIORITY, "value")),
            Column("Global-Default", type="boolean", doc=(_PRIORITY, "globalDefault")),
            AGE,
            Column("PreemptionPolicy", doc=(_PRIORITY, "preemptionPolicy")),
        ),
        _priority_class,
    ),
    ("node.k8s.io", "RuntimeClass"): Printer(
        (NAME, Column("Handler", doc=("api.node.v1.RuntimeClass", "handler")), AGE), _runtime_class
    ),
    ("", "ComponentStatus"): Printer(
        (
            NAME,
            Column("Status", "Status of the component conditions"),
            Column("Message", "Message of the component conditions"),
            Column("Error", "Error of the component conditions"),
        ),
        _component_status,
    ),
}
