"""What is secret in a live cluster is covered wherever it could be shown."""

from __future__ import annotations

import traceback
from base64 import b64encode
from collections.abc import Iterator

import orjson
import pytest

from k8snb import NeedsYes, StatusError, connect
from k8snb.live.cluster import LiveCluster
from k8snb.live.guard import read
from k8snb.live.secrets import Covers, has_covered, uncovered
from k8snb.wire import Response
from tests.live.door import Door, Fault

SECRET = "correct horse"
HIDDEN = {SECRET, b64encode(SECRET.encode()).decode()}


@pytest.fixture(scope="module")
def told() -> list[str]:
    """Everything that was shown."""
    return []


@pytest.fixture
def notebook(live: Door) -> Iterator[LiveCluster]:
    with connect() as found:
        assert isinstance(found, LiveCluster)
        found.kubectl(f"create secret generic login --from-literal=password='{SECRET}' --from-literal=user=jane")
        yield found


def shows(text: str) -> bool:
    return any(word in text for word in HIDDEN)


def test_values_are_covered_in_everything_that_kubectl_prints(notebook: LiveCluster) -> None:
    manifest = f"{{apiVersion: v1, kind: Secret, metadata: {{name: login}}, stringData: {{password: {SECRET}!}}}}"
    commands = [
        "get secret login -o yaml",
        "get secrets -o json",
        "get secrets -o wide",
        "get secret login -o jsonpath={.data.password}",
        "get secret login --template={{.data.password}}",
        "get --raw /api/v1/namespaces/default/secrets",
        "describe secret login",
        "get secret login -v=8",
        "create secret generic other --from-literal=password='correct horse' -o yaml",
    ]
    assert [command for command in commands if shows(notebook.kubectl(command))] == []
    for command in ("diff -f -", "apply -f -", "apply view-last-applied secret login"):
        assert not shows(notebook.kubectl(command, manifest)), command
    assert "password:  13 bytes" in notebook.kubectl("describe secret other")


@pytest.mark.parametrize(
    "accept",
    [
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    ],
)
def test_whatever_form_is_asked_for(notebook: LiveCluster, accept: str) -> None:
    notebook.kubectl(
        "apply -f -", f"{{apiVersion: v1, kind: Secret, metadata: {{name: a}}, stringData: {{p: {SECRET}}}}}"
    )
    answer = notebook.client.request("GET", "/api/v1/namespaces/default/secrets", {}, {"accept": accept})
    assert "last-applied" in str(answer.object)
    assert not shows(f"{answer.object} {answer.body!r}")


def test_a_page_gets_covered_values_and_writes_the_real_ones_back(notebook: LiveCluster, live: Door) -> None:
    found = notebook.client.get("secrets", "login", "default")
    assert not shows(str(found))
    changed = {**found, "metadata": {**found["metadata"], "labels": {"a": "b"}}}
    notebook.client.update("secrets", changed)
    kept = live.cluster.client.get("secrets", "login", notebook.home)
    assert (kept["data"]["password"] in HIDDEN, kept["metadata"]["labels"]) == (True, {"a": "b"})


def test_tokens_are_never_seen(notebook: LiveCluster, live: Door) -> None:
    own = live.kubeconfig.read_text().partition("token: ")[2].split()[0]
    assert "***" in notebook.kubectl("create token default")
    assert "eyJ" not in notebook.kubectl("create token default") + notebook.kubectl("create token default -o json")
    said = [
        repr(notebook),
        repr(vars(notebook)),
        notebook.kubectl("config view --raw"),
        notebook.kubectl("get pods -v=9"),
    ]
    live.faults.append(Fault("GET .*/pods", 500, f"boom {own} Bearer abcdefghijk".encode()))
    said.append(notebook.kubectl("get pods"))
    live.faults.append(Fault("GET .*/pods", 500, f"boom {own} {SECRET}".encode()))
    with pytest.raises(StatusError) as error:
        notebook.client.list("pods", "default")
    said.append(f"{error.value} {error.value.status}")
    assert [text for text in said if own in text or "abcdefghijk" in text or shows(text)] == []


def test_an_answer_that_cannot_be_read_is_not_shown(notebook: LiveCluster) -> None:
    path = f"/api/v1/namespaces/{notebook.home}/secrets"
    with pytest.raises(NeedsYes):
        notebook.client.request("GET", path.replace("/v1/", "/v1/watch/"), {"timeoutSeconds": "1"})
    several = b"\n".join(2 * [orjson.dumps({"type": "ADDED", "object": {"kind": "Secret", "data": {"a": "anA="}}})])
    shown = read(Response(200, body=several, content_type="application/json"))
    assert shown["message"] == "the answer is no JSON that can be read"


def test_what_others_have_is_covered_also_where_it_is_no_secret(notebook: LiveCluster, live: Door) -> None:
    admin, token = live.cluster.client, "eyJhbGciOiJS.eyJzdWIiOiJh.c2lnbmF0dXJl"
    release = {"type": "helm.sh/release.v1", "data": {"release": "aHVudGVyMjIyMg=="}}
    admin.create("secrets", {"metadata": {"name": "sh.helm.release.v1.a.v1"}, **release}, "people")
    admin.create("configmaps", {"metadata": {"name": "config"}, "data": {"token": token}}, "people")
    notebook.client.create("configmaps", {"metadata": {"name": "ours"}, "data": {"token": token}}, "default")
    said = notebook.kubectl("get secrets,configmaps -n people -o yaml") + notebook.kubectl(
        "get secrets -n people -o json"
    )
    assert "sh.helm.release" in said
    assert token not in said + notebook.kubectl("get configmap config -n people -o yaml")
    assert "aHVudGVyMjIyMg==" not in said
    assert token in notebook.kubectl("get configmap ours -o yaml")
    for kind, name in (("secrets", "sh.helm.release.v1.a.v1"), ("configmaps", "config")):
        admin.delete(kind, name, "people")


def test_a_traceback_has_no_frame_that_holds_credentials(notebook: LiveCluster, live: Door) -> None:
    own = live.kubeconfig.read_text().partition("token: ")[2].split()[0]
    usual = notebook._guard._transport._api  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual.rest_client.pool_manager, "request", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError) as error:
            notebook.client.list("pods", "default")
    _here, *frames = [frame for frame, _line in traceback.walk_tb(error.value.__traceback__)]
    assert [name for frame in frames for name, held in frame.f_locals.items() if own in f"{held!r}"] == []


def test_a_text_is_searched_for_what_was_covered_and_for_credentials() -> None:
    covers = Covers()
    covers.answer({"kind": "Secret", "data": {"a": b64encode(b"hunter2222").decode(), "b": "anA="}})
    key = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    assert covers.text(f"it is hunter2222 or jp, {key}.") == "it is *** or jp, ***."
    assert covers.answer({"type": "ADDED", "object": {"kind": "Secret", "data": {"b": "anA="}}}) == {
        "type": "ADDED",
        "object": {"kind": "Secret", "data": {"b": "Kio="}},
    }
    assert "hunter" not in repr(covers)


def test_what_helm_remembers_is_handed_to_helm() -> None:
    release = {"kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": "SDRz"}}
    assert Covers(lambda obj: True).answer(release) == release
    assert Covers().answer(release) == {**release, "data": {"release": "Kioq"}}


def test_covered_values_stand_for_those_that_are_there() -> None:
    written = {"kind": "Secret", "data": {"a": "Kio=", "b": "bmV3", "c": "Kio="}}
    assert has_covered(written)
    assert uncovered(written, {"data": {"a": "anA="}})["data"] == {"a": "anA=", "b": "bmV3", "c": "Kio="}
