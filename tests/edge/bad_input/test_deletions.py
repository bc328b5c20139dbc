"""Deletions that are not to be, or whose options make no sense."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.edge.asking import CONFIG_MAPS, PODS, ask
from tests.edge.bad_input.refusing import SCHEME, refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"propagationPolicy":"Nope"}', 'propagationPolicy: Unsupported value: "Nope": '
         'supported values: "Foreground", "Background", "Orphan", "nil"'),
        ('{"orphanDependents":true,"propagationPolicy":"Orphan"}', 'propagationPolicy: Invalid value: "Orphan": '
         "orphanDependents and deletionPropagation cannot be both set"),
        ('{"dryRun":["x"]}', 'dryRun: Unsupported value: ["x"]: supported values: "All"'),
    ],
)  # fmt: skip
def test_options_of_a_deletion_are_checked(cluster: Cluster, body: str, message: str) -> None:
    answer = ask(cluster, "DELETE", f"{CONFIG_MAPS}/present", body)
    refused(answer, 422, "Invalid", f'DeleteOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the object provided is unrecognized (must be of type DeleteOptions): "
         "couldn't get version/kind; json parse error: unexpected end of JSON input ({)"),
        ('{"gracePeriodSeconds":"x"}', 'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: '
         "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
        ('{"kind":"Pod","apiVersion":"v1"}', 'Pod in version "v1" cannot be handled as a DeleteOptions: '
         "converting (v1.Pod) to (core.DeleteOptions): unknown conversion"),
        ('{"kind":"DeleteOptions","apiVersion":"v9"}',
         'DeleteOptions in version "v9" cannot be handled as a DeleteOptions: '
         f'no kind "DeleteOptions" is registered for version "v9" {SCHEME}'),
    ],
)  # fmt: skip
def test_options_of_a_deletion_that_cannot_be_read_delete_nothing(cluster: Cluster, body: str, message: str) -> None:
    refused(ask(cluster, "DELETE", f"{PODS}/one", body), 400, "BadRequest", message)
    refused(ask(cluster, "DELETE", f"{PODS}?labelSelector=a%3Dnone", body), 400, "BadRequest", message)


@pytest.mark.parametrize(
    ("field", "word", "what"),
    [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")],
)
def test_a_deletion_with_a_precondition_that_fails_is_a_conflict(
    cluster: Cluster, field: str, word: str, what: str
) -> None:
    current = cluster.client.get("pods", "one", "default")["metadata"][field]
    answer = ask(cluster, "DELETE", f"{PODS}/one", {"preconditions": {field: "x"}})
    message = (
        f'Operation cannot be fulfilled on Pod "one": the {word} in the precondition (x) does not match the {word} in '
        f"record ({current}). The object might have been {what}"
    )
    refused(answer, 409, "Conflict", message)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_cannot_be_deleted(cluster: Cluster, name: str) -> None:
    answer = ask(cluster, "DELETE", f"/api/v1/namespaces/{name}")
    refused(answer, 403, "Forbidden", f'namespaces "{name}" is forbidden: this namespace may not be deleted')


def test_a_collection_is_not_deleted_by_a_selector_that_cannot_be_read(cluster: Cluster) -> None:
    answer = ask(cluster, "DELETE", f"{PODS}?labelSelector=a+in")
    refused(answer, 400, "BadRequest", "unable to parse requirement: found '' expected: '('")
