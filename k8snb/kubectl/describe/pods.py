"""The page of a pod."""

from __future__ import annotations

from k8snb.kubectl.describe.containers import describe_containers, describe_resources, field_resolver
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.templates import describe_spreading, describe_tolerations
from k8snb.kubectl.describe.volumes import describe_volumes
from k8snb.kubectl.describe.writer import Page, long_time
from k8snb.typing import Object


def describe_pod(describing: Describing, pod: Object) -> None:
    """Everything about one pod."""
    page, spec, status = describing.page, pod["spec"], pod.get("status") or {}
    describing.head(pod)
    _place(page, spec, status)
    describing.marks(pod)
    _phase(describing, pod)
    _addresses(page, status)
    describing.controlled_by(pod)
    if status.get("nominatedNodeName"):
        page.line(f"NominatedNodeName:\t{status['nominatedNodeName']}")
    if spec.get("resources"):
        page.line("Resources:")
        describe_resources(page, spec["resources"], 1)
    _all_containers(page, pod)
    _conditions(page, spec, status)
    describe_volumes(page, spec.get("volumes") or ())
    page.line(f"QoS Class:\t{status.get('qosClass', '')}")
    page.labels("Node-Selectors", spec.get("nodeSelector"))
    describe_tolerations(page, spec.get("tolerations") or ())
    describe_spreading(page, spec.get("topologySpreadConstraints") or ())
    describing.events(pod, kind="")


def _place(page: Page, spec: Object, status: Object) -> None:
    if spec.get("priority") is not None:
        page.line(f"Priority:\t{spec['priority']}")
    for title, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            page.line(f"{title}:\t{spec[field]}")
    node = spec.get("nodeName")
    page.line(f"Node:\t{node}/{status.get('hostIP', '')}" if node else "Node:\t<none>")
    if status.get("startTime"):
        page.line(f"Start Time:\t{long_time(status['startTime'])}")


def _phase(describing: Describing, pod: Object) -> None:
    page, meta, status = describing.page, pod["metadata"], pod.get("status") or {}
    phase = status.get("phase", "")
    if meta.get("deletionTimestamp") and phase not in ("Failed", "Succeeded"):
        page.line(f"Status:\tTerminating (lasts {describing.ago(meta['deletionTimestamp'])})")
        page.line(f"Termination Grace Period:\t{meta.get('deletionGracePeriodSeconds', 0)}s")
    else:
        page.line(f"Status:\t{phase}")
    for title in ("Reason", "Message"):
        if status.get(title.lower()):
            page.line(f"{title}:\t{status[title.lower()]}")
    seccomp = (pod["spec"].get("securityContext") or {}).get("seccompProfile")
    if seccomp:
        page.line(f"SeccompProfile:\t{seccomp['type']}")
        if seccomp["type"] == "Localhost":
            page.line(f"LocalhostProfile:\t{seccomp['localhostProfile']}")


def _addresses(page: Page, status: Object) -> None:
    page.line(f"IP:\t{status.get('podIP', '')}")
    addresses = status.get("podIPs") or ()
    page.line("IPs:" if addresses else "IPs:\t<none>")
    for address in addresses:
        page.line(f"IP:\t{address['ip']}", 1)


def _all_containers(page: Page, pod: Object) -> None:
    spec, status = pod["spec"], pod.get("status") or {}
    for title, field, statuses in (
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ):
        if spec.get(field) or field == "containers":
            known = status.get(statuses) or ()
            describe_containers(page, title, spec.get(field) or (), known, resolve=field_resolver(pod))


def _conditions(page: Page, spec: Object, status: Object) -> None:
    conditions = status.get("conditions") or ()
    gates = spec.get("readinessGates") or ()
    if gates:
        known = {each["type"]: each["status"] for each in conditions}
        page.line("Readiness Gates:\n  Type\tStatus")
        for gate in gates:
            page.line(f"{gate['conditionType']} \t{known.get(gate['conditionType'], '<none>')} ", 1)
    if conditions:
        page.line("Conditions:\n  Type\tStatus")
    for each in conditions:
        page.line(f"{each['type']} \t{each['status']} ", 1)
