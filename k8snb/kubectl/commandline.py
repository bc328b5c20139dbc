"""From a command line to the command that it calls, in a tree of commands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar


class Named(Protocol):
    """A command with names, and commands below it."""

    @property
    def name(self) -> str: ...

    @property
    def aliases(self) -> Sequence[str]: ...

    @property
    def verbs(self) -> Sequence[Any]: ...


V = TypeVar("V", bound=Named)


def words_of(command: str | Sequence[str], program: str) -> list[str]:
    """The words of a command line, without the program in front. Raises ValueError."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    return words[1:] if words[:1] == [program] else words


def find(root: V, program: str, words: Sequence[str], first: Callable[[list[str], V], int]) -> tuple[V, str, list[str]]:
    """The command that the words call, its path, and the words without it.

    `first` says where the first word stands that is neither a flag nor its value; -1 if there is none.
    """
    verb, path, rest = root, program, list(words)
    while verb.verbs:
        at = first(rest, verb)
        found = next((each for each in verb.verbs if at >= 0 and rest[at] in (each.name, *each.aliases)), None)
        if found is None:
            break
        verb, path = found, f"{path} {found.name}"
        del rest[at]
    return verb, path, rest
