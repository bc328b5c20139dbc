"""agnhost, the test image of Kubernetes: one executable, many subcommands.

Here: `netexec`, `serve-hostname`, `pause`, `liveness`, `test-webserver`, `webhook` and `crd-conversion-webhook`.
Upstream: `test/images/agnhost`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Process, Program
from k8snb.kubelet.images.reviewing import reviewed
from k8snb.kubelet.images.script import run_now
from k8snb.kubelet.images.servers import option
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

HEALTHY_SECONDS = 10.0
"""How long `liveness` answers well before it begins to fail."""

_PORTS = {
    "netexec": ("http-port", 8080),
    "serve-hostname": ("port", 9376),
    "liveness": ("", 8080),
    "test-webserver": ("", 80),
    "webhook": ("port", 443),
    "crd-conversion-webhook": ("port", 443),
}


class Agnhost(Program):
    """The executable; its first argument says what it is to be."""

    memory = 6 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        arguments = [word for word in process.argv[1:] if not word.startswith("-")]
        self.mode = arguments[0] if arguments else "pause"
        self._started = process.now

    def start(self) -> None:
        if self.mode == "pause":
            self.process.log("Paused\n")
        known = _PORTS.get(self.mode)
        if known is None:
            return
        flag, default = known
        port = int(option(self.process.argv, flag, str(default))) if flag else default
        try:
            self.process.listen(port)
        except NetworkError:
            self.process.log(f"listen tcp :{port}: bind: address already in use\n", "stderr")
            self.process.exit(2)
            return
        if self.mode == "netexec":
            self._log(f"Started HTTP server on port {port}")
            self._log("Started UDP server on port  8081")
        elif self.mode == "serve-hostname":
            self._log("Serving on port 9376." if port == 9376 else f"Serving on port {port}.")

    def _log(self, message: str) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} {message}\n", "stderr")

    @classmethod
    def is_idle(cls, argv: Sequence[str]) -> bool:
        return "liveness" not in argv

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        if self.mode == "serve-hostname":
            return web.text(self.process.hostname)
        if self.mode == "liveness":
            return self._liveness(request)
        if self.mode in {"webhook", "crd-conversion-webhook"}:
            return reviewed(web.path_of(request), request.body)
        if self.mode == "test-webserver":
            return web.text("<pre>\n</pre>\n", kind="text/html")
        return self._netexec(request)

    def _liveness(self, request: HTTPRequest) -> HTTPResponse:
        seconds = self.process.now - self._started
        if web.path_of(request) != "/healthz":
            return web.text("404 page not found\n", 404)
        return web.text("ok") if seconds <= HEALTHY_SECONDS else web.text(f"error: {seconds:.0f}", 500)

    def _netexec(self, request: HTTPRequest) -> HTTPResponse:
        path, query = web.path_of(request), web.query_of(request)
        if path != "/healthz":
            self._log(f"GET {request.path}")
        answers = {
            "/": lambda: f"NOW: {web.http_date(self.process.now)}",
            "/hostname": lambda: self.process.hostname,
            "/hostName": lambda: self.process.hostname,
            "/clientip": lambda: f"{request.source}:40000",
            "/echo": lambda: query.get("msg", ""),
            "/header": lambda: request.headers.get(query.get("key", "").lower(), ""),
        }
        if path == "/healthz":
            return HTTPResponse(200)
        if path in {"/shell", "/exec"}:
            return self._shell(query.get("shellCommand") or query.get("cmd", ""))
        if path == "/exit":
            self.process.after(0.0, lambda: self.process.exit(int(query.get("code", "0"))), background=False)
            return HTTPResponse(200)
        found = answers.get(path)
        if found is None:
            return web.text("404 page not found\n", 404)
        code = int(query.get("code", "200")) if path == "/echo" else 200
        return web.text(found(), code)

    def _shell(self, command: str) -> HTTPResponse:
        result = run_now(self.process, ["sh", "-c", command])
        answer = (
            {"output": result.stdout}
            if result.exit_code == 0
            else {"error": f"exit status {result.exit_code}", "output": ""}
        )
        return web.text(json.dumps(answer, separators=(",", ":")))
