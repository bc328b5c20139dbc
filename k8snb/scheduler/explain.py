"""Why a pod goes where it goes: what every plugin says of every node, as a table.

Nothing is decided and nothing changes. A pod that is placed already is looked at as if it were not. Plugins are asked
one by one even after the first has rejected a node, which the scheduler itself does not do. Extenders are not asked at
all: what they said at that time, as far as it was kept, stands beside what plugins say (`testimony`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from k8snb.i18n import _
from k8snb.scheduler.framework import SUCCESS, Code, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.runtime import Framework, PluginScores
from k8snb.scheduler.testimony import SCALE, Testimony
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one plugin says of one node, or one extender said of it.

    `verdict` is `fits`, the reasons of a rejection, or empty where the plugin does not filter (or skips this pod).
    The scores are None where it does not score, or the node was rejected by some plugin.
    """

    node: str
    plugin: str
    verdict: str
    raw: int | None
    normalized: int | None
    weight: int

    @property
    def points(self) -> int:
        """What the plugin adds to the node's total."""
        return (self.normalized or 0) * self.weight


@dataclass(frozen=True, slots=True)
class Explanation:
    """All opinions, node by node and within a node in the order of the profile, extenders last."""

    opinions: Sequence[Opinion]
    totals: Mapping[str, int]
    """Node → the sum of its points; nodes that do not fit are left out. Nobody scores the only one that fits."""
    chosen: str
    """The node the pod would get; empty if none fits."""
    tied: Sequence[str]
    """The nodes with the highest total: where there are several, it is the turn of the one unchanged for longest."""
    refusal: str
    """What was said before any node was looked at, where that was the end of it."""

    def of(self, node: str) -> list[Opinion]:
        """The opinions on one node."""
        return [opinion for opinion in self.opinions if opinion.node == node]


NOBODY = Testimony((), None, placed=False)
"""What is known of extenders where there are none."""


def explain(
    framework: Framework, pod: Object, weights: Mapping[str, int] | None = None, heard: Testimony = NOBODY
) -> Explanation:
    """What every plugin says of every node for this pod, as things stand, and what extenders were `heard` to say.

    An extender's scores are normalised to those of plugins. No node is chosen where one ended the attempt with an
    error.
    """
    nodes, pod = as_if_unplaced(framework, pod)
    state = CycleState(nodes)
    refused = framework.pre_filter(state, pod)
    asked = nodes if refused is SUCCESS else []
    verdicts = {node.name: _verdicts(framework, state, pod, node) for node in asked}
    fits = {name: all(status is SUCCESS for status in said.values()) for name, said in verdicts.items()}
    fitting = [node for node in asked if fits[node.name] and heard.leaves(node.name)]
    scored = framework.score(state, pod, fitting) if len(fitting) > 1 else []
    chosen_weights = {**framework.weights, **heard.weights, **(weights or {})}
    totals = _totals(fitting, scored, chosen_weights)
    totals = {name: total + heard.points(name, chosen_weights) for name, total in totals.items()}
    running = fitting if heard.failure is None else []
    most = max(totals.values(), default=0)
    best = max(running, key=lambda node: (totals[node.name], -node.generation), default=None)
    opinions = _opinions(framework, asked, fitting, verdicts, scored, chosen_weights)
    return Explanation(
        opinions=[
            each
            for node in asked
            for each in (*opinions[node.name], *_heard(heard, node.name, node.name in totals, chosen_weights))
        ],
        totals=totals,
        chosen=best.name if best is not None else "",
        tied=tuple(node.name for node in running if totals[node.name] == most),
        refusal="" if refused is SUCCESS else refused.message,
    )


def as_if_unplaced(framework: Framework, pod: Object) -> tuple[list[NodeInfo], Object]:
    """The nodes and the pod as if it had no node yet."""
    return [_without(node, pod["metadata"].get("uid") or "") for node in framework.cache.nodes()], _unplaced(pod)


def _unplaced(pod: Object) -> Object:
    spec = pod["spec"]
    if not spec.get("nodeName"):
        return pod
    return {**pod, "spec": {name: value for name, value in spec.items() if name != "nodeName"}}


def _without(node: NodeInfo, uid: str) -> NodeInfo:
    if uid not in node.pods:
        return node
    other = node.clone()
    other.remove(uid)
    return other


def _verdicts(framework: Framework, state: CycleState, pod: Object, node: NodeInfo) -> dict[str, Status]:
    """What each plugin says of a node, and of the node with the pods that it is kept for."""
    found: dict[str, Status] = {}
    imagined = framework.with_nominated(state, pod, node)
    for their_state, their_node in (imagined, (state, node)) if imagined is not None else ((state, node),):
        for plugin in framework.at["Filter"]:
            if plugin.name not in state.skip_filter and found.get(plugin.name, SUCCESS) is SUCCESS:
                status: Status = plugin.filter(their_state, pod, their_node)
                found[plugin.name] = SUCCESS if status.code is Code.SUCCESS else status
    return found


def _totals(nodes: Sequence[NodeInfo], scored: Sequence[PluginScores], weights: Mapping[str, int]) -> dict[str, int]:
    return {
        node.name: sum(weights[scores.plugin] * scores.normalized[index] for scores in scored)
        for index, node in enumerate(nodes)
    }


def _opinions(
    framework: Framework,
    nodes: Sequence[NodeInfo],
    fitting: Sequence[NodeInfo],
    verdicts: Mapping[str, Mapping[str, Status]],
    scored: Sequence[PluginScores],
    weights: Mapping[str, int],
) -> dict[str, list[Opinion]]:
    """Node → what plugins say of it."""
    place = {node.name: index for index, node in enumerate(fitting)}
    by_plugin = {scores.plugin: scores for scores in scored if not scores.skipped}
    speaking = [
        name for name in framework.plugins if name in by_plugin or any(name in said for said in verdicts.values())
    ]
    found: dict[str, list[Opinion]] = {node.name: [] for node in nodes}
    for node in nodes:
        index = place.get(node.name)
        for name in speaking:
            status = verdicts[node.name].get(name)
            scores = by_plugin.get(name) if index is not None else None
            raw = scores.raw[index] if scores is not None and index is not None else None
            normalized = scores.normalized[index] if scores is not None and index is not None else None
            verdict = "" if status is None else "fits" if status is SUCCESS else status.message
            found[node.name].append(Opinion(node.name, name, verdict, raw, normalized, weights[name]))
    return found


def _heard(heard: Testimony, node: str, fits: bool, weights: Mapping[str, int]) -> Iterator[Opinion]:
    """What extenders said of a node."""
    for name in heard.speaking():
        status, raw = heard.verdict(name, node), heard.score(name, node) if fits else None
        verdict = "" if status is None else "fits" if status is SUCCESS else refusal(status)
        yield Opinion(node, name, verdict, raw, None if raw is None else raw * SCALE, weights.get(name, 0))


def refusal(status: Status) -> str:
    """Why an extender refuses a node, in its words, and whether it matters who leaves."""
    reason = status.message or _("no reason was given")
    return (
        _("{reason}; preemption would not help").format(reason=reason) if status.code is Code.UNRESOLVABLE else reason
    )
