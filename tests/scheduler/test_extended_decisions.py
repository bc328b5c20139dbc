"""Decisions with extenders: what they said then, not what they would say now."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.scheduler.explain import explain
from k8snb.typing import Object
from tests.scheduler.test_extenders import URL, Asked, refusing, told

NAME = URL.partition("://")[2]


def some(asked: Any, fits: Callable[[str], str]) -> Object:
    """A filter's answer: nodes of which a function says why not are out."""
    given = [node["metadata"]["name"] for node in asked["Nodes"]["items"]] if asked["Nodes"] else asked["NodeNames"]
    why = {name: fits(name) for name in given}
    left = [name for name in given if not why[name]]
    return {
        "NodeNames": left,
        "Nodes": {"items": [{"metadata": {"name": name}} for name in left]},
        "FailedNodes": {name: reason for name, reason in why.items() if reason and reason != "silently"},
    }


def lot(*words: object) -> int:
    """A number that follows from words alone, as an answer that is always the same."""
    return int.from_bytes(sha256(repr(words).encode()).digest()[:4], "big")


class Seeded:
    """A cluster with some extenders, drawn by lot, and pods that were scheduled with them."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        extenders: list[Object] = []
        functions: dict[str, Callable[[Any], Any]] = {}
        for index in range(draw.randint(1, 3)):
            extender: Object = {"urlPrefix": f"http://extender-{index}.example.com", "weight": draw.randint(1, 5)}
            extender["nodeCacheCapable"], extender["ignorable"] = draw.random() < 0.5, draw.random() < 0.3
            if draw.random() < 0.8:
                extender["filterVerb"] = "filter"
                functions[f"{extender['urlPrefix']}/filter"] = self._filter(seed, index)
            if draw.random() < 0.8:
                extender["prioritizeVerb"] = "prioritize"
                functions[f"{extender['urlPrefix']}/prioritize"] = self._score(seed, index)
            if not index and draw.random() < 0.5:
                extender["managedResources"] = [{"name": "example.com/x", "ignoredByScheduler": True}]
            extenders.append(extender)
        percentage = draw.choice(({}, {}, {"percentageOfNodesToScore": 50}))
        self.cluster = Cluster(
            draw.randint(3, 6), seed=seed, scheduler={**told(), "extenders": extenders, **percentage}
        )
        self.cluster.webhooks.update(functions)
        for index in range(8):
            self._create(f"pod-{index}", draw)
            if draw.random() < 0.5:
                self.cluster.settle()
        self.cluster.settle()
        self.pods = self.cluster.client.list("pods", "default")

    def _filter(self, seed: int, index: int) -> Callable[[Any], Any]:
        def why(pod: str, node: str) -> str:
            return ("", "", "", "", "not there", "silently")[lot(seed, index, pod, node) % 6]

        return lambda asked: some(asked, lambda node: why(asked["Pod"]["metadata"]["name"], node))

    def _score(self, seed: int, index: int) -> Callable[[Any], Any]:
        def scored(asked: Any) -> Any:
            if lot(seed, index, asked["Pod"]["metadata"]["name"]) % 5 == 0:
                raise OSError
            nodes = (
                [node["metadata"]["name"] for node in asked["Nodes"]["items"]] if asked["Nodes"] else asked["NodeNames"]
            )
            return [
                {"host": name, "score": lot(seed, index, asked["Pod"]["metadata"]["name"], name, 1) % 11}
                for name in nodes
            ]

        return scored

    def _create(self, name: str, draw: random.Random) -> None:
        requests = {"cpu": f"{draw.randint(1, 30)}00m", "memory": f"{draw.randint(1, 8)}Gi"}
        if draw.random() < 0.5:
            requests["example.com/x"] = "1"
        resources = {"requests": requests, "limits": {k: v for k, v in requests.items() if "/" in k}}
        spec = {"containers": [{"name": "c", "image": "nginx", "resources": resources}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        self.cluster.client.create("pods", body, "default")


@pytest.mark.parametrize("seeds", [range(first, first + 10) for first in range(0, 40, 10)])
def test_the_winner_is_the_node_that_the_pod_has_got_whatever_extenders_said(seeds: range) -> None:
    elsewhere = placed = 0
    for seed in seeds:
        made = Seeded(seed)
        for pod in made.pods:
            view = made.cluster.decision(pod["metadata"]["name"])
            found, node = view.decision.explanation, pod["spec"].get("nodeName", "")
            assert view.winner == node, (seed, pod["metadata"]["name"], str(view))
            if node:
                placed += 1
                assert node in found.tied, (seed, pod["metadata"]["name"], str(view))
                elsewhere += node not in explain(view.decision.framework, view.decision.pod).tied
            else:
                assert found.chosen == "", (seed, pod["metadata"]["name"], str(view))
    assert placed > 40
    assert elsewhere > 10


def scoring(**scores: int) -> Callable[[Any], Any]:
    """Scores for nodes: `scoring(node_2=7)`."""
    given = [{"Host": name.replace("_", "-"), "Score": score} for name, score in scores.items()]
    return lambda asked: given


def refusing_first(asked: Any) -> Any:
    return some(asked, lambda node: "no licence" if node == "node-1" else "")


BOTH = {"filterVerb": "filter", "prioritizeVerb": "prioritize", "weight": 5}


def said(cluster: Cluster, pod: str = "a") -> list[tuple[str, str, int | None, int | None, int]]:
    """What the extender says of each node in the decision about a pod."""
    found = cluster.decision(pod).decision.explanation.opinions
    return [(each.node, each.verdict, each.raw, each.normalized, each.points) for each in found if each.plugin == NAME]


def test_an_extender_is_a_row_of_the_decision_with_its_scores_scaled_and_weighed() -> None:
    made = Asked(BOTH, filter=refusing_first, prioritize=scoring(node_2=3, node_3=7))
    assert made.run("a") == "node-3"
    assert said(made.cluster) == [
        ("node-1", "no licence", None, None, 0),
        ("node-2", "fits", 3, 30, 150),
        ("node-3", "fits", 7, 70, 350),
    ]
    found = made.cluster.decision("a").decision.explanation
    assert (found.chosen, found.tied, [*found.totals]) == ("node-3", ("node-3",), ["node-2", "node-3"])


def test_what_it_said_then_stands_though_it_would_say_something_else_now() -> None:
    made = Asked(BOTH, filter=refusing_first, prioritize=scoring(node_2=10))
    assert made.run("a") == "node-2"
    made.cluster.webhooks[f"{URL}/filter"] = refusing("out of order")
    made.cluster.webhooks[f"{URL}/prioritize"] = scoring(node_1=10)
    asked = len(made.asked)
    assert (made.cluster.decision("a").decision.explanation.chosen, len(made.asked)) == ("node-2", asked)


def test_of_a_pod_that_waits_there_is_what_was_said_at_the_last_attempt() -> None:
    made = Asked({"filterVerb": "filter"}, filter=refusing("no licence"))
    made.run("a")
    made.cluster.webhooks[f"{URL}/filter"] = refusing("no room", for_good=True)
    assert [each[1] for each in said(made.cluster)] == ["no licence"] * 3
    made.cluster.advance(400)
    assert [each[1] for each in said(made.cluster)] == ["no room; preemption would not help"] * 3
    assert made.cluster.decision("a").winner == ""


def test_what_came_after_the_last_attempt_nobody_was_asked_about() -> None:
    made = Asked({"filterVerb": "filter"}, filter=refusing("no licence"))
    made.run("a")
    made.cluster.stop("kube-scheduler")
    made.cluster.add_node("node-4")
    made.cluster.advance(30)
    found = made.cluster.decision("a").decision
    assert said(made.cluster)[-1] == ("node-4", "", None, None, 0)
    assert found.heard.unheard(found.explanation.totals) == {NAME: ["node-4"]}


@pytest.mark.parametrize("ignorable", [False, True])
def test_one_that_fails_is_told_of_and_where_it_ended_the_attempt_no_node_is_chosen(ignorable: bool) -> None:
    made = Asked({"filterVerb": "filter", "ignorable": ignorable})
    node = made.run("a")
    heard = made.cluster.decision("a").decision.heard
    error = f'Post "{URL}/filter": dial tcp: lookup extender.example.com: no such host'
    assert heard.attempt is not None
    assert [each.error for each in heard.attempt.answers] == [error]
    assert heard.failure == (None if ignorable else (NAME, error))
    assert (node, made.cluster.decision("a").winner) == (("node-1", "node-1") if ignorable else ("", ""))


def test_a_node_that_was_kept_for_the_pod_is_the_only_one_that_counted() -> None:
    made = Asked({"filterVerb": "filter", "nodeCacheCapable": True}, nodes=2, filter=lambda asked: asked)
    cluster = made.cluster
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    cluster.client.create("priorityclasses", high)
    full = {"name": "c", "image": "busybox", "command": ["sleep", "99"], "resources": {"requests": {"cpu": "7"}}}
    on = {made.run(name, container=full): name for name in "xy"}
    urgent = {"metadata": {"name": "vip"}, "spec": {"containers": [full], "priorityClassName": "high"}}
    cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", **urgent}, "default")
    cluster.advance(1)
    kept = cluster.client.get("pods", "vip", "default")["status"]["nominatedNodeName"]
    cluster.stop("kube-scheduler")
    cluster.client.delete("pods", next(name for node, name in on.items() if node != kept), "default")
    cluster.advance(40)
    cluster.start("kube-scheduler")
    cluster.settle()
    found = cluster.decision("vip").decision.explanation
    assert (made.node("vip"), found.chosen, [*found.totals]) == (kept, kept, [kept])


def test_who_bound_the_pod_is_told() -> None:
    made = Asked({"bindVerb": "bind"}, bind=lambda asked: {})
    made.run("a")
    heard = made.cluster.decision("a").decision.heard
    assert heard.attempt is not None
    assert [(each.extender, each.node, each.error) for each in heard.attempt.bindings] == [(NAME, "node-1", "")]


def test_extenders_of_one_url_are_told_apart() -> None:
    made = Asked({"filterVerb": "one"}, {"filterVerb": "two"}, one=refusing_first, two=lambda asked: asked)
    assert made.run("a") == "node-2"
    assert made.cluster.decision("a").decision.heard.speaking() == [f"{NAME} #1", f"{NAME} #2"]


# -- as long as it is kept -------------------------------------------------------------------------


def test_nothing_is_kept_of_pods_that_no_extender_is_asked_about() -> None:
    licence = {"name": "example.com/licence", "ignoredByScheduler": True}
    made = Asked({"filterVerb": "filter", "managedResources": [licence]}, filter=refusing("none left"))
    made.run("a")
    plain = Cluster(1, seed=1)
    plain.kubectl("run a --image=nginx")
    plain.settle()
    for cluster in (made.cluster, plain):
        assert cluster.decision("a").decision.heard.names == []
        assert cluster.scheduler.extenders.kept == 0


def test_a_fork_and_a_rewound_cluster_have_asked_again() -> None:
    made = Asked(BOTH, filter=refusing_first, prioritize=scoring(node_3=7))
    made.run("a")
    cluster, told = made.cluster, str(made.cluster.decision("a"))
    bound = cluster.revision
    asked = len(made.asked)
    assert (str(cluster.fork().decision("a")), len(made.asked)) == (told, 2 * asked)
    cluster.kubectl("delete pod a")
    cluster.advance(40)
    cluster.rewind(bound)
    assert (str(cluster.decision("a")), len(made.asked)) == (told, 3 * asked)


def test_another_scheduler_knows_what_the_one_before_was_told() -> None:
    made = Asked(BOTH, filter=refusing_first, prioritize=scoring(node_3=7))
    made.run("a")
    told = str(made.cluster.decision("a"))
    made.cluster.stop("kube-scheduler")
    made.cluster.start("kube-scheduler")
    made.cluster.settle()
    assert str(made.cluster.decision("a")).splitlines()[1:] == told.splitlines()[1:]


def test_a_cluster_that_comes_back_from_a_file_no_longer_knows_what_they_said(tmp_path: Path) -> None:
    configured = told({**BOTH, "ignorable": True})
    first = Cluster(3, seed=1, scheduler=configured, path=tmp_path / "cluster.db")
    first.webhooks[f"{URL}/filter"] = refusing_first
    first.webhooks[f"{URL}/prioritize"] = scoring(node_3=7)
    first.kubectl("run a --image=nginx")
    first.settle()
    first.close()
    again = Cluster(scheduler=configured, path=tmp_path / "cluster.db")
    found = again.decision("a")
    assert (found.winner, found.decision.heard.names, found.decision.heard.attempt) == ("node-3", [NAME], None)
    assert f"what {NAME} said is no longer known" in str(found)
    again.close()


# -- counterfactuals -------------------------------------------------------------------------------


def test_the_weight_of_an_extender_is_one_of_those_that_decide() -> None:
    heavy = {"resources": {"requests": {"cpu": "4"}}}
    made = Asked({"prioritizeVerb": "prioritize", "weight": 1}, nodes=2, prioritize=scoring(node_1=2))
    made.run("x", container=heavy)
    made.cluster.webhooks[f"{URL}/prioritize"] = scoring(node_1=2)
    assert made.run("a") == "node-2"
    view = made.cluster.decision("a")
    flip = next(each for each in view.decision.flips() if each.plugin == NAME)
    assert (flip.less, flip.more_winner) == (None, "node-1")
    assert flip.more is not None
    assert [view.what_if(**{NAME: weight}).winner for weight in (flip.more - 1, flip.more)] == ["node-2", "node-1"]


def test_no_change_is_proposed_where_an_extender_refused_the_node() -> None:
    made = Asked({"filterVerb": "filter"}, filter=refusing_first)
    huge = {"resources": {"requests": {"cpu": "9"}}}
    made.run("filler", container={"resources": {"requests": {"cpu": "7"}}}, nodeName="node-2")
    made.run("other", container={"resources": {"requests": {"cpu": "7"}}}, nodeName="node-3")
    made.run("a", container={"resources": {"requests": {"cpu": "2"}}})
    found = {each.node: (each.reason, each.words) for each in made.cluster.decision("a").decision.remedies()}
    assert found["node-1"] == ("no licence", f"what would change {NAME}'s mind is not known")
    assert found["node-2"] == ("Insufficient cpu", "ask for 1 less cpu")
    told = str(made.cluster.decision("a").remedies())
    assert f"{NAME} would be asked then, and nobody knows what the answer would be" in told
    made.run("b", container=huge)
    assert "would be asked then" in str(made.cluster.decision("b").remedies())


def crowded(*extenders: Object, **answers: Callable[[Any], Any]) -> Asked:
    """Two full nodes, a pod that is more important than those on them, and extenders."""
    made = Asked(*extenders, nodes=2, **answers)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    for name in ("x", "y"):
        made.run(name, container={"resources": {"requests": {"cpu": "7"}}})
    made.run("vip", container={"resources": {"requests": {"cpu": "7"}}}, priorityClassName="high")
    return made


def test_who_would_leave_is_known_after_the_extenders_have_had_their_say() -> None:
    made = crowded({"preemptVerb": "preempt"}, preempt=lambda asked: {})
    assert made.why("vip")[1].endswith("preemption: no candidate node for preemption")
    found = made.cluster.decision("vip").decision.survey()
    why = dict.fromkeys(("node-1", "node-2"), "an extender left it out")
    assert (found.candidates, found.best, found.useless, found.unheard) == ([], None, why, ())


def test_what_they_would_say_of_others_who_would_leave_is_not_known() -> None:
    made = crowded({"preemptVerb": "preempt"}, preempt=lambda asked: {})
    made.cluster.stop("kube-scheduler")
    made.cluster.client.delete("pods", "x", "default")
    made.cluster.advance(40)
    low = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "6"}}}
    node = next(name for name in ("node-1", "node-2") if name != made.node("y"))
    body = {"metadata": {"name": "z"}, "spec": {"containers": [low], "nodeName": node}}
    made.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", **body}, "default")
    found = made.cluster.decision("vip").decision.survey()
    assert (len(found.candidates), found.best is not None, [*found.unheard]) == (2, True, [NAME])
    assert "would have a say in it" in str(made.cluster.decision("vip").victims())


def test_nobody_leaves_a_node_that_an_extender_refused_for_good() -> None:
    made = Asked({"filterVerb": "filter"}, nodes=1, filter=refusing("no licence", for_good=True))
    made.run("a")
    found = made.cluster.decision("a").decision.survey()
    assert (found.candidates, found.useless, found.refusal) == ([], {"node-1": "no licence"}, "")
