"""Stories of server-side apply, told by raw requests as they come over the network."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from k8snb.cluster.cluster import ADMIN, Cluster
from k8snb.wire import Request, Response

MAPS = "/api/v1/namespaces/default/configmaps"
APPS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(0)


def send(
    cluster: Cluster, method: str, path: str, body: Any = None, kind: str = "application/json", **query: str
) -> Response:
    headers = {"accept": "application/json", "content-type": kind, "user-agent": "curl/8.0"}
    data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return cluster.handle(Request(method, path, query, headers, data, user=ADMIN))


def apply(cluster: Cluster, path: str, wanted: Any, manager: str, **query: str) -> Response:
    return send(cluster, "PATCH", path, wanted, APPLY, fieldManager=manager, **query)


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": whole}


def owners(response: Response) -> dict[str, Any]:
    """Each manager with its operation and subresource, and its fields."""
    assert response.object is not None, response.body
    found = {}
    for each in response.object["metadata"].get("managedFields", ()):
        words = (each.get("manager", ""), each["operation"], each.get("subresource", ""))
        found[" ".join(word for word in words if word)] = each["fieldsV1"]
    return found


def outcome(response: Response) -> tuple[int, str]:
    assert response.object is not None
    return response.code, str(response.object.get("message", ""))


def version(response: Response) -> str:
    assert response.object is not None
    return str(response.object["metadata"]["resourceVersion"])


def test_apply_makes_what_is_not_there_and_changes_nothing_the_second_time(cluster: Cluster) -> None:
    first = apply(cluster, f"{MAPS}/c", config(a="1"), "me")
    again = apply(cluster, f"{MAPS}/c", config(a="1"), "me")
    assert (first.code, again.code, owners(again)) == (201, 200, {"me Apply": {"f:data": {"f:a": {}}}})
    assert again.object == first.object


def test_every_write_names_its_manager_after_the_user_agent_or_as_it_says(cluster: Cluster) -> None:
    send(cluster, "POST", MAPS, config(a="1"))
    found = send(cluster, "PATCH", f"{MAPS}/c", {"data": {"b": "2"}}, MERGE, fieldManager="robot")
    assert owners(found) == {
        "curl Update": {"f:data": {".": {}, "f:a": {}}},
        "robot Update": {"f:data": {"f:b": {}}},
    }
    assert found.object == send(cluster, "GET", f"{MAPS}/c").object


def test_conflicts_are_refused_with_a_cause_for_each_field(cluster: Cluster) -> None:
    apply(cluster, f"{MAPS}/c", config(a="1", b="1"), "alice")
    refused = apply(cluster, f"{MAPS}/c", config(a="2", b="2"), "bob")
    who = 'conflict with "alice"'
    assert refused.object == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'Apply failed with 2 conflicts: conflicts with "alice":\n- .data.a\n- .data.b',
        "reason": "Conflict",
        "details": {
            "causes": [
                {"reason": "FieldManagerConflict", "message": who, "field": ".data.a"},
                {"reason": "FieldManagerConflict", "message": who, "field": ".data.b"},
            ]
        },
        "code": 409,
    }
    forced = apply(cluster, f"{MAPS}/c", config(a="2"), "bob", force="true")
    assert owners(forced) == {"alice Apply": {"f:data": {"f:b": {}}}, "bob Apply": {"f:data": {"f:a": {}}}}


def test_a_dry_run_shows_who_would_own_what_and_stores_nothing(cluster: Cluster) -> None:
    apply(cluster, f"{MAPS}/c", config(a="1"), "alice")
    tried = apply(cluster, f"{MAPS}/c", config(a="1"), "bob", dryRun="All")
    fields = {"f:data": {"f:a": {}}}
    assert owners(tried) == {"alice Apply": fields, "bob Apply": fields}
    assert owners(send(cluster, "GET", f"{MAPS}/c")) == {"alice Apply": fields}
    made = send(cluster, "POST", MAPS, {**config(), "metadata": {"name": "d"}, "data": {"a": "1"}}, dryRun="All")
    assert owners(made) == {"curl Update": {"f:data": {".": {}, "f:a": {}}}}


def test_co_owning_is_a_change_of_its_own(cluster: Cluster) -> None:
    first = apply(cluster, f"{MAPS}/c", config(a="1"), "alice")
    second = apply(cluster, f"{MAPS}/c", config(a="1"), "bob")
    assert int(version(second)) > int(version(first))


def test_scaling_takes_the_replicas_and_nothing_else(cluster: Cluster) -> None:
    apply(cluster, f"{APPS}/web", deployment(replicas=1), "alice")
    send(cluster, "PATCH", f"{APPS}/web/scale", {"spec": {"replicas": 3}}, MERGE)
    found = owners(send(cluster, "GET", f"{APPS}/web"))
    assert found["curl Update scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found["alice Apply"]["f:spec"]
    why = 'Apply failed with 1 conflict: conflict with "curl" with subresource "scale" using apps/v1: .spec.replicas'
    assert outcome(apply(cluster, f"{APPS}/web", deployment(replicas=1), "alice")) == (409, why)
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
    applied = apply(cluster, f"{APPS}/web/scale", scale, "carol")
    assert (applied.code, owners(send(cluster, "GET", f"{APPS}/web"))["carol Apply scale"]) == (
        200,
        {"f:spec": {"f:replicas": {}}},
    )


def test_a_part_of_a_pod_is_applied_through_its_own_door(cluster: Cluster) -> None:
    path, meta = "/api/v1/namespaces/default/pods/p", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}

    def asking(cpu: str, **more: Any) -> dict[str, Any]:
        return {**meta, "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}]}}

    apply(cluster, path, asking("1", image="nginx"), "me")
    assert outcome(apply(cluster, f"{path}/resize", asking("2"), "you")) == (
        409,
        'Apply failed with 1 conflict: conflict with "me": .spec.containers[name="c"].resources.requests.cpu',
    )
    found = owners(apply(cluster, f"{path}/resize", asking("2", image="other"), "you", force="true"))
    resources = {"f:resources": {"f:requests": {"f:cpu": {}}}}
    assert found["you Apply resize"] == {"f:spec": {"f:containers": {'k:{"name":"c"}': resources}}}
    assert found["me Apply"] == {
        "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}, "f:name": {}}}},
    }
    debugger = {**meta, "spec": {"ephemeralContainers": [{"name": "d", "image": "busybox"}]}}
    found = owners(apply(cluster, f"{path}/ephemeralcontainers", debugger, "you"))
    added = {'k:{"name":"d"}': {".": {}, "f:image": {}, "f:name": {}}}
    assert found["you Apply ephemeralcontainers"] == {"f:spec": {"f:ephemeralContainers": added}}


def test_status_is_applied_through_its_own_door(cluster: Cluster) -> None:
    apply(cluster, f"{APPS}/web", {**deployment(), "status": {"replicas": 7}}, "alice")
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 0}}
    found = owners(apply(cluster, f"{APPS}/web/status", {**status, "spec": {"replicas": 9}}, "bob"))
    assert ("f:status" in found["alice Apply"], found["bob Apply status"]) == (False, {"f:status": {"f:replicas": {}}})


@pytest.mark.parametrize(
    ("wanted", "query", "code", "message"),
    [
        (
            config(),
            {},
            422,
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        ),
        ({**config(), "kind": "Secret"}, {"fieldManager": "me"}, 400, "invalid object type: /v1, Kind=Secret"),
        (
            {**config(), "metadata": {"name": "c", "managedFields": []}},
            {"fieldManager": "me"},
            400,
            "metadata.managedFields must be nil",
        ),
        (
            {**config(), "other": 1},
            {"fieldManager": "me"},
            500,
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .other: field not declared in schema",
        ),
        (b"a: [", {"fieldManager": "me"}, 400, None),
        (
            {**config(), "metadata": None},
            {"fieldManager": "kubectl"},
            400,
            "the name of the object (c based on URL) was undeterminable: name must be provided",
        ),
        (
            {**config(), "metadata": {"name": "d"}},
            {"fieldManager": "me"},
            400,
            "the name of the object (d) does not match the name on the URL (c)",
        ),
        (
            {**config(), "metadata": {"name": "c", "uid": "1"}},
            {"fieldManager": "me"},
            409,
            'Operation cannot be fulfilled on configmaps "c": uid mismatch: the provided object specified uid 1, '
            "and no existing object was found",
        ),
    ],
)
def test_what_cannot_be_applied_is_refused(
    cluster: Cluster, wanted: Any, query: dict[str, str], code: int, message: str | None
) -> None:
    found = outcome(send(cluster, "PATCH", f"{MAPS}/c", wanted, APPLY, **query))
    assert found[0] == code
    if message is not None:
        assert found[1] == message
    assert send(cluster, "GET", f"{MAPS}/c").code == 404


def test_a_stale_version_is_a_conflict_of_its_own(cluster: Cluster) -> None:
    apply(cluster, f"{MAPS}/c", config(a="1"), "me")
    stale = {**config(a="2"), "metadata": {"name": "c", "resourceVersion": "1"}}
    assert outcome(apply(cluster, f"{MAPS}/c", stale, "me")) == (
        409,
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to '
        "the latest version and try again",
    )


def test_managed_fields_come_back_with_an_update_and_can_be_reset(cluster: Cluster) -> None:
    apply(cluster, f"{MAPS}/c", config(a="1"), "me")
    seen = send(cluster, "GET", f"{MAPS}/c").object
    assert seen is not None
    same = send(cluster, "PUT", f"{MAPS}/c", seen)
    assert same.object == seen
    without = {**seen, "metadata": {k: v for k, v in seen["metadata"].items() if k != "managedFields"}}
    assert send(cluster, "PUT", f"{MAPS}/c", without).object == seen
    garbled = {**seen, "metadata": {**seen["metadata"], "managedFields": [{"manager": "x", "operation": "Write"}]}}
    assert send(cluster, "PUT", f"{MAPS}/c", garbled).object == seen
    operation = {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
    reset = send(cluster, "PATCH", f"{MAPS}/c", [operation], JSON_PATCH)
    assert (reset.code, owners(reset)) == (200, {})
    assert owners(send(cluster, "PATCH", f"{MAPS}/c", {"data": {"b": "1"}}, MERGE)) == {}


def test_owners_are_the_same_before_and_after_history_is_forgotten(cluster: Cluster) -> None:
    made = Cluster(2, quantum=64, trace=0)
    made.client.create("deployments", deployment(replicas=3), "default")
    made.settle()
    send(made, "PATCH", f"{APPS}/web/scale", {"spec": {"replicas": 4}}, MERGE)
    apply(made, f"{APPS}/web", deployment(replicas=4), "me")
    made.settle()
    paths = [
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/services", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets",
    ]  # fmt: skip
    twin = made.fork()
    before = [send(twin, "GET", path).object for path in paths]
    made.store.compact(made.store.revision)
    assert [send(made, "GET", path).object for path in paths] == before


def test_a_watch_shows_who_manages_what_and_parts_of_the_cluster_do_not_see_it(cluster: Cluster) -> None:
    stream = send(cluster, "GET", MAPS, watch="true").stream
    apply(cluster, f"{MAPS}/c", config(a="1"), "me")
    seen = [event["object"]["metadata"] for event in iter(stream.next, None)]
    assert [meta["managedFields"][0]["manager"] for meta in seen if meta["name"] == "c"] == ["me"]
    assert "managedFields" not in cluster.client.get("configmaps", "c", "default")["metadata"]


def test_two_items_with_one_key_cannot_be_told_apart(cluster: Cluster) -> None:
    twins = deployment()
    twins["spec"]["template"]["spec"]["containers"] *= 2
    assert outcome(apply(cluster, f"{APPS}/web", twins, "me")) == (
        500,
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: "
        'duplicate entries for key [name="a"]',
    )


def test_who_takes_the_last_finalizer_away_is_answered_without_it(cluster: Cluster) -> None:
    held = {**config(), "metadata": {"name": "c", "finalizers": ["example.com/wait"]}}
    send(cluster, "POST", MAPS, held)
    send(cluster, "DELETE", f"{MAPS}/c")
    send(cluster, "GET", f"{MAPS}/c")
    gone = send(cluster, "PATCH", f"{MAPS}/c", {"metadata": {"finalizers": None}}, MERGE).object
    assert gone is not None
    assert "finalizers" not in gone["metadata"]
    assert send(cluster, "GET", f"{MAPS}/c").code == 404
