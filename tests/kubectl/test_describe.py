"""Descriptions. `test_same_as_real` compares the usual kinds; here are the corners."""

from __future__ import annotations

import pytest

from k8snb.kubectl.describe.containers import probe_text
from k8snb.kubectl.describe.generic import title_of
from k8snb.kubectl.describe.network import endpoints_text
from k8snb.kubectl.describe.volumes import describe_volumes
from k8snb.kubectl.describe.writer import Page, long_time
from k8snb.kubectl.explaining import wrapped
from k8snb.machinery.amounts import limits_of, requests_of
from tests.kubectl.conftest import Typed


def test_a_long_annotation_stands_below_its_key_and_is_cut() -> None:
    page = Page()
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    page.annotations("Annotations", {"b": "x" * 200, "a": "short", **applied})
    assert page.text == f"Annotations:  a: short\n              b:\n                {'x' * 138}...\n"


def test_no_time_is_the_beginning_of_time() -> None:
    assert long_time(None) == "Mon, 01 Jan 0001 00:00:00 +0000"
    assert long_time("2026-01-01T00:00:00Z") == "Thu, 01 Jan 2026 00:00:00 +0000"


@pytest.mark.parametrize(
    ("field", "title"),
    [("apiVersion", "API Version"), ("holderIdentity", "Holder Identity"), ("uid", "UID"), ("f:spec", "f:spec")],
)
def test_fields_of_unknown_kinds_get_titles(field: str, title: str) -> None:
    assert title_of(field) == title


def test_probes_are_told_in_a_line() -> None:
    limits = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    told = "delay=0s timeout=1s period=10s #success=1 #failure=3"
    get = {"port": 80, "path": "/x", "scheme": "HTTPS"}
    assert probe_text({"httpGet": get, **limits}) == f"http-get https://:80/x {told}"
    assert probe_text({"exec": {"command": ["ls", "/"]}, **limits}) == f"exec [ls /] {told}"
    assert probe_text({"tcpSocket": {"port": "web"}, **limits}) == f"tcp-socket :web {told}"
    assert probe_text({"grpc": {"port": 9, "service": "s"}, **limits}) == f"grpc <pod>:9 s {told}"


def test_only_ready_endpoints_are_shown_and_only_the_first() -> None:
    endpoints = [{"addresses": [f"10.0.0.{i}"], "conditions": {"ready": i != 2}} for i in range(1, 7)]
    slices = [{"ports": [{"name": "", "port": 80}], "endpoints": endpoints}]
    assert endpoints_text(slices, "") == "10.0.0.1:80,10.0.0.3:80,10.0.0.4:80 + 2 more..."
    assert endpoints_text(slices, "other") == ""
    assert endpoints_text([], "") == "<none>"


def test_a_pod_asks_for_its_containers_together_or_its_hungriest_init_container() -> None:
    def container(cpu: str, **more: str) -> dict[str, object]:
        return {"resources": {"requests": {"cpu": cpu}, "limits": {"memory": "1Gi"}}, **more}

    pod = {"spec": {"containers": [container("100m"), container("200m")], "initContainers": [container("1")]}}
    assert requests_of(pod) == {"cpu": "1"}
    assert limits_of(pod) == {"memory": "2Gi"}
    sidecar = {"spec": {**pod["spec"], "initContainers": [container("50m", restartPolicy="Always"), container("100m")]}}
    assert requests_of(sidecar) == {"cpu": "350m"}


def test_every_kind_of_volume_says_what_it_is() -> None:
    page = Page()
    describe_volumes(
        page,
        [
            {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "image", "image": {"reference": "web:1", "pullPolicy": "Always"}},
            {"name": "driver", "csi": {"driver": "d", "volumeAttributes": {"b": "2", "a": "1"}}},
            {"name": "old", "gitRepo": {}},
        ],
    )
    assert page.text.splitlines()[1:4] == [
        "  claim:",
        "    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        "    ClaimName:  data",
    ]
    assert "    VolumeAttributes:  a=1\n                       b=2\n" in page.text
    assert page.text.endswith("  old:\n  <unknown>\n")


def test_names_that_begin_alike_are_described_together(kubectl: Typed) -> None:
    kubectl("create configmap web-1")
    kubectl("create configmap web-2")
    pages = kubectl("describe cm web").stdout
    assert [line for line in pages.splitlines() if line.startswith("Name:")] == [
        "Name:         web-1",
        "Name:         web-2",
    ]


def test_events_can_be_left_out(kubectl: Typed) -> None:
    kubectl("create configmap a")
    assert "Events:" not in kubectl("describe cm a --show-events=false").stdout


def test_words_longer_than_a_line_stay_whole() -> None:
    assert wrapped("see https://example.com/" + "x" * 80 + " for more", 76).splitlines() == [
        "see",
        "https://example.com/" + "x" * 80,
        "for more",
    ]
