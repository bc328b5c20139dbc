"""The line discipline of a terminal: what a person types, as a shell reads it.

kubectl puts the terminal on its side into raw mode and sends every key, so echo, erasing and the end of input are
the work of the other side, as they are of the kernel's in a real container.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

INTERRUPT, END, BACKSPACE, DELETE, KILL, ESCAPE = "\x03", "\x04", "\b", "\x7f", "\x15", "\x1b"
ERASE = "\b \b"
MAX_LINE = 4096


class Typed(NamedTuple):
    """What a key comes to: what to echo, the line that it completes, and whether it ends the input."""

    echo: str = ""
    line: str | None = None
    end: bool = False


class Terminal:
    """Takes in keys and gives lines."""

    def __init__(self) -> None:
        self._line = ""
        self._in_sequence = False

    def typed(self, text: str) -> Iterator[Typed]:
        """What each key comes to."""
        for key in text:
            if self._in_sequence or key == ESCAPE:
                # Arrows and the like mean nothing here: they end with a letter or a tilde.
                self._in_sequence = not (key.isalpha() or key == "~")
            elif key in "\r\n":
                line, self._line = self._line, ""
                yield Typed("\r\n", line)
            elif key == INTERRUPT:
                self._line = ""
                yield Typed("^C\r\n", "")
            elif key == END:
                yield Typed(end=not self._line)
            elif key in (BACKSPACE, DELETE, KILL):
                count = len(self._line) if key == KILL else min(len(self._line), 1)
                self._line = self._line[: len(self._line) - count]
                yield Typed(ERASE * count)
            elif key.isprintable() and len(self._line) < MAX_LINE:
                self._line += key
                yield Typed(key)
