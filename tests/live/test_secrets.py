"""What is secret in a live cluster is covered wherever it could be shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest

from k8snb import StatusError, connect
from k8snb.live.cluster import LiveCluster
from k8snb.live.secrets import Covers, has_covered, uncovered
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
