"""Where commands read from and write to, and how a command waits."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, TypeVar

from k8snb.kubelet.images.filesystem import Filesystem
from k8snb.kubelet.images.program import Process

T = TypeVar("T")
Write: TypeAlias = Callable[[str], None]


class Wait(NamedTuple):
    """A command lets time pass. `seconds` is None when it waits for ever.

    `steady` says that it is part of something that goes on and on (a loop), so that nobody should wait for
    it to end; `busy` that the time is spent computing.
    """

    seconds: float | None
    steady: bool = False
    busy: bool = False
    interruptible: bool = False
    """Whether a signal that the script handles ends the wait, as it ends the builtin `wait`."""


Steps = Generator[Wait, None, T]
"""Work that may wait on its way to a result."""

Run: TypeAlias = Generator[Wait, None, int]
"""A running command: yields what it waits for and returns its exit status."""


class Input:
    """Text to be read, once."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def read(self) -> str:
        """All that is left."""
        text, self._text = self._text, ""
        return text

    def line(self) -> str | None:
        """The next line without its newline; None at the end."""
        if not self._text:
            return None
        line, _, self._text = self._text.partition("\n")
        return line


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input, output and error."""

    input: Input
    out: Write
    err: Write

    def with_out(self, write: Write) -> Streams:
        return replace(self, out=write)


class Buffer:
    """Collects what is written."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def write(self, text: str) -> None:
        self._pieces.append(text)

    def take(self) -> str:
        """What was written since the last time."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text


def to_file(files: Filesystem, path: str, *, append: bool) -> Write:
    """A stream into a file, which is created (or emptied) now."""
    files.write(path, "", append=append)
    return lambda text: files.write(path, text, append=True)


class Job:
    """A command in the background (`&`): it goes on by itself, on the process's clock."""

    def __init__(self, process: Process, running: Run) -> None:
        self.code: int | None = None
        self.due = process.now
        """When it goes on; for ever in the future if it never does."""
        self._process = process
        self._running = running
        self._advance()

    def _advance(self) -> None:
        try:
            wait = next(self._running)
        except StopIteration as stop:
            self.code = int(stop.value)
        except Exception as leave:
            self.code = int(getattr(leave, "value", 1))
        else:
            self.due = float("inf") if wait.seconds is None else self._process.now + wait.seconds
            if wait.seconds is not None:
                self._process.after(wait.seconds, self._advance, background=True)
