"""What cannot be done to a pod, a scale or a log."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import DEPLOYMENTS, NAMESPACE, PODS, ask


@pytest.mark.parametrize(
    ("target", "body", "code", "message"),
    [
        (f"{DEPLOYMENTS}/web/scale", {"metadata": {"name": "web"}, "spec": {"replicas": -1}}, 422,
         'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'),
        (f"{DEPLOYMENTS}/web/scale", {"metadata": {"name": "x"}}, 400,
         "the name of the object (x) does not match the name on the URL (web)"),
        (f"{DEPLOYMENTS}/web/scale", {"spec": 5}, 400, 'Scale in version "v1" cannot be handled as a Scale: '
         "json: cannot unmarshal number into Go struct field Scale.spec of type v1.ScaleSpec"),
        (f"{DEPLOYMENTS}/none/scale", {"metadata": {"name": "none"}}, 404, 'deployments.apps "none" not found'),
        (f"{NAMESPACE}/status", {"metadata": {"name": "x"}}, 400,
         "the name of the object (x) does not match the name on the URL (default)"),
    ],
)  # fmt: skip
def test_a_subresource_that_cannot_be_replaced_stays(
    cluster: Cluster, target: str, body: dict[str, Any], code: int, message: str
) -> None:
    answer = ask(cluster, "PUT", target, body)
    assert (answer.code, answer.message) == (code, message)


@pytest.mark.parametrize(
    ("target", "body", "code", "message"),
    [
        (f"{PODS}/waiting/binding", {}, 422, 'Pod "waiting" is invalid: target.name: Required value'),
        (f"{PODS}/waiting/binding", {"target": {"kind": "Pod", "name": "x"}}, 422, 'Pod "waiting" is invalid: '
         'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"'),
        (f"{PODS}/waiting/binding", {"metadata": {"name": "x"}}, 400,
         "name in URL does not match name in Binding object"),
        (f"{PODS}/one/binding", {"target": {"name": "node-1"}}, 409, 'Operation cannot be fulfilled on pods "one": '
         'pod one is already assigned to node "node-1"'),
        (f"{PODS}/none/binding", {"target": {"name": "node-1"}}, 404, 'pods "none" not found'),
        (f"{NAMESPACE}/bindings", {"metadata": {"name": "none"}, "target": {"name": "node-1"}}, 404,
         'pods "none" not found'),
        (f"{PODS}/one/eviction", {}, 400, "name in URL does not match name in Eviction object"),
        (f"{PODS}/none/eviction", {"metadata": {"name": "none"}}, 404, 'pods "none" not found'),
        (f"{PODS}/one/exec", {}, 400, "you must specify at least 1 command for the container"),
        (f"{PODS}/one/exec?command=ls", {}, 400, "Upgrade request required"),
        (f"{PODS}/one/exec?command=ls&container=nope", {}, 400, "container nope is not valid for pod one"),
        (f"{PODS}/two/exec?command=ls", {}, 400,
         "a container name must be specified for pod two, choose one of: [web side]"),
        (f"{PODS}/waiting/exec?command=ls", {}, 400, "pod waiting does not have a host assigned"),
        (f"{PODS}/none/exec?command=ls", {}, 404, 'pods "none" not found'),
        (f"{PODS}/one/attach", {}, 400, "Upgrade request required"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_a_pod_is_not_done(
    cluster: Cluster, target: str, body: dict[str, Any], code: int, message: str
) -> None:
    answer = ask(cluster, "POST", target, body)
    assert (answer.code, answer.message) == (code, message)


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("tailLines=-1", 422,
         'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'),
        ("limitBytes=0", 422, 'PodLogOptions "one" is invalid: limitBytes: Invalid value: 0: must be greater than 0'),
        ("sinceSeconds=0", 422,
         'PodLogOptions "one" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'),
        ("sinceTime=yesterday", 400,
         'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
        ("container=nope", 400, "container nope is not valid for pod one"),
        ("previous=true", 400, 'previous terminated container "web" in pod "one" not found'),
    ],
)  # fmt: skip
def test_a_log_that_cannot_be_shown_is_refused(cluster: Cluster, query: str, code: int, message: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}/one/log?{query}")
    assert (answer.code, answer.message) == (code, message)
