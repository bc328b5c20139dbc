"""kubectl itself: from a command line to what it prints.

`Kubectl.run` finds the verb, reads the flags, lets the verb work and turns whatever it raises into the error
lines of the real one. It opens nothing: requests go through the client it was given, and waiting is done by
the cluster's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.errors import LeftOut, StatusError
from k8snb.i18n import _
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.commandline import find, words_of
from k8snb.kubectl.errors import CommandError, FlagError, Halfway, ManyErrors, explain
from k8snb.kubectl.flags import GLOBAL, Flag, Flags, MissingFlags, parse
from k8snb.kubectl.help import help_text, suggestions
from k8snb.kubectl.identity import checked
from k8snb.kubectl.kubeconfig import Kubeconfig
from k8snb.kubectl.output import Output, Printed
from k8snb.kubectl.printing.printers import printer_for
from k8snb.kubectl.session import Door, Session, Wait
from k8snb.kubectl.verbs import VERBS


class Cluster(Protocol):
    """What kubectl needs of a cluster."""

    client: Any
    clock: Any

    def wait(self, condition: Callable[[], bool], timeout: float = ...) -> bool: ...


def run(cluster: Cluster, command: str | Sequence[str], stdin: str = "") -> Output:
    """Run one command against a cluster: `run(cluster, "get pods -o wide")`; `stdin` is what `-f -` reads.

    What `kubectl config` sets is remembered for the cluster.
    """
    return Kubectl(cluster.client, cluster.clock, cluster.wait, kubeconfig_of(cluster)).run(command, stdin)


def keep_kubeconfig(cluster: Cluster, config: Kubeconfig) -> None:
    """Give a cluster a kubeconfig of its own."""
    _configs[cluster] = config


def kubeconfig_of(cluster: Cluster) -> Kubeconfig:
    """The kubeconfig that is kept for a cluster."""
    return _configs.setdefault(cluster, Kubeconfig())


_configs: WeakKeyDictionary[Cluster, Kubeconfig] = WeakKeyDictionary()


def _look_once(condition: Callable[[], bool], timeout: float) -> bool:
    return condition()


class Kubectl:
    """kubectl for one client. `wait` lets time pass; without it, waiting commands look once."""

    def __init__(
        self, client: Client, clock: Clock, wait: Wait | None = None, config: Kubeconfig | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._wait = wait or _look_once
        self._config = config or Kubeconfig()

    def run(self, command: str | Sequence[str], stdin: str = "") -> Output:
        """Run one command, with or without the word `kubectl` in front. Never raises for what the command did."""
        printed = Printed()
        try:
            self._run(words_of(command, "kubectl"), stdin, printed)
        except (CommandError, ManyErrors, StatusError) as error:
            if isinstance(error, Halfway):
                printed.out(error.printed)
            text, code = explain(error)
            printed.err(text)
            return printed.output(code)
        except OSError as error:
            printed.err(f"error: open {error.filename}: {(error.strerror or '').lower()}\n")
            return printed.output(1)
        except (LeftOut, ValueError) as error:
            printed.err(f"error: {error}\n")
            return printed.output(1)
        return printed.output(0)

    def _run(self, words: list[str], stdin: str, printed: Printed) -> None:
        verb, path, rest = find_verb(words)
        if verb is ROOT and words and _unknown_flag(words[0]) and _first_argument(words, ROOT) >= 0:
            raise CommandError(f"Error: flags cannot be placed before plugin name: {words[0]}", plain=True)
        if set(rest) & {"-h", "--help"} and "--" not in rest:
            printed.out(help_text(verb, path))
            return
        try:
            parsed = parse(path, rest, _flags(verb), interspersed=verb.interspersed)
        except MissingFlags as error:
            raise CommandError(str(error)) from None
        except FlagError as error:
            raise (verb.misused(path, error) if verb.misused else error) from None
        for warning in parsed.warnings:
            printed.err(f"{warning}\n")
        if verb.run is None:
            _group(verb, path, parsed.args, printed)
            return

        def show_help(*, to_out: bool = False) -> None:
            (printed.out if to_out else printed.err)(help_text(verb, path))

        if "template" in parsed.flags.values and verb.name != "get":
            printer_for(parsed.flags, self._client.scheme)  # a format that does not exist keeps a verb from working
        session = Session(self._client, self._clock, self._wait, printed, self._door(parsed.flags))
        config = self._config
        verb.run(Call(path, parsed.flags, parsed.args, parsed.dash, session, printed, stdin, config, show_help))
        if parsed.flags.on("warnings-as-errors") and session.warnings:
            raise CommandError(f"{session.warnings} warning{'s' * (session.warnings > 1)} received")

    def _door(self, flags: Flags) -> Door:
        """As whom and where requests go; a mistake in this comes to light with the first request."""
        config, timeout = self._config, flags.text("request-timeout")
        return Door(
            identity=lambda: checked(flags, config),
            server=flags.text("server") or config.server_reached,
            verbosity=flags.number("v"),
            timeout="" if timeout == "0" else timeout,
        )


def _flags(verb: Verb) -> list[Flag]:
    """The flags of a verb and those of every verb; where two have one name or letter, the verb's own counts."""
    known = {flag.name: flag for flag in (*GLOBAL, *verb.flags)}.values()
    shorts = {flag.short for flag in verb.flags if flag.short}
    return [flag if flag in verb.flags or flag.short not in shorts else replace(flag, short="") for flag in known]


def _group(verb: Verb, path: str, args: Sequence[str], printed: Printed) -> None:
    """A command that only has others below it: which there are, or that there is none of that name."""
    if args and verb.name and verb.name not in _PATIENT:
        raise CommandError(f"unknown command \"{' '.join(args)}\"\nSee '{path} -h' for help and examples")
    if args and not verb.name:
        raise CommandError(_unknown(args[0]))
    show = printed.out if verb.name in ("", "rollout", *_PATIENT) else printed.err
    show(help_text(verb, path))
    raise CommandError("", 1 if verb.name and verb.name not in _PATIENT else 0)


_PATIENT = ("certificate",)
"""Commands that show their help whatever stands behind them."""


def _unknown(word: str) -> str:
    text = f'unknown command "{word}" for "kubectl"'
    if word in UNAVAILABLE:
        hint = _("the built-in kubectl cannot do this; `python -m k8snb serve` lets the real one in")
        return f"{text}\n{hint}"
    similar = suggestions(word, [*(verb.name for verb in VERBS), *UNAVAILABLE])
    return text + ("\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in similar) if similar else "")


def _unknown_flag(word: str) -> bool:
    name = word.removeprefix("--").partition("=")[0]
    return word.startswith("--") and name not in {flag.name for flag in GLOBAL}


UNAVAILABLE = ("completion",)
"""Commands of the real one that are not built in."""

ROOT = Verb("", "kubectl controls the Kubernetes cluster manager.", verbs=VERBS)


def find_verb(words: Sequence[str]) -> tuple[Verb, str, list[str]]:
    """The verb a command line calls, its path, and the words without it."""
    return find(ROOT, "kubectl", words, _first_argument)


def _first_argument(words: Sequence[str], verb: Verb) -> int:
    """Where the first word stands that is neither a flag nor a flag's value; -1 if there is none."""
    flags = (*GLOBAL, *verb.flags)
    alone = {f"--{flag.name}" for flag in flags if flag.alone} | {f"-{flag.short}" for flag in flags if flag.alone}
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            return -1
        elif word.startswith("--"):
            skip = "=" not in word and word not in alone
        elif word.startswith("-"):
            skip = "=" not in word and len(word) == 2 and word not in alone
        else:
            return at
    return -1
