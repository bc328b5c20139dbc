"""Flags: which there are, and how a command line is read.

Each verb lists its flags as data; `parse` reads a command line by Go's rules (pflag): `--name value`,
`--name=value`, `-n value`, `-nvalue`, clusters of switches such as `-it`, and `--`, after which everything is
an argument. What the real one would refuse is refused with its words.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snb.kubectl.errors import CommandError, FlagError
from k8snb.machinery.durations import parse_duration


def _switch(text: str) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _number(text: str) -> int:
    try:
        return int(text, 0) if text.strip() == text else int("x")
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _items(text: str) -> list[str]:
    return next(csv.reader([text]), [])


_READERS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "switch": _switch,
    "number": _number,
    "seconds": parse_duration,
    "list": _items,
    "pairs": _items,
    "texts": lambda text: [text],
}
_MANY = ("list", "pairs", "texts")
_DEFAULTS: Mapping[str, Any] = {
    "text": "",
    "switch": False,
    "number": 0,
    "seconds": 0.0,
    **{kind: [] for kind in _MANY},
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `kind` is text, switch, number, seconds, texts (repeatable), list (also comma-separated) or pairs (a
    list of keys with values).

    `bare` is what the flag means when it is given without a value, where that is allowed. The help is silent about one
    that is `hidden`, and about one that is `deprecated`; whoever gives that is told what to do instead.
    """

    name: str
    short: str = ""
    kind: str = "text"
    default: Any = None
    bare: str = ""
    required: bool = False
    hidden: bool = False
    deprecated: str = ""

    @property
    def shown(self) -> bool:
        """Whether the help speaks of it."""
        return not (self.hidden or self.deprecated)

    @property
    def alone(self) -> bool:
        """Whether it may stand without a value."""
        return self.kind == "switch" or bool(self.bare)

    @property
    def title(self) -> str:
        """As messages name it: `-o, --output`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


@dataclass(slots=True)
class Flags:
    """The flags of one command line, by name."""

    values: dict[str, Any]
    given: set[str] = field(default_factory=set)

    def text(self, name: str) -> str:
        return str(self.values[name])

    def on(self, name: str) -> bool:
        return bool(self.values[name])

    def number(self, name: str) -> int:
        return int(self.values[name])

    def seconds(self, name: str) -> float:
        return float(self.values[name])

    def texts(self, name: str) -> list[str]:
        return list(self.values[name])

    def has(self, name: str) -> bool:
        """Whether the command line gave it."""
        return name in self.given


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command line, read. `dash` is how many arguments stand before `--`; -1 without one."""

    flags: Flags
    args: list[str]
    dash: int
    warnings: list[str]


def parse(path: str, words: Sequence[str], known: Iterable[Flag], *, interspersed: bool = True) -> Parsed:
    """Read a command line. `path` is the command for messages; raises `FlagError`."""
    return _Reader(path, known, interspersed).read(list(words))


class _Reader:
    def __init__(self, path: str, known: Iterable[Flag], interspersed: bool) -> None:
        self.path = path
        self.interspersed = interspersed
        flags = tuple(known)
        self.long = {flag.name: flag for flag in flags}
        self.short = {flag.short: flag for flag in flags if flag.short}
        defaults = {f.name: _DEFAULTS[f.kind] if f.default is None else f.default for f in flags}
        self.flags = Flags(defaults)
        self.warnings: list[str] = []

    def read(self, words: list[str]) -> Parsed:
        args: list[str] = []
        dash = -1
        while words:
            word = words.pop(0)
            if word == "--":
                dash = len(args)
                args += words
                break
            if word.startswith("--"):
                self.long_flag(word[2:], words)
            elif word.startswith("-") and len(word) > 1:
                self.short_flags(word[1:], words)
            elif self.interspersed:
                args.append(word)
            else:
                args += [word, *words]
                break
        self.require()
        return Parsed(self.flags, args, dash, self.warnings)

    def require(self) -> None:
        missing = [f'"{f.name}"' for f in self.long.values() if f.required and f.name not in self.flags.given]
        if missing:
            raise MissingFlags(f"required flag(s) {', '.join(missing)} not set")

    def long_flag(self, word: str, words: list[str]) -> None:
        name, equals, value = word.partition("=")
        flag = self.long.get(name)
        if flag is None:
            raise FlagError(self.path, f"unknown flag: --{name}")
        if not equals and flag.alone:
            value = flag.bare or "true"
        elif not equals:
            if not words:
                raise FlagError(self.path, f"flag needs an argument: --{name}")
            value = words.pop(0)
        self.set(flag, value)

    def short_flags(self, cluster: str, words: list[str]) -> None:
        whole = cluster
        while cluster:
            letter, cluster = cluster[0], cluster[1:]
            flag = self.short.get(letter)
            if flag is None:
                raise FlagError(self.path, f"unknown shorthand flag: '{letter}' in -{whole}")
            if cluster.startswith("=") and len(cluster) > 1:
                self.set(flag, cluster[1:])
                return
            if flag.alone:
                self.set(flag, flag.bare or "true")
                continue
            if not cluster and not words:
                raise FlagError(self.path, f"flag needs an argument: '{letter}' in -{whole}")
            self.set(flag, cluster or words.pop(0))
            return

    def set(self, flag: Flag, value: str) -> None:
        try:
            read = _READERS[flag.kind](value)
        except ValueError as error:
            message = f'invalid argument "{value}" for "{flag.title}" flag: {error}'
            raise FlagError(self.path, message) from None
        first = flag.name not in self.flags.given
        if flag.kind in _MANY and not first:
            read = [*self.flags.values[flag.name], *read]
        self.flags.values[flag.name] = read
        self.flags.given.add(flag.name)
        if flag.deprecated:
            self.warnings.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")


class MissingFlags(FlagError):
    """A flag that must be given was not."""

    def __init__(self, message: str) -> None:
        CommandError.__init__(self, message)


# -- the flags that many verbs share -------------------------------------------------------------------

OUTPUT = Flag("output", "o")
TEMPLATE = Flag("template")
MANAGED_FIELDS = Flag("show-managed-fields", kind="switch")
MISSING_KEYS = Flag("allow-missing-template-keys", kind="switch", default=True)
PRINTING = (OUTPUT, TEMPLATE, MANAGED_FIELDS, MISSING_KEYS)
DRY_RUN = Flag("dry-run", default="none", bare="unchanged")
SELECTOR = Flag("selector", "l")
FIELD_SELECTOR = Flag("field-selector")
EVERY_NAMESPACE = Flag("all-namespaces", "A", kind="switch")
ALL = Flag("all", kind="switch")
FILES = (Flag("filename", "f", kind="list"), Flag("recursive", "R", kind="switch"), Flag("kustomize", "k"))
SESSION = (
    Flag("container", "c"),
    Flag("pod-running-timeout", kind="seconds", default=60.0),
    Flag("quiet", "q", kind="switch"),
    Flag("stdin", "i", kind="switch"),
    Flag("tty", "t", kind="switch"),
)
"""What every command takes that opens a session in a container."""

DELETING = (
    Flag("cascade", default="background", bare="background"),
    Flag("force", kind="switch"),
    Flag("grace-period", kind="number", default=-1),
    Flag("timeout", kind="seconds"),
    Flag("wait", kind="switch"),
)
"""What the commands take that delete beside their own work."""

CHUNKS = Flag("chunk-size", kind="number", default=500)
VALIDATE = Flag("validate", default="strict", bare="strict")
WINDOWS = Flag("windows-line-endings", kind="switch")
SAVE_CONFIG = Flag("save-config", kind="switch")
RECORD = Flag("record", kind="switch", hidden=True)
LOCAL = Flag("local", kind="switch")


def manager(name: str) -> Flag:
    """`--field-manager`, with the verb's default."""
    return Flag("field-manager", default=name)


GLOBAL = (
    Flag("as"),
    Flag("as-group", kind="texts"),
    Flag("as-uid"),
    Flag("cache-dir"),
    Flag("certificate-authority"),
    Flag("client-certificate"),
    Flag("client-key"),
    Flag("cluster"),
    Flag("context"),
    Flag("disable-compression", kind="switch"),
    Flag("help", "h", kind="switch"),
    Flag("insecure-skip-tls-verify", kind="switch"),
    Flag("kubeconfig"),
    Flag("log-flush-frequency", kind="seconds", default=5.0),
    Flag("match-server-version", kind="switch"),
    Flag("namespace", "n"),
    Flag("password"),
    Flag("profile", default="none"),
    Flag("profile-output", default="profile.pprof"),
    Flag("request-timeout", default="0"),
    Flag("server", "s"),
    Flag("tls-server-name"),
    Flag("token"),
    Flag("user"),
    Flag("username"),
    Flag("v", "v", kind="number"),
    Flag("vmodule"),
    Flag("warnings-as-errors", kind="switch"),
)
"""Flags that every command takes."""
