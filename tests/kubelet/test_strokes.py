"""The short way of a usual pod is the way of the tables."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.kubelet.lifecycle import CONTAINER_TABLE, POD_TABLE, walk
from k8snb.trace import Span
from k8snb.typing import Object
from tests.kubelet.pods import Here, container, pod

BY_ROWS = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nosuch", "key": "k", "optional": True}}}]
"""Needs the environment worked out, which no stroke does."""


def usual(image: str, **fields: Any) -> Object:
    return pod(container("main", image, **fields), automountServiceAccountToken=False)


def written(span: Span) -> list[tuple[str, str]]:
    """What a reconcile wrote."""
    return [(sent.request.method, sent.request.path) for sent in span.requests if sent.request.method != "GET"]


def life(made: Object) -> tuple[list[Any], ...]:
    """What the kubelet of a pod said, wanted and asked the runtime for until the pod was gone, and its statuses."""
    here = Here(made)
    here.cluster.advance(30)
    events, statuses = here.events(), [here.get()["status"]]
    here.cluster.client.delete("pods", "p", "default")
    here.cluster.settle()
    cluster = here.cluster
    spans = [
        (span.time, span.observed["event"], span.wanted, written(span))
        for span in cluster.trace.spans
        if span.key.name == "p" and span.component.startswith("kubelet/")
    ]
    calls = [(call.time, str(call)) for call in cluster.pool.calls.of_pod("p")]
    return events, statuses, spans, calls


@pytest.mark.parametrize(
    "made",
    [
        usual("nginx:1.27"),
        usual("nginx:1.27", imagePullPolicy="Always"),
        usual("nginx:1.27", imagePullPolicy="Never"),
        usual("nginx:nosuch"),
        usual("Not::A::Reference"),
        usual("busybox:1.36"),
        usual("busybox:1.36", command=["/nosuch"]),
        usual("busybox:1.36", command=["sh", "-c", "sleep 3; exit 1"]),
    ],
)
def test_a_usual_pod_lives_as_it_would_row_by_row(made: Object) -> None:
    by_rows = {**made["spec"]["containers"][0], "env": BY_ROWS}
    assert life(made) == life({**made, "spec": {**made["spec"], "containers": [by_rows]}})


def test_a_second_pod_finds_the_image_of_the_first_and_lives_as_it_would_row_by_row() -> None:
    def second(**fields: Any) -> list[str]:
        here = Here(pod(container("main", "nginx:1.27"), name="first", nodeName="node-1"))
        here.cluster.client.create("pods", pod(container("main", "nginx:1.27", **fields), nodeName="node-1"))
        here.cluster.settle()
        return here.events()

    assert second() == second(env=BY_ROWS)
    assert [said.split(":")[0] for said in second()] == ["Pulled", "Created", "Started"]


def test_a_way_ends_where_its_last_row_leads() -> None:
    row = walk(POD_TABLE, "New", ("seen", "admit"), ("admitted", "prepare"))
    assert (row.state, row.to, row.action) == ("New", "Preparing", "prepare")


def test_a_way_that_the_table_does_not_go_is_refused() -> None:
    with pytest.raises(LookupError, match="in state Waiting, when image absent, the table does pull and not create"):
        walk(CONTAINER_TABLE, "Waiting", ("start", "ensure_image"), ("image absent", "create"))
    with pytest.raises(LookupError):
        walk(CONTAINER_TABLE, "Waiting", ("stop", "stop"))
