"""Extenders: programs elsewhere that a scheduler asks, by HTTP, after its plugins have spoken.

They take nodes out of those that fit, one extender after another, add to the scores of those that are left, change who
would have to leave for a pod, and one of them may bind pods. One that does not answer ends the attempt with an error,
unless it can be done without (`ignorable`); where scores are concerned it is passed over in any case. Nobody knows what
would change an extender's mind, so whatever happens is a reason to try a pod again that one has turned away.

What they said is kept (`answers`), and `testimony` is what is known of it later. Requests have the names of Go's
fields. Upstream: `pkg/scheduler/extender.go`, `findNodesThatPassExtenders` and `prioritizeNodes` in `schedule_one.go`,
`callExtenders` in `framework/preemption/preemption.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from k8snb.packet import HTTPResponse
from k8snb.scheduler.answers import Answer, Answers, Binding, Filtering, Scoring, Sparing
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.extender_answers import BOUND, FILTERED, PREEMPTED, PRIORITIES, Shape, Struct, read
from k8snb.scheduler.extender_settings import ExtenderSettings, names
from k8snb.scheduler.framework import SUCCESS, Code, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.preemption import Candidate, uids
from k8snb.scheduler.testimony import SCALE, Testimony
from k8snb.typing import Object

NAME = "Extender"
"""By whom a pod was turned away where it was an extender."""
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

    def __init__(self, name: str, settings: ExtenderSettings, post: Post) -> None:
        self.name = name
        self.settings = settings
        self._post = post

    def interested(self, pod: Object) -> bool:
        """Whether it is asked about a pod."""
        wanted = self.settings.resources
        return not wanted or any(name in wanted for name in _amounts(pod))

    def filter(self, pod: Object, nodes: Sequence[NodeInfo]) -> Filtered:
        """The nodes that are left. Raises ExtenderError."""
        answer = self._send(self.settings.filter_verb, self._about(pod, nodes), FILTERED)
        if answer["error"]:
            raise ExtenderError(answer["error"])
        names = answer["nodenames"] if self.settings.knows_nodes else None
        if names is None:
            names = [node["metadata"].get("name", "") for node in answer["nodes"].get("items") or ()]
        known = {node.name: node for node in nodes}
        strange = next((name for name in names if name not in known), None)
        if strange is not None:
            claim = f'claims a filtered node "{strange}" which is not found in the input node list'
            raise ExtenderError(f'extender "{self.settings.url}" {claim}')
        left = [known[name] for name in names]
        return Filtered(left, answer["failednodes"] or {}, answer["failedandunresolvablenodes"] or {})

    def prioritize(self, pod: Object, nodes: Sequence[NodeInfo]) -> Mapping[str, int]:
        """What it gives nodes, by name, from 0 to 10. Raises ExtenderError."""
        given: dict[str, int] = {}
        for each in self._send(self.settings.prioritize_verb, self._about(pod, nodes), PRIORITIES) or ():
            host = each.get("host", "")
            given[host] = given.get(host, 0) + each.get("score", 0)
        return given

    def preempt(self, pod: Object, found: Mapping[str, Candidate], node_of: NodeOf) -> dict[str, Candidate]:
        """Who would have to leave which node, after it has had its say. Raises ExtenderError."""
        asked: dict[str, Any] = {"Pod": _plain(pod), "NodeNameToVictims": None, "NodeNameToMetaVictims": None}
        if self.settings.knows_nodes:
            asked["NodeNameToMetaVictims"] = {name: _victims(each, _uid_of) for name, each in found.items()}
        else:
            asked["NodeNameToVictims"] = {name: _victims(each, _plain) for name, each in found.items()}
        answer = self._send(self.settings.preempt_verb, asked, PREEMPTED)
        given = answer["nodenametometavictims"] or {}
        changed = {name: self._candidate(name, each, node_of) for name, each in given.items()}
        empty = [name for name, each in changed.items() if not each.victims]
        if empty and not self.settings.ignorable:
            raise ExtenderError(f'expected at least one victim pod on node "{empty[0]}"')
        return {name: each for name, each in changed.items() if each.victims}

    def _candidate(self, name: str, given: Object, node_of: NodeOf) -> Candidate:
        node, victims = node_of(name), []
        if node is None:
            raise ExtenderError(f'nodeinfo not found for node name "{name}"')
        for each in given.get("pods") or ():
            uid = each.get("uid", "")
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
        answer = self._send(self.settings.bind_verb, asked, BOUND)
        if answer["error"]:
            raise ExtenderError(answer["error"])

    # -- asking --------------------------------------------------------------------------------------

    def _about(self, pod: Object, nodes: Sequence[NodeInfo]) -> Object:
        if self.settings.knows_nodes:
            return {"Pod": _plain(pod), "Nodes": None, "NodeNames": [node.name for node in nodes]}
        items = [_plain(node.node) for node in nodes if node.node is not None]
        return {"Pod": _plain(pod), "Nodes": {"metadata": {}, "items": items}, "NodeNames": None}

    def _send(self, verb: str, asked: Object, shape: Shape) -> Any:
        """What it answers, read by a shape. Raises ExtenderError."""
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
            found = orjson.loads(answer.body)
        except ValueError:
            char = answer.body.strip()[0]
            raise ExtenderError(f"invalid character '{char}' looking for beginning of value") from None
        try:
            return read({} if found is None and isinstance(shape, Struct) else found, shape)
        except ValueError as error:
            raise ExtenderError(str(error)) from None


class Extenders:
    """All extenders of a scheduler, in the order in which they are asked, and what they `said`."""

    def __init__(
        self,
        settings: Sequence[ExtenderSettings] = (),
        post: Post = nobody,
        said: Answers | None = None,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._all = [Extender(name, each, post) for name, each in zip(names(settings), settings, strict=True)]
        self._said = said if said is not None else Answers()
        self._now = now

    def __len__(self) -> int:
        return len(self._all)

    def interested(self, pod: Object) -> Iterator[Extender]:
        """Those that are asked about a pod."""
        return (each for each in self._all if each.interested(pod))

    @property
    def kept(self) -> int:
        """Of how many pods it is kept what was said."""
        return len(self._said)

    def begin(self, pod: Object) -> bool:
        """A pod is tried; whether any of them is asked about it."""
        asked = any(self.interested(pod))
        if asked:
            self._said.begin(_uid(pod), self._now())
        return asked

    def testimony(self, pod: Object, *, placed: bool) -> Testimony | None:
        """What is known of what they said of a pod, which has a node by now or waits; None if none is asked about
        it."""
        asked = [(each.name, each.settings) for each in self.interested(pod)]
        return Testimony(asked, self._said.of(_uid(pod)), placed) if asked else None

    def filter(self, pod: Object, nodes: list[NodeInfo], diagnosis: Diagnosis) -> list[NodeInfo]:
        """The nodes that all of them leave; why others are out goes into the diagnosis. Raises ExtenderError."""
        self._said.filter_anew(_uid(pod))
        left = nodes
        for each in self.interested(pod):
            if not each.settings.filter_verb:
                continue
            if not left:
                break
            asked = [node.name for node in left]
            try:
                left, failed, unresolvable = each.filter(pod, left)
            except ExtenderError as error:
                self._keep(pod, Filtering(each.name, asked, {}, (), str(error)))
                if each.settings.ignorable:
                    continue
                raise
            remain = {node.name for node in left}
            out = {name: unresolvable.get(name) or failed.get(name, "") for name in asked if name not in remain}
            self._keep(pod, Filtering(each.name, asked, out, unresolvable.keys() & out.keys(), ""))
            diagnosis.statuses.update({name: Status.unschedulable(why) for name, why in failed.items()})
            diagnosis.statuses.update({name: Status.unresolvable(why) for name, why in unresolvable.items()})
        if len(left) != len(nodes):
            diagnosis.blame(NAME)
        return left

    def add_scores(self, pod: Object, nodes: Sequence[NodeInfo], totals: list[int]) -> None:
        """Add what they say of nodes to their totals; who does not answer says nothing."""
        asked = [node.name for node in nodes]
        for each in self.interested(pod):
            if not each.settings.prioritize_verb:
                continue
            try:
                given = each.prioritize(pod, nodes)
            except ExtenderError as error:
                self._keep(pod, Scoring(each.name, asked, {}, str(error)))
                continue
            self._keep(pod, Scoring(each.name, asked, {name: given.get(name, 0) for name in asked}, ""))
            for index, name in enumerate(asked):
                totals[index] += given.get(name, 0) * SCALE * each.settings.weight

    def preempt(self, pod: Object, candidates: list[Candidate], node_of: NodeOf) -> list[Candidate]:
        """The candidates after they have had their say. Raises ExtenderError."""
        asked = [each for each in self.interested(pod) if each.settings.preempt_verb]
        if not asked or not candidates:
            return candidates
        found = {candidate.node: candidate for candidate in candidates}
        for each in asked:
            before = uids(found.values())
            try:
                found = each.preempt(pod, found, node_of)
            except ExtenderError as error:
                self._keep(pod, Sparing(each.name, before, {}, str(error)))
                if not each.settings.ignorable:
                    raise
                continue
            self._keep(pod, Sparing(each.name, before, uids(found.values()), ""))
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
                self._keep(pod, Binding(each.name, node, str(error)))
                if each.settings.ignorable:
                    continue
                return Status.error(str(error))
            self._keep(pod, Binding(each.name, node, ""))
            return SUCCESS
        return Status(Code.SKIP)

    def _keep(self, pod: Object, answer: Answer) -> None:
        self._said.add(_uid(pod), answer)


def _uid(pod: Object) -> str:
    return str(pod["metadata"].get("uid", ""))


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
