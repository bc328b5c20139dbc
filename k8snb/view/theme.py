"""One palette and one glyph per kind.

There are no light and dark variants. Text takes the colour of the page (`currentColor`), and every hue is a
middle tone whose contrast is at least 3:1 on white and on the dark theme's background alike, which is what
WCAG 2.2 asks of graphics; tints are the hue mixed into whatever lies behind. So a picture needs not know
where it is shown: book, JupyterLab, print. Colour never speaks alone: a state has a mark, a kind a glyph, an
actor its name.

Glyphs are outlines on a grid of 16 by 16, drawn with a stroke and no fill.
"""

from __future__ import annotations

from typing import NamedTuple

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

KINDS = {
    "ConfigMap": Look("orange", "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M6 8h4M6 11h4"),
    "Container": Look("slate", "M1.8 4h12.4v8.5H1.8zM5 4v8.5M8 4v8.5M11 4v8.5"),
    "CronJob": Look("amber", _DISC + "M8 4.4V8l2.6 1.9"),
    "DaemonSet": Look("blue", "M2 2h12v12H2zM2 8h12M8 2v12"),
    "Deployment": Look("blue", "M13.6 8A5.6 5.6 0 1 1 11.7 3.8M12 .9v3.3H8.7M8 5.8v4.4M5.8 8h4.4"),
    "EndpointSlice": Look("violet", "M1.8 3h12.4v10H1.8zM1.8 6.3h12.4M1.8 9.7h12.4M5.4 3v10"),
    "HorizontalPodAutoscaler": Look("blue", "M8 1.5v13M5.3 4.2 8 1.5l2.7 2.7M5.3 11.8 8 14.5l2.7-2.7M1.5 8h3M11.5 8h3"),
    "Image": Look("orange", "M2 2.5h12v11H2zM2 6h12M2 9.8h12"),
    "Ingress": Look("violet", "M1.5 8h7M6 4.8 9.2 8 6 11.2M11.5 2h2.7v12h-2.7"),
    "Job": Look("amber", _DISC + "M5 8.3l2.2 2.2 4-5"),
    "Lease": Look("slate", _DISC + "M8 4.4V8h3.2"),
    "Namespace": Look("slate", "M2 5.2V2h3.2M10.8 2H14v3.2M14 10.8V14h-3.2M5.2 14H2v-3.2"),
    "Network": Look("violet", "M1.8 8h12.4M5 4.5 1.8 8 5 11.5M11 4.5 14.2 8 11 11.5"),
    "Node": Look("slate", "M2 2.4h12v4.7H2zM2 8.9h12v4.7H2zM4.6 4.7h.01M4.6 11.3h.01"),
    "Packet": Look("pink", "M1.6 3.5h12.8v9H1.6zM1.6 4l6.4 5.2L14.4 4"),
    "PersistentVolume": Look("orange", _CYLINDER),
    "PersistentVolumeClaim": Look("orange", _CYLINDER + "M5.5 10h5"),
    "Pod": Look("green", "M8 1.4l5.7 3.3v6.6L8 14.6l-5.7-3.3V4.7zM2.3 4.7 8 8l5.7-3.3M8 8v6.6"),
    "ReplicaSet": Look("teal", "M1.9 5h9.2v9.2H1.9zM4.9 5V1.9h9.2v9.2h-3"),
    "Sandbox": Look("green", "M2 5.2V2h3.2M10.8 2H14v3.2M14 10.8V14h-3.2M5.2 14H2v-3.2M5 5h6v6H5z"),
    "Secret": Look("orange", "M3 7h10v7.2H3zM5 7V5a3 3 0 0 1 6 0v2M8 10v1.6"),
    "Service": Look(
        "violet",
        "M8 1.4a1.9 1.9 0 1 0 .01 0zM3.2 10.8a1.9 1.9 0 1 0 .01 0zM12.8 10.8a1.9 1.9 0 1 0 .01 0z"
        "M8 5.2v2.4l-3.5 3.6M8 7.6l3.5 3.6",
    ),
    "ServiceAccount": Look("pink", _PERSON),
    "StatefulSet": Look("blue", _CYLINDER + "M3 8c0 1.4 2.2 2.3 5 2.3s5-.9 5-2.3"),
    "StorageClass": Look("orange", "M2 4.5 8 1.8l6 2.7L8 7.2zM2 8l6 2.7L14 8M2 11.5l6 2.7 6-2.7"),
    "User": Look("pink", _PERSON),
    "Volume": Look("orange", _CYLINDER),
}

UNKNOWN = Look("slate", _DISC)
"""What a kind without a row looks like."""

ACTORS = {
    "you": "pink",
    "deployment-controller": "blue",
    "replicaset-controller": "teal",
    "statefulset-controller": "blue",
    "daemonset-controller": "blue",
    "job-controller": "amber",
    "endpointslice-controller": "violet",
    "scheduler": "amber",
    "kubelet": "green",
    "node-controller": "red",
    "node-ipam-controller": "slate",
    "taint-eviction-controller": "orange",
    "namespace-controller": "orange",
    "generic-garbage-collector": "orange",
    "kubectl": "pink",
    "kube-apiserver": "blue",
    "etcd": "teal",
    "containerd": "orange",
    "selector": "violet",
    "pod": "green",
    "DNS": "blue",
    "kernel": "violet",
}
"""The hue of each component; slate for the others."""


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


def look(kind: str) -> Look:
    """How a kind is drawn."""
    return KINDS.get(kind, UNKNOWN)


def hue(name: str) -> str:
    """The colour of that name, as `#rrggbb`."""
    return HUES[name]


def actor_hue(component: str) -> str:
    """The name of the hue of a component; `kubelet node-1` is a kubelet."""
    return ACTORS.get(component.split(" ")[0], "slate")


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
