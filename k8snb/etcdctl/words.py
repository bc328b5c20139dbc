"""The words of a command line of etcdctl: what is asked for, and the flags."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from k8snb.etcd.errors import EtcdError

SWITCHES = frozenset((
    "--prefix", "--from-key", "--keys-only", "--print-value-only", "--count-only", "--cluster", "--keys", "--learner",
    "--physical", "--once", "--mark-compacted", "--prev-kv", "--ignore-value", "--ignore-lease", "-i", "--interactive",
))  # fmt: skip
VALUES = frozenset((
    "-w", "--write-out", "--rev", "--endpoints", "--consistency", "--peer-urls", "--bump-revision", "--data-dir",
    "--name", "--initial-cluster", "--initial-advertise-peer-urls", "--limit", "--lease", "--order", "--sort-by",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """A command: its words without flags, and the flags with their values (`yes` for a switch)."""

    plain: tuple[str, ...]
    flags: Mapping[str, str]

    def has(self, flag: str) -> bool:
        """Whether a switch is on."""
        return self.flags.get(flag, "") not in ("", "false")

    def number(self, flag: str) -> int:
        """The number that a flag has; 0 where it is not there."""
        text = self.flags.get(flag, "0")
        if not text.isdigit():
            raise EtcdError(
                f'invalid argument "{text}" for "{flag}" flag: strconv.ParseInt: parsing "{text}": invalid syntax'
            )
        return int(text)

    @property
    def format(self) -> str:
        """How to write the answer."""
        return self.flags.get("-w") or self.flags.get("--write-out") or "simple"


NO_WORDS = Words((), {})


def words(line: str) -> Words:
    """Split a command line. Raises EtcdError for a flag that is not known."""
    plain: list[str] = []
    flags: dict[str, str] = {}
    rest = iter(shlex.split(line))
    for word in rest:
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        if name in SWITCHES:
            flags[name] = value if equals else "yes"
        elif name in VALUES:
            flags[name] = value if equals else next(rest, "")
        else:
            raise EtcdError(f"unknown flag: {name}")
    return Words(tuple(plain), flags)
