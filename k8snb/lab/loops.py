"""The exercises of the chapter "Workloads and automation": control loops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import labels_of
from k8snb.trace import Trace
from k8snb.typing import Object

LARGE = 5
"""From so many sheep on a flock is large."""

_WRITES = frozenset({"create", "update", "patch", "delete"})


class Traced(Protocol):
    """A cluster that keeps a record of its requests."""

    @property
    def trace(self) -> Trace: ...


@dataclass(frozen=True)
class Writers:
    """Who wrote how often what, in the order in which they began."""

    counts: dict[tuple[str, str], int]

    def __repr__(self) -> str:
        width = max((len(who) for who, _what in self.counts), default=0)
        lines, last = [], ""
        for (who, what), count in self.counts.items():
            times = f" ×{count}" if count > 1 else ""
            lines.append(f"{who if who != last else '':{width}}  {what}{times}")
            last = who
        return "\n".join(lines)


def who_wrote(cluster: Traced, since: int) -> Writers:
    """Who has written what after a revision: users by the last part of their name, and requests by verb and kind.

    Events are left out: everybody writes those.
    """
    found: Counter[tuple[str, str]] = Counter()
    for sent in cluster.trace.requests:
        info = sent.request.info
        if sent.revision <= since or sent.code >= 400 or info is None or info.resource is None:
            continue
        if info.verb in _WRITES and info.resource.kind != "Event":
            part = f"/{info.subresource}" if info.subresource else ""
            found[sent.user.rpartition(":")[2], f"{info.verb} {info.resource.kind}{part}"] += 1
    first = {who: number for number, (who, _what) in reversed(list(enumerate(found)))}
    return Writers(dict(sorted(found.items(), key=lambda entry: first[entry[0][0]])))


def _flocks(cluster: Reader) -> dict[str, Object]:
    """The ConfigMaps that have a size, by name."""
    found = cluster.client.list("configmaps", NAMESPACE)
    return {each["metadata"]["name"]: each for each in found if "size" in (each.get("data") or {})}


@exercise("workloads/control-loop", "Let them go", minutes=5)
def check_orphans(cluster: Reader) -> Claims:
    """An owner that is gone, and dependents that stay."""
    gone = cluster.client.find("configmaps", "angoras", NAMESPACE) is None
    yield Claim(gone, _("the ConfigMap angoras is gone"), _("it is still there"))
    pods = pods_labelled(cluster, {"flock": "angoras"})
    yield Claim(len(pods) == 2, _("its two pods are there"), says(_("their number"), len(pods)))
    owned = [pod["metadata"]["name"] for pod in pods if pod["metadata"].get("ownerReferences")]
    yield Claim(not owned, _("they belong to nobody"), says(_("with an owner"), owned))
    phases = list(dict.fromkeys(pod["status"].get("phase") for pod in pods))
    yield Claim(phases == ["Running"], _("they go on running"), says(_("the phase"), phases))


@exercise("workloads/control-loop", "A shepherd's dog", minutes=20)
def check_dog(cluster: Reader) -> Claims:
    """A label that follows the size of each flock, and of flocks alone."""
    flocks = _flocks(cluster)
    for name, size in (("jacobs", "2"), ("texels", "7")):
        seen = flocks[name]["data"]["size"] if name in flocks else _("not there")
        yield Claim(seen == size, _("there is a flock {name} of {size}").format(name=name, size=size), says(name, seen))
    for name, flock in flocks.items():
        wanted = "large" if int(flock["data"]["size"]) >= LARGE else "small"
        label = labels_of(flock).get("flock-size", _("none"))
        yield Claim(label == wanted, _("{name} is labelled {label}").format(name=name, label=wanted), says(name, label))
    others = [each for each in cluster.client.list("configmaps", NAMESPACE) if each["metadata"]["name"] not in flocks]
    touched = [each["metadata"]["name"] for each in others if "flock-size" in labels_of(each)]
    yield Claim(not touched, _("other ConfigMaps are left alone"), says(_("with the label"), touched))
