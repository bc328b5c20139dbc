"""What a reader has solved, and how it came about: the record of this kernel, and of a file if the reader wants one.

A check that finds its exercise solved has it noted with the past of its cluster: how that was made and what came to
it from outside, up to the moment before the check. Because everything else follows from it, somebody else can live
through it again. Some pasts are not data (a program of the reader's runs in the cluster); then the reason is noted
instead.

In JSON, exercises that were solved one after the other in one cluster share its past: each says how many of its
entries are its own.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from k8snb.errors import NotData
from k8snb.i18n import _

FORMAT = "k8snb progress 1"


class Told(Protocol):
    """How a cluster was made, and what came to it from outside, as data."""

    @property
    def made(self) -> Mapping[str, Any]: ...
    @property
    def entries(self) -> Sequence[Any]: ...


class Past(Protocol):
    """The past of a cluster. `told` raises `NotData` if it cannot be told."""

    @property
    def revision(self) -> int: ...
    def told(self) -> Told: ...


class Solved(NamedTuple):
    """An exercise that was solved, after these entries and at this revision; without a past, for which reason."""

    name: str
    revision: int = 0
    made: Mapping[str, Any] | None = None
    entries: Sequence[Any] = ()
    reason: str = ""


class NotKept(ValueError):
    """A file that cannot be read as what a reader has solved, or not be written; says why."""


def noted(name: str, past: Past | None) -> Solved:
    """An exercise that was solved in a cluster with that past."""
    if past is None:
        return Solved(name, reason=_("a cluster that has no past"))
    try:
        told = past.told()
    except NotData as reason:
        return Solved(name, past.revision, reason=str(reason))
    return Solved(name, past.revision, told.made, told.entries)


# -- as data ---------------------------------------------------------------------------------------------


def packed(found: Sequence[Solved]) -> Mapping[str, Any]:
    """What was solved, as JSON has it."""
    pasts: list[list[Any]] = []
    rows = [{**_row(each), **({} if each.made is None else {"past": _place(each, pasts)})} for each in found]
    return {"solved": rows, "pasts": [{"made": made, "entries": entries} for made, entries in pasts]}


def _row(each: Solved) -> Mapping[str, Any]:
    row: dict[str, Any] = {"exercise": each.name, "revision": each.revision}
    return {**row, "reason": each.reason} if each.made is None else {**row, "entries": len(each.entries)}


def _place(each: Solved, pasts: list[list[Any]]) -> int:
    """Where the past of an exercise is kept: with another of which one is the beginning of the other, or alone."""
    mine = list(each.entries)
    for number, past in enumerate(pasts):
        made, entries = past
        shared = min(len(mine), len(entries))
        if made == each.made and mine[:shared] == entries[:shared]:
            past[1] = max(mine, entries, key=len)
            return number
    pasts.append([each.made, mine])
    return len(pasts) - 1


def unpacked(data: Mapping[str, Any]) -> list[Solved]:
    """What JSON says was solved. Raises `NotKept` if it says something else."""
    try:
        return [_solved(row, data["pasts"]) for row in data["solved"]]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise NotKept(_("it does not say what was solved ({error!r})").format(error=error)) from error


def _solved(row: Mapping[str, Any], pasts: Sequence[Any]) -> Solved:
    name, revision = str(row["exercise"]), int(row["revision"])
    if "past" not in row:
        return Solved(name, revision, reason=str(row["reason"]))
    past, count = pasts[row["past"]], row["entries"]
    entries = past["entries"]
    if not 0 <= count <= len(entries):
        raise NotKept(_("{name}: it has {found} entries of {count}").format(name=name, found=len(entries), count=count))
    return Solved(name, revision, dict(past["made"]), list(entries[:count]))


# -- the record ------------------------------------------------------------------------------------------


class Record:
    """What has been solved, in this kernel, and in the file if there is one."""

    def __init__(self) -> None:
        self.solved: dict[str, Solved] = {}
        self.file: Path | None = None

    def note(self, name: str, past: Past | None) -> None:
        """Note that an exercise is solved: the first time counts, or the first that can be told."""
        known = self.solved.get(name)
        if known is not None and known.made is not None:
            return
        found = noted(name, past)
        if known is None or found.made is not None:
            self.solved[name] = found
            try:
                self._write()
            except NotKept as error:
                warnings.warn(str(error), stacklevel=3)

    def keep(self, file: Path) -> None:
        """Keep the record in a file from now on; what is in it already counts. Raises `NotKept`."""
        before = _read(file) if file.exists() else []
        self.solved = {each.name: each for each in before} | self.solved
        self.file = file
        self._write()

    def forget(self) -> None:
        """Begin anew; a file stays as it is and is not used any more."""
        self.solved, self.file = {}, None

    def _write(self) -> None:
        if self.file is None:
            return
        text = json.dumps({"format": FORMAT, **packed(list(self.solved.values()))}, separators=(",", ":"))
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            beside = self.file.with_name(f"{self.file.name}.new")
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, self.file)
        except OSError as error:
            file, self.file = self.file, None
            raise NotKept(_("{file} cannot be written: {error}").format(file=file, error=error.strerror)) from error


def _read(file: Path) -> list[Solved]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotKept(_("{file} cannot be read: {error}").format(file=file, error=error)) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise NotKept(_("{file} is not the progress of a reader; it is left as it is").format(file=file))
    return unpacked(data)


def usual_file() -> Path:
    """Where programs of this user keep what they need: `~/.local/share/k8snb/progress.json`, or what is usual there."""
    home = Path.home()
    usual = {"win32": home / "AppData" / "Roaming", "darwin": home / "Library" / "Application Support"}
    named = os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_DATA_HOME", "")
    base = Path(named) if named else usual.get(sys.platform, home / ".local" / "share")
    return base / "k8snb" / "progress.json"


RECORD = Record()
"""What has been solved in this kernel."""
