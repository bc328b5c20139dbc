"""helm itself: from a command line to what it prints.

`Helm.run` finds the verb, reads the flags, lets the verb work and turns what it raises into helm's error lines.
Requests go through the client it was given; waiting is done by the cluster's clock; names and keys are drawn from lots
of its own, so that drawing them changes nothing for the cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from k8snb.errors import LeftOut, StatusError
from k8snb.helm.errors import HelmError
from k8snb.helm.help import help_text
from k8snb.helm.repositories import Repositories
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.table import GLOBAL, LEFT_OUT, VERBS
from k8snb.i18n import _
from k8snb.kubectl.command import kubeconfig_of
from k8snb.kubectl.commandline import find, words_of
from k8snb.kubectl.errors import CommandError, FlagError
from k8snb.kubectl.flags import Flags, parse
from k8snb.kubectl.identity import Identity, checked
from k8snb.kubectl.kubeconfig import Kubeconfig
from k8snb.kubectl.output import Output, Printed
from k8snb.kubectl.session import Door, Session
from k8snb.machinery.names import Lottery


class Cluster(Protocol):
    """What helm needs of a cluster."""

    client: Any
    clock: Any

    def wait(self, condition: Any, timeout: float = ...) -> bool: ...


@dataclass(slots=True)
class Memory:
    """What helm remembers of a cluster between two commands: its lots, and the repositories."""

    lottery: Lottery = field(default_factory=lambda: Lottery(SEED))
    repositories: Repositories = field(default_factory=Repositories)


def draw_from(cluster: Cluster, lottery: Lottery) -> None:
    """Let charts draw what is random (passwords, keys) from these lots, where everybody could know the usual ones."""
    _memories[cluster] = Memory(lottery)


SEED = 319
_memories: WeakKeyDictionary[Cluster, Memory] = WeakKeyDictionary()


def run(cluster: Cluster, command: str | Sequence[str], stdin: str = "") -> Output:
    """Run one command against a cluster: `run(cluster, "install web ./web")`; `stdin` is what `-f -` reads."""
    memory = _memories.setdefault(cluster, Memory())
    return Helm(cluster, kubeconfig_of(cluster), memory).run(command, stdin)


class Helm:
    """helm for one cluster."""

    def __init__(self, cluster: Cluster, config: Kubeconfig, memory: Memory) -> None:
        self._cluster = cluster
        self._config = config
        self._memory = memory

    def run(self, command: str | Sequence[str], stdin: str = "") -> Output:
        """Run one command, with or without the word `helm` in front. Never raises for what the command did."""
        printed = Printed()
        try:
            self._run(words_of(command, "helm"), stdin, printed)
        except (HelmError, CommandError, LeftOut, ValueError) as error:
            text = str(error)
            printed.err(f"Error: {text}\n" if text else "")
            return printed.output(1)
        except StatusError as error:
            printed.err(f"Error: {error.message}\n")
            return printed.output(1)
        except OSError as error:
            printed.err(f"Error: open {error.filename}: {(error.strerror or '').lower()}\n")
            return printed.output(1)
        return printed.output(0)

    def _run(self, words: list[str], stdin: str, printed: Printed) -> None:
        verb, path, rest = find_verb(words)
        if verb.run is None or set(rest) & {"-h", "--help"}:
            unknown = next((word for word in rest if not word.startswith("-")), "") if verb.run is None else ""
            if unknown:
                raise HelmError(_unknown(unknown, path))
            printed.out(help_text(verb, path))
            return
        try:
            parsed = parse(path, rest, (*GLOBAL, *verb.flags))
        except FlagError as error:
            raise HelmError(str(error).partition("\n")[0]) from None
        verb.check(path, parsed.args)
        session = Session(
            self._cluster.client, self._cluster.clock, self._cluster.wait, printed, self._door(parsed.flags)
        )
        session.patience = getattr(self._cluster, "patience", session.patience)
        memory = self._memory
        lots, repositories = memory.lottery, memory.repositories
        verb.run(Call(path, parsed.flags, parsed.args, session, printed, stdin, self._config, lots, repositories))

    def _door(self, flags: Flags) -> Door:
        """As whom and where requests go."""
        asked = Flags(
            {
                "as": flags.text("kube-as-user"), "as-group": flags.texts("kube-as-group"), "as-uid": "", "user": "",
                "token": flags.text("kube-token"), "context": flags.text("kube-context"), "cluster": "", "server": "",
                "kubeconfig": flags.text("kubeconfig"), "request-timeout": "0",
            }
        )  # fmt: skip

        def identity() -> Identity:
            return checked(asked, self._config)

        return Door(identity=identity, server=self._config.server_reached)


ROOT = Verb("", "The Kubernetes package manager", verbs=VERBS)


def find_verb(words: Sequence[str]) -> tuple[Verb, str, list[str]]:
    """The verb a command line calls, its path, and the words without it."""
    return find(ROOT, "helm", words, _first_argument)


_WITH_VALUES = {f"--{flag.name}" for flag in GLOBAL if not flag.alone} | {"-n"}


def _first_argument(words: Sequence[str], verb: Verb) -> int:
    """Where the first word stands that is neither a flag of every command nor its value; -1 if there is none."""
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word in _WITH_VALUES:
            skip = True
        elif not word.startswith("-"):
            return at
    return -1


def _unknown(word: str, path: str) -> str:
    text = f'unknown command "{word}" for "{path}"'
    if path == "helm" and word in LEFT_OUT:
        return f"{text}\n{_('the built-in helm cannot do this')}"
    return f"{text}\nRun '{path} --help' for usage."
