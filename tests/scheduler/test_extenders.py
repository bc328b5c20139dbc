"""Extenders: what they are asked, and what a scheduler makes of their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.scheduler.configuration import BadConfiguration, read
from k8snb.typing import Object
from tests.scheduler.test_configuration import HEAD

URL = "http://extender.example.com/scheduler"


def told(*extenders: Object) -> Object:
    return {**HEAD, "extenders": [{"urlPrefix": URL, **each} for each in extenders]}


class Asked:
    """A cluster with extenders that are functions, and what they were asked."""

    def __init__(self, *extenders: Object, nodes: int = 3, **answers: Callable[[Any], Any]) -> None:
        self.cluster = Cluster(nodes, seed=1, scheduler=told(*extenders))
        self.asked: list[tuple[str, Any]] = []
        for verb, answer in answers.items():
            self.cluster.webhooks[f"{URL}/{verb}"] = self._noting(verb, answer)

    def _noting(self, verb: str, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def noted(asked: Any) -> Any:
            self.asked.append((verb, asked))
            return answer(asked)

        return noted

    def run(self, name: str, **spec: Any) -> str:
        """Create a pod, and give the node that it has got."""
        container = {"name": "c", "image": "nginx", **spec.pop("container", {})}
        body = {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}
        self.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", **body}, "default")
        self.cluster.settle()
        return self.node(name)

    def node(self, name: str) -> str:
        return str(self.cluster.client.get("pods", name, "default")["spec"].get("nodeName", ""))

    def why(self, name: str) -> tuple[str, str]:
        conditions = self.cluster.client.get("pods", name, "default")["status"]["conditions"]
        return next((each["reason"], each["message"]) for each in conditions if each["type"] == "PodScheduled")


def names(asked: Any) -> list[str]:
    return [node["metadata"]["name"] for node in asked["Nodes"]["items"]]


def refusing(reason: str, *, for_good: bool = False) -> Callable[[Any], Any]:
    """A filter that leaves no node."""
    word = "FailedAndUnresolvableNodes" if for_good else "FailedNodes"
    return lambda asked: {"Nodes": {"items": []}, word: dict.fromkeys(names(asked), reason)}


def test_a_filter_leaves_out_nodes_and_whatever_happens_is_a_reason_to_ask_it_again() -> None:
    answers = [refusing("no licence"), lambda asked: {"nodes": {"items": asked["Nodes"]["items"][1:2]}}]
    made = Asked({"filterVerb": "filter"}, filter=lambda asked: answers.pop(0)(asked))
    assert made.run("a") == ""
    reason, message = made.why("a")
    assert (reason, message[:38]) == ("Unschedulable", "0/3 nodes are available: 3 no licence.")
    (standing,) = made.cluster.scheduler.waiting()
    assert (standing.plugins, standing.events) == (("Extender",), ("*",))
    assert "Extender        any change, at the latest in 5m0s" in str(made.cluster.scheduling_queue())
    made.cluster.kubectl("label node node-1 color=red")
    made.cluster.settle()
    made.cluster.advance(2)
    assert made.node("a") == "node-2"
    sent = made.asked[0][1]
    assert (list(sent), names(sent), sent["NodeNames"]) == (
        ["Pod", "Nodes", "NodeNames"],
        ["node-1", "node-2", "node-3"],
        None,
    )
    assert sent["Pod"]["metadata"]["name"] == "a"


@pytest.mark.parametrize(
    ("command", "tries"),
    [
        ("annotate pod a licence=bought", 2),
        ("annotate node node-1 licence=bought", 2),
        ("run other --image=nginx", 1),
    ],
)
def test_what_could_change_its_mind_is_a_reason_to_ask_it_again(command: str, tries: int) -> None:
    made = Asked({"filterVerb": "filter"}, filter=_unless_a)
    made.run("a")
    made.cluster.kubectl(command)
    made.cluster.advance(5)
    assert sum(asked["Pod"]["metadata"]["name"] == "a" for _verb, asked in made.asked) == tries


def _unless_a(asked: Any) -> Any:
    return refusing("no licence")(asked) if asked["Pod"]["metadata"]["name"] == "a" else {"Nodes": asked["Nodes"]}


def test_one_that_knows_the_nodes_is_sent_names_and_the_next_gets_what_it_left() -> None:
    first = {"filterVerb": "first", "nodeCacheCapable": True}
    made = Asked(
        first,
        {"filterVerb": "second", "nodeCacheCapable": True},
        first=lambda asked: {"NodeNames": asked["NodeNames"][1:]},
        second=lambda asked: {"NodeNames": asked["NodeNames"][1:]},
    )
    assert made.run("a") == "node-3"
    assert [(verb, sent["Nodes"], sent["NodeNames"]) for verb, sent in made.asked] == [
        ("first", None, ["node-1", "node-2", "node-3"]),
        ("second", None, ["node-2", "node-3"]),
    ]


def test_scores_are_scaled_and_weighed_and_added_to_those_of_plugins() -> None:
    made = Asked(
        {"prioritizeVerb": "prioritize", "weight": 9},
        prioritize=lambda asked: [{"Host": "node-3", "Score": 10}, {"Host": "node-2", "Score": 9}],
    )
    assert [made.run(name) for name in "abc"] == ["node-3", "node-3", "node-3"]


def test_scores_for_a_host_that_is_named_twice_add_up() -> None:
    made = Asked(
        {"prioritizeVerb": "p", "weight": 9},
        p=lambda asked: [
            {"Host": "node-3", "Score": 4},
            {"Host": "node-2", "Score": 5},
            {"Host": "node-3", "Score": 4},
        ],
    )
    assert made.run("a") == "node-3"


@pytest.mark.parametrize("ignorable", [False, True])
def test_one_that_does_not_answer_is_an_error_unless_it_can_be_done_without(ignorable: bool) -> None:
    made = Asked({"filterVerb": "filter", "prioritizeVerb": "p", "weight": 1, "ignorable": ignorable})
    assert made.run("a") == ("node-1" if ignorable else "")
    if not ignorable:
        dialled = "dial tcp: lookup extender.example.com: no such host"
        assert made.why("a") == ("SchedulerError", f'Post "{URL}/filter": {dialled}')


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"Error": "out of order"}, "out of order"),
        (
            {"NodeNames": ["node-9"]},
            f'extender "{URL}" claims a filtered node "node-9" which is not found in the input node list',
        ),
    ],
)
def test_what_it_says_of_an_error_is_the_message(answer: Object, message: str) -> None:
    made = Asked({"filterVerb": "filter", "nodeCacheCapable": True}, nodes=2, filter=lambda asked: answer)
    assert (made.run("a"), made.why("a")) == ("", ("SchedulerError", message))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (["node-1"], "json: cannot unmarshal array into Go value of type v1.ExtenderFilterResult"),
        ({"Error": 1}, "json: cannot unmarshal number into Go struct field ExtenderFilterResult.Error of type string"),
        (
            {"FailedNodes": {"node-1": True}},
            "json: cannot unmarshal bool into Go struct field ExtenderFilterResult.FailedNodes.node-1 of type string",
        ),
        (
            {"nodes": {"items": [{"metadata": "node-1"}]}},
            "json: cannot unmarshal string into Go struct field Node.Nodes.items.metadata of type v1.ObjectMeta",
        ),
    ],
)
def test_what_is_no_answer_is_an_error_in_the_words_of_gos_decoder(answer: Any, message: str) -> None:
    made = Asked({"filterVerb": "filter"}, nodes=1, filter=lambda asked: answer)
    assert (made.run("a"), made.why("a")) == ("", ("SchedulerError", message))


@pytest.mark.parametrize("answer", [None, {}, {"Host": "node-1"}, ["node-1"], [{"Host": "node-3", "Score": 9.5}], [{}]])
def test_what_are_no_scores_is_passed_over(answer: Any) -> None:
    made = Asked({"prioritizeVerb": "p", "weight": 9}, p=lambda asked: answer)
    assert made.run("a") == "node-1"


def test_a_node_that_it_refused_and_that_needs_no_victims_is_an_error_of_preemption() -> None:
    made = Asked({"filterVerb": "filter"}, nodes=2, filter=refusing("no licence"))
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    made.run("low", nodeName="node-1")
    made.run("vip", priorityClassName="high")
    told = 'preemption: expected at least one victim pod on node "node-1"'
    assert made.why("vip") == ("Unschedulable", f"0/2 nodes are available: 2 no licence. {told}")


def test_it_is_asked_about_pods_that_want_what_it_manages_and_it_alone_counts_that() -> None:
    licence = {"name": "example.com/licence", "ignoredByScheduler": True}
    made = Asked({"filterVerb": "filter", "managedResources": [licence]}, filter=refusing("none left", for_good=True))
    assert made.run("a") == "node-1"
    resources = {"requests": {"example.com/licence": "1"}, "limits": {"example.com/licence": "1"}}
    assert made.run("b", container={"resources": resources}) == ""
    assert made.why("b")[1].startswith("0/3 nodes are available: 3 none left.")
    assert len(made.asked) == 1


def test_it_can_bind_and_what_it_says_then_is_the_end_of_the_attempt() -> None:
    made = Asked({"bindVerb": "bind"}, bind=lambda asked: {"Error": "" if asked["PodName"] == "a" else "not that one"})
    made.run("a")
    uid = made.cluster.client.get("pods", "a", "default")["metadata"]["uid"]
    sent = {"PodName": "a", "PodNamespace": "default", "PodUID": uid, "Node": "node-1"}
    assert made.asked == [("bind", sent)]
    made.run("b")
    assert made.why("b") == ("SchedulerError", "not that one")


def test_it_has_a_say_in_who_leaves_for_whom() -> None:
    def spare_first(asked: Any) -> Any:
        found = asked["NodeNameToMetaVictims"]
        return {"NodeNameToMetaVictims": {name: found[name] for name in sorted(found)[1:]}}

    extender = {"preemptVerb": "preempt", "nodeCacheCapable": True}
    made = Asked(extender, nodes=2, preempt=spare_first)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    full = {"resources": {"requests": {"cpu": "7"}}}
    assert {made.run("a", container=full), made.run("b", container=full)} == {"node-1", "node-2"}
    made.run("vip", container=full, priorityClassName="high")
    made.cluster.advance(40)
    assert made.node("vip") == "node-2"
    [(verb, sent)] = made.asked
    victims = {name: each["NumPDBViolations"] for name, each in sent["NodeNameToMetaVictims"].items()}
    assert (verb, sent["NodeNameToVictims"], victims) == ("preempt", None, {"node-1": 0, "node-2": 0})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"NodeNameToMetaVictims": {}}, "preemption: no candidate node for preemption"),
        (
            {"NodeNameToMetaVictims": {"node-1": {"Pods": []}}},
            'preemption: expected at least one victim pod on node "node-1"',
        ),
    ],
)
def test_who_would_have_to_leave_has_to_be_somebody(answer: Object, message: str) -> None:
    made = Asked({"preemptVerb": "preempt"}, nodes=1, preempt=lambda asked: answer)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    full = {"resources": {"requests": {"cpu": "7"}}}
    made.run("a", container=full)
    made.run("vip", container=full, priorityClassName="high")
    assert made.why("vip")[1].endswith(message)
    assert made.node("a") == "node-1"


@pytest.mark.parametrize(
    ("extenders", "message"),
    [
        (
            [{"prioritizeVerb": "p"}],
            "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it",
        ),
        (
            [{"bindVerb": "b"}, {"bindVerb": "c"}],
            'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
        ),
        (
            [{"managedResources": [{"name": "kubernetes.io/x"}]}],
            'extenders[0].managedResources[0].name: Invalid value: "kubernetes.io/x": is an invalid extended resource '
            "name",
        ),
        (
            [{"managedResources": [{"name": "a.b/x"}]}, {"managedResources": [{"name": "a.b/x"}]}],
            'extenders[1].managedResources[0].name: Invalid value: "a.b/x": duplicate extender managed resource name',
        ),
        ([{"verb": "filter"}], 'strict decoding error: unknown field "extenders[0].verb"'),
    ],
)
def test_what_makes_no_sense_is_refused(extenders: list[Object], message: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        read(told(*extenders))
    assert str(refused.value) == message
