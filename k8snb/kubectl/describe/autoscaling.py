"""The page of a HorizontalPodAutoscaler."""

from __future__ import annotations

from typing import Any

from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.writer import UNSET, Page, long_time
from k8snb.typing import Object

_UNKNOWN = "<unknown>"


def describe_autoscaler(describing: Describing, obj: Object) -> None:
    """A HorizontalPodAutoscaler, with what it measures."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    target = spec["scaleTargetRef"]
    describing.head(obj)
    describing.marks(obj)
    page.line(f"CreationTimestamp:\t{long_time(obj['metadata'].get('creationTimestamp'))}")
    page.line(f"Reference:\t{target['kind']}/{target['name']}")
    page.line("Metrics:\t( current / target )")
    current = status.get("currentMetrics") or ()
    for at, metric in enumerate(spec.get("metrics") or ()):
        page.line(_metric(metric, current[at] if at < len(current) else {}), 1)
    page.line(f"Min replicas:\t{spec.get('minReplicas', UNSET)}")
    page.line(f"Max replicas:\t{spec['maxReplicas']}")
    if spec.get("behavior") is not None:
        page.line("Behavior:")
        for title, name in (("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")):
            if spec["behavior"].get(name) is not None:
                _direction(page, title, spec["behavior"][name])
    counts = f"{status.get('currentReplicas', 0)} current / {status.get('desiredReplicas', 0)} desired"
    page.line(f"{target['kind']} pods:\t{counts}")
    _conditions(page, status)
    describing.events(obj)


def _metric(metric: Object, current: Object) -> str:
    """What one metric is and should be."""
    type = metric["type"]
    field = f"{type[:1].lower()}{type[1:]}"
    source, now = metric.get(field) or {}, (current.get(field) or {}).get("current") or {}
    target, name = source.get("target") or {}, (source.get("metric") or {}).get("name", "")
    if type == "Pods":
        return f'"{name}" on pods:\t{_amount(now, "averageValue")} / {target.get("averageValue", "0")}'
    if type in ("External", "Object"):
        average = "averageValue" in target
        amount, word = ("averageValue", "target average value") if average else ("value", "target value")
        about = source.get("describedObject") or {}
        where = f" on {about.get('kind', '')}/{about.get('name', '')}" if type == "Object" else ""
        return f'"{name}"{where} ({word}):\t{_amount(now, amount)} / {target.get(amount, "0")}'
    of = f' of container "{source.get("container", "")}"' if type == "ContainerResource" else ""
    lead = f"resource {source.get('name', '')}{of} on pods"
    if "averageValue" in target:
        return f"{lead}:\t{_amount(now, 'averageValue')} / {target['averageValue']}"
    wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else "<auto>"
    used = _UNKNOWN
    if "averageUtilization" in now:
        used = f"{now['averageUtilization']}% ({now.get('averageValue', '0')})"
    return f"{lead}  (as a percentage of request):\t{used} / {wanted}"


def _amount(now: Object, field: str) -> Any:
    return now.get(field, _UNKNOWN)


def _direction(page: Page, title: str, rules: Object) -> None:
    page.line(f"{title}:", 1)
    if rules.get("stabilizationWindowSeconds") is not None:
        page.line(f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds", 2)
    policies = rules.get("policies") or ()
    if policies:
        page.line(f"Select Policy: {rules.get('selectPolicy', 'Max')}", 2)
        page.line("Policies:", 2)
    for policy in policies:
        parts = f"Type: {policy['type']}\tValue: {policy['value']}\tPeriod: {policy['periodSeconds']} seconds"
        page.line(f"- {parts}", 3)


def _conditions(page: Page, status: Object) -> None:
    conditions = status.get("conditions") or ()
    if conditions:
        page.line("Conditions:")
        page.line("Type\tStatus\tReason\tMessage", 1)
        page.line("----\t------\t------\t-------", 1)
    for each in conditions:
        cells = (each["type"], each["status"], each.get("reason", ""), each.get("message", ""))
        page.line("\t".join(cells), 1)
