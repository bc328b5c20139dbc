"""exec over WebSocket: the channels of `v4` and `v5.channel.k8s.io`.

Every message starts with a byte that names its channel: 0 standard input, 1 output, 2 errors, 3 the outcome as a
`Status`, 4 the terminal's size, and in v5 255 to close a channel. Upstream: KEP-4006,
`apimachinery/pkg/util/httpstream/wsstream`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import orjson
from wsproto.connection import Connection as WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from k8snb.apiserver.host import Host, encoded
from k8snb.wire import Request, Response

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


def is_upgrade(request: Request) -> bool:
    """Whether the client asks for a WebSocket."""
    return request.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in request.headers


class WebSocketExec:
    """One command run over one connection."""

    def __init__(self, host: Host, request: Request, transport: asyncio.Transport) -> None:
        self._host = host
        self._request = request
        self._transport = transport
        self._stdin = bytearray()
        self._done = False
        offered = [each.strip() for each in request.headers.get("sec-websocket-protocol", "").split(",")]
        self.protocol = next((p for p in PROTOCOLS if p in offered), "")
        self._ws = WSConnection(ConnectionType.SERVER)
        refused = self._check()
        if refused is not None:
            self._refuse(refused)
            return
        self._accept()
        if request.query.get("stdin") not in ("true", "1"):
            self._run()

    def _check(self) -> Response | None:
        """The refusal, if the command may not be run or the container is not there."""
        if not self._request.path.endswith(("/exec", "/attach")) or not self.protocol:
            return Response(400, body=b"unable to upgrade: no known subprotocol", content_type="text/plain")
        pod = self._request.path.rpartition("/")[0]
        response = self._host.handle(Request("GET", pod, {}, dict(self._request.headers, upgrade="")))
        return response if response.code >= 400 else None

    def _refuse(self, response: Response) -> None:
        body = encoded(response)
        head = f"HTTP/1.1 {response.code} Refused\r\nContent-Type: {response.content_type}\r\n"
        self._transport.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        self._transport.close()
        self._done = True

    def _accept(self) -> None:
        key = self._request.headers["sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {self.protocol}\r\n\r\n"
        )
        self._transport.write(head.encode())

    def receive(self, data: bytes) -> None:
        """Take in what the client sent after the upgrade."""
        if self._done:
            return
        self._ws.receive_data(data)
        for event in self._ws.events():
            self._take(event)

    def _take(self, event: Any) -> None:
        if isinstance(event, Ping):
            self._transport.write(self._ws.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._transport.write(self._ws.send(event.response()))
            self._transport.close()
            self._done = True
        elif isinstance(event, BytesMessage) and event.data:
            self._message(event.data[0], bytes(event.data[1:]))
        elif isinstance(event, TextMessage) and event.data:
            self._message(ord(event.data[0]), event.data[1:].encode())

    def _message(self, channel: int, data: bytes) -> None:
        if channel == STDIN:
            self._stdin += data
        elif channel == CLOSE and data[:1] == bytes([STDIN]):
            self._run()

    def _run(self) -> None:
        if self._done:
            return
        self._done = True
        query = self._request.query
        request = Request("POST", self._request.path, query, dict(self._request.headers, accept=""), bytes(self._stdin))
        response = self._host.exec(request)
        result = response.object or {}
        if response.code >= 400:
            self._finish(b"", b"", result)
        else:
            self._finish(result["stdout"].encode(), result["stderr"].encode(), outcome(int(result["exitCode"])))

    def _finish(self, stdout: bytes, stderr: bytes, status: Any) -> None:
        if stdout:
            self._send(STDOUT, stdout)
        if stderr:
            self._send(STDOUT if self._request.query.get("tty") == "true" else STDERR, stderr)
        self._send(ERROR, orjson.dumps(status))
        self._transport.write(self._ws.send(CloseConnection(1000, "")))
        self._transport.close()

    def _send(self, channel: int, data: bytes) -> None:
        self._transport.write(self._ws.send(BytesMessage(data=bytes([channel]) + data)))


def outcome(code: int) -> dict[str, Any]:
    """The `Status` that tells how a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
