"""`/statusz` and `/flagz`, as text and structured."""

from __future__ import annotations

import json

import pytest

from k8snb import Cluster
from k8snb.wire import Request, Response, User

STRUCTURED = "application/json;v={};g=config.k8s.io;as={}"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.advance(75)
    return cluster


def ask(cluster: Cluster, path: str, accept: str = "", group: str = "system:masters") -> Response:
    headers = {"accept": accept} if accept else {}
    return cluster.server.handle(Request("GET", path, headers=headers, user=User("someone", (group,))))


@pytest.mark.parametrize("accept", ["", "text/plain", "*/*", "application/json;v=foo;g=config.k8s.io;as=Statusz,*/*"])
def test_people_get_text(cluster: Cluster, accept: str) -> None:
    found = ask(cluster, "/statusz", accept)
    assert (found.code, found.content_type) == (200, "text/plain; charset=utf-8")
    lines = found.body.decode().splitlines()
    assert lines[:2] == ["", "apiserver statusz"]
    assert lines[4:6] == ["Started: Thu Jan  1 00:00:00 UTC 2026", "Up: 0 hr 01 min 15 sec"]
    assert lines[7:] == [
        "Binary version: 1.36.0",
        "Emulation version: 1.36",
        "Paths: /flagz /healthz /livez /metrics /readyz /statusz /version",
    ]


@pytest.mark.parametrize(("version", "warnings"), [("v1beta1", 0), ("v1alpha1", 1)])
def test_programs_get_fields_of_the_version_that_they_name(cluster: Cluster, version: str, warnings: int) -> None:
    found = ask(cluster, "/flagz", STRUCTURED.format(version, "Flagz"))
    told = json.loads(found.body)
    head = {"kind": "Flagz", "apiVersion": f"config.k8s.io/{version}", "metadata": {"name": "kube-apiserver"}}
    assert {**told, "flags": ""} == {**head, "flags": ""}
    assert told["flags"]["authorization-mode"] == "[Node,RBAC]"
    assert len(found.warnings) == warnings


def test_who_names_json_names_all_that_belongs_to_it(cluster: Cluster) -> None:
    bare, partly, yaml = (
        ask(cluster, "/statusz", accept)
        for accept in (
            "application/json",
            "application/json;v=v1beta1;g=config.k8s.io",
            "application/yaml;v=v1beta1;g=config.k8s.io;as=Statusz",
        )
    )
    assert (bare.code, partly.code, yaml.code) == (406, 406, 200)
    assert b"uptimeSeconds: 75" in yaml.body


def test_kubelets_have_them_too(cluster: Cluster) -> None:
    found = ask(cluster, "/api/v1/nodes/node-1/proxy/flagz", STRUCTURED.format("v1beta1", "Flagz"))
    told = json.loads(found.body)
    assert (told["metadata"]["name"], told["flags"]["hostname-override"]) == ("kubelet", "node-1")
    text = ask(cluster, "/api/v1/nodes/node-1/proxy/statusz").body.decode()
    assert text.startswith("\nkubelet statusz\nWarning: ")


def test_they_are_for_those_who_monitor(cluster: Cluster) -> None:
    codes = [ask(cluster, "/statusz", group=group).code for group in ("system:monitoring", "system:authenticated")]
    assert codes == [200, 403]
