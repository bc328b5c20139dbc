"""What the programs of Prometheus and Alertmanager have in common: a port, a file that says what to do, a log."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import yaml

from k8snb.kubelet.images import web
from k8snb.kubelet.images.filesystem import FileError
from k8snb.kubelet.images.program import MEBIBYTE, Program
from k8snb.metrics.alertmanager import AlertmanagerError
from k8snb.metrics.config import ConfigError
from k8snb.metrics.labels import quoted
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

_NO_HEADERS: Mapping[str, str] = {}


def option(argv: Sequence[str], name: str, otherwise: str) -> str:
    """The value of `--name=value` or `--name value`."""
    for place, word in enumerate(argv):
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
        if word == f"--{name}" and place + 1 < len(argv):
            return argv[place + 1]
    return otherwise


def compact(body: Any) -> str:
    """JSON as Go writes it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def failure(error: NetworkError, host: str, port: int) -> str:
    """Why a request came to nothing, in the words of Go's client."""
    match error.kind:
        case "not found":
            return f"dial tcp: lookup {host} on 10.96.0.10:53: no such host"
        case "refused":
            return f"dial tcp {error.address or f'{host}:{port}'}: connect: connection refused"
    return "context deadline exceeded"


class Daemon(Program, ABC):
    """What both have in common: a port, a file that says what to do, a log."""

    idle = False
    memory = 60 * MEBIBYTE
    port = 0
    file_option = "config.file"
    file = ""

    def start(self) -> None:
        try:
            self.configure(self.process.files.read(option(self.process.argv, self.file_option, self.file)))
            self.process.listen(self.port)
        except FileError as error:
            self.end(f"open {error.path}: {error.why.lower()}")
        except (ConfigError, AlertmanagerError, yaml.YAMLError) as error:
            self.end(str(error))
        except NetworkError as error:
            self.end(f"listen tcp {error.address}: bind: address already in use")
        else:
            self.say("INFO", "Server is ready to receive web requests.")
            self.tick()

    @abstractmethod
    def configure(self, text: str) -> None:
        """Take over a configuration; raises what says why it cannot be."""

    def tick(self) -> None:
        """Do what is due."""

    def end(self, why: str) -> None:
        path = option(self.process.argv, self.file_option, self.file)
        self.say("ERROR", f"Error loading config (--{self.file_option}={path})", err=why)
        self.process.exit(1)

    def say(self, level: str, message: str, **more: str) -> None:
        """A line in the log."""
        now = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        rest = "".join(f" {name}={quoted(text)}" for name, text in more.items())
        self.process.log(f"time={now}Z level={level} msg={quoted(message)}{rest}\n", "stderr")

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return round(self.process.now * 1000)

    def later(self, time: int) -> None:
        """Look again at a moment."""
        self.process.after(max(0.0, time / 1000 - self.process.now), self.tick)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        path = web.path_of(request)
        if path in ("/-/ready", "/-/healthy"):
            return web.text(f"{self.name} is {'Ready' if path == '/-/ready' else 'Healthy'}.\n")
        if path == "/-/reload" and request.method in ("POST", "PUT"):
            return self.reload()
        return self.answer(path, request)

    name = ""

    @abstractmethod
    def answer(self, path: str, request: HTTPRequest) -> HTTPResponse:
        """Answer a request."""

    def reload(self) -> HTTPResponse:
        """Read the configuration again; one that cannot be changes nothing."""
        try:
            self.configure(self.process.files.read(option(self.process.argv, self.file_option, self.file)))
        except (ConfigError, AlertmanagerError, FileError, yaml.YAMLError) as error:
            self.say("ERROR", "Error reloading config", err=str(error))
            return web.text(f"failed to reload config: {error}\n", 500)
        return web.text("")

    def send(self, method: str, url: str, body: str = "", headers: Mapping[str, str] = {}) -> HTTPResponse:
        """Send a request to a URL. Raises NetworkError."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        asked = HTTPRequest(method, parts.hostname or "", port, path or "/", dict(headers), body, parts.scheme)
        return self.process.request(asked)
