"""What web servers have in common: content types, pages, dates."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import UTC, datetime

from k8snb.kubelet.images.filesystem import Filesystem
from k8snb.packet import HTTPRequest, HTTPResponse

_TYPES = {
    ".html": "text/html", ".css": "text/css", ".js": "application/javascript", ".json": "application/json",
    ".txt": "text/plain", ".xml": "text/xml", ".svg": "image/svg+xml",
}  # fmt: skip


def content_type(path: str, default: str = "application/octet-stream") -> str:
    """The type of a file by its name."""
    return _TYPES.get(posixpath.splitext(path)[1], default)


def http_date(seconds: float) -> str:
    """`Thu, 01 Jan 2026 00:00:00 GMT`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def log_date(seconds: float) -> str:
    """`01/Jan/2026:00:00:00 +0000`, as access logs have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def path_of(request: HTTPRequest) -> str:
    """The path without the query."""
    return request.path.partition("?")[0]


def query_of(request: HTTPRequest) -> dict[str, str]:
    """The query's parameters; the last one of a name counts."""
    pairs = (pair.partition("=") for pair in request.path.partition("?")[2].split("&") if pair)
    return {name: value.replace("+", " ").replace("%20", " ") for name, _, value in pairs}


def text(body: str, status: int = 200, *, kind: str = "text/plain; charset=utf-8") -> HTTPResponse:
    """A plain answer."""
    return HTTPResponse(status, body, {"content-type": kind, "content-length": str(len(body.encode()))})


def static(files: Filesystem, root: str, path: str, index: str = "index.html") -> tuple[int, str, str]:
    """Status, body and type of a file below a root directory: 404 where there is none, 403 for a bare directory."""
    target = posixpath.normpath(f"{root.rstrip('/')}/{path.lstrip('/')}")
    if files.is_directory(target):
        target = f"{target}/{index}"
        if not files.is_file(target):
            return 403, "", ""
    if not files.is_file(target):
        return 404, "", ""
    return 200, files.read(target), content_type(target)


def headers(server: str, seconds: float, body: str, kind: str, **more: str) -> Mapping[str, str]:
    """The usual response headers."""
    length = str(len(body.encode()))
    return {"server": server, "date": http_date(seconds), "content-type": kind, "content-length": length, **more}
