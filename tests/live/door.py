"""An embedded cluster behind a real socket, and whatever can go wrong on the way there.

It speaks plain HTTP and lets much virtual time pass in little real time. Each `Fault` waits for requests that it is
meant for, and is used up after so many.
"""

from __future__ import annotations

import re
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import yaml

from k8snb import Cluster
from k8snb.wire import Request

CONTEXT = "kind-lab"
SECONDS = 0.5
"""How much virtual time passes with each request, and twenty times a second."""


@dataclass
class Fault:
    """What becomes of the next `times` requests whose method and path look like this."""

    line: str
    code: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    cut: bool = False
    """The connection breaks: before the answer, or in a watch after its first event."""
    after: bool = False
    """The cluster does it, and the answer is lost."""
    slow: float = 0.0


@dataclass
class Door:
    """The door: its cluster, what was asked, and what will go wrong."""

    cluster: Cluster
    kubeconfig: Path
    asked: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def fault(self, line: str) -> Fault | None:
        """The fault that a request meets."""
        for each in self.faults:
            if each.times and re.search(each.line, line):
                each.times -= 1
                return each
        return None

    def objects(self) -> list[str]:
        """Every object of the cluster that lasts, by what it is called."""
        with self.lock:
            self.cluster.settle()
        gone = ("events", "events.events.k8s.io", "leases.coordination.k8s.io")
        rows = {row.group_resource: row for row in self.cluster.server.scheme if "list" in row.verbs}
        return [
            f"{resource}/{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
            for resource in sorted(rows)
            if resource not in gone and ".metrics.k8s.io" not in resource
            for obj in self.cluster.client.list(resource)
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    door: Door

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        line = f"{self.command} {parts.path}" + ("?dryRun" if "dryRun" in parts.query else "")
        line += "?watch" if "watch=" in parts.query else ""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line += " dry" if b"dryRun" in body else ""
        with self.door.lock:
            self.door.asked.append(line)
            fault = self.door.fault(line)
        if fault is not None and not fault.after:
            time.sleep(fault.slow)
            if fault.cut and "watch=" not in parts.query:
                self.close_connection = True
                return
            if fault.code:
                self._send(fault.code, fault.body, {"Content-Type": "text/plain", **fault.headers})
                return
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self.door.lock:
            response = self.door.cluster.handle(Request(self.command, parts.path, query, headers, body))
            self.door.cluster.advance(SECONDS)
        if fault is not None and fault.after:
            self.close_connection = True
            return
        if response.stream is not None:
            self._stream(response.stream, cut=fault is not None and fault.cut)
            return
        content = response.body if response.object is None else orjson.dumps(response.object)
        self._send(response.code, content, {"Content-Type": response.content_type})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 (as http.server wants them)

    def _send(self, code: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, stream: Any, *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                with self.door.lock:
                    event = stream.next()
                if event is None and stream.closed:
                    self.wfile.write(b"0\r\n\r\n")
                    return
                if event is None:
                    if select.select([self.connection], [], [], 0.03)[0]:
                        return  # the client has gone
                    continue
                data = event if isinstance(event, bytes) else orjson.dumps(event) + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                if cut:
                    return
        except OSError:
            return
        finally:
            stream.close()


@contextmanager
def door(cluster: Cluster, folder: Path, token: str) -> Iterator[Door]:
    """A door to a cluster, and a kubeconfig with this token that leads there."""
    opened = Door(cluster, folder / "kubeconfig")
    handler = type("Handler", (_Handler,), {"door": opened})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    over = threading.Event()

    def pass_time() -> None:
        while not over.wait(0.05):
            with opened.lock:
                cluster.advance(SECONDS)

    threading.Thread(target=pass_time, daemon=True).start()
    opened.kubeconfig.write_text(kubeconfig(f"http://127.0.0.1:{server.server_port}", token))
    try:
        yield opened
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def kubeconfig(address: str, token: str, name: str = CONTEXT) -> str:
    """A kubeconfig with one context."""
    context = {"name": name, "context": {"cluster": name, "user": "guest"}}
    clusters = [{"name": name, "cluster": {"server": address}}]
    users = [{"name": "guest", "user": {"token": token}}]
    return yaml.safe_dump({"clusters": clusters, "users": users, "contexts": [context], "current-context": name})
