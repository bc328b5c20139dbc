"""The few statements of SQL that a small application needs, on tables that are files.

A table is a file below the database's directory: a line of JSON with the names of its columns, then a line for each
row. So what was inserted is where the directory is: on a volume, or gone with the container. Every value is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8snb.kubelet.images.filesystem import Filesystem

_VALUE = r"'(?:[^']|'')*'"
_NAME = r'"?(\w+)"?'
_FLAGS = re.IGNORECASE | re.DOTALL


class SQLError(Exception):
    """What a server answers to a statement that it cannot execute, without `ERROR:`."""


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and rows of as many values."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]] = ()

    def text(self) -> str:
        """As it is kept."""
        return "".join(f"{json.dumps(list(line))}\n" for line in (self.columns, *self.rows))


@dataclass(frozen=True, slots=True)
class Result:
    """The command tag of a statement, and the table that a question is answered with."""

    tag: str
    table: Table | None = None


class Database:
    """One database: tables below a directory."""

    def __init__(self, files: Filesystem, directory: str) -> None:
        self._files = files
        self._directory = directory

    def execute(self, text: str) -> list[Result]:
        """Execute statements, one after the other; raises SQLError at the first that fails."""
        return [self._statement(each) for each in _statements(text)]

    def dump(self) -> str:
        """The statements that make all of it again."""
        return "".join(_again(name, self._read(name)) for name in self.tables())

    def tables(self) -> list[str]:
        """The names of its tables."""
        return self._files.list(self._directory) if self._files.is_directory(self._directory) else []

    def _statement(self, text: str) -> Result:
        for pattern, run in _STATEMENTS:
            match = pattern.fullmatch(text)
            if match is not None:
                return run(self, match)
        word = text.split(maxsplit=1)[0]
        raise SQLError(f'syntax error at or near "{word}"')

    # -- files -------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name.lower()}"

    def _read(self, name: str) -> Table:
        if not self._files.is_file(self._path(name)):
            raise SQLError(f'relation "{name}" does not exist')
        columns, *rows = (json.loads(line) for line in self._files.read(self._path(name)).splitlines())
        return Table(columns, rows)

    def _write(self, name: str, table: Table) -> None:
        self._files.make_directory(self._directory, parents=True)
        self._files.write(self._path(name), table.text())

    # -- statements --------------------------------------------------------------------------------

    def _create(self, match: re.Match[str]) -> Result:
        unless, name, columns = match.groups()
        if not self._files.is_file(self._path(name)):
            self._write(name, Table([each.split()[0].strip('"').lower() for each in columns.split(",")]))
        elif not unless:
            raise SQLError(f'relation "{name}" already exists')
        return Result("CREATE TABLE")

    def _drop(self, match: re.Match[str]) -> Result:
        unless, name = match.groups()
        if self._files.is_file(self._path(name)):
            self._files.remove(self._path(name))
        elif not unless:
            raise SQLError(f'table "{name}" does not exist')
        return Result("DROP TABLE")

    def _add_column(self, match: re.Match[str]) -> Result:
        name, unless, column = match.groups()
        table = self._read(name)
        if column.lower() not in table.columns:
            self._write(name, Table([*table.columns, column.lower()], [[*row, ""] for row in table.rows]))
        elif not unless:
            raise SQLError(f'column "{column}" of relation "{name}" already exists')
        return Result("ALTER TABLE")

    def _insert(self, match: re.Match[str]) -> Result:
        name, named, values = match.groups()
        table = self._read(name)
        wanted = [each.strip().strip('"').lower() for each in named.split(",")] if named else list(table.columns)
        for column in wanted:
            _number(table, column, name)
        rows = [
            [_plain(value) for value in re.findall(_VALUE, row)]
            for row in re.findall(rf"\(((?:{_VALUE}|[\s,])*)\)", values)
        ]
        for row in rows:
            if len(row) != len(wanted):
                more = (
                    "more expressions than target columns"
                    if len(row) > len(wanted)
                    else "more target columns than expressions"
                )
                raise SQLError(f"INSERT has {more}")
        added = [[dict(zip(wanted, row, strict=True)).get(column, "") for column in table.columns] for row in rows]
        self._write(name, Table(table.columns, [*table.rows, *added]))
        return Result(f"INSERT 0 {len(rows)}")

    def _select(self, match: re.Match[str]) -> Result:
        wanted, name, column, value = match.groups()
        table = self._read(name)
        rows = _where(table, name, column, value)
        if wanted.strip().lower() == "count(*)":
            return Result("SELECT 1", Table(["count"], [[str(len(rows))]]))
        names = list(table.columns) if wanted.strip() == "*" else [each.strip().lower() for each in wanted.split(",")]
        numbers = [_number(table, each) for each in names]
        return Result(f"SELECT {len(rows)}", Table(names, [[row[n] for n in numbers] for row in rows]))

    def _delete(self, match: re.Match[str]) -> Result:
        name, column, value = match.groups()
        table = self._read(name)
        gone = _where(table, name, column, value)
        self._write(name, Table(table.columns, [row for row in table.rows if row not in gone]))
        return Result(f"DELETE {len(gone)}")

    def _one(self, match: re.Match[str]) -> Result:
        return Result("SELECT 1", Table(["?column?"], [[match.group(1)]]))


def _statements(text: str) -> list[str]:
    """The statements of a text, without comments and semicolons."""
    bare = re.sub(r"^--.*$", "", text, flags=re.MULTILINE)
    return [each.strip() for each in re.findall(rf"(?:{_VALUE}|[^;'])+", bare) if each.strip()]


def _plain(value: str) -> str:
    return value[1:-1].replace("''", "'")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(table: Table, column: str, of: str = "") -> int:
    if column not in table.columns:
        raise SQLError(f'column "{column}"{f" of relation {chr(34)}{of}{chr(34)}" if of else ""} does not exist')
    return list(table.columns).index(column)


def _where(table: Table, name: str, column: str | None, value: str | None) -> list[Sequence[str]]:
    if column is None or value is None:
        return list(table.rows)
    number = _number(table, column.lower())
    return [row for row in table.rows if row[number] == _plain(value)]


def _again(name: str, table: Table) -> str:
    columns = ", ".join(f"{each} text" for each in table.columns)
    rows = (f"INSERT INTO {name} VALUES ({', '.join(map(_quoted, row))});\n" for row in table.rows)
    return f"CREATE TABLE {name} ({columns});\n{''.join(rows)}"


_WHERE = rf"(?:\s+WHERE\s+{_NAME}\s*=\s*({_VALUE}))?"
_STATEMENTS: tuple[tuple[re.Pattern[str], Callable[[Database, re.Match[str]], Result]], ...] = tuple(
    (re.compile(pattern, _FLAGS), run)
    for pattern, run in (
        (rf"CREATE\s+TABLE\s+(IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\((.*)\)", Database._create),
        (rf"DROP\s+TABLE\s+(IF\s+EXISTS\s+)?{_NAME}", Database._drop),
        (rf"ALTER\s+TABLE\s+{_NAME}\s+ADD\s+COLUMN\s+(IF\s+NOT\s+EXISTS\s+)?{_NAME}\s+\w+", Database._add_column),
        (rf"INSERT\s+INTO\s+{_NAME}\s*(?:\(([\w\s,\"]+)\))?\s*VALUES\s*(.*)", Database._insert),
        (rf"SELECT\s+(.+?)\s+FROM\s+{_NAME}{_WHERE}", Database._select),
        (rf"DELETE\s+FROM\s+{_NAME}{_WHERE}", Database._delete),
        (r"SELECT\s+(\d+)", Database._one),
    )
)
