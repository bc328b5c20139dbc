"""Two tiers of a small application: `notes-web` shows notes and takes new ones, `notes-api` keeps them in PostgreSQL.

The web tier knows the API by a URL, the API knows the database by host, user and password; both are told by their
environment and end at once if something is missing there. The API is *alive* on its own (`/healthz`), and *ready* only
while the database lets it in (`/ready`). From version 1.1 on it wants a column for authors, so it needs a migration.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

from k8snb.kubelet.images import web
from k8snb.kubelet.images.counting import Requests
from k8snb.kubelet.images.postgres import Address, DatabaseError, ask
from k8snb.kubelet.images.program import MEBIBYTE, Process
from k8snb.kubelet.images.servers import Busy, Server
from k8snb.kubelet.images.sql import Result
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

PATIENCE = 2.0
"""Seconds after which a tier gives up on the one behind it."""

_WHY = {"not found": "no such host", "refused": "connection refused"}


class Tier(Server):
    """A server that is told by variables what it needs, and does not start without them."""

    default_port = 8080
    idle = False
    needs: tuple[str, ...] = ()

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._counts = Requests()

    def start(self) -> None:
        missing = [name for name in self.needs if not self.process.env.get(name)]
        if missing:
            self.say(f"cannot start: {', '.join(missing)} not set")
            self.process.exit(1)
            return
        self.say(f"listening on :{self.port()}")
        super().start()

    def port(self) -> int:
        return int(self.process.env.get("PORT", "8080"))

    def say(self, text: str) -> None:
        """A line in the log."""
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} {text}\n", "stderr")

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        path = web.path_of(request)
        if path == "/healthz":
            return web.text("ok\n")
        if path == "/metrics":
            return web.text(self._counts.exposed(), kind="text/plain; version=0.0.4")
        answer = self.answer(request.method, path, request.body) or web.text("404 page not found\n", 404)
        self._counts.count(request.method, path, answer)
        return answer

    def answer(self, method: str, path: str, body: str) -> HTTPResponse | None:
        """What a request is answered; None for a path that there is not."""
        raise NotImplementedError

    def fails(self, status: int, text: str, seconds: float = 0.0) -> HTTPResponse:
        """An answer that says what is wrong, which is also in the log."""
        self.say(f"ERROR {text}")
        return HTTPResponse(status, f"{text}\n", {"content-type": "text/plain; charset=utf-8"}, seconds)


class NotesAPI(Tier, Busy):
    """k8snb.dev/notes-api: `/notes` of a table in PostgreSQL; a request takes a tenth of a second of CPU."""

    memory = 24 * MEBIBYTE
    seconds = 0.1
    needs = ("DB_HOST", "DB_USER", "DB_PASSWORD")

    def answer(self, method: str, path: str, body: str) -> HTTPResponse | None:
        if path == "/ready":
            found = self._ask("SELECT 1")
            return found if isinstance(found, HTTPResponse) else web.text("ready\n")
        if path != "/notes":
            return None
        seconds = self.worked()
        quoted, columns = body.replace("'", "''"), "text, author" if self._has_authors() else "text"
        values = f"'{quoted}', ''" if self._has_authors() else f"'{quoted}'"
        insert = f"INSERT INTO notes ({columns}) VALUES ({values})"
        found = self._ask(insert if method == "POST" else f"SELECT {columns} FROM notes")
        if isinstance(found, HTTPResponse):
            return found
        table = found[0].table
        notes = [row[0] for row in table.rows] if table is not None else []
        kind = {"content-type": "application/json"}
        return HTTPResponse(201 if method == "POST" else 200, json.dumps(notes), kind, seconds)

    def _has_authors(self) -> bool:
        """Whether it is a version that keeps who wrote a note."""
        return self.process.version.split(".")[:2] >= ["1", "1"]

    def _ask(self, sql: str) -> list[Result] | HTTPResponse:
        """The database's results, or what to answer because there are none."""
        env = self.process.env
        host, port = env["DB_HOST"], int(env.get("DB_PORT", "5432"))
        name = env.get("DB_NAME", env["DB_USER"])
        try:
            return ask(self.process, Address(host, port, env["DB_USER"], env["DB_PASSWORD"], name), sql)
        except DatabaseError as error:
            fatal = str(error).startswith("FATAL")
            return self.fails(503 if fatal else 500, f"database {host}: {error}")
        except NetworkError as error:
            return self.fails(503, f"database {host}:{port}: {_reason(error)}", _waited(error))


class NotesWeb(Tier):
    """k8snb.dev/notes-web: a page with a title and the notes that the API has."""

    memory = 12 * MEBIBYTE
    needs = ("API_URL",)

    def answer(self, method: str, path: str, body: str) -> HTTPResponse | None:
        if path not in ("/", "/notes"):
            return None
        url = self.process.env["API_URL"].rstrip("/")
        where = urlsplit(url if "://" in url else f"http://{url}")
        headers = {"content-type": "text/plain"} if body else {}
        asked = HTTPRequest(method, where.hostname or "", where.port or 80, "/notes", headers, body)
        try:
            answer = self.process.request(asked)
        except NetworkError as error:
            status = 504 if error.kind == "timeout" else 502
            return self.fails(status, f"no answer from {url}: {_reason(error)}", _waited(error))
        if answer.status >= 400:
            return self.fails(502, f"{url} answers {answer.status}: {answer.body.strip()}", answer.seconds)
        if method == "POST":
            return HTTPResponse(201, "noted\n", {"content-type": "text/plain"}, answer.seconds)
        try:
            notes = json.loads(answer.body)
        except ValueError:
            return self.fails(502, f"{url} answers what is no list of notes", answer.seconds)
        lines = [self.process.env.get("TITLE", "Notes"), *(f"- {note}" for note in notes)]
        return HTTPResponse(200, "".join(f"{line}\n" for line in lines), {"content-type": "text/plain"}, answer.seconds)


def _reason(error: NetworkError) -> str:
    return _WHY.get(error.kind, f"timed out after {PATIENCE:g} s")


def _waited(error: NetworkError) -> float:
    return PATIENCE if error.kind == "timeout" else 0.0
