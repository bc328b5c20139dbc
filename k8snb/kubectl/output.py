"""What a command printed: on which stream, in which order, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from k8snb.kubectl.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Output:
    """The outcome of one command. `text` is what a terminal would show, both streams in order.

    `requests` are what the command sent, each with its answer.
    """

    stdout: str
    stderr: str
    code: int
    text: str
    requests: tuple[Exchange, ...] = ()

    def __str__(self) -> str:
        return self.text


class Printed:
    """Collects what a command prints."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, bool]] = []
        self.requests: list[Exchange] = []

    def out(self, text: str) -> None:
        """Print on the standard output, exactly this."""
        if text:
            self._parts.append((text, False))

    def err(self, text: str) -> None:
        """Print on the error output, exactly this."""
        if text:
            self._parts.append((text, True))

    @property
    def wrote(self) -> bool:
        """Whether anything went to the standard output."""
        return any(not error for _, error in self._parts)

    def output(self, code: int) -> Output:
        """All of it, with the exit status."""
        stdout = "".join(text for text, error in self._parts if not error)
        stderr = "".join(text for text, error in self._parts if error)
        return Output(stdout, stderr, code, "".join(text for text, _ in self._parts), tuple(self.requests))
