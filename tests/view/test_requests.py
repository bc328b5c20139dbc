"""A command is shown beside the requests that it sends."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.kubectl import run
from k8snb.view.requests import requests_view


def test_the_text_says_what_was_sent_and_what_came_back() -> None:
    cluster = Cluster(nodes=1, seed=1)
    view = requests_view("kubectl create ns shop", run(cluster, "create ns shop --dry-run=server"))
    lines = str(view).splitlines()
    assert lines[:5] == [
        "$ kubectl create ns shop",
        "namespace/shop created (server dry run)",
        "",
        "1. POST /api/v1/namespaces?dryRun=All&fieldManager=kubectl-create&fieldValidation=Strict → 201",
        "     sent (application/json):",
    ]
    assert '         "name": "shop"' in lines


def test_the_picture_has_a_row_for_each_request_and_no_colour_without_a_word() -> None:
    cluster = Cluster(nodes=1, seed=1)
    page = requests_view("get pod a<b", run(cluster, "get pod a<b -n default")).html()
    assert page.count("<details>") == 1
    assert ">/api/v1/namespaces/default/pods/a&lt;b</code>" in page.replace("<wbr>", "")
    assert "✗ 404" in page
