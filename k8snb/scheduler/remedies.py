"""The smallest change after which a pod would fit on a node that refuses it.

Plugin after plugin is asked, as the scheduler asks them, and where one refuses, its row in `_BY_PLUGIN` proposes the
least that would satisfy it: less CPU by so much, a toleration, a label, an uncordoned node, a larger skew, a pod that
leaves. The proposal is tried on the spot, with the scheduler's own plugins, until the pod fits. Where that cannot be
had by changing the pod or the node, there is no remedy; nor where an extender refused the node, since only its author
knows what it would say of another pod. Extenders that have not refused a node would be asked once the pod fits there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from k8snb.i18n import _
from k8snb.machinery.quantity import of_milli
from k8snb.scheduler.allocation import amount
from k8snb.scheduler.explain import NOBODY, refusal
from k8snb.scheduler.framework import SUCCESS
from k8snb.scheduler.lowering import lowered
from k8snb.scheduler.nodeinfo import NodeInfo, untolerated
from k8snb.scheduler.plugins.pod_topology_spread import NAME as SPREAD
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.relations import in_the_way, matching_labels, strangers
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.situation import Situation
from k8snb.scheduler.testimony import Testimony
from k8snb.typing import Object

MOST_CHANGES = 12
_CORDON = "node.kubernetes.io/unschedulable"


class Change(NamedTuple):
    """One change: what it is about (`cpu`, `toleration`, `label` …), in words, and how things are after it."""

    about: str
    words: str
    share: float
    """What part of a request is given up; 1 where there is nothing to measure."""
    after: Situation


class Remedy(NamedTuple):
    """What it takes for a pod to fit on a node; without changes it fits, and with None nothing helps."""

    node: str
    changes: Sequence[Change] | None
    reason: str
    """Why the node refuses the pod now, or what cannot be helped."""
    extender: str = ""
    """Who refused it, where that was an extender."""

    @property
    def situation(self) -> Situation | None:
        """How things would be."""
        return self.changes[-1].after if self.changes else None

    @property
    def size(self) -> tuple[int, float]:
        """For comparing: few changes are less than many, and a little of a request less than much."""
        changes = self.changes or ()
        return len(changes), sum(change.share for change in changes)

    @property
    def words(self) -> str:
        """The changes in a sentence."""
        if self.extender:
            return _("what would change {extender}'s mind is not known").format(extender=self.extender)
        if self.changes is None:
            return _("nothing helps: {reason}").format(reason=self.reason)
        return "; ".join(change.words for change in self.changes) or _("it fits")


def remedies(framework: Framework, pod: Object, heard: Testimony = NOBODY) -> list[Remedy]:
    """What it takes on each node, in the order of the nodes."""
    return [remedy(framework, pod, node.name, heard) for node in framework.cache.nodes()]


def smallest(found: Sequence[Remedy]) -> Remedy | None:
    """The least of all; None if nothing helps anywhere."""
    possible = [each for each in found if each.changes]
    return min(possible, key=lambda each: each.size, default=None)


def remedy(framework: Framework, pod: Object, node: str, heard: Testimony = NOBODY) -> Remedy:
    """What it takes on one node."""
    refused = heard.status(node)
    if refused is not SUCCESS:
        return Remedy(node, None, refusal(refused), refused.plugin)
    now = Situation.of(framework, pod, node)
    first = now.verdict().message
    changes: list[Change] = []
    while (status := now.verdict()) is not SUCCESS:
        propose = _BY_PLUGIN.get(status.plugin)
        change = propose(now) if propose is not None else None
        if change is None or len(changes) == MOST_CHANGES:
            return Remedy(node, None, status.message)
        changes.append(change)
        now = change.after
    return Remedy(node, changes, first)


# -- one plugin after the other --------------------------------------------------------------------


def _uncordoned(now: Situation) -> Change:
    """The node controller takes the taint away that goes with a cordon."""
    kept = [taint for taint in (now.node.node or {})["spec"].get("taints") or () if taint.get("key") != _CORDON]
    words = _("uncordon {node}").format(node=now.node.name)
    return Change("cordon", words, 1.0, now.with_node(unschedulable=None, taints=kept or None))


def _tolerated(now: Situation) -> Change | None:
    tolerations = CLASSES.of(now.spec).tolerations
    taint = untolerated(tolerations, now.node.taints)
    if taint is None:
        return None
    value = {"value": taint["value"]} if taint.get("value") else {}
    more = {"key": taint["key"], "operator": "Equal" if value else "Exists", **value, "effect": taint["effect"]}
    told = f"{taint['key']}{'=' if value else ''}{taint.get('value') or ''}:{taint['effect']}"
    words = _("tolerate {taint}").format(taint=told)
    return Change("toleration", words, 1.0, now.with_spec(tolerations=[*tolerations, more]))


def _labelled(now: Situation) -> Change | None:
    labels = matching_labels(now.spec, now.node)
    if not labels:
        return None
    said = [f"{key}={value}" if value is not None else f"{key}-" for key, value in labels.items()]
    words = _("label {node} {labels}").format(node=now.node.name, labels=" ".join(said))
    return Change("label", words, float(len(labels)), now.with_node(labels=labels))


def _lighter(now: Situation) -> Change | None:
    pod_class, node = CLASSES.of(now.spec), now.node
    over = len(node.pods) + 1 - node.allocatable.pods
    if over > 0:
        return _left(now, sorted(node.pods.values(), key=_importance)[:over], _("there are too many pods"))
    for name in ("cpu", "memory", "ephemeral-storage", *sorted(pod_class.request.scalars)):
        asked, free = amount(pod_class.request, name), amount(node.allocatable, name) - amount(node.requested, name)
        if asked and asked > free:
            return _asking_less(now, name, asked, max(free, 0))
    return None


def _asking_less(now: Situation, name: str, asked: int, free: int) -> Change | None:
    spec = lowered(now.spec, name, free)
    if spec is None:
        return None
    words = _("ask for {amount} less {resource}").format(amount=written(name, asked - free), resource=name)
    return Change(name, words, (asked - free) / asked, now.with_spec(**spec))


def written(name: str, number: int) -> str:
    """An amount of a resource as a quantity."""
    if name == "cpu":
        return of_milli(number)
    units = ((2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki")) if name in ("memory", "ephemeral-storage") else ()
    found = next((f"{number // size}{unit}" for size, unit in units if number and not number % size), None)
    return found or str(number)


def _importance(info: PodInfo) -> tuple[int, str]:
    return info.pod_class.priority, str(info.pod["metadata"].get("creationTimestamp") or "")


def _left(now: Situation, pods: Sequence[PodInfo], why: str) -> Change | None:
    """Pods that have to go."""
    if not pods:
        return None
    names = ", ".join(f"{info.namespace}/{info.pod['metadata']['name']}" for info in pods)
    words = _("{pods} would have to go: {why}").format(pods=names, why=why)
    return Change("pods", words, float(len(pods)), now.without(*pods))


def _port_freed(now: Situation) -> Change | None:
    wanted = CLASSES.of(now.spec).host_ports

    def holds(info: PodInfo) -> bool:
        alone = NodeInfo("")
        alone.add(info)
        return any(alone.port_conflict(port) for port in wanted)

    ports = ", ".join(f"{number}/{protocol}" for _address, protocol, number in wanted)
    why = _("the host port {ports} is taken").format(ports=ports)
    return _left(now, [info for info in now.node.pods.values() if holds(info)], why)


def _spread(now: Situation) -> Change | None:
    """A label where one is missing, else the least skew that allows one pod more here."""
    constraints = now.spec.get("topologySpreadConstraints") or ()
    for key in [each["topologyKey"] for each in constraints if each["whenUnsatisfiable"] == "DoNotSchedule"]:
        if key not in now.node.labels:
            return _in_domain(now, key)
    state, _status = now.state()
    found = state.before_filter.get(SPREAD)
    if found is None:
        return None
    for index, limit in enumerate(found.constraints):
        skew = found.skew(index, now.pod, now.node)
        if skew > limit.max_skew and constraints:
            wider = [_widened(each, limit.key, skew) for each in constraints]
            words = _("allow a skew of {skew} over {key}").format(skew=skew, key=limit.key)
            return Change("maxSkew", words, 1.0, now.with_spec(topologySpreadConstraints=wider))
    return None


def _in_domain(now: Situation, key: str) -> Change:
    """The node joins the neighbourhood of the first node that has one, or one of its own."""
    value = min((each.labels[key] for each in now.others if key in each.labels), default=now.node.name)
    words = _("label {node} {labels}").format(node=now.node.name, labels=f"{key}={value}")
    return Change("label", words, 1.0, now.with_node(labels={key: value}))


def _widened(constraint: Object, key: str, skew: int) -> Object:
    hard = constraint["topologyKey"] == key and constraint["whenUnsatisfiable"] == "DoNotSchedule"
    return {**constraint, "maxSkew": max(skew, constraint["maxSkew"])} if hard else constraint


def _sociable(now: Situation) -> Change | None:
    for key in strangers(now):
        if key not in now.node.labels:
            return _in_domain(now, key)
        rest = [term for term in _affinity(now)["podAffinity"][_REQUIRED] if term["topologyKey"] != key]
        kept = {**_affinity(now), "podAffinity": {**_affinity(now)["podAffinity"], _REQUIRED: rest}}
        words = _("do without the required pod affinity over {key}").format(key=key)
        return Change("affinity", words, 1.0, now.with_spec(affinity=kept))
    return _left(now, in_the_way(now), _("anti-affinity keeps the pods apart"))


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _affinity(now: Situation) -> Object:
    found: Object = now.spec.get("affinity") or {}
    return found


_BY_PLUGIN: dict[str, Callable[[Situation], Change | None]] = {
    "NodeUnschedulable": _uncordoned,
    "TaintToleration": _tolerated,
    "NodeAffinity": _labelled,
    "NodePorts": _port_freed,
    "NodeResourcesFit": _lighter,
    "PodTopologySpread": _spread,
    "InterPodAffinity": _sociable,
}
