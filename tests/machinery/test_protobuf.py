"""Protobuf bodies: what a real kubectl sends is understood, and what is damaged is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery import protobuf, schema
from k8snb.machinery.protobuf import ProtobufError

LINES = (Path(__file__).parent / "data" / "kubectl-bodies.txt").read_text("utf-8").splitlines()
BODIES = {
    command.removeprefix("# kubectl "): bytes.fromhex(body)
    for command, body in zip(LINES[::2], LINES[1::2], strict=True)
}
"""What kubectl 1.33 sent, by the command that was typed."""


def sent(command: str) -> Any:
    value = protobuf.decode(BODIES[command])
    return schema.decode(value, value["apiVersion"], value["kind"])[0]


def test_a_deployment_is_understood() -> None:
    assert sent("create deployment web --image=nginx --replicas=2 --port=80") == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [
                        {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}], "resources": {}}
                    ]
                },
            },
            "strategy": {},
        },
        "status": {},
    }


def test_bytes_and_ports_of_either_kind_are_understood() -> None:
    config = sent("create configmap c --from-literal=a=b --from-file=bin=bin")
    assert (config["data"], config["binaryData"]) == ({"a": "b"}, {"bin": "//4A"})
    assert sent("create secret generic s --from-literal=a=b")["data"] == {"a": "Yg=="}
    ports = [
        sent(f"create service {rest}")["spec"]["ports"][0]["targetPort"]
        for rest in (
            "clusterip web --tcp=80:8080",
            "nodeport web --tcp=80:http --node-port=30080",
        )
    ]
    assert ports == [8080, "http"]


def test_quantities_and_lists_are_understood() -> None:
    quota = sent("create quota q --hard=cpu=1,pods=2 --scopes=BestEffort")
    assert quota["spec"] == {"hard": {"cpu": "1", "pods": "2"}, "scopes": ["BestEffort"]}


def test_messages_within_messages_are_written_out() -> None:
    ingress = sent("create ingress i --rule=foo.com/bar*=svc:80,tls=my --class=nginx")
    backend = {"service": {"name": "svc", "port": {"number": 80}}}
    paths = [{"path": "/bar", "pathType": "Prefix", "backend": backend}]
    assert ingress["spec"]["rules"] == [{"host": "foo.com", "http": {"paths": paths}}]


@pytest.mark.parametrize("command", BODIES)
def test_everything_kubectl_sends_fits_the_schema(command: str) -> None:
    assert sent(command)["kind"]


@pytest.mark.parametrize("command", BODIES)
def test_an_encoded_object_is_decoded_to_itself(command: str) -> None:
    value = protobuf.decode(BODIES[command])
    assert protobuf.decode(protobuf.encode(value)) == value


def test_every_kind_of_field_survives_the_way_there_and_back() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:05Z", "annotations": {"x": "ü"}},
        "spec": {
            "containers": [
                {
                    "name": "a",
                    "resources": {"limits": {"cpu": "100m"}},
                    "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "initialDelaySeconds": 3},
                    "env": [
                        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": False}}}
                    ],
                }
            ],
            "securityContext": {"runAsUser": 0, "supplementalGroups": [1, -2]},
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
            "priority": -7,
        },
    }
    assert protobuf.decode(protobuf.encode(pod)) == pod
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "n"},
        "spec": {"renewTime": "2026-01-02T03:04:05.000006Z", "holderIdentity": ""},
    }
    assert protobuf.decode(protobuf.encode(lease)) == lease
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": "jane", "extra": {"scopes": ["a", "b"]}},
    }
    assert protobuf.decode(protobuf.encode(review)) == review


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty data"),
        (b"{}", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
        (protobuf.MAGIC, 'no kind "" is registered for version ""'),
        (BODIES["create namespace n"][:20], "unexpected EOF"),
        (protobuf.MAGIC + b"\x0f", "proto: illegal wireType 7"),
        (protobuf.MAGIC + b"\xff" * 11, "proto: integer overflow"),
    ],
)
def test_what_is_no_protobuf_is_refused_in_the_servers_words(body: bytes, message: str) -> None:
    with pytest.raises(ProtobufError) as caught:
        protobuf.decode(body)
    assert str(caught.value) == message


@given(st.sampled_from(list(BODIES.values())), st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_damaged_body_is_decoded_or_refused(body: bytes, at: int, noise: bytes) -> None:
    with contextlib.suppress(ProtobufError):
        protobuf.decode(body[:at] + noise + body[at + len(noise) :])
