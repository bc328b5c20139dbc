"""Objects become bytes once per revision, and always the same bytes."""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.apiserver.encoding import Encoder
from k8snb.machinery.fieldorder import in_order


def stored(name: str, version: int = 1) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


def test_a_revision_is_encoded_once_however_often_it_is_read_listed_and_watched() -> None:
    encoder, pod = Encoder(), stored("a")
    bytes_of_it = encoder.object(pod)
    kept = encoder._known[id(pod)]
    without_kind = bytes_of_it.removeprefix(b'{"kind":"Pod","apiVersion":"v1",')
    assert without_kind in encoder.answer({"kind": "PodList", "metadata": {}, "items": [pod]})
    assert bytes_of_it in encoder.event({"type": "ADDED", "object": pod})
    assert encoder._known[id(pod)] is kept


def test_another_object_at_the_same_place_in_memory_is_not_taken_for_the_first() -> None:
    encoder = Encoder()
    for version in range(200):
        assert orjson.loads(encoder.object(stored("a", version)))["metadata"]["resourceVersion"] == str(version)


def test_lists_are_what_encoding_them_whole_would_give() -> None:
    encoder = Encoder()
    for count in range(4):
        items = [stored(f"p{i}") for i in range(count)]
        found = {"kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": items}
        assert encoder.answer(found) == orjson.dumps(in_order(found)) + b"\n"


def test_what_is_kept_stays_within_its_budget() -> None:
    encoder = Encoder(budget=1_000)
    pods = [stored(f"p{i}") for i in range(100)]
    for pod in pods:
        encoder.object(pod)
    held = [rest for _, _, rest in encoder._known.values()]
    assert 800 < sum(map(len, held)) == encoder._held <= 1_000
    assert encoder.object(pods[-1]).endswith(held[-1])


def test_what_html_could_take_for_its_own_is_escaped_as_go_does() -> None:
    pod = {**stored("a"), "spec": {"nodeName": "<a&b>\u2028é"}}
    assert rb'{"nodeName":"\u003ca\u0026b\u003e\u2028' + "é".encode() + b'"}' in Encoder().object(pod)
    assert orjson.loads(Encoder().object(pod)) == pod
