"""What stands behind a listener, and how its answers become bytes."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

import orjson
import yaml

from k8snb.apiserver.encoding import ENCODER
from k8snb.apiserver.negotiation import wants_pretty
from k8snb.machinery.fieldorder import in_order
from k8snb.machinery.jsontext import escaped
from k8snb.typing import Object
from k8snb.wire import Request, Response

COMPRESS_BYTES = 128 * 1024
"""Shorter bodies are sent as they are, as upstream does (`endpoints/handlers/responsewriters`)."""


class Host(Protocol):
    """What the listener serves."""

    def ask(self, request: Request, then: Callable[[Response], None]) -> None:
        """Hand the answer to a request to `then`, at once or later."""
        ...

    def when_kept(self, send: Callable[[], None]) -> None:
        """Call what sends something to a client, now or as soon as all that it may speak of will not be forgotten."""
        ...

    def nudge(self) -> None:
        """Something may have changed: give the parts their turns soon."""
        ...


def answer(
    request: Request | None, response: Response, *, close: bool, more: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """A whole answer: its head, with more lines, and its body. HEAD gets its head alone."""
    people = request is not None and wants_pretty(request.query, request.headers.get("user-agent", ""))
    body = encoded(response, pretty=people)
    extra = [*more]
    if len(body) > COMPRESS_BYTES and request is not None and _may_compress(request, response):
        body = gzip.compress(body, 1, mtime=0)
        extra += ["Content-Encoding: gzip", "Vary: Accept-Encoding"]
    if close:
        extra.append("Connection: close")
    head = start(response, [*extra, f"Content-Length: {len(body)}"])
    return head, b"" if request is not None and request.method == "HEAD" else body


def _may_compress(request: Request, response: Response) -> bool:
    offered = [each.partition(";")[0].strip() for each in request.headers.get("accept-encoding", "").split(",")]
    return "gzip" in offered and request.method == "GET" and response.object is not None


def encoded(response: Response, *, pretty: bool = False) -> bytes:
    """The body of an answer in its content type. What is no object of the API is indented for everybody,

    but for the index of OpenAPI (upstream: `WriteRawJSON`).
    """
    if response.object is None:
        return response.body
    if response.content_type.startswith("application/yaml"):
        return yaml.safe_dump(_plain(in_order(response.object))).encode()
    if "kind" not in response.object and not isinstance(response.object.get("paths"), dict):
        return escaped(orjson.dumps(response.object, option=orjson.OPT_INDENT_2))
    if pretty:
        return escaped(orjson.dumps(in_order(response.object), option=orjson.OPT_INDENT_2)) + b"\n"
    return ENCODER.answer(response.object)


def _plain(obj: Object) -> Any:
    return orjson.loads(orjson.dumps(obj))


def start(response: Response, extra: Sequence[str] = ()) -> bytes:
    """The head of an answer, the empty line included."""
    lines = [_usual_start(response.code, response.content_type)]
    if response.headers:
        if "cache-control" in response.headers:
            lines[0] = _first_lines(response.code, response.content_type)
        lines += [f"{name}: {_one_line(value)}" for name, value in response.headers.items()]
    if response.warnings:
        lines += [f'Warning: 299 - "{_escaped(text)}"' for text in response.warnings]
    return "\r\n".join([*lines, *extra, "", ""]).encode("utf-8", "replace")


@lru_cache(maxsize=256)
def _usual_start(code: int, content_type: str) -> str:
    return f"{_first_lines(code, content_type)}\r\nCache-Control: no-cache, private"


def _first_lines(code: int, content_type: str) -> str:
    return f"HTTP/1.1 {code} {_reason(code)}\r\nContent-Type: {content_type}"


def switching(protocol: str, extra: Sequence[str]) -> bytes:
    """The head of an answer after which the connection speaks another protocol."""
    lines = ["HTTP/1.1 101 Switching Protocols", f"Upgrade: {protocol}", "Connection: Upgrade"]
    return "\r\n".join([*lines, *extra, "", ""]).encode()


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _escaped(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
