"""One palette and one glyph per kind.

There are no light and dark variants. Text takes the colour of the page (`currentColor`), and every hue is a
middle tone whose contrast is at least 3:1 on white and on the dark theme's background alike, which is what
WCAG 2.2 asks of graphics; tints are the hue mixed into whatever lies behind. So a picture needs not know
where it is shown: book, JupyterLab, print. Colour never speaks alone: a state has a mark, a kind a glyph, an
actor its name.

Glyphs are outlines on a grid of 16 by 16, drawn with a stroke and no fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snb.i18n import _

HUES = {
    "blue": "#3b7dd8",
    "teal": "#178a94",
    "green": "#2e8f55",
    "amber": "#b07a16",
    "orange": "#cc6528",
    "red": "#d64550",
    "violet": "#8a66d6",
    "pink": "#c2539a",
    "slate": "#748091",
}
"""The palette: names are all that other modules use."""


class Look(NamedTuple):
    """How a kind is drawn: the name of its hue, and its glyph as SVG path data."""

    hue: str
    glyph: str


_CYLINDER = "M3 4c0-1.4 2.2-2.3 5-2.3s5 .9 5 2.3-2.2 2.3-5 2.3S3 5.4 3 4zv8c0 1.4 2.2 2.3 5 2.3s5-.9 5-2.3V4"
_DISC = "M8 1.8a6.2 6.2 0 1 0 .01 0z"
_PERSON = "M8 2a2.8 2.8 0 1 0 .01 0zM2.5 14.2c.5-3 2.7-4.6 5.5-4.6s5 1.6 5.5 4.6"
_SHEET = "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3"
_SHIELD = "M8 1.4l5.6 2v4.4c0 3.2-2.3 5.6-5.6 6.8-3.3-1.2-5.6-3.6-5.6-6.8V3.4z"
_CHIP = "M4.2 4.2h7.6v7.6H4.2zM6.4 4.2V1.8M9.6 4.2V1.8M6.4 14.2v-2.4M9.6 14.2v-2.4M1.8 6.4h2.4M1.8 9.6h2.4"
_SIDES = "M11.8 6.4h2.4M11.8 9.6h2.4"
_KEY = "M5 7.6a3 3 0 1 0 .01 0zM7.2 9l6-6M10.4 5.8l2 2"
_HOOK = "M10 1.8v7a3.4 3.4 0 0 1-6.8 0V7.4M3.2 7.4 1.4 9.2M3.2 7.4 5 9.2"
_GAUGE = "M1.8 12a6.2 6.2 0 0 1 12.4 0M8 12l3-4"
_PLUG = "M5.4 1.6v3.2M10.6 1.6v3.2M3.4 4.8h9.2v2.8a4.6 4.6 0 0 1-9.2 0zM8 12.2v2.4"
_FUNNEL = "M1.8 2.4h12.4L9.6 8v5.2l-3.2 1.4V8z"
_TAG = "M1.8 2h6l6.4 6.4-5.8 5.8L2 8zM4.8 5h.01"
_GATE = "M2 14.2V7.4a6 6 0 0 1 12 0v6.8"
_BUBBLE = "M1.8 2.4h12.4v8.4H7.6l-3.4 3.4v-3.4H1.8z"

KINDS = {
    "APIService": Look("violet", _PLUG),
    "Binding": Look(
        "amber",
        "M6.6 9.4a2.8 2.8 0 0 1 0-4l2-2a2.8 2.8 0 0 1 4 4l-1 1M9.4 6.6a2.8 2.8 0 0 1 0 4l-2 2a2.8 2.8 0 0 1-4-4l1-1",
    ),
    "CSIDriver": Look("orange", _CHIP + _SIDES),
    "CSINode": Look("orange", "M2 2.4h12v4.7H2zM4.6 4.7h.01M8 7.1v3M4.4 10.1h7.2v3.6H4.4z"),
    "CSIStorageCapacity": Look("orange", _CYLINDER + "M5.4 11.4V9.6M8 11.9V8M10.6 11.4V9"),
    "CertificateSigningRequest": Look(
        "pink",
        "M2 2.2h12v8H7M2 2.2v8h1M4.6 5h6.8M5 9a2 2 0 1 0 .01 0zM4 12.8l-.6 2 1.6-.8 1.6.8-.6-2",
    ),
    "ClusterRole": Look("pink", _SHIELD + "M8 4.6a3 3 0 1 0 .01 0z"),
    "ClusterRoleBinding": Look("pink", _SHIELD + "M5.4 8h5.2M8 5.4v5.2"),
    "Component": Look(
        "blue",
        "M8 5.2a2.8 2.8 0 1 0 .01 0zM8 1.6v2M8 12.4v2M1.6 8h2M12.4 8h2M3.5 3.5l1.4 1.4"
        "M11.1 11.1l1.4 1.4M3.5 12.5l1.4-1.4M11.1 4.9l1.4-1.4",
    ),
    "ComponentStatus": Look("slate", "M1.5 8.5h3l2-5 3 9 2-4h3"),
    "ConfigMap": Look("orange", _SHEET + "M6 8h4M6 11h4"),
    "Container": Look("slate", "M1.8 4h12.4v8.5H1.8zM5 4v8.5M8 4v8.5M11 4v8.5"),
    "ControllerRevision": Look("teal", "M2.4 8A5.6 5.6 0 1 0 4.3 3.8M4 .9v3.3h3.3M8 5v3.4l2.2 1.4"),
    "CronJob": Look("amber", _DISC + "M8 4.4V8l2.6 1.9"),
    "CustomResourceDefinition": Look("violet", "M2 6.2h3.2c-1.4-3 4-3 2.6 0H11v3c3-1.4 3 4 0 2.6v2.4H2z"),
    "DaemonSet": Look("blue", "M2 2h12v12H2zM2 8h12M8 2v12"),
    "Deployment": Look("blue", "M13.6 8A5.6 5.6 0 1 1 11.7 3.8M12 .9v3.3H8.7M8 5.8v4.4M5.8 8h4.4"),
    "Device": Look("teal", _CHIP + _SIDES + "M7 7h2v2H7z"),
    "DeviceClass": Look("teal", _CHIP + _SIDES + "M6.4 8h3.2"),
    "EndpointSlice": Look("violet", "M1.8 3h12.4v10H1.8zM1.8 6.3h12.4M1.8 9.7h12.4M5.4 3v10"),
    "Disk": Look("orange", "M8 1.8a6.2 6.2 0 1 0 .01 0zM8 6.4a1.6 1.6 0 1 0 .01 0zM11.4 4.6a4.8 4.8 0 0 1 1.4 3.4"),
    "Endpoints": Look(
        "violet",
        "M3.4 2.4a1.4 1.4 0 1 0 .01 0zM3.4 6.6a1.4 1.4 0 1 0 .01 0zM3.4 10.8a1.4 1.4 0 1 0 .01 0z"
        "M7 3.8h7.2M7 8h7.2M7 12.2h7.2",
    ),
    "Event": Look("slate", _BUBBLE + "M8 4.2v3M8 8.9h.01"),
    "FlowSchema": Look("slate", "M1.6 4h5l3 4h4.8M1.6 12h5l3-4M12 5.6 14.4 8 12 10.4"),
    "Gateway": Look("violet", _GATE + "M5.4 14.2V8.6a2.6 2.6 0 0 1 5.2 0v5.6"),
    "GatewayClass": Look("violet", _GATE + "M5.6 8h4.8M5.6 11h4.8"),
    "Group": Look(
        "pink",
        "M5.6 3a2.3 2.3 0 1 0 .01 0zM1.2 13.4c.4-2.6 2.1-4 4.4-4s4 1.4 4.4 4"
        "M10.4 3.2a2.1 2.1 0 1 1 .6 4.1M11.6 9.6c1.8.3 2.9 1.6 3.2 3.8",
    ),
    "HTTPRoute": Look("violet", "M1.6 8h4.2l3-4h5M5.8 8l3 4h5M11.6 1.8 13.8 4l-2.2 2.2M11.6 9.8l2.2 2.2-2.2 2.2"),
    "HorizontalPodAutoscaler": Look("blue", "M8 1.5v13M5.3 4.2 8 1.5l2.7 2.7M5.3 11.8 8 14.5l2.7-2.7M1.5 8h3M11.5 8h3"),
    "IPAddress": Look(
        "violet",
        "M8 1.6a4.6 4.6 0 0 1 4.6 4.6C12.6 9.6 8 14.4 8 14.4S3.4 9.6 3.4 6.2A4.6 4.6 0 0 1 8 1.6z"
        "M8 4.7a1.5 1.5 0 1 0 .01 0z",
    ),
    "Image": Look("orange", "M2 2.5h12v11H2zM2 6h12M2 9.8h12"),
    "Ingress": Look("violet", "M1.5 8h7M6 4.8 9.2 8 6 11.2M11.5 2h2.7v12h-2.7"),
    "IngressClass": Look("violet", "M1.5 8h5M4 5 7 8l-3 3M9.5 2h4.7v12H9.5zM12 5.4v5.2"),
    "Interface": Look("violet", "M2 2.6h12v7H2zM5 9.6v3.8M8 9.6v3.8M11 9.6v3.8M5 5.2v1.8M8 5.2v1.8M11 5.2v1.8"),
    "Job": Look("amber", _DISC + "M5 8.3l2.2 2.2 4-5"),
    "Lease": Look("slate", _DISC + "M8 4.4V8h3.2"),
    "LimitRange": Look("red", "M2 2.4v11.2M14 2.4v11.2M4 8h8M6 5.8 3.8 8 6 10.2M10 5.8 12.2 8 10 10.2"),
    "Log": Look("slate", _SHEET + "M6 7h4M6 9.5h4M6 12h4"),
    "Member": Look("teal", _CYLINDER + "M5 11.4l2.2 1.6L11 9.4"),
    "MutatingAdmissionPolicy": Look("red", _FUNNEL + "M5.6 4.6h4.8"),
    "MutatingAdmissionPolicyBinding": Look("red", _FUNNEL + "M8 4v2.6M6.7 5.3h2.6"),
    "MutatingWebhookConfiguration": Look("red", _HOOK + "M12 11.4l2.4-2.4M12.4 13.8l2-2"),
    "Namespace": Look("slate", "M2 5.2V2h3.2M10.8 2H14v3.2M14 10.8V14h-3.2M5.2 14H2v-3.2"),
    "Network": Look("violet", "M1.8 8h12.4M5 4.5 1.8 8 5 11.5M11 4.5 14.2 8 11 11.5"),
    "NetworkPolicy": Look("red", "M1.8 3h12.4v10H1.8zM1.8 8h12.4M6 3v5M10.6 8v5"),
    "Node": Look("slate", "M2 2.4h12v4.7H2zM2 8.9h12v4.7H2zM4.6 4.7h.01M4.6 11.3h.01"),
    "NodeMetrics": Look("slate", _GAUGE + "M2 14.4h12"),
    "Packet": Look("pink", "M1.6 3.5h12.8v9H1.6zM1.6 4l6.4 5.2L14.4 4"),
    "Peer": Look("violet", "M4 5.4a2.6 2.6 0 1 0 .01 0zM6.6 8h7.6M11.4 5.2 14.2 8l-2.8 2.8"),
    "PersistentVolume": Look("orange", _CYLINDER),
    "PersistentVolumeClaim": Look("orange", _CYLINDER + "M5.5 10h5"),
    "Pod": Look("green", "M8 1.4l5.7 3.3v6.6L8 14.6l-5.7-3.3V4.7zM2.3 4.7 8 8l5.7-3.3M8 8v6.6"),
    "PodDisruptionBudget": Look("red", _SHIELD + "M5 8l2.2 2.2L11.2 6"),
    "PodMetrics": Look("green", _GAUGE),
    "PodTemplate": Look("green", "M8 1.4l5.7 3.3v6.6L8 14.6l-5.7-3.3V4.7z"),
    "PriorityClass": Look("amber", "M3.5 14.4V1.8M3.5 2.4h9.2L10.4 5.6l2.3 3.2H3.5"),
    "PriorityLevelConfiguration": Look("slate", "M2 13.6h3V9H2zM6.5 13.6h3V5.8h-3zM11 13.6h3V2.4h-3z"),
    "Provisioner": Look(
        "orange",
        "M10.4 1.8a3.6 3.6 0 0 0-3.2 5.2L1.8 12.4l1.8 1.8L9 8.8a3.6 3.6 0 0 0 5.2-3.2c0-.6-.1-1-.3-1.5"
        "l-2.3 2.3-2-2L11.9 2.1c-.5-.2-1-.3-1.5-.3z",
    ),
    "ReferenceGrant": Look("violet", _SHEET + "M5.8 9.4l1.6 1.6L10.2 8"),
    "ReplicaSet": Look("teal", "M1.9 5h9.2v9.2H1.9zM4.9 5V1.9h9.2v9.2h-3"),
    "ReplicationController": Look("teal", "M1.9 5h9.2v9.2H1.9zM4.9 5V1.9h9.2v9.2h-3M4.2 9.6h4.6"),
    "ResourceClaim": Look("teal", _CHIP + _SIDES + "M6 8.2l1.4 1.4L10 6.8"),
    "ResourceClaimTemplate": Look("teal", _SHEET + "M6 7.6h4v4H6z"),
    "ResourceQuota": Look("red", _GAUGE + "M1.8 12h12.4"),
    "ResourceSlice": Look("teal", "M2 2.4h12v3.2H2zM2 7h12v3.2H2zM2 11.6h7.5"),
    "Role": Look("pink", _SHIELD),
    "RoleBinding": Look("pink", _SHIELD + "M5.4 8h5.2"),
    "Rule": Look("pink", _KEY),
    "Routes": Look("amber", "M8 14V2M8 4h4l2 1.6L12 7.2H8M8 8H4L2 9.6l2 1.6h4"),
    "RuntimeClass": Look("slate", _DISC + "M6.4 5v6l4.8-3z"),
    "Sandbox": Look("green", "M2 5.2V2h3.2M10.8 2H14v3.2M14 10.8V14h-3.2M5.2 14H2v-3.2M5 5h6v6H5z"),
    "Secret": Look("orange", "M3 7h10v7.2H3zM5 7V5a3 3 0 0 1 6 0v2M8 10v1.6"),
    "Service": Look(
        "violet",
        "M8 1.4a1.9 1.9 0 1 0 .01 0zM3.2 10.8a1.9 1.9 0 1 0 .01 0zM12.8 10.8a1.9 1.9 0 1 0 .01 0z"
        "M8 5.2v2.4l-3.5 3.6M8 7.6l3.5 3.6",
    ),
    "ServiceAccount": Look("pink", _PERSON + "M1.8 1.8h2.4M1.8 1.8v2.4"),
    "ServiceCIDR": Look("violet", "M5 1.8 2 8l3 6.2M11 1.8 14 8l-3 6.2M8 5h.01M8 8h.01M8 11h.01"),
    "Stage": Look("blue", "M1.8 3.5h8.7L14.2 8l-3.7 4.5H1.8L5 8z"),
    "State": Look("blue", "M8 1.8a6.2 6.2 0 1 0 .01 0zM8 5a3 3 0 1 0 .01 0z"),
    "StatefulSet": Look("blue", _CYLINDER + "M3 8c0 1.4 2.2 2.3 5 2.3s5-.9 5-2.3"),
    "StorageClass": Look("orange", "M2 4.5 8 1.8l6 2.7L8 7.2zM2 8l6 2.7L14 8M2 11.5l6 2.7 6-2.7"),
    "User": Look("pink", _PERSON),
    "ValidatingAdmissionPolicy": Look("red", _FUNNEL),
    "ValidatingAdmissionPolicyBinding": Look("red", _FUNNEL + "M6.7 5.3h2.6"),
    "ValidatingWebhookConfiguration": Look("red", _HOOK + "M11.8 12.2l1.2 1.2 2-2.6"),
    "Volume": Look("orange", _CYLINDER),
    "VolumeAttachment": Look(
        "orange",
        "M10.6 4.2 5.8 9a1.7 1.7 0 0 0 2.4 2.4l5-5a3.2 3.2 0 0 0-4.6-4.6l-5.2 5.2a4.8 4.8 0 0 0 6.8 6.8l3.8-3.8",
    ),
    "VolumeAttributesClass": Look("orange", _TAG),
    "VolumeSnapshot": Look("orange", _CYLINDER + "M8 8.2a1.8 1.8 0 1 0 .01 0z"),
    "VolumeSnapshotClass": Look("orange", _CYLINDER + "M5.5 9h5M5.5 11.4h5"),
    "VolumeSnapshotContent": Look("orange", _CYLINDER + "M5.5 10.2h5M8 7.8v4.8"),
    "Webhook": Look("red", _HOOK),
}

UNKNOWN = Look("slate", _DISC)
"""What a kind without a row looks like."""

ACTORS = {
    "you": "pink",
    "scheduler": "amber",
    "kubelet": "green",
    "deployment-controller": "blue",
    "replicaset-controller": "teal",
    "endpointslice-controller": "violet",
    "replication-controller": "teal",
    "statefulset-controller": "blue",
    "daemon-set-controller": "blue",
    "job-controller": "amber",
    "cronjob-controller": "orange",
    "horizontal-pod-autoscaler": "blue",
    "disruption-controller": "red",
    "persistentvolume-controller": "orange",
    "attachdetach-controller": "violet",
    "csi-provisioner": "teal",
    "csi-attacher": "pink",
    "pvc-protection-controller": "red",
    "pv-protection-controller": "red",
    "httproute-controller": "violet",
    "node-controller": "red",
    "node-ipam-controller": "slate",
    "taint-eviction-controller": "orange",
    "namespace-controller": "orange",
    "generic-garbage-collector": "orange",
    "kubectl": "pink",
    "kube-apiserver": "blue",
    "etcd": "teal",
    "etcd-1": "teal",
    "etcd-2": "violet",
    "etcd-3": "orange",
    "etcd-4": "pink",
    "etcd-5": "amber",
    "containerd": "orange",
    "selector": "violet",
    "pod": "green",
    "DNS": "blue",
    "kernel": "violet",
}
"""The hue of each component; slate for the others. Where two of a story have the same, the first here keeps it."""

_SPARE = ("blue", "teal", "orange", "violet", "pink", "amber", "green", "slate", "red")
"""In this order are hues given to who cannot have their own: last that of failure."""


class State(NamedTuple):
    """How a state is marked: the hue's name and the mark (`ring`, `half`, `disc`, `cross`, `dash`, `check`)."""

    hue: str
    mark: str


STATES = {
    "pending": State("slate", "ring"),
    "starting": State("amber", "half"),
    "ready": State("green", "disc"),
    "unready": State("orange", "half"),
    "failing": State("red", "cross"),
    "ending": State("slate", "dash"),
    "done": State("teal", "check"),
}
"""The seven states that a picture tells apart, each by mark and hue."""

GENERATIONS = ("blue", "pink", "teal", "amber", "violet", "orange")
"""The hues of an app's revisions, in turn: old and new pods of a rollout differ in these (and in `v1`, `v2`)."""

DARK_BACKGROUND = "#14181e"
"""The darkest page that the hues are made for (the book's dark theme)."""


TINT, GROUND, QUIET = 0x18 / 255, 0x0C / 255, 0.72
"""How much hue there is in a box and in the ground of a group, and how much of the text's colour in quiet words."""


def mixed(colour: str, ground: str, share: float) -> str:
    """What a colour with that share of opacity looks like on a ground."""
    pairs = ((int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def alpha(share: float) -> str:
    """A share as the two digits that follow a colour's six."""
    return f"{round(share * 255):02x}"


def look(kind: str) -> Look:
    """How a kind is drawn."""
    return KINDS.get(kind, UNKNOWN)


def hue(name: str) -> str:
    """The colour of that name, as `#rrggbb`."""
    return HUES[name]


def actor_hue(component: str) -> str:
    """The name of the hue of a component; `kubelet node-1` is a kubelet."""
    return ACTORS.get(_actor(component), "slate")


def actor_hues(components: Iterable[str]) -> dict[str, str]:
    """The hues of the components of one story, each a different one as long as there are any left."""
    known = list(ACTORS)
    ranked = sorted(components, key=lambda each: known.index(name) if (name := _actor(each)) else len(known))
    owners: dict[str, str] = {}
    for component in ranked:
        owners.setdefault(actor_hue(component), component)
    left = iter([name for name in _SPARE if name not in owners])
    return {each: own if owners[own := actor_hue(each)] == each else next(left, own) for each in ranked}


def _actor(component: str) -> str:
    """What the table of actors calls a component, in whatever language that is named; empty if it does not know it."""
    name = component.split(" ")[0]
    return name if name in ACTORS else next((known for known in ACTORS if component == _(known)), "")


def generation_hue(generation: int) -> str:
    """The name of the hue of an app's revision, counted from 1."""
    return GENERATIONS[(generation - 1) % len(GENERATIONS)]


def properties() -> str:
    """The palette as CSS custom properties: `--k-blue: #3b7dd8; …`."""
    return " ".join(f"--k-{name}: {value};" for name, value in HUES.items())


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` from 0 to 1, as WCAG 2 defines it."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
