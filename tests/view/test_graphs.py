"""Diagrams are drawn from live objects, and their text has the same nodes and edges."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.view.diagram import Diagram
from k8snb.view.dot import NARROW, TIGHT, WIDE, Room, source
from k8snb.view.facing import faced
from k8snb.view.graph import Edge, Graph, Node, text
from k8snb.view.graphs import graph
from k8snb.view.lettering import measure
from k8snb.view.scene import named
from k8snb.view.svg import layout, themed
from tests.view import tape as make
from tests.view.tape import Snapshot, Tape

VOLUMES = [{"name": "html", "emptyDir": {}}, {"name": "kube-api-access-x", "projected": {}}]


def two_containers() -> Object:
    mount = {"name": "html", "mountPath": "/usr/share/nginx/html"}
    nginx = {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}], "volumeMounts": [mount]}
    writer = {"name": "writer", "image": "busybox", "volumeMounts": [{"name": "html", "mountPath": "/out"}]}
    log = {"name": "log", "image": "busybox", "restartPolicy": "Always"}
    spec = {"nodeName": "node-1", "initContainers": [log], "containers": [nginx, writer], "volumes": VOLUMES}
    meta = {"name": "two", "namespace": "default"}
    return {"kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Running", "podIP": "10.244.0.9"}}


def behind_a_service() -> Snapshot:
    tape = make.rollout(2)
    door = make.service()
    pods = [tape.get(name) for name in tape.revisions[-1] if name.startswith("Pod/")]
    tape.write("create", door)
    tape.write("create", make.endpoint_slice(door, *pods))
    tape.write("create", make.pod("web-alone"))
    return tape.at(tape.revision)


OWNERSHIP = """\
Deployment web, what it owns, and where the pods run
  Deployment web: wanted 2, have 2, updated 2, ready 2
    ─ owns → ReplicaSet web-5d4f8c7b9: v1, wanted 0, have 0, ready 0, image nginx:1.14.2
    ─ owns → ReplicaSet web-7f6b9d8c4: v2, wanted 2, have 1, ready 1, image nginx:1.16.1
      ─ owns → ● Pod web-7f6b9d8c4-kqw5b on node-3: Running, address 10.244.2.11, image nginx:1.16.1
      ─ owns → ● Pod web-7f6b9d8c4-sz7dk on node-1: Running, address 10.244.0.12, image nginx:1.16.1"""

SERVICE = """\
Service web, its endpoints, and the pods behind them
  Service web: type ClusterIP, address 10.96.14.7, port 80→80, selects app=web
    ─ has → EndpointSlice web-x7k2p: endpoints 2, ready 2
      ─ ready → ● Pod web-7f6b9d8c4-kqw5b on node-3: Running, address 10.244.2.11, image nginx:1.16.1
      ─ ready → ● Pod web-7f6b9d8c4-sz7dk on node-1: Running, address 10.244.0.12, image nginx:1.16.1
    ─ selects → ○ Pod web-alone: Pending, image nginx:1.14.2"""

ANATOMY = """\
Pod two: what is inside
  Pod two: Running, 10.244.0.9
  Container log in Pod two: sidecar, busybox
    ─ shares → Network localhost in Pod two: one address: 10.244.0.9
  Container nginx in Pod two: nginx, :80
    ─ shares → Network localhost (above)
    ─ /usr/share/nginx/html → Volume html in Pod two: emptyDir
  Container writer in Pod two: busybox
    ─ shares → Network localhost (above)
    ─ /out → Volume html (above)"""


@pytest.mark.parametrize(("name", "told"), [("deployment/web", OWNERSHIP), ("svc/web", SERVICE)])
def test_a_diagram_tells_who_owns_and_who_reaches_whom(name: str, told: str) -> None:
    assert text(graph(behind_a_service(), name)) == told


def test_the_anatomy_of_a_pod_shows_what_its_containers_share() -> None:
    tape = Tape()
    tape.write("create", make.node("node-1"))
    tape.write("create", two_containers())
    assert text(graph(tape.at(2), "pod/two")) == ANATOMY


def test_joined_diagrams_draw_a_shared_object_once() -> None:
    both = graph(behind_a_service(), "deploy/web", "service/web")
    assert len({node.id for node in both.nodes}) == len(both.nodes) == 8
    assert "(above)" in text(both)


def test_without_names_the_whole_namespace_is_drawn() -> None:
    whole = graph(behind_a_service())
    assert {node.kind for node in whole.nodes} == {"Deployment", "ReplicaSet", "Pod", "Service", "EndpointSlice"}


def test_an_empty_namespace_is_an_empty_picture() -> None:
    assert text(graph(Tape().at(0))) == "Everything in namespace default"


def test_what_is_not_there_is_the_apis_not_found() -> None:
    with pytest.raises(StatusError, match='deployments.apps "nope" not found'):
        graph(Tape().at(0), "deployment/nope")


def test_kubectls_words_name_kinds() -> None:
    assert {named(word).kind for word in ("po", "pod", "pods", "Pod")} == {"Pod"}
    with pytest.raises(ValueError, match="no kind called gizmo"):
        named("gizmo")


def test_the_picture_has_a_name_and_a_description_that_says_what_is_shown() -> None:
    pytest.importorskip("pygraphviz")
    svg = Diagram(graph(behind_a_service(), "svc/web")).svg()
    assert 'aria-label="Service web, its endpoints, and the pods behind them"' in svg
    assert html.unescape(svg.partition("<desc>")[2].partition("</desc>")[0]) == (
        "It shows Service web (type ClusterIP, address 10.96.14.7); EndpointSlice web-x7k2p (endpoints 2, ready 2); "
        "Pod web-7f6b9d8c4-kqw5b on node-3 (Running), "
        "web-7f6b9d8c4-sz7dk on node-1 (Running) and web-alone (Pending). "
        "Service web has EndpointSlice web-x7k2p. "
        "From EndpointSlice web-x7k2p to Pod web-7f6b9d8c4-kqw5b and web-7f6b9d8c4-sz7dk: ready. "
        "Service web selects Pod web-alone."
    )


def test_chinese_fits_into_its_box() -> None:
    pytest.importorskip("pygraphviz")
    latin, chinese = (
        Graph("x", [Node("x", "Pod", "x", [said])]) for said in ("twelve words", "就绪的容器正在运行中等待")
    )
    assert measure("就绪的容器正在运行中等待", 10) == 122
    assert width(Diagram(chinese).svg()) - width(Diagram(latin).svg()) > 40
    assert ">就绪的容器正在运行中等待</text>" in Diagram(chinese).svg()


def test_an_arrow_with_chinese_words_has_room_for_them() -> None:
    pytest.importorskip("pygraphviz")
    pair = [Node(name, "Pod", name) for name in "ab"]
    short, long = (Graph("x", pair, [Edge("a", "b", word)]) for word in ("选", "选择全部的容器"))
    assert width(Diagram(long).svg()) - width(Diagram(short).svg()) > 70


# -- the picture ---------------------------------------------------------------------------------------------


def test_the_picture_has_every_node_and_follows_the_pages_colour() -> None:
    pytest.importorskip("pygraphviz")
    drawn = graph(behind_a_service(), "deploy/web", "svc/web")
    svg = Diagram(drawn).svg()
    names = [node.name if node.kind != "Pod" else f"…-{node.name.rpartition('-')[2]}" for node in drawn.nodes]
    assert all(f">{name}</text>" in html.unescape(svg) for name in names)
    assert svg.startswith('<svg role="img" aria-label="Deployment web')
    assert "#0102" not in svg
    assert "#00a0" not in svg
    assert 'id="' not in svg
    assert "<title>" not in svg
    assert "currentColor" in svg


def test_a_name_cannot_break_out_of_the_picture() -> None:
    pytest.importorskip("pygraphviz")
    evil = two_containers()
    evil["spec"]["containers"][0]["image"] = '"><script>alert(1)</script>&'
    tape = Tape()
    tape.write("create", evil)
    assert "<script" not in Diagram(graph(tape.at(1), "pod/two")).svg()


def test_a_bundle_has_the_text_beside_the_picture() -> None:
    pytest.importorskip("pygraphviz")
    diagram = Diagram(graph(behind_a_service(), "svc/web"))
    assert diagram._repr_mimebundle_()["text/plain"] == SERVICE
    assert diagram._repr_mimebundle_()["text/html"].startswith('<div class="k8snb-view"')


def test_without_graphviz_the_text_and_the_dot_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pygraphviz", None)
    bundle = Diagram(graph(behind_a_service(), "svc/web"))._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/vnd.graphviz"}
    assert bundle["text/vnd.graphviz"].startswith("digraph")


def test_without_any_drawing_package_the_text_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "graphviz", None)
    assert Diagram(graph(behind_a_service(), "svc/web"))._repr_mimebundle_() == {"text/plain": SERVICE}


def test_drawing_starts_no_process_and_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygraphviz")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a diagram is laid out in process")

    monkeypatch.setattr("subprocess.Popen", refuse)
    monkeypatch.setattr("threading.Thread.start", refuse)
    assert Diagram(graph(behind_a_service(), "svc/web")).svg()


def test_a_drawing_that_is_too_wide_for_the_page_is_turned() -> None:
    pytest.importorskip("pygraphviz")
    names = [f"a-name-of-some-length-{number}" for number in range(5)]
    edges = [Edge(tail, head) for tail, head in pairwise(names)]
    chain = Graph("a chain", [Node(name, "Pod", name) for name in names], edges)
    assert width(themed(layout(source(chain)), "")) > 1000
    assert width(Diagram(chain).svg()) < 500


def width(svg: str) -> int:
    return int(svg.partition("width:")[2].partition("px")[0])


def test_a_wide_drawing_has_a_narrow_one_beside_it_for_phones_of_which_one_is_heard() -> None:
    pytest.importorskip("pygraphviz")
    shown = Diagram(graph(behind_a_service(), "deploy/web", "svc/web")).html()
    wide, narrow = (int(each.partition("px")[0]) for each in shown.split('style="width:')[1:])
    assert narrow < 0.8 * wide
    assert (shown.count('role="img"'), shown.count('aria-hidden="true"'), shown.count("<desc>")) == (1, 1, 1)
    assert Diagram(Graph("one", [Node("a", "Pod", "a")])).html().count("<svg") == 1


def test_in_a_narrow_drawing_a_name_has_two_lines_and_a_longer_one_loses_its_middle() -> None:
    pytest.importorskip("graphviz")
    names = {
        "my-app-67c684444b": ["my-app-", "67c684444b"],
        "frontend-and-more-67c684444b-hkqnf": ["frontend-…-hkqnf"],
        "myapp.example.com": ["myapp.example.", "com"],
        "a" * 40: [f"{'a' * 7}…{'a' * 7}"],
    }
    for name, lines in names.items():
        drawn = source(Graph("x", [Node(name, "Secret", name)]), NARROW)
        assert re.findall("<b>(.*?)</b>", drawn) == lines


def test_arrows_side_by_side_are_drawn_as_one_and_told_one_by_one() -> None:
    pytest.importorskip("graphviz")
    routes = [Edge("table", "eth0", word) for word in ("10.0.0.0/8", "all else")]
    table = Graph("x", [Node(name, "Interface", name) for name in ("table", "eth0")], routes)
    assert source(table).count("->") == 1
    assert text(table).count("→ Interface eth0") == 2


def test_a_picture_may_be_briefer_than_its_text() -> None:
    pytest.importorskip("graphviz")
    many = Graph("x", [Node("a", "Pod", "a", ["one", "two", "three"], brief=["one", "and 2 more"])])
    assert "one · and 2 more" in source(many)
    assert "one, two, three" in text(many)


def test_a_deployment_and_a_service_face_each_other_across_the_pods_that_they_share() -> None:
    both = graph(behind_a_service(), "deploy/web", "svc/web")
    turned = [f"{edge.tail} {edge.word}" for edge in faced(both).edges if edge.back]
    slice_ = "EndpointSlice/web-x7k2p"
    assert turned == ["Service/web has", f"{slice_} ready", f"{slice_} ready", "Service/web selects"]
    assert faced(graph(behind_a_service(), "svc/web")).edges == graph(behind_a_service(), "svc/web").edges


def test_arrows_do_not_cross_the_name_of_the_node_that_they_lead_to() -> None:
    pytest.importorskip("graphviz")
    down = replace(graph(behind_a_service(), "deploy/web"), across=False)
    assert source(down).count("labelloc=b") == len(down.groups) == 2
    through = replace(down, edges=[*down.edges, Edge("Pod/web-7f6b9d8c4-sz7dk", "Deployment/web")])
    assert source(through).count("labelloc=b") == 1


def test_in_a_narrow_drawing_a_path_on_an_arrow_stays_whole() -> None:
    pytest.importorskip("graphviz")
    ends = [Node(name, "Service", name) for name in ("notes", "web")]
    drawn = source(Graph("x", ends, [Edge("notes", "web", "notes.example.com/ → :http")]), NARROW)
    assert re.findall("<td[^>]*>([^<>]*)</td></tr>", drawn)[-2:] == ["notes.example.com/", "→ :http"]


@pytest.mark.parametrize("room", [WIDE, NARROW, TIGHT])
def test_everything_has_room_in_its_cell(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    drawn = source(graph(behind_a_service(), "deploy/web", "svc/web"), room)
    pygraphviz.AGraph(string=drawn).draw(format="svg", prog="dot")
    assert "too small" not in capfd.readouterr().err


def test_facts_share_a_line_that_is_as_wide_as_the_name() -> None:
    pytest.importorskip("graphviz")
    facts = ["Cake", "versions v1", "served by the cluster"]
    for name, said in (("cakes", ["Cake · versions v1", facts[2]]), ("cakes.bakery.example", [" · ".join(facts)])):
        drawn = source(Graph("x", [Node(name, "CustomResourceDefinition", name, facts)]))
        assert [line for line in re.findall(">([^<>]+)</font>", drawn) if "v1" in line or "served" in line] == said
