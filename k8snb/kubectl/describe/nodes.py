"""The page of a node: its conditions, its size, and what runs on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.events import describe_events, search_events
from k8snb.kubectl.describe.writer import NONE, UNSET, Page, long_time
from k8snb.kubectl.targets import Target
from k8snb.machinery.amounts import Amounts, limits_of, requests_of, sums
from k8snb.machinery.quantity import milli, value
from k8snb.typing import Object

_ROLE = "node-role.kubernetes.io/"
_LEASES = "kube-node-lease"
_INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)
_STANDARD = ("cpu", "memory", "ephemeral-storage", "pods")


def describe_node(describing: Describing, obj: Object) -> None:
    """A node, with its lease and its pods."""
    page, meta, spec, status = describing.page, obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    page.line(f"Name:\t{meta['name']}")
    page.line(f"Roles:\t{','.join(_roles(meta.get('labels') or {})) or NONE}")
    describing.marks(obj)
    page.line(f"CreationTimestamp:\t{long_time(meta.get('creationTimestamp'))}")
    page.stack("Taints", sorted(map(_taint, spec.get("taints") or ()), key=_taint_order))
    page.line(f"Unschedulable:\t{str(bool(spec.get('unschedulable'))).lower()}")
    _lease(describing, meta["name"])
    _conditions(page, status.get("conditions") or ())
    page.line("Addresses:")
    for address in status.get("addresses") or ():
        page.line(f"{address['type']}:\t{address['address']}", 1)
    _size(page, status)
    page.line("System Info:")
    info = status.get("nodeInfo") or {}
    for title, field in _INFO:
        page.line(f"{title}:\t{info.get(field, '')}", 1)
    if spec.get("podCIDR"):
        page.line(f"PodCIDR:\t{spec['podCIDR']}")
    if spec.get("podCIDRs"):
        page.line(f"PodCIDRs:\t{','.join(spec['podCIDRs'])}")
    if spec.get("providerID"):
        page.line(f"ProviderID:\t{spec['providerID']}")
    _load(describing, obj)
    if describing.show_events:
        events = [*search_events(describing.session, obj), *search_events(describing.session, obj, uid=meta["name"])]
        describe_events(page, events, describing.now)


def _roles(labels: Mapping[str, str]) -> list[str]:
    roles = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)}
    roles |= {labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()
    return sorted(role for role in roles if role)


def _taint(taint: Object) -> str:
    key, text, effect = taint["key"], taint.get("value", ""), taint.get("effect", "")
    if not effect:
        return f"{key}={text}:" if text else str(key)
    return f"{key}={text}:{effect}" if text else f"{key}:{effect}"


def _taint_order(text: str) -> str:
    rest, _, effect = text.rpartition(":")
    return f"{effect},{rest.partition('=')[0]}"


def _lease(describing: Describing, name: str) -> None:
    page = describing.page
    try:
        lease = describing.session.get(Target(describing.resource("leases"), _LEASES, name))
    except StatusError as error:
        page.line(f"Lease:\tFailed to get lease: {error.message}")
        return
    spec = lease.get("spec") or {}
    page.line("Lease:")
    page.line(f"HolderIdentity:\t{spec.get('holderIdentity', UNSET)}", 1)
    for title, field in (("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")):
        page.line(f"{title}:\t{long_time(spec[field]) if spec.get(field) else UNSET}", 1)


def _conditions(page: Page, conditions: Sequence[Object]) -> None:
    if conditions:
        page.line("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
        page.line("----\t------\t-----------------\t------------------\t------\t-------", 1)
    for each in conditions:
        times = [long_time(each.get(field)) for field in ("lastHeartbeatTime", "lastTransitionTime")]
        cells = (each["type"], each["status"], *times, each.get("reason", ""), each.get("message", ""))
        page.line(" \t".join(cells), 1)


def _size(page: Page, status: Object) -> None:
    for title in ("Capacity", "Allocatable"):
        amounts = status.get(title.lower()) or {}
        if amounts:
            page.line(f"{title}:")
        for name in sorted(amounts):
            page.line(f"{name}:\t{amounts[name]}", 1)


# -- what runs there -----------------------------------------------------------------------------------


def _load(describing: Describing, node: Object) -> None:
    page, status = describing.page, node.get("status") or {}
    selector = f"spec.nodeName={node['metadata']['name']},status.phase!=Failed,status.phase!=Succeeded"
    try:
        pods = describing.session.items(describing.resource("pods"), "", {"fieldSelector": selector, "limit": "500"})
    except StatusError as error:
        if error.code != 403:
            raise
        page.line("Pods:\tnot authorized")
        return
    size: Amounts = status.get("allocatable") or status.get("capacity") or {}
    page.line(f"Non-terminated Pods:\t({len(pods)} in total)")
    page.line("Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge", 1)
    page.line("---------\t----\t\t------------\t----------\t---------------\t-------------\t---", 1)
    for pod in pods:
        _pod(describing, pod, size)
    _totals(page, pods, size)


def _pod(describing: Describing, pod: Object, size: Amounts) -> None:
    meta, requests, limits = pod["metadata"], requests_of(pod), limits_of(pod)
    cells = [_share(each.get(name, "0"), size, name) for name in ("cpu", "memory") for each in (requests, limits)]
    line = (meta["namespace"], meta["name"], "", *cells, describing.ago(meta.get("creationTimestamp")))
    describing.page.line("\t".join(line), 1)


def _share(text: str, size: Amounts, name: str) -> str:
    """An amount and how much of the node it is, in whole percent."""
    count = milli if name == "cpu" else value
    whole = count(size.get(name, "0"))
    percent = int(count(text) / whole * 100) if whole else 0
    return f"{text} ({percent}%)"


def _totals(page: Page, pods: Sequence[Object], size: Amounts) -> None:
    page.line("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
    page.line("Resource\tRequests\tLimits", 1)
    page.line("--------\t--------\t------", 1)
    requests, limits = sums(map(requests_of, pods)), sums(map(limits_of, pods))
    pages = sorted(name for name in size if name.startswith("hugepages-"))
    for name in ("cpu", "memory", "ephemeral-storage", *pages):
        shares = [_share(each.get(name, "0"), size, name) for each in (requests, limits)]
        page.line("\t".join((name, *shares)), 1)
    for name in sorted(name for name in size if name not in _STANDARD and not name.startswith("hugepages-")):
        page.line(f"{name}\t{requests.get(name, '0')}\t{limits.get(name, '0')}", 1)
