"""Pod templates, tolerations and spreading: what pods and workloads have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.kubectl.describe.containers import describe_containers
from k8snb.kubectl.describe.volumes import describe_volumes
from k8snb.kubectl.describe.writer import Page
from k8snb.machinery.selectors import text_of
from k8snb.typing import Object


def describe_template(page: Page, template: Any) -> None:
    """The section `Pod Template`."""
    page.line("Pod Template:")
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    page.labels("  Labels", meta.get("labels"))
    if meta.get("annotations"):
        page.annotations("  Annotations", meta["annotations"])
    if spec.get("serviceAccountName"):
        page.line(f"Service Account:\t{spec['serviceAccountName']}", 1)
    if spec.get("initContainers"):
        describe_containers(page, "Init Containers", spec["initContainers"], indent="  ")
    describe_containers(page, "Containers", spec.get("containers") or (), indent="  ")
    describe_volumes(page, spec.get("volumes") or (), "  ")
    describe_spreading(page, spec.get("topologySpreadConstraints") or (), "  ")
    if spec.get("priorityClassName"):
        page.line(f"Priority Class Name:\t{spec['priorityClassName']}", 1)
    page.labels("  Node-Selectors", spec.get("nodeSelector"))
    describe_tolerations(page, spec.get("tolerations") or (), "  ")


def describe_tolerations(page: Page, tolerations: Sequence[Object], indent: str = "") -> None:
    """Tolerations, by key."""
    ordered = sorted(tolerations, key=lambda toleration: toleration.get("key", ""))
    page.stack(f"{indent}Tolerations", map(_toleration, ordered))


def _toleration(toleration: Object) -> str:
    text = str(toleration.get("key", ""))
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += " op=Exists" if text else "op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text


def describe_spreading(page: Page, constraints: Sequence[Object], indent: str = "") -> None:
    """Topology spread constraints, by key; nothing without any."""
    if constraints:
        ordered = sorted(constraints, key=lambda constraint: constraint["topologyKey"])
        page.stack(f"{indent}Topology Spread Constraints", map(_constraint, ordered))


def _constraint(constraint: Object) -> str:
    key, action, skew = (constraint[field] for field in ("topologyKey", "whenUnsatisfiable", "maxSkew"))
    text = f"{key}:{action} when max skew {skew} is exceeded"
    if constraint.get("labelSelector") is not None:
        text += f" for selector {text_of(constraint['labelSelector'])}"
    return text
