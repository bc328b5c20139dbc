"""What keeps a pod and a node apart, looked at term by term: labels that do not match, and pods that do.

The plugins only say that something does not match; who wants to change it has to know what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from k8snb.machinery.nodeselection import selection_of
from k8snb.scheduler.affinity import AffinityTerm
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.situation import Situation
from k8snb.typing import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
Labels = dict[str, str | None]


def matching_labels(spec: Object, node: NodeInfo) -> Labels | None:
    """The fewest labels that a node would need to be what a pod asks for; None takes one away. None if that fails."""
    wanted: Labels = dict(spec.get("nodeSelector") or {})
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED)
    choices = [_of_term(term) for term in required["nodeSelectorTerms"]] if required else [{}]
    found = [_missing({**wanted, **_met(choice, node)}, node) for choice in choices if choice is not None]
    selection = selection_of({"spec": spec})
    working = [each for each in found if selection.matches(node.name, _with(node.labels, each))]
    return min(working, key=len, default=None)


def _met(choice: Mapping[str, tuple[str, tuple[str, ...]]], node: NodeInfo) -> Labels:
    """A value for each expression: the node's own where it will do."""
    return {key: _value(operator, values, node.labels.get(key)) for key, (operator, values) in choice.items()}


def _of_term(term: Object) -> dict[str, tuple[str, tuple[str, ...]]] | None:
    """The expressions of a term by key; None if it speaks of fields, which cannot be changed."""
    if term.get("matchFields"):
        return None
    found = term.get("matchExpressions") or ()
    return {each["key"]: (each["operator"], tuple(each.get("values") or ())) for each in found}


def _value(operator: str, values: tuple[str, ...], now: str | None) -> str | None:
    if operator == "In":
        return now if now in values else values[0]
    if operator == "NotIn":
        return None if now in values else now
    if operator == "Exists":
        return now if now is not None else "true"
    if operator == "DoesNotExist":
        return None
    bound = int(values[0])
    fits = now is not None and now.isdigit() and (int(now) > bound if operator == "Gt" else int(now) < bound)
    return now if fits else str(bound + 1 if operator == "Gt" else bound - 1)


def _missing(wanted: Labels, node: NodeInfo) -> Labels:
    return {key: value for key, value in wanted.items() if node.labels.get(key) != value}


def _with(labels: Mapping[str, str], changes: Labels) -> dict[str, str]:
    return {key: value for key, value in {**labels, **changes}.items() if value is not None}


# -- other pods ------------------------------------------------------------------------------------


def _means(now: Situation, owner: Object, term: AffinityTerm, pod: Object) -> bool:
    """Whether a term of one pod speaks of another."""
    namespace = pod["metadata"].get("namespace") or ""
    labels = pod["metadata"].get("labels") or {}
    names = now.framework.namespaces(namespace)
    return term.matches(owner["metadata"].get("namespace") or "", namespace, labels, names)


def _near(now: Situation, key: str) -> Iterator[PodInfo]:
    """The pods in the node's neighbourhood."""
    value = now.node.labels.get(key)
    nodes = [node for node in now.nodes if value is not None and node.labels.get(key) == value]
    return chain.from_iterable(node.pods.values() for node in nodes)


def strangers(now: Situation) -> list[str]:
    """The topology keys of the required affinity terms for which there is nobody in the node's neighbourhood."""
    own = CLASSES.of(now.spec).affinity
    everybody = [info for node in now.nodes for info in node.pods.values()]
    first = all(_means(now, now.pod, term, now.pod) for term in own)
    alone = first and not any(all(_means(now, now.pod, t, info.pod) for t in own) for info in everybody)

    def lonely(term: AffinityTerm) -> bool:
        if term.topology_key not in now.node.labels:
            return True
        around = _near(now, term.topology_key)
        return not alone and not any(all(_means(now, now.pod, t, info.pod) for t in own) for info in around)

    return [term.topology_key for term in own if lonely(term)]


def in_the_way(now: Situation) -> list[PodInfo]:
    """The pods that anti-affinity, theirs or the pod's own, keeps from being near it."""
    found: dict[str, PodInfo] = {}
    for term in CLASSES.of(now.spec).anti_affinity:
        for info in _near(now, term.topology_key):
            if _means(now, now.pod, term, info.pod):
                found[info.uid] = info
    for node in now.nodes:
        for info in node.affine.values():
            for term in info.pod_class.anti_affinity:
                same = node.labels.get(term.topology_key) == now.node.labels.get(term.topology_key, "")
                if same and _means(now, info.pod, term, now.pod):
                    found[info.uid] = info
    return list(found.values())
