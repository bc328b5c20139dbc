"""Files, output and debugging containers; and what needs a port of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.kubectl import run
from k8snb.wire import Request, Response
from tests.kubectl.conftest import Typed


@pytest.fixture
def box(kubectl: Typed) -> Typed:
    """The same, with a pod to work in."""
    kubectl("run box --image=busybox:1.36 -- sh -c 'while true; do date; sleep 10; done'")
    kubectl("wait --for=condition=Ready pod/box")
    return kubectl


def test_files_go_into_a_container_and_come_back(box: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "deep").mkdir(parents=True)
    (folder / "index.html").write_text("<p>größer</p>\n")
    (folder / "deep" / "a.txt").write_text("a")
    assert box(f"cp {folder} box:/tmp").text == ""
    assert box("exec box -- cat /tmp/site/index.html /tmp/site/deep/a.txt").stdout == "<p>größer</p>\na"
    box(f"cp default/box:/tmp/site {tmp_path / 'back'}")
    assert (tmp_path / "back" / "index.html").read_text() == "<p>größer</p>\n"
    assert (tmp_path / "back" / "deep" / "a.txt").read_text() == "a"
    box(f"cp {folder / 'index.html'} box:/tmp/page.html")
    assert box("exec box -- ls /tmp").stdout == "page.html\nsite\n"


def test_what_is_not_there_cannot_be_copied(box: Typed, tmp_path: Path) -> None:
    said = box(f"cp box:/nope {tmp_path / 'x'}")
    assert "tar: /nope: No such file or directory\n" in said.text
    assert list(tmp_path.iterdir()) == []
    assert box(f"cp {tmp_path} box:/no/such/folder/x").code == 1


def test_a_tar_says_what_is_wrong_in_the_words_of_its_image(box: Typed) -> None:
    box("run web --image=nginx:1.27")
    box("wait --for=condition=Ready pod/web")
    said = box("exec web -- tar xmf - -C /nope")
    lost = "tar: /nope: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now\n"
    assert said.text == f"{lost}command terminated with exit code 2\n"
    assert "tar: can't change directory to '/nope'" in box("exec box -- tar xmf - -C /nope").text


def test_an_attached_reader_sees_what_is_written_from_now_on(box: Typed) -> None:
    before = box("logs box").stdout
    shown = box("attach box --request-timeout=25s").stdout
    assert len(shown.splitlines()) in (2, 3)
    assert box("logs box").stdout == before + shown


def test_ports_are_not_opened_and_the_way_out_is_named(box: Typed) -> None:
    box("run web --image=nginx:1.27 --port=80 --expose")
    box("wait --for=condition=Ready pod/web")
    way = box("port-forward svc/web 8080:80").stderr.rpartition("kubectl ")[2].strip()
    assert way == "get --raw /api/v1/namespaces/default/pods/web:80/proxy/"
    assert "Welcome to nginx" in box(way).stdout
    assert "kubectl get --raw PATH" in box("proxy").stderr


def test_a_debugging_container_joins_a_pod(box: Typed) -> None:
    assert box("debug box --image=alpine:3.23 -c look --profile=general --target=box").code == 0
    shown = "get pod box -o jsonpath='{.spec.ephemeralContainers[*].name} {.spec.ephemeralContainers[*].image}'"
    assert box(shown).stdout == "look alpine:3.23"
    box("debug box --image=alpine:3.23 -c stay --target=box -- sleep 10000")
    user = '{.status.ephemeralContainerStatuses[?(@.name=="stay")].user.linux.uid}'
    assert box(f"wait pod/box --for=jsonpath='{user}'=0 --timeout=20s").code == 0
    assert "sleep 10000" in box("exec box -c box -- ps").stdout


def test_a_node_is_debugged_from_a_pod_on_it(box: Typed) -> None:
    said = box("debug node/node-2 --image=busybox:1.36 --profile=sysadmin").stdout
    name = said.split()[3]
    assert said == f"Creating debugging pod {name} with container debugger on node node-2.\n"
    paths = "{.spec.nodeName} {.spec.hostPID} {.spec.containers[0].securityContext.privileged}"
    assert box(f"get pod {name} -o jsonpath='{paths}'").stdout == "node-2 true true"


# -- top -----------------------------------------------------------------------------------------------


class _Metered:
    """A cluster whose metrics API says what the test says."""

    def __init__(self, cluster: Cluster, answers: Mapping[str, Any]) -> None:
        self.clock, self.wait = cluster.clock, cluster.wait
        inner = cluster.client
        self.client = type(inner)(self, inner.scheme, inner.user)
        self._transport, self._answers = inner.transport, answers

    def handle(self, request: Request) -> Response:
        found = self._answers.get(request.path.removeprefix("/apis/metrics.k8s.io/v1beta1"))
        return self._transport.handle(request) if found is None else Response(200, found)


def _metrics(name: str, usage: Mapping[str, str], **meta: str) -> Mapping[str, Any]:
    return {"metadata": {"name": name, **meta}, "usage": usage, "containers": [{"name": "c", "usage": usage}]}


def test_usage_is_shown_beside_what_there_is(cluster: Cluster) -> None:
    used = {"cpu": "250m", "memory": "1Gi"}
    metered = _Metered(cluster, {"/nodes": {"items": [_metrics("node-1", used)]}})
    lines = run(metered, "top node").stdout.splitlines()
    assert lines[0].split() == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    name, cores, share, memory, _ = lines[1].split()
    assert (name, cores, memory) == ("node-1", "250m", "1024Mi")
    assert share.endswith("%")
    assert [line.split()[1] for line in lines[2:]] == ["<unknown>", "<unknown>"]


def test_pods_are_sorted_and_summed(cluster: Cluster) -> None:
    small, large = {"cpu": "1500000n", "memory": "10Mi"}, {"cpu": "1", "memory": "100Mi"}
    pods = {"items": [_metrics("a", small, namespace="default"), _metrics("b", large, namespace="default")]}
    metered = _Metered(cluster, {"/namespaces/default/pods": pods})
    assert run(metered, "top pod --sort-by=cpu --sum").stdout == (
        "NAME   CPU(cores)   MEMORY(bytes)   \n"
        "b      1000m        100Mi           \n"
        "a      2m           10Mi            \n"
        "       ________     ________        \n"
        "       1002m        110Mi           \n"
    )
    lines = run(metered, "top pod --containers --no-headers").stdout.splitlines()
    assert [line.split() for line in lines] == [["a", "c", "2m", "10Mi"], ["b", "c", "1000m", "100Mi"]]
