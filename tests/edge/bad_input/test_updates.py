"""Updates and patches that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import CONFIG_MAPS, DEPLOYMENTS, JSON_PATCH, MERGE, STRATEGIC, ask
from tests.edge.bad_input.refusing import BROKEN_PATCH, KEY_RULE, SCHEME, refused


@pytest.mark.parametrize(
    ("metadata", "code", "reason", "message"),
    [
        ({}, 400, "BadRequest",
         "the name of the object (present based on URL) was undeterminable: name must be provided"),
        ({"name": "other"}, 400, "BadRequest",
         "the name of the object (other) does not match the name on the URL (present)"),
        ({"name": "present", "namespace": "x"}, 400, "BadRequest",
         "the namespace of the provided object does not match the namespace sent on the request"),
        ({"name": "present", "resourceVersion": "1"}, 409, "Conflict",
         'Operation cannot be fulfilled on configmaps "present": the object has been modified; '
         "please apply your changes to the latest version and try again"),
        ({"name": "present", "labels": {"a b": "c"}}, 422, "Invalid",
         f'ConfigMap "present" is invalid: metadata.labels: Invalid value: "a b": {KEY_RULE}'),
        ({"name": "present", "creationTimestamp": "2020-01-01T00:00:00Z"}, 422, "Invalid",
         'ConfigMap "present" is invalid: metadata.creationTimestamp: Invalid value: "2020-01-01T00:00:00Z": '
         "field is immutable"),
    ],
)  # fmt: skip
def test_an_update_that_cannot_be_is_refused(
    cluster: Cluster, metadata: dict[str, Any], code: int, reason: str, message: str
) -> None:
    refused(ask(cluster, "PUT", f"{CONFIG_MAPS}/present", {"metadata": metadata}), code, reason, message)


def test_an_update_meant_for_a_namesake_is_a_conflict(cluster: Cluster) -> None:
    answer = ask(cluster, "PUT", f"{CONFIG_MAPS}/present", {"metadata": {"name": "present", "uid": "x"}})
    present = cluster.client.get("configmaps", "present", "default")["metadata"]["uid"]
    message = (
        'Operation cannot be fulfilled on configmaps "present": StorageError: invalid object, Code: 4, '
        "Key: /registry/configmaps/default/present, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
        f"UID in precondition: x, UID in object meta: {present}"
    )
    refused(answer, 409, "Conflict", message)


def test_what_is_not_there_cannot_be_updated(cluster: Cluster) -> None:
    answer = ask(cluster, "PUT", f"{CONFIG_MAPS}/absent", {"metadata": {"name": "absent"}})
    refused(answer, 404, "NotFound", 'configmaps "absent" not found')


GO_MAP = "Go value of type map[string]interface {}"
OPERATION = "handlers.jsonPatchOp"


@pytest.mark.parametrize(
    ("media", "body", "message"),
    [
        (MERGE, "", "error decoding patch: unexpected end of JSON input"),
        (MERGE, "{", "error decoding patch: unexpected end of JSON input"),
        (MERGE, "[]", f"error decoding patch: json: cannot unmarshal array into {GO_MAP}"),
        (MERGE, "null", "Invalid JSON Patch"),
        (STRATEGIC, "", "unexpected end of JSON input"),
        (STRATEGIC, "[]", f"json: cannot unmarshal array into {GO_MAP}"),
        (STRATEGIC, '{"spec":{"$retainKeys":"x"}}', "invalid patch format of retainKeys"),
        (JSON_PATCH, "", "error decoding patch: unexpected end of JSON input"),
        (JSON_PATCH, "{}", f"error decoding patch: json: cannot unmarshal object into Go value of type []{OPERATION}"),
        (JSON_PATCH, "[1]", f"error decoding patch: json: cannot unmarshal number into Go value of type {OPERATION}"),
        (JSON_PATCH, '[{"op":"add","path":5}]',
         "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string"),
        (MERGE, '{"metadata":null}',
         "the name of the object (web based on URL) was undeterminable: name must be provided"),
        (MERGE, '{"metadata":{"name":"x"}}', "the name of the object (x) does not match the name on the URL (web)"),
    ],
)  # fmt: skip
def test_what_is_no_patch_is_a_bad_request(cluster: Cluster, media: str, body: str, message: str) -> None:
    refused(ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", body, media), 400, "BadRequest", message)


@pytest.mark.parametrize(
    "operation",
    ["{}", '{"op":"nope","path":"/a"}', '{"op":"add","path":"/spec/x/y","value":1}', '{"op":"remove","path":"/nope"}',
     '{"op":"add","path":"","value":{}}', '{"op":"move","path":"/a"}', '{"op":"test","path":"/kind","value":"Pod"}',
     '{"op":"add","path":"/spec/template/spec/containers/9","value":{}}'],
)  # fmt: skip
def test_an_operation_that_cannot_be_done_fails_the_patch(cluster: Cluster, operation: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", f"[{operation}]", JSON_PATCH)
    refused(answer, 422, "Invalid", BROKEN_PATCH)


def test_a_patch_has_at_most_ten_thousand_operations(cluster: Cluster) -> None:
    operations = [{"op": "test", "path": "/kind", "value": "Deployment"}] * 10_001
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", operations, JSON_PATCH)
    message = "The allowed maximum operations in a JSON patch is 10000, got 10001"
    refused(answer, 413, "RequestEntityTooLarge", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"spec":{"replicas":"x"}}', '"map[spec:map[replicas:x]]": unrecognized type: int32'),
        ('{"metadata":{"labels":{"a":1}}}', '"map[metadata:map[labels:map[a:1]]]": cannot convert int64 to string'),
        ('{"spec":{"template":{"spec":{"containers":"x"}}}}',
         '"map[spec:map[template:map[spec:map[containers:x]]]]": cannot restore slice from string'),
        ('{"spec":{"nope":1}}', '"map[spec:map[nope:1]]": strict decoding error: unknown field "spec.nope"'),
    ],
)  # fmt: skip
def test_a_strategic_patch_that_fits_no_type_is_invalid(cluster: Cluster, body: str, message: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web?fieldValidation=Strict", body, STRATEGIC)
    refused(answer, 422, "Invalid", f' "" is invalid: patch: Invalid value: {message}')


@pytest.mark.parametrize(
    ("media", "body", "end"),
    [
        (MERGE, '{"spec":{"replicas":"x"}}',
         "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (MERGE, '{"spec":{"nope":1}}', 'strict decoding error: unknown field "spec.nope"'),
        (MERGE, '{"kind":"Nope"}', f'no kind "Nope" is registered for version "apps/v1" {SCHEME}'),
        (JSON_PATCH, '[{"op":"replace","path":"/spec/paused","value":"x"}]', BROKEN_PATCH),
        (JSON_PATCH, '[{"op":"add","path":"/spec/paused","value":"x"}]',
         "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool"),
    ],
)  # fmt: skip
def test_a_patch_whose_outcome_fits_no_type_is_invalid(cluster: Cluster, media: str, body: str, end: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web?fieldValidation=Strict", body, media)
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.message.endswith(end)


def test_a_patch_cannot_make_a_deployment_that_could_not_be_created(cluster: Cluster) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", '{"spec":{"replicas":-1}}', MERGE)
    message = 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    refused(answer, 422, "Invalid", message)
