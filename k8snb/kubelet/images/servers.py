"""Small servers: Apache, whoami, http-echo, hpa-example, Redis, and `pause`, which serves nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Process, Program, Usage
from k8snb.kubelet.images.shell.interpreter import Invocation
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

IT_WORKS = "<html><body><h1>It works!</h1></body></html>\n"
HPA_SECONDS = 0.2
"""CPU time that the load generator's target burns for each request: a million square roots."""
USAGE_WINDOW = 30.0


class Pause(Program):
    """Holds a pod's namespaces and sleeps until a signal."""

    memory = MEBIBYTE // 2

    def signal(self, name: str) -> None:
        self.process.log(f"Shutting down, got signal: {'Terminated' if name == 'TERM' else 'Interrupt'}\n", "stderr")
        super().signal(name)


class Server(Program):
    """A server of one port, which its subclass names."""

    default_port = 80

    def port(self) -> int:
        """The port it listens on."""
        return self.default_port

    def start(self) -> None:
        try:
            self.process.listen(self.port())
        except NetworkError:
            self.process.log(f"listen tcp :{self.port()}: bind: address already in use\n", "stderr")
            self.process.exit(1)


def option(argv: Sequence[str], name: str, default: str) -> str:
    """The value of `-name=x`, `--name=x`, `--name x`."""
    for position, word in enumerate(argv):
        bare, assigned, value = word.lstrip("-").partition("=")
        if word.startswith("-") and bare == name:
            return value if assigned else argv[position + 1] if position + 1 < len(argv) else default
    return default


class Httpd(Server):
    """Apache: files below htdocs."""

    memory = 12 * MEBIBYTE
    root = "/usr/local/apache2/htdocs"

    def start(self) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%a %b %d %H:%M:%S.%f %Y")
        head = f"[{stamp}] [mpm_event:notice] [pid 1:tid 1]"
        name = f"Apache/{self.process.version} (Unix)"
        self.process.log(f"{head} AH00489: {name} configured -- resuming normal operations\n", "stderr")
        self.process.log(f"{head} AH00094: Command line: 'httpd -D FOREGROUND'\n", "stderr")
        super().start()

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        status, body, kind = web.static(self.process.files, self.root, web.path_of(request))
        if status != 200:
            title = "404 Not Found" if status == 404 else "403 Forbidden"
            body, kind = (
                f"<html><head>\n<title>{title}</title>\n</head><body>\n<h1>{title[4:]}</h1>\n</body></html>\n",
                "text/html",
            )
        stamp = web.log_date(self.process.now)
        self.process.log(
            f'{request.source} - - [{stamp}] "{request.method} {request.path} HTTP/1.1" {status} {len(body)}\n'
        )
        server = f"Apache/{self.process.version} (Unix)"
        return HTTPResponse(status, body, web.headers(server, self.process.now, body, kind))


class Whoami(Server):
    """traefik/whoami: tells who answered, and repeats the request."""

    def port(self) -> int:
        return int(option(self.process.argv, "port", self.process.env.get("WHOAMI_PORT_NUMBER", "80")))

    def start(self) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} Starting up on port {self.port()}\n", "stderr")
        super().start()

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        path = web.path_of(request)
        if path == "/health":
            return HTTPResponse(200)
        lines = [f"Hostname: {self.process.hostname}", "IP: 127.0.0.1", f"IP: {self.process.ip}"]
        lines += [f"RemoteAddr: {request.source}:40000", f"{request.method} {request.path} HTTP/1.1"]
        lines += [f"Host: {request.authority}"]
        lines += [f"{name.title()}: {value}" for name, value in request.headers.items() if name != "host"]
        return web.text("".join(f"{line}\n" for line in lines) + "\n")


class HttpEcho(Server):
    """hashicorp/http-echo: always the same text."""

    default_port = 5678

    def port(self) -> int:
        return int(option(self.process.argv, "listen", ":5678").rpartition(":")[2])

    def start(self) -> None:
        if not self._text():
            self.process.log("Missing -text option!\n", "stderr")
            self.process.exit(127)
            return
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} [INFO] server is listening on :{self.port()}\n")
        super().start()

    def _text(self) -> str:
        return option(self.process.argv, "text", self.process.env.get("ECHO_TEXT", "hello-world"))

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        if web.path_of(request) == "/health":
            return web.text('{"status":"ok"}\n')
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        body = f"{self._text()}\n"
        said = f'"{request.method} {request.path} HTTP/1.1" 200 {len(body)} "{request.headers.get("user-agent", "")}"'
        self.process.log(f"{stamp} {request.authority} {request.source}:40000 {said} 20.0µs\n")
        return web.text(body)


class Busy(Server):
    """A server whose requests take CPU time, which a limit stretches."""

    seconds = 0.0
    """CPU time that a request takes."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._served: list[float] = []

    def worked(self) -> float:
        """Count a request; returns how long it takes."""
        now = self.process.now
        self._served = [*(at for at in self._served if now - at < USAGE_WINDOW), now]
        return self.seconds / (self.process.cpu_limit or 1.0)

    def usage(self) -> Usage:
        now = self.process.now
        busy = sum(self.seconds for at in self._served if now - at < USAGE_WINDOW) / USAGE_WINDOW
        return Usage(min(busy, self.process.cpu_limit or 8.0) * 1000 + 1, self.memory)


class HpaExample(Busy):
    """registry.k8s.io/hpa-example: Apache with a page that burns CPU on every request."""

    memory = 11 * MEBIBYTE
    seconds = HPA_SECONDS

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        kind = {"server": "Apache/2.4.10 (Debian)", "content-type": "text/html"}
        return HTTPResponse(200, "OK!", kind, self.worked())


class Redis(Server):
    """Redis: the commands that a first session types."""

    default_port = 6379
    memory = 8 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.data: dict[str, str] = {}

    def port(self) -> int:
        return int(option(self.process.argv, "port", "6379"))

    def start(self) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%d %b %Y %H:%M:%S.000")
        self.process.log(f"1:C {stamp} * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n")
        self.process.log(f"1:M {stamp} * Running mode=standalone, port={self.port()}.\n")
        self.process.log(f"1:M {stamp} * Ready to accept connections tcp\n")
        super().start()

    def tcp(self, port: int, data: str, source: str) -> str:
        return "".join(f"{self._reply(line.split())}\n" for line in data.splitlines() if line.split())

    def _reply(self, words: list[str]) -> str:
        name, arguments = words[0].lower(), words[1:]
        if name == "ping":
            return arguments[0] if arguments else "PONG"
        if name == "set" and len(arguments) >= 2:
            self.data[arguments[0]] = arguments[1].strip('"')
            return "OK"
        if name == "get" and arguments:
            return self.data.get(arguments[0], "")
        if name in {"incr", "decr"} and arguments:
            value = self.data.get(arguments[0], "0")
            if not re.fullmatch(r"-?\d+", value):
                return "(error) ERR value is not an integer or out of range"
            self.data[arguments[0]] = str(int(value) + (1 if name == "incr" else -1))
            return self.data[arguments[0]]
        if name == "del":
            return str(sum(self.data.pop(key, None) is not None for key in arguments))
        if name == "keys":
            return "\n".join(sorted(self.data))
        if name == "dbsize":
            return str(len(self.data))
        return f"(error) ERR unknown command '{words[0]}', with args beginning with: "


def redis_cli(call: Invocation) -> int:
    """`redis-cli`: one command, or those on standard input, to a server."""
    words, host, port = list(call.argv[1:]), "127.0.0.1", "6379"
    while words and words[0] in {"-h", "-p"}:
        flag, value = words.pop(0), words.pop(0)
        host, port = (value, port) if flag == "-h" else (host, value)
    try:
        said = " ".join(words) if words else call.streams.input.read()
        call.streams.out(call.process.tcp(host, int(port), said))
    except NetworkError as error:
        why = {"not found": "Name or service not known", "refused": "Connection refused"}.get(
            error.kind, "Connection timed out"
        )
        call.streams.err(f"Could not connect to Redis at {host}:{port}: {why}\n")
        return 1
    return 0
