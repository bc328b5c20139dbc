"""The file that a ledger lies in: one SQLite database, which one process has at a time.

What has been committed is on the disk before `commit` returns: neither a killed process nor a power failure takes it
back. SQLite keeps a rollback journal beside the file while it writes (`FILE-journal`), not a write-ahead log. That
costs a few more visits to the disk, and is what makes it possible to notice every loss: where the end of a log is
missing, what is left looks as if nothing had been written after it; where a journal is missing, the file's own sum is
wrong.

A file is looked at before anything is written to it. Whoever cannot use it gets `CannotOpen` with a reason and a way
out, and the file is as it was. Of a process that was killed while it wrote, the journal is tried on a copy first.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from k8snb.i18n import _
from k8snb.store.ledger import CannotKeep, CannotOpen, Damaged, Head, Kept, Key, Record, Sum, verify

try:
    import fcntl
except ImportError:  # where there is no such thing, SQLite's own locks have to do
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
"""Counts up when what is in a file changes so that older versions of this program cannot read it."""
APPLICATION = int.from_bytes(b"k8sb")
_MAGIC = b"SQLite format 3\0"
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_TABLES = (
    "CREATE TABLE head (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE records (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " revision INTEGER NOT NULL, expires INTEGER NOT NULL, owners BLOB NOT NULL, body BLOB NOT NULL,"
    " digest BLOB NOT NULL)",
)
_READ = "SELECT bucket, namespace, name, revision, expires, owners, body, digest, id FROM records ORDER BY id"
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE records SET revision = ?, expires = ?, owners = ?, body = ?, digest = ? WHERE id = ?"


class DataFile:
    """A data file in use. `kept` is what was in it when it was opened."""

    def __init__(self, path: Path, lock: int, connection: sqlite3.Connection, kept: Kept, ids: dict[Key, int]) -> None:
        self.path = path
        self.kept = kept
        self._lock = lock
        self._connection: sqlite3.Connection | None = connection
        self._places = {record.key: (ids[record.key], record.digest) for record in kept.records}
        self._next = max(ids.values(), default=0) + 1
        self._sum = Sum(kept.head.sum)

    def __repr__(self) -> str:
        return f"<{self.path}: {len(self._places)} records>"

    def all(self) -> list[Key]:
        """The keys of all records."""
        return [*self._places]

    def has(self, record: Record) -> bool:
        """Whether exactly this is in the file."""
        place = self._places.get(record.key)
        return place is not None and place[1] == record.digest

    def commit(self, records: Iterable[Record], removed: Iterable[Key], revision: int, more: Mapping[str, Any]) -> None:
        """Let the file have these records and not those, all at once, for good. Raises CannotKeep."""
        connection = self._connection
        if connection is None:
            told = _("{path} has been closed, or given to another cluster of this process: nothing is kept any more")
            raise CannotKeep(told.format(path=self.path))
        new, changed = self._noted(records)
        gone = self._forgotten(removed)
        head = Head(revision, len(self._places), str(self._sum), more)
        try:
            connection.execute("BEGIN")
            connection.executemany("DELETE FROM records WHERE id = ?", gone)
            connection.executemany(_UPDATE, changed)
            connection.executemany(_INSERT, new)
            connection.execute("UPDATE head SET body = ? WHERE id = 1", (head.encoded(),))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            raise CannotKeep(_("cannot write {path}: {why}").format(path=self.path, why=error)) from None
        except BaseException:  # interrupted: the file is as it was before, and what is noted here no longer fits it
            self.close()
            raise

    def _noted(self, records: Iterable[Record]) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
        new: list[Sequence[Any]] = []
        changed: list[Sequence[Any]] = []
        for record in records:
            digest, place = record.digest, self._places.get(record.key)
            if place is None:
                number, self._next = self._next, self._next + 1
                new.append((number, *record, digest))
            else:
                number = place[0]
                self._sum.give_back(place[1])
                changed.append((*record[3:], digest, number))
            self._places[record.key] = (number, digest)
            self._sum.take(digest)
        return new, changed

    def _forgotten(self, removed: Iterable[Key]) -> list[tuple[int]]:
        gone = []
        for key in removed:
            place = self._places.pop(key, None)
            if place is not None:
                self._sum.give_back(place[1])
                gone.append((place[0],))
        return gone

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _OPEN.pop(self.path, None)
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA journal_mode = DELETE")  # nothing stays behind
            connection.close()
            os.close(self._lock)


_OPEN: dict[Path, DataFile] = {}
"""The files that clusters of this process have."""


def open_file(path: str | os.PathLike[str]) -> DataFile:
    """The data file at a path, made if there is none. Raises CannotOpen.

    A cluster of this process that has the file gives it up, as when a cell of a notebook is run again.
    """
    where = Path(os.path.realpath(path))
    former = _OPEN.get(where)
    if former is not None:
        former.close()
    _look_at_place(where)
    if not where.exists():
        _make(where)
    lock = _locked(where)
    try:
        kept, ids = _examined(where)
        connection = _connected(where)
    except BaseException:
        os.close(lock)
        raise
    found = _OPEN[where] = DataFile(where, lock, connection, kept, ids)
    return found


# -- before anything is opened -----------------------------------------------------------------------


def _look_at_place(path: Path) -> None:
    if path.is_dir():
        raise CannotOpen(_("{path} is a folder; name a file in it").format(path=path))
    if not path.parent.is_dir():
        raise CannotOpen(_("there is no folder {path}; make it first").format(path=path.parent))
    if path.exists() and not path.is_file():
        raise CannotOpen(_("{path} is no ordinary file").format(path=path))


def _make(path: Path) -> None:
    """A file without records. It has its name when it is complete, so that no half of one is ever there."""
    try:
        number, name = tempfile.mkstemp(prefix=f"{path.name}-", dir=path.parent)
        os.close(number)
        with closing(sqlite3.connect(name, isolation_level=None)) as made:
            made.execute("BEGIN")
            made.execute(f"PRAGMA application_id = {APPLICATION}")
            made.execute(f"PRAGMA user_version = {FORMAT}")
            for table in _TABLES:
                made.execute(table)
            made.execute("INSERT INTO head VALUES (1, ?)", (Head().encoded(),))
            made.execute("COMMIT")
        try:
            os.link(name, path)
        except FileExistsError:  # somebody else was faster; who may have it will be seen
            pass
        except OSError:  # not every file system has links
            os.replace(name, path)
        with suppress(FileNotFoundError):
            os.unlink(name)
        _sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CannotOpen(_("cannot make {path}: {why}").format(path=path, why=why)) from None


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # not every system knows folders as files
        number = os.open(path, os.O_RDONLY)
        os.fsync(number)
        os.close(number)


def _locked(path: Path) -> int:
    """The file, open and locked for as long as this process lives."""
    try:
        number = os.open(path, os.O_RDWR)
    except OSError as error:
        raise CannotOpen(_("cannot write {path}: {why}").format(path=path, why=error.strerror)) from None
    try:
        if fcntl is not None:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        told = _("{path} is in use by another process; stop that one first, or name another file")
        raise CannotOpen(told.format(path=path)) from None
    return number


# -- what is in it -----------------------------------------------------------------------------------


def _examined(path: Path) -> tuple[Kept, dict[Key, int]]:
    """What is in a file, if all of it is; the file is not changed."""
    journal = Path(f"{path}-journal")
    if not _is_hot(journal):
        _look_at_header(path)
        return _read(f"{path.as_uri()}?mode=ro", path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copyfile(path, copy)
        shutil.copyfile(journal, f"{copy}-journal")
        return _read(copy.as_uri(), path)


def _is_hot(journal: Path) -> bool:
    """Whether a journal says that its file was being written when everything ended."""
    try:
        with journal.open("rb") as file:
            return file.read(len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC
    except OSError:
        return False


def _look_at_header(path: Path) -> None:
    """Raise CannotOpen where it is plain that the file is no data file of ours."""
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        told = _("{path} is empty: it has been cut off, or never was a cluster's; restore a copy, or remove it")
        raise CannotOpen(told.format(path=path))
    if not header.startswith(_MAGIC):
        told = _("{path} is no data file of k8snb, or damaged at its beginning; restore a copy, or name another file")
        raise CannotOpen(told.format(path=path))
    if len(header) == 100 and int.from_bytes(header[68:72]) != APPLICATION:
        told = _("{path} is a database of another application; name another file")
        raise CannotOpen(told.format(path=path))


def _read(uri: str, named: Path) -> tuple[Kept, dict[Key, int]]:
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)) as connection:
            return _checked(connection, named)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            told = _("{path} is in use by another process; stop that one first, or name another file")
            raise CannotOpen(told.format(path=named)) from None
        raise _damaged(named, error) from None
    except (Damaged, sqlite3.Error, ValueError, TypeError, ArithmeticError) as error:
        raise _damaged(named, error) from None


def _damaged(path: Path, why: object) -> CannotOpen:
    told = _("{path} is damaged: {why}. Nothing was read and nothing changed; restore a copy, or name another file")
    return CannotOpen(told.format(path=path, why=why))


def _checked(connection: sqlite3.Connection, named: Path) -> tuple[Kept, dict[Key, int]]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise Damaged(_("it does not say what it is"))
    if number > FORMAT:
        told = _("{path} was written by a newer k8snb (format {number}, and this one knows {known}); upgrade k8snb")
        raise CannotOpen(told.format(path=named, number=number, known=FORMAT))
    if number != FORMAT:
        raise Damaged(_("there is no format {number}").format(number=number))
    (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise Damaged(str(problem).splitlines()[-1])
    heads = connection.execute("SELECT body FROM head WHERE id = 1").fetchall()
    if len(heads) != 1:
        raise Damaged(_("its head is missing"))
    ids: dict[Key, int] = {}
    rows = connection.execute(_READ).fetchall()
    kept = verify(Head.decoded(heads[0][0]), [(Record(*row[:7]), row[7]) for row in rows])
    for row in rows:
        ids[row[:3]] = row[8]
    return kept, ids


def _connected(path: Path) -> sqlite3.Connection:
    """The connection by which a file is written."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = PERSIST")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise CannotOpen(_("cannot write {path}: {why}").format(path=path, why=error)) from None
    return connection
