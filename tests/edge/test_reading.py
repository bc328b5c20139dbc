"""Lists and watches: pages and their tokens, revisions, bookmarks, the first state of a watch, other shapes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from k8snb import Cluster
from k8snb.cluster.cluster import ADMIN
from k8snb.machinery import protobuf
from k8snb.wire import Request, Response
from tests.edge.asking import CONFIG_MAPS, JSON, PROTOBUF

TABLE = "application/json;as=Table;v={};g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def send(cluster: Cluster, target: str, accept: str = JSON, method: str = "GET", body: Any = None) -> Response:
    path, _, query = target.partition("?")
    data = b"" if body is None else orjson.dumps(body)
    headers = {"accept": accept, "content-type": JSON}
    return cluster.server.handle(
        Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, data, user=ADMIN)
    )


def listed(cluster: Cluster, query: str = "") -> Any:
    return send(cluster, f"{CONFIG_MAPS}?labelSelector=t&{query}").object


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


def drained(response: Response) -> list[tuple[str, str]]:
    """What a watch has ready: types with names, or with the revision of a bookmark."""
    found = []
    while (event := response.stream.next()) is not None:
        meta = event["object"].get("metadata") or {}
        found.append((event["type"], meta.get("name") or meta.get("resourceVersion")))
    return found


@pytest.fixture
def cluster() -> Cluster:
    """A cluster with the ConfigMaps a to e, labelled `t`."""
    made = Cluster(nodes=0, seed=1, history=400)
    for name in "abcde":
        made.client.create("configmaps", config_map(name))
    return made


def config_map(name: str) -> Any:
    return {"metadata": {"name": name, "namespace": "default", "labels": {"t": "x"}}}


def test_pages_show_the_state_in_which_the_first_was_read(cluster: Cluster) -> None:
    first = send(cluster, f"{CONFIG_MAPS}?limit=3").object
    assert first["metadata"]["remainingItemCount"] == len(first["items"])
    cluster.client.delete("configmaps", "e", "default")
    rest = send(cluster, f"{CONFIG_MAPS}?limit=3&continue={first['metadata']['continue']}").object
    assert (names(first), names(rest)) == (["a", "b", "c"], ["d", "e", "kube-root-ca.crt"])
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


def test_pages_of_a_selection_do_not_say_how_much_is_left(cluster: Cluster) -> None:
    assert set(listed(cluster, "limit=2")["metadata"]) == {"resourceVersion", "continue"}


def test_any_state_will_do_comes_in_one_piece(cluster: Cluster) -> None:
    assert names(listed(cluster, "limit=2&resourceVersion=0")) == [*"abcde"]


def test_an_old_token_is_expired_and_comes_with_one_that_goes_on_from_now(cluster: Cluster) -> None:
    token = listed(cluster, "limit=2")["metadata"]["continue"]
    cluster.client.create("configmaps", config_map("c2"))
    cluster.store.compact(cluster.revision)
    answer = listed(cluster, f"limit=2&continue={token}")
    assert (answer["code"], answer["reason"]) == (410, "Expired")
    assert "results in an inconsistent list" in answer["message"]
    rest = listed(cluster, f"limit=9&continue={answer['metadata']['continue']}")
    assert names(rest) == ["c", "c2", "d", "e"]
    assert rest["metadata"] == {"resourceVersion": str(cluster.revision)}


def test_a_list_at_a_revision_shows_that_revision_until_it_is_compacted(cluster: Cluster) -> None:
    revision = cluster.revision
    cluster.client.delete("configmaps", "a", "default")
    exact = f"resourceVersion={revision}&resourceVersionMatch=Exact"
    then = listed(cluster, exact)
    assert (names(then), then["metadata"]["resourceVersion"]) == ([*"abcde"], str(revision))
    assert names(listed(cluster, f"resourceVersion={revision}&resourceVersionMatch=NotOlderThan")) == [*"bcde"]
    cluster.store.compact(cluster.revision)
    answer = listed(cluster, exact)
    assert (answer["code"], answer["message"]) == (410, "The resourceVersion for the provided list is too old.")


def test_what_has_not_happened_yet_cannot_be_read(cluster: Cluster) -> None:
    for target in (f"{CONFIG_MAPS}/a", CONFIG_MAPS):
        answer = send(cluster, f"{target}?resourceVersion=99999999")
        assert answer.object["message"] == (
            f"Timeout: Too large resource version: 99999999, current: {cluster.revision}"
        )
        assert answer.object["details"] == {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }
        assert (answer.code, answer.headers["Retry-After"]) == (504, "1")


def test_a_watch_sends_the_first_state_and_marks_its_end(cluster: Cluster) -> None:
    watch = f"{CONFIG_MAPS}?labelSelector=t&watch=1"
    end = f"{watch}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    stream = send(cluster, end).stream
    events = [stream.next() for _ in range(6)]
    assert [event["type"] for event in events] == ["ADDED"] * 5 + ["BOOKMARK"]
    assert events[-1]["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": str(cluster.revision),
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }
    assert drained(send(cluster, f"{watch}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan")) == []
    assert drained(send(cluster, watch)) == [("ADDED", name) for name in "abcde"]


def test_bookmarks_come_every_minute_and_shortly_before_the_end(cluster: Cluster) -> None:
    watch = f"{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=100&resourceVersion={cluster.revision}"
    response = send(cluster, watch)
    seen = []
    for seconds in (59, 2, 36, 2, 2):
        cluster.advance(seconds)
        seen.append([type for type, _ in drained(response)])
    assert seen == [[], ["BOOKMARK"], [], ["BOOKMARK"], []]
    assert response.stream.closed


def test_a_watch_of_one_object_hears_of_no_other(cluster: Cluster) -> None:
    since = f"resourceVersion={cluster.revision}"
    watches = [
        send(cluster, f"{CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Da&{since}"),
        send(cluster, f"{CONFIG_MAPS.replace('/v1/', '/v1/watch/')}/a?{since}"),
    ]
    for name in "ab":
        cluster.client.delete("configmaps", name, "default")
    assert [drained(watch) for watch in watches] == [[("DELETED", "a")]] * 2


def test_a_watch_from_long_ago_says_that_it_is_too_old(cluster: Cluster) -> None:
    cluster.store.compact(cluster.revision)
    response = send(cluster, f"{CONFIG_MAPS}?watch=1&resourceVersion=2")
    event = response.stream.next()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"] == f"too old resource version: 2 ({cluster.revision})"
    assert response.stream.closed


@pytest.mark.parametrize(
    ("included", "kinds"), [("None", {None}), ("Metadata", {"PartialObjectMetadata"}), ("Object", {"ConfigMap"})]
)
def test_rows_of_a_table_carry_what_is_asked_for(cluster: Cluster, included: str, kinds: set[str | None]) -> None:
    rows = send(cluster, f"{CONFIG_MAPS}?includeObject={included}", TABLE.format("v1")).object["rows"]
    assert {row["object"] and row["object"]["kind"] for row in rows} == kinds


def test_rows_of_a_table_carry_nothing_else(cluster: Cluster) -> None:
    answer = send(cluster, f"{CONFIG_MAPS}?includeObject=All", TABLE.format("v1"))
    assert (answer.code, answer.object["message"]) == (
        400,
        'Unable to convert to Table as requested: includeObject: Invalid value: "All": '
        "must be 'Metadata', 'Object', 'None', or empty",
    )


def test_an_older_table_says_so_all_the_way_down(cluster: Cluster) -> None:
    table = send(cluster, CONFIG_MAPS, TABLE.format("v1beta1")).object
    assert {table["apiVersion"], *(row["object"]["apiVersion"] for row in table["rows"])} == {"meta.k8s.io/v1beta1"}


def test_only_the_first_table_of_a_watch_has_columns(cluster: Cluster) -> None:
    stream = send(cluster, f"{CONFIG_MAPS}?watch=1", TABLE.format("v1")).stream
    tables = [stream.next()["object"] for _ in range(3)]
    assert [bool(table["columnDefinitions"]) for table in tables] == [True, False, False]
    assert [len(table["rows"]) for table in tables] == [1, 1, 1]


def test_metadata_alone_is_served_for_objects_lists_and_watches(cluster: Cluster) -> None:
    one = send(cluster, f"{CONFIG_MAPS}/a", PARTIAL).object
    many = send(cluster, CONFIG_MAPS, PARTIAL_LIST).object
    event = send(cluster, f"{CONFIG_MAPS}?watch=1", PARTIAL).stream.next()
    assert set(one) == {"kind", "apiVersion", "metadata"}
    assert (many["kind"], many["items"][0]) == ("PartialObjectMetadataList", one)
    assert event == {"type": "ADDED", "object": one}


def test_who_takes_nothing_but_protobuf_gets_it(cluster: Cluster) -> None:
    answer = send(cluster, f"{CONFIG_MAPS}/a", PROTOBUF)
    assert (answer.content_type, protobuf.decode(answer.body)["metadata"]["name"]) == (PROTOBUF, "a")
    answer = send(cluster, CONFIG_MAPS, PROTOBUF)
    assert protobuf.decode(answer.body)["kind"] == "ConfigMapList"
    assert send(cluster, CONFIG_MAPS, f"{PROTOBUF},{JSON}").content_type == JSON


def test_what_a_client_of_version_1_wrote_is_its_own_by_the_names_of_version_1() -> None:
    cluster = Cluster(nodes=0, seed=1)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"}
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": target}
    send(cluster, path, method="POST", body={"metadata": {"name": "h"}, "spec": spec})
    cluster.server.handle(
        Request("PATCH", f"{path}/h", {"fieldManager": "b"}, MERGED, b'{"spec":{"maxReplicas":4}}', user=ADMIN)
    )
    for version in ("v1", "v2"):
        found = send(cluster, f"{path.replace('v1', version)}/h").object["metadata"]["managedFields"]
        assert [(each["apiVersion"], list(each["fieldsV1"]["f:spec"])) for each in found] == [
            ("autoscaling/v1", ["f:minReplicas", "f:scaleTargetRef", "f:targetCPUUtilizationPercentage"]),
            ("autoscaling/v1", ["f:maxReplicas"]),
        ]


MERGED = {"accept": JSON, "content-type": "application/merge-patch+json", "user-agent": "test"}


def test_a_watch_in_protobuf_is_frames_with_their_length(cluster: Cluster) -> None:
    answer = send(cluster, f"{CONFIG_MAPS}?watch=1&labelSelector=t", f"{PROTOBUF};stream=watch")
    frames = [answer.stream.next() for _ in range(6)]
    cluster.client.delete("configmaps", "a", "default")
    frames = [*frames, answer.stream.next()]
    assert answer.content_type == f"{PROTOBUF};stream=watch"
    assert [frame is not None and unframed(frame) for frame in frames] == [
        *(("ADDED", name) for name in "abcde"),
        False,
        ("DELETED", "a"),
    ]
    cluster.store.compact(cluster.revision)
    late = send(cluster, f"{CONFIG_MAPS}?watch=1&resourceVersion=1", PROTOBUF)
    assert unframed(late.stream.next()) == ("ERROR", "Expired")


def unframed(frame: bytes) -> tuple[str, str]:
    """The type of an event, and the name or the reason of what it is about."""
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    size, at = frame[5], frame.index(protobuf.MAGIC)
    obj = protobuf.decode(frame[at:])
    return frame[6 : 6 + size].decode(), obj["reason"] if obj["kind"] == "Status" else obj["metadata"]["name"]


def test_deleting_a_collection_answers_with_what_was_deleted(cluster: Cluster) -> None:
    answer = send(cluster, f"{CONFIG_MAPS}?labelSelector=t", method="DELETE").object
    assert (answer["kind"], names(answer)) == ("ConfigMapList", [*"abcde"])
    assert names(send(cluster, CONFIG_MAPS).object) == ["kube-root-ca.crt"]


def test_parameters_that_nobody_knows_are_ignored(cluster: Cluster) -> None:
    assert names(listed(cluster, "nonsense=1&_=2")) == [*"abcde"]


def test_a_path_may_end_in_a_slash(cluster: Cluster) -> None:
    assert send(cluster, f"{CONFIG_MAPS}/a/").object["metadata"]["name"] == "a"


def test_a_kubelet_says_through_its_node_that_it_is_well_and_which_pods_it_has() -> None:
    cluster = Cluster(nodes=1, seed=1)
    container = {"name": "web", "image": "nginx"}
    pod = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [container]}}
    cluster.client.create("pods", pod)
    cluster.settle()
    kubelet = "/api/v1/nodes/node-1/proxy"
    assert send(cluster, f"{kubelet}/healthz").body == b"ok"
    assert names(send(cluster, f"{kubelet}/pods").object) == ["p"]
    assert send(cluster, f"{kubelet}/nope").code == 404
    assert send(cluster, "/api/v1/nodes/none/proxy/healthz").object["message"] == 'nodes "none" not found'
