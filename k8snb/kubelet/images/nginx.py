"""nginx: the entrypoint's log, the welcome page or the files that are mounted, access log lines.

Of its configuration it understands what manifests usually carry: `listen`, `root`, `return` and `proxy_pass`
in `server` and `location` blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Image, Process, Program, Usage
from k8snb.kubelet.images.shell.interpreter import Invocation
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

ROOT = "/usr/share/nginx/html"
DEFAULT_CONFIGURATION = """server {
    listen       80;
    listen  [::]:80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
"""
MAIN_CONFIGURATION = """user  nginx;
worker_processes  auto;
error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;
events {
    worker_connections  1024;
}
http {
    include       /etc/nginx/mime.types;
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}
"""
WELCOME = """<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"""
_TITLES = {403: "403 Forbidden", 404: "404 Not Found", 405: "405 Not Allowed", 502: "502 Bad Gateway"}
_STEPS = (
    "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
    "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh",
    "10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf",
    "10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf",
    "/docker-entrypoint.sh: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh",
    "/docker-entrypoint.sh: Configuration complete; ready for start up",
)
_ENTRYPOINT_SINCE = (1, 19)
"""The first version whose image has an entrypoint that logs."""


@dataclass(slots=True)
class Block:
    """One block of the configuration: its name and arguments, its directives, the blocks in it."""

    name: str
    arguments: list[str]
    directives: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def value(self, name: str) -> list[str] | None:
        """The arguments of a directive."""
        return next((words[1:] for words in self.directives if words[0] == name), None)

    def find(self, name: str) -> Iterator[Block]:
        """Every block of that name, at any depth."""
        for block in self.blocks:
            if block.name == name:
                yield block
            yield from block.find(name)


def parse(text: str) -> Block:
    """The blocks of a configuration file."""
    tokens = re.findall(r'#[^\n]*|"(?:[^"\\]|\\.)*"|\'[^\']*\'|[{};]|[^\s{};]+', text)
    root = Block("", [])
    stack = [root]
    words: list[str] = []
    for token in tokens:
        if token.startswith("#"):
            continue
        if token == ";":
            stack[-1].directives += [words] if words else []
            words = []
        elif token == "{":
            block = Block(words[0] if words else "", words[1:])
            stack[-1].blocks.append(block)
            stack.append(block)
            words = []
        elif token == "}":
            if len(stack) > 1:
                stack.pop()
        else:
            words.append(token.strip("\"'").replace("\\n", "\n"))
    return root


class Nginx(Program):
    """The server, run by its entrypoint."""

    memory = 9 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._requests = 0
        self._servers: list[Block] = []

    @property
    def _name(self) -> str:
        return f"nginx/{self.process.version}"

    def start(self) -> None:
        self._log_start()
        self._configure()
        for port in sorted(self._ports()):
            try:
                self.process.listen(port)
            except NetworkError:
                self._cannot_bind(port)
                return

    def _configure(self) -> None:
        files = self.process.files
        texts = [files.read("/etc/nginx/nginx.conf")] if files.is_file("/etc/nginx/nginx.conf") else []
        directory = "/etc/nginx/conf.d"
        if not texts or "conf.d" in texts[0]:
            names = files.list(directory) if files.is_directory(directory) else []
            texts += [files.read(f"{directory}/{name}") for name in names if name.endswith(".conf")]
        self._servers = [server for text in texts for server in parse(text).find("server")]

    def _ports(self) -> dict[int, None]:
        found: dict[int, None] = {}
        for server in self._servers:
            listens = [words[1] for words in server.directives if words[0] == "listen" and len(words) > 1]
            for listen in listens or ["80"]:
                port = listen.rpartition(":")[2]
                found[int(port) if port.isdigit() else 80] = None
        return found

    def _log_start(self) -> None:
        log = self.process.log
        numbers = tuple(int(n) for n in re.findall(r"\d+", self.process.version)[:2])
        if numbers < _ENTRYPOINT_SINCE or self.process.argv[0].rpartition("/")[2] == "nginx":
            return
        log("".join(f"{line}\n" for line in _STEPS))
        notices = (
            'using the "epoll" event method', self._name, "built by gcc 12.2.0 (Debian 12.2.0-14) ",
            "OS: Linux 6.12.0", "getrlimit(RLIMIT_NOFILE): 1048576:1048576", "start worker processes",
            "start worker process 29",
        )  # fmt: skip
        for notice in notices:
            self._notice("notice", notice)

    def _notice(self, level: str, message: str) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} [{level}] 1#1: {message}\n", "stderr")

    def _cannot_bind(self, port: int) -> None:
        for _ in range(5):
            self._notice("emerg", f"bind() to 0.0.0.0:{port} failed (98: Address already in use)")
        self._notice("emerg", "still could not bind()")
        self.process.log(f"nginx: [emerg] bind() to 0.0.0.0:{port} failed (98: Address already in use)\n", "stderr")
        self.process.exit(1)

    def signal(self, name: str) -> None:
        if name == "QUIT":
            self._notice("notice", "signal 3 (SIGQUIT) received, shutting down")
        elif name == "TERM":
            self._notice("notice", "signal 15 (SIGTERM) received, exiting")
        elif name == "HUP":
            self._configure()
            return
        super().signal(name)

    def usage(self) -> Usage:
        return Usage(1.0 + self._requests * 0.01, self.memory)

    # -- requests ----------------------------------------------------------------------------------

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        self._requests += 1
        response = self._answer(request)
        agent = request.headers.get("user-agent", "-")
        self.process.log(
            f"{request.source} - - [{web.log_date(self.process.now)}] "
            f'"{request.method} {request.path} HTTP/1.1" {response.status} {len(response.body.encode())} '
            f'"{request.headers.get("referer", "-")}" "{agent}" "-"\n'
        )
        return response

    def _answer(self, request: HTTPRequest) -> HTTPResponse:
        path = web.path_of(request)
        location, server = self._location(path)
        for block in [b for b in (location, server) if b is not None]:
            returned = block.value("return")
            if returned:
                status = int(returned[0]) if returned[0].isdigit() else 302
                return self._page(status, " ".join(returned[1:]) if len(returned) > 1 else None, "text/plain")
            passed = block.value("proxy_pass")
            if passed:
                return self._forward(request, passed[0])
        if request.method not in {"GET", "HEAD"}:
            return self._page(405)
        roots = [block.value("root") for block in (location, server) if block is not None]
        root = next((value[0] for value in roots if value), ROOT)
        status, body, kind = web.static(self.process.files, root, path)
        if status == 404:
            self._notice(
                "error", f'open() "{root}{path}" failed (2: No such file or directory), client: {request.source}'
            )
        return self._page(status, body if status == 200 else None, kind)

    def _location(self, path: str) -> tuple[Block | None, Block | None]:
        best: Block | None = None
        length = -1
        server = self._servers[0] if self._servers else None
        for block in server.blocks if server else ():
            if block.name != "location" or not block.arguments:
                continue
            prefix = block.arguments[-1]
            exact = block.arguments[0] == "="
            if (path == prefix if exact else path.startswith(prefix)) and len(prefix) + exact > length:
                best, length = block, len(prefix) + exact
        return best, server

    def _forward(self, request: HTTPRequest, target: str) -> HTTPResponse:
        match = re.fullmatch(r"http://([^/:]+)(?::(\d+))?(/.*)?", target)
        if match is None:
            return self._page(502)
        host, port, prefix = match.groups()
        path = request.path if prefix is None else prefix.rstrip("/") + request.path
        try:
            forwarded = HTTPRequest(request.method, host, int(port or 80), path, request.headers, request.body)
            return self.process.request(forwarded)
        except NetworkError as error:
            self._notice(
                "error", f"connect() failed ({error.kind}) while connecting to upstream, client: {request.source}"
            )
            return self._page(502)

    def _page(self, status: int, body: str | None = None, kind: str = "text/html") -> HTTPResponse:
        if body is None:
            title = _TITLES.get(status, str(status))
            body = (
                f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
                f"<hr><center>{self._name}</center>\r\n</body>\r\n</html>\r\n"
            )
            kind = "text/html"
        return HTTPResponse(status, body, web.headers(self._name, self.process.now, body, kind))


def nginx(call: Invocation) -> int:
    """`nginx -s stop`, `-t`, `-v` in a running container."""
    words = list(call.argv[1:])
    if "-s" in words:
        signal = {"stop": "TERM", "quit": "QUIT", "reload": "HUP"}.get(words[-1], "TERM")
        call.process.kill(1, signal)
    elif "-t" in words:
        call.streams.err("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n")
        call.streams.err("nginx: configuration file /etc/nginx/nginx.conf test is successful\n")
    elif "-v" in words:
        call.streams.err(f"nginx version: nginx/{call.process.version}\n")
    return 0


FILES = {
    "etc/nginx/nginx.conf": MAIN_CONFIGURATION,
    "etc/nginx/conf.d/default.conf": DEFAULT_CONFIGURATION,
    "usr/share/nginx/html/index.html": WELCOME,
    "usr/share/nginx/html/50x.html": "<!DOCTYPE html>\n<html>\n<body>\n<h1>An error occurred.</h1>\n</body>\n</html>\n",
}


def image(name: str, size: int, **row: Any) -> Image:
    """A row of the table for a repository that holds nginx."""
    return Image(
        name, size, {"docker-entrypoint.sh": Nginx, "nginx": Nginx},
        entrypoint=("/docker-entrypoint.sh",), cmd=("nginx", "-g", "daemon off;"), files=FILES,
        tools={"nginx": nginx}, stop_signal="QUIT", **row,
    )  # fmt: skip
