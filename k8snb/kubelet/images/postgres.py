"""PostgreSQL: users with passwords, databases of simple tables, and the tools `psql`, `pg_dump` and `pg_isready`.

What the image's entrypoint does is as in the real one: with an empty data directory it makes the user and the database
that `POSTGRES_USER`, `POSTGRES_PASSWORD` and `POSTGRES_DB` name, and when there are data it looks at none of these. So
another password in the environment changes nothing. A data directory belongs to one major version. Who connects from
the container itself needs no password.

A connection carries one request: a line of JSON that says who wants what of which database, and the text below it.
The answer is a line of JSON for each result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from k8snb.kubelet.images.filesystem import FileError
from k8snb.kubelet.images.program import MEBIBYTE, Process
from k8snb.kubelet.images.servers import Server, option
from k8snb.kubelet.images.shell.interpreter import Invocation
from k8snb.kubelet.images.sql import Database, Result, SQLError, Table
from k8snb.packet import NetworkError

_LOCAL = "127.0.0.1"
_SOCKET = "/var/run/postgresql"
_PASSWORD = re.compile(
    r"\s*ALTER\s+(?:USER|ROLE)\s+\"?(\w+)\"?\s+(?:WITH\s+)?PASSWORD\s+'([^']*)'\s*;?\s*", re.IGNORECASE
)


class DatabaseError(Exception):
    """What a server refuses, with its severity: `FATAL:  password authentication failed for user "x"`."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, and as whom to connect."""

    host: str = _LOCAL
    port: int = 5432
    user: str = "postgres"
    password: str = ""
    database: str = ""

    def greeting(self, verb: str) -> str:
        """What opens the connection."""
        return json.dumps([verb, self.user, self.password, self.database or self.user])


def ask(process: Process, address: Address, sql: str, verb: str = "query") -> list[Result]:
    """Execute statements on a server; raises NetworkError if there is none, and DatabaseError."""
    said = process.tcp(address.host, address.port, f"{address.greeting(verb)}\n{sql}")
    results = []
    for line in said.splitlines():
        kind, *rest = json.loads(line)
        if kind == "error":
            raise DatabaseError(rest[0])
        tag, columns, rows = rest
        results.append(Result(tag, Table(columns, rows) if columns else None))
    return results


class Postgres(Server):
    """PostgreSQL: refuses to start without a password, then accepts connections."""

    default_port = 5432
    memory = 40 * MEBIBYTE
    idle = False

    def start(self) -> None:
        if not self._initialised() or not self._fits():
            self.process.exit(1)
            return
        self._log(f"starting PostgreSQL {self.process.version} on x86_64-pc-linux-gnu")
        self._log('listening on IPv4 address "0.0.0.0", port 5432')
        self._log("database system is ready to accept connections")
        super().start()

    @property
    def _data(self) -> str:
        return self.process.env.get("PGDATA", "/var/lib/postgresql/data")

    @property
    def _major(self) -> str:
        return self.process.version.partition(".")[0]

    def _initialised(self) -> bool:
        """Make the data directory, if it is empty; False if that cannot be."""
        env, files = self.process.env, self.process.files
        if files.is_file(f"{self._data}/PG_VERSION"):
            return True
        if not env.get("POSTGRES_PASSWORD") and env.get("POSTGRES_HOST_AUTH_METHOD") != "trust":
            self.process.log(
                "Error: Database is uninitialized and superuser password is not specified.\n"
                "       You must specify POSTGRES_PASSWORD to a non-empty value for the\n"
                '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n',
                "stderr",
            )
            return False
        user = env.get("POSTGRES_USER") or "postgres"
        try:
            for directory in ("global", "base", f"base/{env.get('POSTGRES_DB') or user}"):
                files.make_directory(f"{self._data}/{directory}", parents=True)
            self._write_passwords({user: env.get("POSTGRES_PASSWORD", "")})
            files.write(f"{self._data}/PG_VERSION", f"{self._major}\n")
        except FileError as error:
            self.process.log(f'initdb: error: could not access directory "{self._data}": {error.why}\n', "stderr")
            return False
        self.process.log("PostgreSQL init process complete; ready for start up.\n")
        return True

    def _fits(self) -> bool:
        """Whether the data are of this major version."""
        found = self.process.files.read(f"{self._data}/PG_VERSION").strip()
        if found != self._major:
            self._log("database files are incompatible with server", "FATAL")
            detail = f"The data directory was initialized by PostgreSQL version {found}, which is not compatible with"
            self._log(f"{detail} this version {self.process.version}.", "DETAIL")
        return found == self._major

    def _log(self, message: str, severity: str = "LOG") -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y-%m-%d %H:%M:%S.000 UTC")
        self.process.log(f"{stamp} [1] {severity}:  {message}\n", "stderr")

    def signal(self, name: str) -> None:
        self._log("received fast shutdown request")
        self._log("database system is shut down")
        super().signal(name)

    # -- connections -------------------------------------------------------------------------------

    def tcp(self, port: int, data: str, source: str) -> str:
        if not data.startswith("["):
            return ""
        head, _line, sql = data.partition("\n")
        verb, user, password, name = json.loads(head)
        refused = self._refusal(user, password, name, source)
        if refused:
            self._log(refused, "FATAL")
            return f"{json.dumps(['error', f'FATAL:  {refused}'])}\n"
        database = Database(self.process.files, f"{self._data}/base/{name}")
        try:
            results = self._dumped(database) if verb == "dump" else self._answers(database, sql)
        except (SQLError, FileError) as error:
            why = str(error) if isinstance(error, SQLError) else f"could not extend file: {error.why}"
            self._log(why, "ERROR")
            return f"{json.dumps(['error', f'ERROR:  {why}'])}\n"
        return "".join(f"{_line_of(each)}\n" for each in results)

    def _answers(self, database: Database, sql: str) -> list[Result]:
        match = _PASSWORD.fullmatch(sql)
        if match is None:
            return database.execute(sql)
        user, password = match.groups()
        known = self._passwords()
        if user not in known:
            raise SQLError(f'role "{user}" does not exist')
        self._write_passwords({**known, user: password})
        return [Result("ALTER ROLE")]

    def _dumped(self, database: Database) -> list[Result]:
        return [Result("DUMP", Table(["dump"], [[database.dump()]]))]

    def _refusal(self, user: str, password: str, name: str, source: str) -> str:
        known = self._passwords()
        if source == _LOCAL and user not in known:
            return f'role "{user}" does not exist'
        if source != _LOCAL and (user not in known or known[user] not in ("", password)):
            return f'password authentication failed for user "{user}"'
        exists = self.process.files.is_directory(f"{self._data}/base/{name}")
        return "" if exists else f'database "{name}" does not exist'

    def _passwords(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.process.files.read(f"{self._data}/global/pg_authid"))
        return found

    def _write_passwords(self, known: dict[str, str]) -> None:
        self.process.files.write(f"{self._data}/global/pg_authid", json.dumps(known))


def _line_of(result: Result) -> str:
    table = result.table or Table([])
    return json.dumps(["result", result.tag, list(table.columns), [list(row) for row in table.rows]])


# -- tools -----------------------------------------------------------------------------------------------


def _address(call: Invocation) -> Address:
    """What the options and the variables of a tool say."""
    env = call.shell.environment()
    user = option(call.argv, "U", env.get("PGUSER", "postgres"))
    bare = [
        word
        for word, before in zip(call.argv[1:], call.argv, strict=False)
        if not before.startswith("-") and not word.startswith("-")
    ]
    database = option(call.argv, "d", bare[0] if bare else env.get("PGDATABASE", user))
    host, port = option(call.argv, "h", env.get("PGHOST", _LOCAL)), option(call.argv, "p", env.get("PGPORT", "5432"))
    return Address(host, int(port), user, env.get("PGPASSWORD", ""), database)


def _asked(call: Invocation, tool: str, sql: str, verb: str = "query") -> list[Result] | int:
    """The results, or the exit status of a tool that has said why there are none."""
    address = _address(call)
    where = (
        f'socket "{_SOCKET}/.s.PGSQL.5432"' if address.host == _LOCAL else f'at "{address.host}", port {address.port}'
    )
    try:
        return ask(call.process, address, sql, verb)
    except DatabaseError as error:
        fatal = str(error).startswith("FATAL")
        call.streams.err(f"{tool}: error: connection to server {where} failed: {error}\n" if fatal else f"{error}\n")
        return 2 if fatal else 1
    except NetworkError as error:
        if error.kind == "not found":
            why = f'could not translate host name "{address.host}" to address: Name or service not known'
            call.streams.err(f"{tool}: error: {why}\n")
        else:
            why = {"refused": "Connection refused"}.get(error.kind, "Connection timed out")
            call.streams.err(f"{tool}: error: connection to server {where} failed: {why}\n")
            call.streams.err("\tIs the server running on that host and accepting TCP/IP connections?\n")
        return 2


def psql(call: Invocation) -> int:
    """`psql`: statements of `-c`, or those on standard input."""
    flags = "".join(word[1:] for word in call.argv[1:] if re.fullmatch("-[tAqc]+", word))
    given = next((call.argv[at + 1] for at, word in enumerate(call.argv[:-1]) if re.fullmatch("-[tAq]*c", word)), None)
    results = _asked(call, "psql", given if given is not None else call.streams.input.read())
    if isinstance(results, int):
        return results
    for each in results:
        if each.table is not None:
            call.streams.out(_shown(each.table, bare="t" in flags, aligned="A" not in flags))
        elif "q" not in flags:
            call.streams.out(f"{each.tag}\n")
    return 0


def _shown(table: Table, *, bare: bool, aligned: bool) -> str:
    """A table as psql prints it."""
    lines = [table.columns, *table.rows]
    if not aligned:
        kept = ["|".join(row) for row in (table.rows if bare else lines)]
        return "".join(f"{line}\n" for line in (kept if bare else [*kept, _count(table)]))
    widths = [max(len(row[n]) for row in lines) for n in range(len(table.columns))]
    rows = [_row(row, widths) for row in table.rows]
    if bare:
        return "".join(f"{row}\n" for row in [*rows, ""])
    head = "|".join(f" {name.center(width)} " for name, width in zip(table.columns, widths, strict=True))
    rule = "+".join("-" * (width + 2) for width in widths)
    return "".join(f"{line}\n" for line in (head, rule, *rows, _count(table), ""))


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    """A row of an aligned table; what is last needs no padding."""
    *before, last = row
    padded = (f" {value.ljust(width)} |" for value, width in zip(before, widths, strict=False))
    return f"{''.join(padded)} {last}"


def _count(table: Table) -> str:
    return f"({len(table.rows)} row{'' if len(table.rows) == 1 else 's'})"


def pg_dump(call: Invocation) -> int:
    """`pg_dump`: the statements that make a database again."""
    results = _asked(call, "pg_dump", "", "dump")
    if isinstance(results, int):
        return results
    table = results[0].table
    call.streams.out(f"--\n-- PostgreSQL database dump\n--\n{table.rows[0][0] if table is not None else ''}")
    return 0


def pg_isready(call: Invocation) -> int:
    """Whether a server accepts connections."""
    address = _address(call)
    where = f"{_SOCKET if address.host == _LOCAL else address.host}:{address.port}"
    try:
        call.process.tcp(address.host, address.port)
    except NetworkError:
        call.streams.out(f"{where} - no response\n")
        return 2
    call.streams.out(f"{where} - accepting connections\n")
    return 0


TOOLS: dict[str, object] = {"pg_dump": pg_dump, "pg_isready": pg_isready, "psql": psql}
