"""The pages of storage and of disruption budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.volumes import describe_source
from k8snb.kubectl.describe.writer import NONE, UNSET, Page, long_time, true_or_false
from k8snb.kubectl.printing.tables import labels_text
from k8snb.machinery.gotext import go_text
from k8snb.machinery.selectors import text_of
from k8snb.typing import Object

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(modes: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in (modes or ()))


def _status(describing: Describing, obj: Object) -> str:
    deleted = obj["metadata"].get("deletionTimestamp")
    if deleted:
        return f"Terminating (lasts {describing.ago(deleted)})"
    return str((obj.get("status") or {}).get("phase", ""))


def describe_volume(describing: Describing, obj: Object) -> None:
    """A persistent volume."""
    page, meta, spec = describing.page, obj["metadata"], obj["spec"]
    page.line(f"Name:\t{meta['name']}")
    describing.marks(obj)
    page.line(f"Finalizers:\t{go_text(meta.get('finalizers') or [])}")
    page.line(f"StorageClass:\t{spec.get('storageClassName', '')}")
    page.line(f"Status:\t{_status(describing, obj)}")
    claim = spec.get("claimRef")
    page.line(f"Claim:\t{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "Claim:\t")
    page.line(f"Reclaim Policy:\t{spec.get('persistentVolumeReclaimPolicy', '')}")
    page.line(f"Access Modes:\t{_modes(spec.get('accessModes'))}")
    if spec.get("volumeMode"):
        page.line(f"VolumeMode:\t{spec['volumeMode']}")
    page.line(f"Capacity:\t{(spec.get('capacity') or {}).get('storage', '0')}")
    _affinity(page, ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms"))
    page.line(f"Message:\t{(obj.get('status') or {}).get('message', '')}")
    page.line("Source:")
    describe_source(page, spec)
    describing.events(obj)


def _affinity(page: Page, terms: Sequence[Object] | None) -> None:
    if terms is None:
        page.line("Node Affinity:\t<none>")
        return
    page.line("Node Affinity:\t")
    page.line(f"Required Terms:\t{'' if terms else NONE}", 1)
    for at, term in enumerate(terms):
        lines = list(_expressions(term.get("matchExpressions") or ())) or [NONE]
        page.part(f"Term {at}:\t" + "\n    \t".join(lines) + "\n", 2)


def _expressions(expressions: Sequence[Object]) -> Iterator[str]:
    for each in expressions:
        values = f" [{', '.join(each['values'])}]" if each.get("values") else ""
        yield f"{each['key']} {each['operator'].lower()}{values}"


def describe_claim(describing: Describing, obj: Object) -> None:
    """A persistent volume claim, with the pods that use it."""
    page, meta, spec, status = describing.page, obj["metadata"], obj["spec"], obj.get("status") or {}
    bound = bool(spec.get("volumeName"))
    describing.head(obj)
    page.line(f"StorageClass:\t{spec.get('storageClassName', '')}")
    page.line(f"Status:\t{_status(describing, obj)}")
    page.line(f"Volume:\t{spec.get('volumeName', '')}")
    describing.marks(obj)
    page.line(f"Finalizers:\t{go_text(meta.get('finalizers') or [])}")
    page.line(f"Capacity:\t{(status.get('capacity') or {}).get('storage', '0') if bound else ''}")
    page.line(f"Access Modes:\t{_modes(status.get('accessModes')) if bound else ''}")
    if spec.get("volumeMode"):
        page.line(f"VolumeMode:\t{spec['volumeMode']}")
    pods = describing.session.items(describing.resource("pods"), meta["namespace"], {"limit": "500"})
    page.stack("Used By", sorted(pod["metadata"]["name"] for pod in pods if _uses(pod, meta["name"])))
    describing.events(obj)


def _uses(pod: Object, claim: str) -> bool:
    volumes = pod["spec"].get("volumes") or ()
    return any((volume.get("persistentVolumeClaim") or {}).get("claimName") == claim for volume in volumes)


def describe_storage_class(describing: Describing, obj: Object) -> None:
    """A storage class."""
    page, annotations = describing.page, obj["metadata"].get("annotations") or {}
    default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    page.line(f"Name:\t{obj['metadata']['name']}")
    page.line(f"IsDefaultClass:\t{'Yes' if default else 'No'}")
    page.line(f"Annotations:\t{labels_text(annotations)}")
    page.line(f"Provisioner:\t{obj.get('provisioner', '')}")
    page.line(f"Parameters:\t{labels_text(obj.get('parameters'))}")
    expansion = obj.get("allowVolumeExpansion")
    page.line(f"AllowVolumeExpansion:\t{UNSET if expansion is None else true_or_false(expansion)}")
    options = obj.get("mountOptions") or ()
    page.line("MountOptions:" if options else "MountOptions:\t<none>")
    for option in options:
        page.line(option, 1)
    for title, field in (("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")):
        if obj.get(field):
            page.line(f"{title}:\t{obj[field]}")
    describing.events(obj)


def describe_budget(describing: Describing, obj: Object) -> None:
    """A pod disruption budget."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    describing.head(obj)
    if "minAvailable" in spec:
        page.line(f"Min available:\t{spec['minAvailable']}")
    elif "maxUnavailable" in spec:
        page.line(f"Max unavailable:\t{spec['maxUnavailable']}")
    page.line(f"Selector:\t{text_of(spec['selector']) if spec.get('selector') else UNSET}")
    page.line("Status:")
    for title, field in (
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ):
        page.line(f"{title}:\t{status.get(field, 0)}", 2)
    describing.events(obj)


def describe_storage_node(describing: Describing, obj: Object) -> None:
    """A CSINode: the storage drivers of a node."""
    page = describing.page
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line(f"CreationTimestamp:\t{long_time(obj['metadata'].get('creationTimestamp'))}")
    page.line("Spec:")
    drivers = (obj.get("spec") or {}).get("drivers") or ()
    if drivers:
        page.line("Drivers:", 1)
    for driver in drivers:
        page.line(f"{driver['name']}:", 2)
        page.line(f"Node ID:\t{driver['nodeID']}", 3)
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None:
            page.line("Allocatables:", 3)
            page.line(f"Count:\t{count}", 4)
        if driver.get("topologyKeys"):
            page.line(f"Topology Keys:\t[{' '.join(driver['topologyKeys'])}]", 3)
    describing.events(obj)
