"""Requests as they come from outside: a method, a path, headers and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from k8snb import Cluster
from k8snb.cluster.cluster import ADMIN
from k8snb.wire import Request

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

NAMESPACE = "/api/v1/namespaces/default"
CONFIG_MAPS = f"{NAMESPACE}/configmaps"
PODS = f"{NAMESPACE}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


class Answer(NamedTuple):
    """What came back: the status code, and of a `Status` its reason, message and details."""

    code: int
    reason: str
    message: str
    details: Mapping[str, Any]


def ask(
    cluster: Cluster,
    method: str,
    target: str,
    body: bytes | str | Mapping[str, Any] | list[Any] = b"",
    content_type: str = JSON,
    accept: str = JSON,
    **headers: str,
) -> Answer:
    """Send one request; `target` is a path, perhaps with a query, as in a URL."""
    path, _, query = target.partition("?")
    if isinstance(body, Mapping | list):
        body = orjson.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    given = {"host": "127.0.0.1", "accept": accept, "content-type": content_type, **headers}
    request = Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), given, data, user=ADMIN)
    response = cluster.server.handle(request)
    if response.stream is not None:
        response.stream.close()
    status = response.object or {}
    said = str(status.get("message", "")) or response.body.decode("utf-8", "replace")
    return Answer(response.code, str(status.get("reason", "")), said, status.get("details") or {})
