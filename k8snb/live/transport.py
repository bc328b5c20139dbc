"""Requests to a live cluster: the edge where they leave this process, through the official client's connections.

Credentials stay with the official client (it reads kubeconfigs, runs their plugins and renews tokens); only its
connection pool is used, so answers come as the bytes that they are. A server that says *later* (429 or 503 with
`Retry-After`) is asked again when it wants to be. What was only read is also asked again when a connection breaks; a
write is not, because it may have happened: its answer then is a `Status` with the reason Timeout that says so. A
server that cannot be reached is `Unreachable`, as that of a stopped embedded cluster is.

A watch, or a log that is followed, is read by a thread of its own into a queue, so that the reader never waits.
Upstream: `client-go/rest/request.go` (retries), `with_retry.go`.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

from k8snb.clock import WallClock, stopwatch
from k8snb.errors import NeedsEmbedded, StatusError, Unreachable, quoted, timeout
from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.wire import REPEATED, Request, Response

SECONDS = 30.0
"""How long one request may take, with all its repetitions."""
CONNECT_SECONDS = 5.0
CONNECTIONS = 64
"""How many connections are kept: each watch has one."""
TRIES = 3
"""How often something is read before a broken connection counts."""

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_READS = ("GET", "HEAD")
_SESSIONS = re.compile(r"/(attach|portforward)$")
_NEEDED = _("needs the embedded cluster: {name}")
_ELSEWHERE = _("the cluster sends us to another server; nobody goes there")
_BROKEN = _("the connection broke before the cluster answered; whether it has been done is not known")


class LiveTransport:
    """What carries requests to the cluster of an official `ApiClient`; each may take `seconds`."""

    def __init__(self, api: Any, seconds: float = SECONDS) -> None:
        self._api = api
        api.rest_client.pool_manager.connection_pool_kw["maxsize"] = CONNECTIONS
        self.seconds = seconds
        self._pause = threading.Event().wait

    def __repr__(self) -> str:
        return f"<LiveTransport to {self.server}>"

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self._api.configuration.host)

    def subscribe(self, request: Request, deliver: Callable[[Any], None]) -> Callable[[], None]:
        """Informers belong to parts of the embedded cluster."""
        raise NeedsEmbedded(_NEEDED.format(name=_("a controller of this process")))

    def handle(self, request: Request) -> Response:
        """Send a request and return the answer, whatever it is.

        Whatever is raised comes without its way here: a traceback may show what variables held, and those held headers.
        """
        try:
            return self._handle(request)
        except BaseException as error:
            raise error.with_traceback(None) from None

    def _handle(self, request: Request) -> Response:
        if _SESSIONS.search(request.path):
            raise NeedsEmbedded(_NEEDED.format(name=request.path.rpartition("/")[2]))
        if request.path.endswith("/exec"):
            from k8snb.live.executing import execute

            return execute(self._api, request, self._headers(request), self.seconds)
        return self._insist(request)

    def _insist(self, request: Request) -> Response:
        """Ask again as long as that makes sense."""
        deadline, failures = stopwatch() + self.seconds, 0
        while True:
            left = max(deadline - stopwatch(), 0.1)
            try:
                answer = self._send(request, left)
            except _NOT_SENT:
                raise Unreachable(urlsplit(self.server).netloc) from None
            except (HTTPError, OSError) as error:
                failures += 1
                if request.method in _READS and failures < TRIES and stopwatch() < deadline:
                    continue
                return _silent(error, self.seconds)
            wait = _later(answer)
            if wait is None or stopwatch() + wait >= deadline:
                return answer
            self._pause(wait)

    def _send(self, request: Request, seconds: float) -> Response:
        from urllib3 import Timeout

        lasting = any(request.query.get(each, "").lower() in ("true", "1") for each in ("watch", "follow"))
        body = request.body or (orjson.dumps(request.object) if request.object is not None else None)
        raw = self._api.rest_client.pool_manager.request(
            request.method,
            self.server.rstrip("/") + request.path + _query(request.query),
            body=body,
            headers=self._headers(request),
            preload_content=False,
            retries=False,
            redirect=False,  # what comes with a request is for this server alone
            timeout=Timeout(connect=CONNECT_SECONDS, read=None if lasting else seconds),
        )
        kind = raw.headers.get("Content-Type", "")
        if lasting and raw.status < 300:
            return Response(raw.status, content_type=kind, stream=LiveStream(raw, json="json" in kind))
        try:
            content = raw.read()
        finally:
            raw.release_conn()
        warnings = tuple(_WARNING.findall(", ".join(raw.headers.getlist("Warning"))))
        headers = {name.lower(): value for name, value in raw.headers.items()}
        if 300 <= raw.status < 400:
            return Response(502, StatusError(502, "InternalError", _ELSEWHERE).status)
        status = _status(raw.status, content) if raw.status >= 400 and "json" not in kind else None
        return Response(raw.status, status, b"" if status else content, kind, headers, warnings=warnings)

    def _headers(self, request: Request) -> HTTPHeaderDict:
        """The headers of a request, with the credentials of the context unless it brings its own."""
        given = {"accept": "application/json", "user-agent": "k8snb", **request.headers}
        if (request.body or request.object is not None) and "content-type" not in given:
            given["content-type"] = "application/json"
        signs = [] if "authorization" in given else ["BearerToken"]
        _method, _url, own, *_rest = self._api.param_serialize("GET", "/", auth_settings=signs)
        headers = HTTPHeaderDict()
        for name, value in {**{k.lower(): v for k, v in (own or {}).items()}, **given}.items():
            for each in str(value).split(REPEATED):
                headers.add(name, each)
        return headers


_NOT_SENT = (NewConnectionError, ConnectTimeoutError, MaxRetryError)


def _silent(error: Exception, seconds: float) -> Response:
    """The answer of a server that has not answered."""
    late = _("the cluster did not answer within {seconds:g} seconds").format(seconds=seconds)
    status = timeout(late if isinstance(error, ReadTimeoutError) else _BROKEN).status
    return Response(504, status)


def _status(code: int, content: bytes) -> Object:
    """What a refusal without a `Status` means. Upstream: `apimachinery/pkg/api/errors` (`NewGenericServerResponse`)."""
    plain = content.decode(errors="replace").strip()[:1000]
    if code == 404:
        return StatusError(code, "NotFound", "the server could not find the requested resource").status
    if code >= 500:
        words = f"an error on the server ({quoted(plain)}) has prevented the request from succeeding"
        return StatusError(code, "InternalError", words).status
    return StatusError(code, "", plain or f"the server responded with {code}").status


def _later(answer: Response) -> float | None:
    """In how many seconds the server wants to be asked again; None if it has answered."""
    after = answer.headers.get("retry-after", "")
    return float(after) if answer.code in (429, 503) and after.isdigit() else None


def _query(query: Mapping[str, str]) -> str:
    pairs = [(name, each) for name, value in query.items() for each in value.split(REPEATED)]
    return "?" + urlencode(pairs) if pairs else ""


class LiveStream:
    """A watch or a log in progress: `next()` gives what has come in, or None.

    It ends when the server ends it or the connection breaks; whoever wants more begins again where it ended.
    """

    def __init__(self, raw: Any, *, json: bool) -> None:
        self._raw = raw
        self._json = json
        self._queue: deque[Any] = deque()
        self._ended = False
        self._clock = WallClock()
        self.at = 0.0
        """When the last piece that was taken had come in."""
        threading.Thread(target=self._read, daemon=True, name="k8snb-watch").start()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def closed(self) -> bool:
        """Whether nothing will come in any more."""
        return self._ended and not self._queue

    def next(self) -> Any:
        """The next event of a watch, or the next piece of a log; None if there is none yet."""
        if not self._queue:
            return None
        self.at, piece = self._queue.popleft()
        return piece

    def close(self) -> None:
        """Read no further."""
        self._ended = True
        self._queue.clear()
        with suppress(HTTPError, OSError, ValueError, RuntimeError):
            self._raw.shutdown()

    def _read(self) -> None:
        rest = b""
        with suppress(HTTPError, OSError, ValueError, AttributeError):  # a broken connection is the end, too
            for piece in self._raw.stream(65536):
                *lines, rest = (rest + piece).split(b"\n")
                now = self._clock.now()
                self._queue.extend((now, orjson.loads(line) if self._json else line + b"\n") for line in lines)
        self._ended = True
