"""A command in a container as it goes on, whatever carries its streams.

A session knows nothing of frames: it is told what arrives on standard input and tells a `Carrier` what to send.
How it ended goes as a `Status` over a channel of its own, in the words of version 4 of the remote command
protocol, which SPDY streams and WebSocket channels share. Upstream: `apimachinery/pkg/util/remotecommand`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from k8snb.apiserver.following import LogStream
from k8snb.apiserver.options import flag
from k8snb.apiserver.terminal import Terminal
from k8snb.errors import StatusError
from k8snb.typing import Object

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
"""The channels, numbered as WebSocket messages number them."""

MAX_STDIN_BYTES = 64 * 1024 * 1024

Run = Callable[[bytes], tuple[bytes, bytes, int]]
"""From standard input to standard output, standard error and the exit code."""


class Carrier(Protocol):
    """What carries a session's streams to the client."""

    def send(self, channel: int, data: bytes) -> None:
        """Send output."""
        ...

    def finish(self, status: Object) -> None:
        """Say how it ended, and end."""
        ...


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Which streams the client has (`PodExecOptions`, `PodAttachOptions`)."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> StreamOptions:
        """The options in a query."""
        return cls(*(flag(query, name) for name in ("stdin", "stdout", "stderr", "tty")))


class Session(Protocol):
    """What a carrier is given to carry on."""

    options: StreamOptions

    def begin(self, carrier: Carrier) -> None:
        """The connection stands."""
        ...

    def receive(self, data: bytes) -> None:
        """Something arrived on standard input."""
        ...

    def end_of_input(self) -> None:
        """Nothing more will arrive on standard input."""
        ...

    def close(self) -> None:
        """The client has gone."""
        ...


class ExecSession:
    """A command that runs once all of its input is there.

    Somebody at a terminal never closes the input, so with a terminal it runs at once, with none.
    """

    def __init__(self, options: StreamOptions, run: Run) -> None:
        self.options = options
        self._run = run
        self._carrier: Carrier | None = None
        self._stdin = bytearray()
        self._done = False

    def begin(self, carrier: Carrier) -> None:
        """The connection stands: run, unless there is input to wait for."""
        self._carrier = carrier
        if not self.options.stdin or self.options.tty:
            self.end_of_input()

    def receive(self, data: bytes) -> None:
        """Keep input until it is complete."""
        if not self._done and len(self._stdin) < MAX_STDIN_BYTES:
            self._stdin += data

    def end_of_input(self) -> None:
        """Run the command."""
        if self._done or self._carrier is None:
            return
        self._done = True
        try:
            stdout, stderr, code = self._run(bytes(self._stdin))
        except StatusError as error:
            self._carrier.finish(error.status)
            return
        self._show(STDOUT, stdout)
        self._show(STDERR, stderr)
        self._carrier.finish(outcome(code))

    def _show(self, channel: int, data: bytes) -> None:
        if self.options.tty:
            channel, data = STDOUT, data.replace(b"\n", b"\r\n")
        wanted = self.options.stdout if channel == STDOUT else self.options.stderr
        if data and wanted and self._carrier is not None:
            self._carrier.send(channel, data)

    def close(self) -> None:
        """The client has gone: what did not run yet does not run."""
        self._done = True


class Shell(Protocol):
    """A shell that is typed into, as the kubelet has it."""

    ended: int | None

    @property
    def prompt(self) -> str:
        """What it shows when it waits for a line."""
        ...

    def feed(self, line: str) -> tuple[str, str]:
        """Do what a line says: its output and its errors."""
        ...

    def end(self) -> int:
        """No line will come any more: the exit status."""
        ...


class ShellSession:
    """A shell that somebody types into, at a terminal or through a pipe.

    `tells_code` says whether its exit status goes to the client: it does for exec, not for attach.
    """

    def __init__(self, options: StreamOptions, shell: Shell, *, tells_code: bool = True) -> None:
        self.options = options
        self._shell = shell
        self._tells_code = tells_code
        self._terminal = Terminal()
        self._carrier: Carrier | None = None
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def begin(self, carrier: Carrier) -> None:
        """The connection stands: show the prompt."""
        self._carrier = carrier
        self._prompt()

    def receive(self, data: bytes) -> None:
        """Take in what was typed."""
        text = self._decode(data)
        if self.options.tty:
            self._typed(text)
            return
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)

    def _typed(self, text: str) -> None:
        for key in self._terminal.typed(text):
            self._send(STDOUT, key.echo)
            if key.line is not None:
                self._line(key.line)
                self._prompt()
            if key.end:
                self.end_of_input()

    def end_of_input(self) -> None:
        """Nothing more will be typed: the shell ends."""
        if self._rest:
            rest, self._rest = self._rest, ""
            self._line(rest)
        self._finish(self._shell.end())

    def close(self) -> None:
        """The client has gone; so does the shell."""
        if self._carrier is not None:
            self._carrier = None
            self._shell.end()

    def _line(self, line: str) -> None:
        if self._carrier is None:
            return
        out, err = self._shell.feed(line)
        self._send(STDOUT, out)
        self._send(STDERR, err)
        if self._shell.ended is not None:
            self._finish(self._shell.ended)

    def _prompt(self) -> None:
        if self.options.tty and self._carrier is not None:
            self._send(STDOUT, self._shell.prompt)

    def _send(self, channel: int, text: str) -> None:
        if self.options.tty:
            channel, text = STDOUT, text.replace("\r\n", "\n").replace("\n", "\r\n")
        wanted = self.options.stdout if channel == STDOUT else self.options.stderr
        if text and wanted and self._carrier is not None:
            self._carrier.send(channel, text.encode())

    def _finish(self, code: int) -> None:
        if self._carrier is not None:
            carrier, self._carrier = self._carrier, None
            carrier.finish(outcome(code if self._tells_code else 0))


class AttachSession:
    """The output of a container from now on. What is typed goes nowhere: simulated programs read no terminal."""

    def __init__(self, options: StreamOptions, stream: LogStream) -> None:
        self.options = options
        self._stream = stream
        self._carrier: Carrier | None = None

    def begin(self, carrier: Carrier) -> None:
        """The connection stands: send what there is, and what comes."""
        self._carrier = carrier
        self._stream.on_ready = self._drain
        self._drain()

    def receive(self, data: bytes) -> None:
        """Nobody reads it."""

    def end_of_input(self) -> None:
        """Nobody waits for it."""

    def close(self) -> None:
        """The client has gone."""
        self._stream.on_ready = None
        self._stream.close()

    def _drain(self) -> None:
        if self._carrier is None:
            return
        while (piece := self._stream.next()) is not None:
            if self.options.stdout:
                self._carrier.send(STDOUT, piece.replace(b"\n", b"\r\n") if self.options.tty else piece)
        if self._stream.closed:
            carrier, self._carrier = self._carrier, None
            carrier.finish(outcome(0))


def outcome(code: int) -> dict[str, Any]:
    """The `Status` that tells how a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
