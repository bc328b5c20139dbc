"""The exercises of the chapter "Workloads and automation": control loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from k8snb.client.client import Client
from k8snb.client.controller import Controller
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import annotations_of, is_deleting, is_true, labels_of
from k8snb.trace import Trace
from k8snb.typing import Object, ObjectKey

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
    strange = [pod["metadata"]["name"] for pod in pods if pod["metadata"].get("generateName") != "angoras-"]
    yield Claim(not strange, _("it was the flock that made them"), says(_("made by hand"), strange))
    owned = [pod["metadata"]["name"] for pod in pods if pod["metadata"].get("ownerReferences")]
    yield Claim(not owned, _("they belong to nobody"), says(_("with an owner"), owned))
    phases = list(dict.fromkeys(pod["status"].get("phase") for pod in pods))
    yield Claim(phases == ["Running"], _("they go on running"), says(_("the phase"), phases))


class Runs(Protocol):
    """A cluster that runs programs of the reader. What they would do is tried on a fork of it."""

    programs: Mapping[str, Any]
    trace: Trace

    @property
    def client(self) -> Client: ...
    @property
    def revision(self) -> int: ...

    def fork(self) -> Any: ...


@exercise("workloads/control-loop", "A shepherd's dog", minutes=20)
def check_dog(cluster: Runs) -> Claims:
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
    tried = cluster.fork()
    resize(tried, "jacobs", LARGE)
    label = labels_of(find(tried, "configmaps", "jacobs")).get("flock-size", _("none"))
    grown = _("jacobs of {size} would be large").format(size=LARGE)
    yield Claim(label == "large", grown, _("tried out, it stays {label}").format(label=label))
    began = tried.revision
    tried.advance(QUIET)
    yield from _rests(tried, began)


def resize(cluster: Any, flock: str, size: int) -> None:
    """Let a flock have another size, and give whoever cares some time."""
    cluster.client.patch("configmaps", flock, {"data": {"size": str(size)}}, NAMESPACE)
    cluster.advance(QUIET)


QUIET = 10.0
"""So many seconds without a change, and a loop should have come to rest."""


def _rests(cluster: Runs, since: int) -> Claims:
    """No program writes anything where there is nothing left to do."""
    counts = who_wrote(cluster, since).counts
    restless = {who: f"{who} ({times}: {what})" for (who, what), times in counts.items() if who in cluster.programs}
    nothing = _("… and who has nothing to do writes nothing")
    yield Claim(
        not restless,
        nothing,
        says(_("what was written within {seconds} s").format(seconds=round(QUIET)), [*restless.values()]),
    )


# -- somebody must still clean up ------------------------------------------------------------------------

WOOL = {"cheviots": "8", "dorpers": "5", "romneys": "9"}
"""The wool of each flock, in kilos."""
WEIGH = "example.com/weigh"


def shear(cluster: Any) -> None:
    """Three flocks of which somebody must still note the wool; two of them are to go. Once only."""
    if cluster.client.find("configmaps", "romneys", NAMESPACE) is not None:
        return
    for name, kilos in WOOL.items():
        meta = {"name": name, "finalizers": [WEIGH]}
        wool = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"kilos": kilos}}
        cluster.client.create("configmaps", wool, NAMESPACE)
    cluster.kubectl("delete configmap cheviots dorpers --wait=false")


@exercise("workloads/control-loop", "It will not go", minutes=10)
def check_wool(cluster: Reader) -> Claims:
    """Finalizers that nobody removes, because whoever did so is no longer there."""
    stays = find(cluster, "configmaps", "romneys")
    yield exists(stays, _("romneys is there"))
    kept = WEIGH in stays["metadata"].get("finalizers", ()) and not is_deleting(stays)
    yield Claim(
        kept, _("nobody deletes it, and its finalizer waits for that"), _("it has lost it, or is on its way out")
    )
    wool = find(cluster, "configmaps", "wool")
    yield exists(wool, _("there is a ConfigMap wool"))
    noted, due = wool.get("data") or {}, {name: kilos for name, kilos in WOOL.items() if name != "romneys"}
    seen = [f"{name}={kilos}" for name, kilos in noted.items()]
    yield Claim(noted == due, _("it says how much each of the two had, and no more"), says(_("it says"), seen))
    left = [name for name in due if cluster.client.find("configmaps", name, NAMESPACE) is not None]
    yield Claim(not left, _("both are gone"), says(_("they wait for their finalizer"), left))


# -- one that calls itself -------------------------------------------------------------------------------


class Census(Controller):
    """Says on each flock how many of its sheep are ready, and when it looked. It never comes to rest."""

    name = "census"

    def start(self) -> None:
        for resource in ("configmaps", "pods"):
            self.informers.of(resource).on_change(lambda old, new: self._later(new or old or {}))

    def _later(self, obj: Object) -> None:
        meta = obj["metadata"]
        self.queue.add_after(ObjectKey(meta["namespace"], labels_of(obj).get("flock") or meta["name"]), 1.0)

    def reconcile(self, key: ObjectKey) -> None:
        """Count the sheep of a flock."""
        flock = self.informers.of("configmaps").get(*key)
        if flock is None or "size" not in (flock.get("data") or {}):
            return
        pods = self.informers.of("pods").list(key.namespace)
        ready = [pod for pod in pods if labels_of(pod).get("flock") == key.name and is_true(pod, "Ready")]
        says = {"sheep": str(len(ready)), "looked": self.clock.timestamp()}
        self.client.patch("configmaps", key.name, {"metadata": {"annotations": says}}, key.namespace)


@exercise("workloads/control-loop", "It never rests", minutes=20)
def check_census(cluster: Runs) -> Claims:
    """A loop that writes only where there is something to say."""
    running = "census" in cluster.programs and cluster.programs["census"].running
    yield Claim(running, _("a program census runs"), _("none does"))
    flocks = _flocks(cluster)
    yield Claim("lonks" in flocks, _("there is a flock lonks"), _("there is none"))
    for name in flocks:
        ready = len([pod for pod in pods_labelled(cluster, {"flock": name}) if is_true(pod, "Ready")])
        said = annotations_of(flocks[name]).get("sheep", _("nothing"))
        right = _("the annotation of {name} says how many sheep are ready").format(name=name)
        yield Claim(said == str(ready), right, says(_("it says {said}, and their number").format(said=said), ready))
    tried = cluster.fork()
    resize(tried, "lonks", 4)
    said = annotations_of(find(tried, "configmaps", "lonks")).get("sheep", _("nothing"))
    yield Claim(said == "4", _("it would follow, were they 4"), _("tried out, it says {said}").format(said=said))
    began = tried.revision
    tried.advance(QUIET)
    yield from _rests(tried, began)
