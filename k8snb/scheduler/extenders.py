"""Extenders: programs elsewhere that a scheduler asks, by HTTP, after its plugins have spoken.

They take nodes out of those that fit, one extender after another, add to the scores of those that are left, change who
would have to leave for a pod, and one of them may bind pods. One that does not answer ends the attempt with an error,
unless it can be done without (`ignorable`); where scores are concerned it is passed over in any case. Nobody knows what
would change an extender's mind, so whatever happens is a reason to try a pod again that one has turned away.

Requests and answers have the names of Go's fields. Upstream: `pkg/scheduler/extender.go`, `findNodesThatPassExtenders`
and `prioritizeNodes` in `schedule_one.go`, `callExtenders` in `framework/preemption/preemption.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from k8snb.packet import HTTPResponse
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.extender_settings import ExtenderSettings
from k8snb.scheduler.framework import MAX_NODE_SCORE, SUCCESS, Code, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.preemption import Candidate
from k8snb.typing import Object

NAME = "Extender"
"""By whom a pod was turned away where it was an extender."""
HIGHEST_PRIORITY = 10
"""An extender's scores lie between 0 and this; they are scaled to those of plugins."""

Post: TypeAlias = Callable[[str, bytes, float, bytes | None], HTTPResponse]
"""(URL, body, seconds, CA bundle) → the answer. Raises OSError, with a message as Go's client has it."""

NodeOf: TypeAlias = Callable[[str], NodeInfo | None]


class ExtenderError(Exception):
    """An extender did not answer, or not well; the message is the scheduler's."""


class Filtered(NamedTuple):
    """What an extender made of nodes: those that are left, and why others are not."""

    nodes: list[NodeInfo]
    failed: Mapping[str, str]
    unresolvable: Mapping[str, str]


def nobody(url: str, body: bytes, seconds: float, bundle: bytes | None) -> HTTPResponse:
    """There is no network."""
    raise OSError(f'Post "{url}": dial tcp: connect: network is unreachable')


class Extender:
    """One extender."""

    def __init__(self, settings: ExtenderSettings, post: Post) -> None:
        self.settings = settings
        self._post = post

    def interested(self, pod: Object) -> bool:
        """Whether it is asked about a pod."""
        wanted = self.settings.resources
        return not wanted or any(name in wanted for name in _amounts(pod))

    def filter(self, pod: Object, nodes: Sequence[NodeInfo]) -> Filtered:
        """The nodes that are left. Raises ExtenderError."""
        if not self.settings.filter_verb:
            return Filtered(list(nodes), {}, {})
        answer = self._ask(self.settings.filter_verb, self._about(pod, nodes))
        if answer.get("error"):
            raise ExtenderError(str(answer["error"]))
        names = answer.get("nodenames") if self.settings.knows_nodes else None
        if names is None:
            names = [node["metadata"]["name"] for node in (answer.get("nodes") or {}).get("items") or ()]
        known = {node.name: node for node in nodes}
        strange = next((name for name in names if name not in known), None)
        if strange is not None:
            claim = f'claims a filtered node "{strange}" which is not found in the input node list'
            raise ExtenderError(f'extender "{self.settings.url}" {claim}')
        left = [known[name] for name in names]
        return Filtered(left, answer.get("failednodes") or {}, answer.get("failedandunresolvablenodes") or {})

    def prioritize(self, pod: Object, nodes: Sequence[NodeInfo]) -> Mapping[str, int]:
        """What it adds to the scores of nodes, by name. Raises ExtenderError."""
        if not self.settings.prioritize_verb:
            return {}
        answer = self._send(self.settings.prioritize_verb, self._about(pod, nodes))
        scale = self.settings.weight * (MAX_NODE_SCORE // HIGHEST_PRIORITY)
        given = [_lower(each) for each in answer or ()]
        return {each["host"]: each.get("score", 0) * scale for each in given}

    def preempt(self, pod: Object, found: Mapping[str, Candidate], node_of: NodeOf) -> dict[str, Candidate]:
        """Who would have to leave which node, after it has had its say. Raises ExtenderError."""
        asked: dict[str, Any] = {"Pod": _plain(pod), "NodeNameToVictims": None, "NodeNameToMetaVictims": None}
        if self.settings.knows_nodes:
            asked["NodeNameToMetaVictims"] = {name: _victims(each, _uid_of) for name, each in found.items()}
        else:
            asked["NodeNameToVictims"] = {name: _victims(each, _plain) for name, each in found.items()}
        answer = self._ask(self.settings.preempt_verb, asked)
        given = answer.get("nodenametometavictims") or {}
        changed = {name: self._candidate(name, _lower(each or {}), node_of) for name, each in given.items()}
        empty = [name for name, each in changed.items() if not each.victims]
        if empty and not self.settings.ignorable:
            raise ExtenderError(f'expected at least one victim pod on node "{empty[0]}"')
        return {name: each for name, each in changed.items() if each.victims}

    def _candidate(self, name: str, given: Object, node_of: NodeOf) -> Candidate:
        node, victims = node_of(name), []
        if node is None:
            raise ExtenderError(f'nodeinfo not found for node name "{name}"')
        for each in given.get("pods") or ():
            uid = _lower(each).get("uid", "")
            if uid not in node.pods:
                claim = f"claims to preempt pod (UID: &{{{uid}}}) on node: {name}"
                claim += ", but the pod is not found on that node"
                raise ExtenderError(f"extender: {self.settings.url} {claim}")
            victims.append(node.pods[uid])
        return Candidate(name, victims, given.get("numpdbviolations", 0))

    def bind(self, pod: Object, node: str) -> None:
        """Let it bind a pod. Raises ExtenderError."""
        meta = pod["metadata"]
        asked = {"PodName": meta["name"], "PodNamespace": meta["namespace"], "PodUID": meta["uid"], "Node": node}
        answer = self._ask(self.settings.bind_verb, asked)
        if answer.get("error"):
            raise ExtenderError(str(answer["error"]))

    # -- asking --------------------------------------------------------------------------------------

    def _about(self, pod: Object, nodes: Sequence[NodeInfo]) -> Object:
        if self.settings.knows_nodes:
            return {"Pod": _plain(pod), "Nodes": None, "NodeNames": [node.name for node in nodes]}
        items = [_plain(node.node) for node in nodes if node.node is not None]
        return {"Pod": _plain(pod), "Nodes": {"metadata": {}, "items": items}, "NodeNames": None}

    def _ask(self, verb: str, asked: Object) -> Object:
        answer = self._send(verb, asked)
        return _lower(answer) if isinstance(answer, Mapping) else {}

    def _send(self, verb: str, asked: Object) -> Any:
        """What it answers. Raises ExtenderError."""
        url = f"{self.settings.url.rstrip('/')}/{verb}"
        try:
            answer = self._post(url, orjson.dumps(asked), self.settings.seconds, self.settings.bundle)
        except OSError as error:
            raise ExtenderError(f'Post "{url}": {error}') from None
        if answer.status != 200:
            raise ExtenderError(f"failed {verb} with extender at URL {url}, code {answer.status}")
        if not answer.body.strip():
            raise ExtenderError("EOF")
        try:
            return orjson.loads(answer.body)
        except ValueError:
            char = answer.body.strip()[0]
            raise ExtenderError(f"invalid character '{char}' looking for beginning of value") from None


class Extenders:
    """All extenders of a scheduler, in the order in which they are asked."""

    def __init__(self, settings: Sequence[ExtenderSettings] = (), post: Post = nobody) -> None:
        self._all = [Extender(each, post) for each in settings]

    def __len__(self) -> int:
        return len(self._all)

    def interested(self, pod: Object) -> Iterator[Extender]:
        """Those that are asked about a pod."""
        return (each for each in self._all if each.interested(pod))

    def filter(self, pod: Object, nodes: list[NodeInfo], diagnosis: Diagnosis) -> list[NodeInfo]:
        """The nodes that all of them leave; why others are out goes into the diagnosis. Raises ExtenderError."""
        left = nodes
        for each in self.interested(pod):
            if not left:
                break
            try:
                left, failed, unresolvable = each.filter(pod, left)
            except ExtenderError:
                if each.settings.ignorable:
                    continue
                raise
            diagnosis.statuses.update({name: Status.unschedulable(why) for name, why in failed.items()})
            diagnosis.statuses.update({name: Status.unresolvable(why) for name, why in unresolvable.items()})
        if len(left) != len(nodes):
            diagnosis.blame(NAME)
        return left

    def add_scores(self, pod: Object, nodes: Sequence[NodeInfo], totals: list[int]) -> None:
        """Add what they say of nodes to their totals; who does not answer says nothing."""
        for each in self.interested(pod):
            try:
                given = each.prioritize(pod, nodes)
            except ExtenderError:
                continue
            for index, node in enumerate(nodes):
                totals[index] += given.get(node.name, 0)

    def preempt(self, pod: Object, candidates: list[Candidate], node_of: NodeOf) -> list[Candidate]:
        """The candidates after they have had their say. Raises ExtenderError."""
        asked = [each for each in self.interested(pod) if each.settings.preempt_verb]
        if not asked or not candidates:
            return candidates
        found = {candidate.node: candidate for candidate in candidates}
        for each in asked:
            try:
                found = each.preempt(pod, found, node_of)
            except ExtenderError:
                if not each.settings.ignorable:
                    raise
            if not found:
                break
        return list(found.values())

    def bind(self, pod: Object, node: str) -> Status:
        """Let the first that binds bind a pod; SKIP if none does."""
        for each in self.interested(pod):
            if not each.settings.bind_verb:
                continue
            try:
                each.bind(pod, node)
            except ExtenderError as error:
                if each.settings.ignorable:
                    continue
                return Status.error(str(error))
            return SUCCESS
        return Status(Code.SKIP)


def _amounts(pod: Object) -> Iterator[str]:
    """The resources that containers of a pod ask for or are limited in."""
    spec = pod["spec"]
    for container in (*spec.get("containers", ()), *(spec.get("initContainers") or ())):
        resources = container.get("resources") or {}
        yield from resources.get("requests") or ()
        yield from resources.get("limits") or ()


def _plain(obj: Object) -> Object:
    """An object as Go's client holds it: without saying what it is."""
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}


def _uid_of(pod: Object) -> Object:
    return {"UID": pod["metadata"]["uid"]}


def _victims(candidate: Candidate, shown: Callable[[Object], Object]) -> Object:
    return {"Pods": [shown(info.pod) for info in candidate.victims], "NumPDBViolations": candidate.overdrawn}


def _lower(answer: Object) -> Object:
    """An answer by its fields' names in lower case: Go's decoder does not mind how they are written."""
    return {name.lower(): value for name, value in answer.items()}
