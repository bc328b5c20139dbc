"""Every operation of every group version is called in turn, a custom resource's among them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import ask
from tests.edge.fuzzing.caller import Caller
from tests.edge.fuzzing.examples import named

REQUESTS = 300 if os.environ.get("K8SNB_PROPERTIES") == "long" else 16
GROUPS = [
    "api/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/autoscaling/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/certificates.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/flowcontrol.apiserver.k8s.io/v1",
    "apis/metrics.k8s.io/v1beta1",
    "apis/networking.k8s.io/v1",
    "apis/node.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/resource.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
    "apis/storage.k8s.io/v1",
    "apis/fuzz.example.com/v1",
]


def test_every_group_is_called(cluster: Cluster) -> None:
    documents = Caller(cluster, "api/v1", 0).read("/openapi/v3")["paths"]
    assert sorted(documents) == sorted(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_no_operation_of_the_documents_breaks_the_server(cluster: Cluster, group: str) -> None:
    caller = Caller(cluster, group, 0)
    for _, operation in zip(range(REQUESTS), caller.operations(), strict=False):
        caller.send(caller.request(*operation))


def left_out(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], path: str) -> Iterator[str]:
    """Fields that a schema requires and an answer does not have."""
    while reference := schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref"):
        schema = schemas[reference.rpartition("/")[2]]
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        yield from (f"{path}.{name}" for name in schema.get("required", ()) if name not in value)
        for name in fields.keys() & value.keys():
            yield from left_out(value[name], fields[name], schemas, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from left_out(each, schema.get("items", {}), schemas, f"{path}[]")


def test_every_answer_has_what_its_document_requires(cluster: Cluster) -> None:
    found: set[str] = set()
    for group in GROUPS:
        caller = Caller(cluster, group, 0)
        for path, item in caller.document["paths"].items():
            target = path.replace("{namespace}", "default")
            if "{" in target or "get" not in item or "/watch/" in target:
                continue
            for body in ({}, {"spec": {}}) if "post" in item else ():
                ask(cluster, "POST", target, named(body, "bare"))
            schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            found |= {f"{target}{each}" for each in left_out(caller.read(target), schema, caller.schemas, "")}
    assert found == set()
