"""Pods that differ in nothing but their name: the server works one out, and the others come out as if it had not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from k8snb.cluster.cluster import ADMIN, Cluster
from k8snb.wire import Request, Response

CORE = "/api/v1/namespaces/default"


def send(cluster: Cluster, place: str, body: Any, agent: str = "curl/8.0", **query: str) -> Response:
    headers = {"accept": "application/json", "content-type": "application/json", "user-agent": agent}
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return cluster.handle(Request("POST", f"{CORE}/{place}", query, headers, text, user=ADMIN))


def pod(name: str, image: str = "nginx", **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **meta}, "spec": {"containers": [{"name": "a", "image": image}]}}


def outcomes(*, forgetting: bool) -> list[tuple[int, Any, tuple[str, ...]]]:
    """What the server answers to pods alike and less alike, maybe without knowing any but the one."""
    cluster = Cluster(0)
    cluster.settle()
    found = []
    for body, agent, query in (
        (pod("one"), "curl/8.0", {}),
        (pod("two"), "curl/8.0", {}),
        (pod("two"), "curl/8.0", {}),
        (pod("With capitals"), "curl/8.0", {}),
        (pod("with.dots"), "curl/8.0", {}),
        (pod("by-another"), "kubectl/v1.36.0", {}),
        (pod("for-show"), "curl/8.0", {"dryRun": "All"}),
        (pod("said", image="nginx:1"), "curl/8.0", {"fieldManager": "me"}),
        (pod("said-again", image="nginx:1"), "curl/8.0", {"fieldManager": "you"}),
        (pod("labelled", labels={"a": "b"}), "curl/8.0", {}),
        (pod("labelled-too", labels={"a": "b"}), "curl/8.0", {}),
        (pod("elsewhere", namespace="other"), "curl/8.0", {}),
        (pod("owned", finalizers=["a.b/c"]), "curl/8.0", {}),
    ):
        if forgetting:
            cluster.server.writer.forget()
        response = send(cluster, "pods", body, agent, **query)
        found.append((response.code, orjson.dumps(response.object), response.warnings))
    return found


def test_pods_come_out_the_same_whether_or_not_one_like_them_is_known() -> None:
    known, anew = outcomes(forgetting=False), outcomes(forgetting=True)
    assert known == anew
    assert [code for code, _, _ in known] == [201, 201, 409, 422, 201, 201, 201, 201, 201, 201, 201, 400, 201]


CLAIM = (
    '"volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"metadata":{"name":"NAME"},"spec":'
    '{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}}}]'
)
CONTAINERS = '"containers":[{"name":"a","image":"nginx"}]'


@pytest.mark.parametrize(
    "text",
    [
        '{"metadata":{"name":"NAME"},"spec":{CONTAINERS}}',
        '{ "metadata" : {\n  "labels": {"a": "b"},\n  "name": "NAME"\n}, "spec": {CONTAINERS}}',
        '{"metadata":{"annotations":{"a":"}, \\"name\\": \\"NAME\\""},"name":"NAME"},"spec":{CONTAINERS}}',
        '{"metadata":{"name":"NAME","name":"p"},"spec":{CONTAINERS}}',
        '{"metadata":{"name":"p","name":"NAME"},"spec":{CONTAINERS}}',
        '{"metadata":{"generateName":"NAME-"},"spec":{CONTAINERS}}',
        '{"spec":{CONTAINERS,CLAIM},"metadata":{"name":"p"}}',
        '{"spec":{CONTAINERS,CLAIM},"metadata":{"name":"NAME"}}',
        '{"metadata":{"name":"NAME","labels":{"name":"NAME"}},"spec":{CONTAINERS}}',
    ],
)
def test_a_pods_own_name_is_found_in_any_text_or_the_text_is_read_as_usual(text: str) -> None:
    def answers(*, forgetting: bool) -> list[tuple[int, Any]]:
        cluster, found = Cluster(0), []
        cluster.settle()
        for name in ("p", "q", "q2"):
            if forgetting:
                cluster.server.writer.forget()
            body = text.replace("CONTAINERS", CONTAINERS).replace("CLAIM", CLAIM).replace("NAME", name)
            response = send(cluster, "pods", body.encode(), fieldValidation="Ignore")
            found.append((response.code, orjson.dumps(response.object)))
        return found

    assert answers(forgetting=False) == answers(forgetting=True)


def test_what_is_known_of_a_pod_counts_no_more_once_a_limit_range_has_defaults() -> None:
    cluster = Cluster(0)
    cluster.settle()
    send(cluster, "pods", pod("one"))
    limits = [{"type": "Container", "default": {"cpu": "2"}}]
    send(cluster, "limitranges", {"metadata": {"name": "r"}, "spec": {"limits": limits}})
    made = send(cluster, "pods", pod("two")).object
    assert made is not None
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}


@pytest.mark.parametrize("before", [0, 1])
def test_a_quota_counts_pods_that_are_alike_one_by_one(before: int) -> None:
    cluster = Cluster(0)
    cluster.settle()
    for number in range(before):
        send(cluster, "pods", pod(f"before-{number}"))
    send(cluster, "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}})
    cluster.settle()
    answers = [send(cluster, "pods", pod(f"pod-{number}")).code for number in range(3)]
    assert answers == [201] * (2 - before) + [403] * (1 + before)
