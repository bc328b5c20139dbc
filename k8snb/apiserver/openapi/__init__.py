"""OpenAPI: the API describes itself, to `kubectl explain`, to client-side apply and to generators of clients.

`schemas` turns the published definitions into schemas, `operations` derives paths and verbs from the table
of kinds, `v3` and `v2` write both down. Nothing is built before somebody asks.

Upstream: `kube-openapi/pkg/handler` and `handler3`.
"""

from __future__ import annotations

import orjson

from k8snb.apiserver.openapi import gnostic, v2, v3
from k8snb.apiserver.remote_groups import NOBODY, RemoteGroups
from k8snb.errors import not_acceptable
from k8snb.machinery.scheme import Scheme
from k8snb.wire import Request, Response

_V2 = "application/com.github.proto-openapi.spec.v2"
PROTOBUF_TYPES = (f"{_V2}@v1.0+protobuf", f"{_V2}.v1.0+protobuf")
"""Both names of the protobuf form; answers carry the second one, the first is no valid media type."""

_JSON_TYPES = ("application/json", "application/*", "*/*")


def serve(request: Request, scheme: Scheme, remote: RemoteGroups = NOBODY) -> Response | None:
    """Answer a request for an OpenAPI document; None if the path is not one."""
    if request.method not in ("GET", "HEAD") or not request.path.startswith("/openapi/"):
        return None
    path = request.path.strip("/")
    if path == "openapi/v2":
        return _version_2(request, scheme, remote)
    if path == "openapi/v3":
        paths = {**v3.index(scheme), **remote.paths()}
        return Response(200, {"paths": dict(sorted(paths.items()))})
    root = path.removeprefix("openapi/v3/")
    rows = v3.rows_by_root(scheme).get(root)
    document = remote.document(root) if rows is None else v3.document(rows)
    return None if document is None else Response(200, body=document)


def _version_2(request: Request, scheme: Scheme, remote: RemoteGroups) -> Response:
    """The first form in the Accept header that we have; raises a 406 if there is none."""
    document = remote.added(v2.document(tuple(scheme)))
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
    for wanted in accepted:
        if wanted in PROTOBUF_TYPES:
            return Response(200, body=gnostic.encode(document), content_type=PROTOBUF_TYPES[1])
        if wanted in _JSON_TYPES or not wanted:
            return Response(200, body=orjson.dumps(document))
    raise not_acceptable(("application/json", *PROTOBUF_TYPES))
