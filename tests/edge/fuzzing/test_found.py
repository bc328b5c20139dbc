"""What requests made from the documents have found."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import APPLY, MERGE, PROTOBUF, ask
from tests.edge.fuzzing.examples import DEFINITION, EXAMPLES, named


def test_an_answer_that_cannot_be_given_is_refused_before_the_write(cluster: Cluster) -> None:
    before, target = cluster.revision, "/apis/fuzz.example.com/v1/namespaces/default/things/a"
    assert ask(cluster, "DELETE", target, accept=PROTOBUF).code == 406
    assert cluster.revision == before


def test_events_are_applied_in_the_version_of_their_group(cluster: Cluster) -> None:
    event = named(EXAMPLES["/apis/events.k8s.io/v1/namespaces/default/events"], "applied")
    body = {"apiVersion": "events.k8s.io/v1", "kind": "Event", **event, "note": "n"}
    target = "/apis/events.k8s.io/v1/namespaces/default/events/applied"
    assert ask(cluster, "PATCH", f"{target}?fieldManager=me", body, APPLY).code == 201
    assert cluster.client.get("events", "applied", "default")["message"] == "n"


@pytest.mark.parametrize("options", [{"dryRun": ["b"]}, {"preconditions": {"uid": "other"}}])
def test_an_eviction_with_wrong_options_leaves_no_mark(cluster: Cluster, options: dict[str, Any]) -> None:
    before, body = cluster.revision, {"metadata": {"name": "a"}, "deleteOptions": options}
    body |= {"apiVersion": "policy/v1", "kind": "Eviction"}
    assert ask(cluster, "POST", "/api/v1/namespaces/default/pods/a/eviction", body).code in (409, 422)
    assert cluster.revision == before


@pytest.mark.parametrize("version", ["x", "1"])
def test_a_review_may_carry_any_resource_version(cluster: Cluster, version: str) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "t"}}
    reviewed = {**body, "metadata": {"resourceVersion": version}}
    assert ask(cluster, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", reviewed).code == 201


def test_schemas_inside_items_are_read_like_those_around_them(cluster: Cluster) -> None:
    broken = {"type": "array", "items": {"type": "object", "properties": []}}
    version = {**DEFINITION["spec"]["versions"][0], "schema": {"openAPIV3Schema": broken}}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **DEFINITION}
    body["spec"] = {**DEFINITION["spec"], "versions": [version]}
    answer = ask(cluster, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    why = "json: cannot unmarshal array into Go struct field JSONSchemaProps.properties of type "
    assert (answer.code, answer.message.partition("as a CustomResourceDefinition: ")[2]) == (
        400,
        f"{why}map[string]v1.JSONSchemaProps",
    )


def test_a_definition_may_have_versions_without_names_and_conditions_without_types(cluster: Cluster) -> None:
    target = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.fuzz.example.com"
    nameless = {"spec": {"versions": [{"served": True, "storage": True}]}}
    assert ask(cluster, "PATCH", target, nameless, MERGE).code == 422
    assert ask(cluster, "PATCH", f"{target}/status", {"status": {"conditions": [{"status": "x"}]}}, MERGE).code < 500
    assert cluster.server.panics == []


def test_without_its_rights_the_scheduler_goes_on(cluster: Cluster) -> None:
    assert ask(cluster, "DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles").code == 200
    spec = {"nodeSelector": {"no": "node"}, "containers": [{"name": "c", "image": "nginx"}]}
    cluster.client.create("pods", {"metadata": {"name": "waits"}, "spec": spec}, "default")
    cluster.settle()
    assert cluster.client.get("pods", "waits", "default")["status"]["phase"] == "Pending"
