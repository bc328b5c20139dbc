"""The cluster draws itself from the tables that it runs on: what is in a table is in its picture."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.apiserver.admission.chain import PLUGINS as ADMISSION
from k8snb.apiserver.filters import FILTERS
from k8snb.controllers.table import CONTROLLERS
from k8snb.kubelet.lifecycle import CONTAINER, POD, Transition
from k8snb.scheduler.framework import EXTENSION_POINTS
from k8snb.scheduler.registry import PLUGINS as SCHEDULING
from k8snb.view.graph import Graph, text
from k8snb.view.graphs import graph
from k8snb.view.graphs.plans import PLANS
from k8snb.view.strikes import struck
from tests.view import tape as make
from tests.view.tape import Tape


def drawn(name: str, nodes: int = 0) -> Graph:
    tape = Tape()
    for number in range(nodes):
        tape.write("create", make.node(f"node-{number + 1}"))
    return graph(tape.at(tape.revision), name)


def chain(found: Graph) -> list[str]:
    """The names along the arrows that are not dashed, from the first."""
    after = {edge.tail: edge.head for edge in found.edges if not edge.faint}
    names = {node.id: node.name for node in found.nodes}
    [first] = set(after) - set(after.values())
    way = [first]
    while way[-1] in after:
        way.append(after[way[-1]])
    return [names[each] for each in way]


def test_the_control_plane_has_every_controller_and_one_machine_for_all() -> None:
    found = {node.id: node for node in drawn("control-plane", 3).nodes}
    names = [each.name.removesuffix("-controller") for each in CONTROLLERS]
    assert found["kube-controller-manager"].facts == [f"{len(names)} controllers", *names]
    shown = found["kube-controller-manager"].drawn
    assert set(shown[1:-1]) < set(names)
    assert shown[-1] == f"and {len(names) - len(shown[1:-1])} more"
    assert {"kubelet/node-1", "kube-proxy/node-1"} < found.keys()
    assert "9 others" in text(drawn("control-plane", 10))


def test_only_the_api_server_talks_to_the_store() -> None:
    assert {edge.tail for edge in drawn("control-plane", 1).edges if edge.head == "etcd"} == {"kube-apiserver"}


def test_several_api_servers_call_a_kubelet_past_the_load_balancer_and_no_line_strikes_a_word() -> None:
    pytest.importorskip("pygraphviz")
    found = Cluster(nodes=2, control_planes=2).diagram("control-plane")
    callers = {edge.tail for edge in found.graph.edges if edge.head == "kubelet/node-1"}
    assert callers == {"kube-apiserver/control-plane-1", "kube-apiserver/control-plane-2"}
    assert struck(found.drawing()) == []


@pytest.mark.parametrize(("name", "table"), [("pod-lifecycle", POD), ("container-lifecycle", CONTAINER)])
def test_a_life_is_the_kubelets_table(name: str, table: tuple[Transition, ...]) -> None:
    found = drawn(name)
    ways = {(e.tail, word, e.head) for e in found.edges for word in e.word.split(", ")}
    assert ways == {(row.state, row.event, row.to) for row in table}
    assert all(row.why in text(found) for row in table)


def test_a_request_passes_the_filters_in_their_order() -> None:
    way = chain(drawn("request-path"))
    assert way[1 : len(FILTERS) + 1] == [f"{number} {name}" for number, (name, _filter) in enumerate(FILTERS, 1)]
    assert way[-1] == "etcd"


def test_the_extension_points_have_the_plugins_that_implement_them() -> None:
    found = drawn("scheduling")
    assert chain(found) == [point.name for point in EXTENSION_POINTS]
    facts = {node.name: node.facts for node in found.nodes}
    assert facts["Score"][1:3] == ["TaintToleration ×3", "NodeAffinity ×2"]
    assert facts["PostBind"] == ["after the pod was bound", "no plugin"]
    assert {name for said in facts.values() for name in said if name in SCHEDULING} | {"ImageLocality"} == set(
        SCHEDULING
    )


def test_admission_is_drawn_in_upstreams_order() -> None:
    way = chain(drawn("admission"))
    assert way[0] == "1 NamespaceLifecycle"
    assert [each.split(" ")[-1] for each in way[-4:]] == [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionWebhook",
        "ResourceQuota",
        "etcd",
    ]
    assert {type(plugin).name for plugin in ADMISSION} <= {each.split(" ")[-1] for each in way}


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_can_be_drawn(name: str) -> None:
    pytest.importorskip("pygraphviz")
    from k8snb.view.diagram import Diagram

    assert Diagram(drawn(name, 2)).svg().count("<text") > 8


@pytest.mark.parametrize("name", PLANS)
def test_no_line_strikes_a_word_of_a_plan_on_a_wide_page(name: str) -> None:
    pytest.importorskip("pygraphviz")
    from k8snb.view.diagram import Diagram

    assert struck(Diagram(drawn(name, 2)).drawing()) == []
