"""A shell that somebody types into: it reads a line, does what the line says, and waits for the next.

Other commands get their whole input before they run. A shell at a terminal cannot wait for that, so it is run
a line at a time, with its variables, functions and directory kept in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from k8snb.kubelet.images.program import Killed, Process
from k8snb.kubelet.images.script import EXEC_SECONDS, EXEC_WAITS, commands_of, pass_time
from k8snb.kubelet.images.shell.builtins import BUILTINS
from k8snb.kubelet.images.shell.expander import Leave
from k8snb.kubelet.images.shell.grammar import parse
from k8snb.kubelet.images.shell.interpreter import Shell
from k8snb.kubelet.images.shell.streams import Buffer, Input, Run, Streams
from k8snb.kubelet.images.shell.syntax import ShellSyntaxError

SHELLS = frozenset({"ash", "bash", "dash", "sh"})
_PLAIN = frozenset({"-i", "-l", "-il", "--login"})
_UNFINISHED = ("unterminated", "syntax error: unterminated", "syntax error: unexpected end of file")


def is_typed_into(argv: Sequence[str]) -> bool:
    """Whether a command line is a shell that reads its commands from standard input."""
    return bool(argv) and argv[0].rpartition("/")[2] in SHELLS and _PLAIN.issuperset(argv[1:])


class ShellSession:
    """One such shell. `ended` is its exit status, once it has ended.

    `main` is given where it is the container's own first process: then its output is the container's log, and its
    end is the container's.
    """

    def __init__(self, process: Process, name: str, main: Process | None = None) -> None:
        self.ended: int | None = None
        self._main = main
        self._process = process
        self._name = name.rpartition("/")[2]
        self._shell = Shell(process, commands_of(process.image), BUILTINS, arguments=(self._name,))
        self._text = ""

    @property
    def prompt(self) -> str:
        """What it shows when it waits for a line."""
        if self._text:
            return "> "
        directory = self._shell.directory
        home = "~" if directory == self._shell.variables.get("HOME") else directory
        if self._process.image.shell == "busybox":
            return f"{home} # "
        return f"root@{self._process.hostname}:{home}# " if self._name == "bash" else "# "

    def feed(self, line: str) -> tuple[str, str]:
        """Do what a line says: its output and its errors. Nothing yet while a command goes on over several lines."""
        self._text += f"{line}\n"
        if self._is_unfinished():
            return "", ""
        text, self._text = self._text, ""
        out, err = Buffer(), Buffer()
        with suppress(RecursionError):
            self._do(text, Streams(Input(), out.write, err.write))
        told, complained = out.take(), err.take()
        if self._main is not None:
            self._main.log(told)
            self._main.log(complained, "stderr")
        self._leave()
        return told, complained

    def _do(self, text: str, streams: Streams) -> None:
        try:
            self._run(self._shell.source(text, streams))
        except Leave as leave:
            if leave.kind == "exit":
                self.ended = leave.value
        except Killed:
            self.ended = 137

    def _leave(self) -> None:
        if self.ended is not None and self._main is not None:
            main, self._main = self._main, None
            main.exit(self.ended)

    def end(self) -> int:
        """No line will come any more: the exit status."""
        if self.ended is None:
            self.ended = self._shell.status
        self._leave()
        return self.ended

    def _is_unfinished(self) -> bool:
        try:
            parse(self._text)
        except ShellSyntaxError as error:
            return str(error).startswith(_UNFINISHED)
        return False

    def _run(self, running: Run) -> None:
        """Run at once: waiting only adds up, and what would never end is cut off."""
        seconds = 0.0
        for _ in range(EXEC_WAITS):
            try:
                wait = next(running)
            except StopIteration:
                return
            if wait.seconds is None or seconds + wait.seconds > EXEC_SECONDS:
                break
            seconds += wait.seconds
            pass_time(self._process, wait.seconds)
        self._shell.status = 124
