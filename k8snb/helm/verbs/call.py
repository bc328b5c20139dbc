"""One call of helm: its flags and arguments, and what a verb needs to carry it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from k8snb.helm.actions.setting import Setting
from k8snb.helm.errors import HelmError
from k8snb.helm.repositories import Repositories
from k8snb.kubectl.flags import Flag, Flags
from k8snb.kubectl.kubeconfig import Kubeconfig
from k8snb.kubectl.output import Printed
from k8snb.kubectl.session import Session
from k8snb.machinery.names import Lottery


@dataclass(slots=True)
class Call:
    """What a verb is given."""

    path: str
    flags: Flags
    args: list[str]
    session: Session
    printed: Printed
    stdin: str
    config: Kubeconfig
    lottery: Lottery
    repositories: Repositories

    @property
    def namespace(self) -> str:
        """The namespace that the command is about."""
        given = self.flags.text("namespace")
        return given or self.config.namespace(self.flags.text("kube-context")) or "default"

    def setting(self, namespace: str | None = None) -> Setting:
        """The surroundings of an action; an empty namespace stands for all."""
        where = self.namespace if namespace is None else namespace
        return Setting(self.session, self.lottery, where, self.log)

    def log(self, message: str) -> None:
        """Take what helm writes to its log: warnings are shown."""
        place = next((place for words, place in _PLACES if words in message), "")
        if place:
            self.err(f"{place}: {message}\n")

    def out(self, text: str) -> None:
        """Print on the standard output."""
        self.printed.out(text)

    def err(self, text: str) -> None:
        """Print on the error output."""
        self.printed.err(text)


_PLACES = (
    ("cannot overwrite table with non table", "coalesce.go:286"),
    ("is a table. Ignoring non-table value", "coalesce.go:289"),
    (": Not a table.", "coalesce.go:237"),
    ("Conflict: cannot merge map onto non-map", "coalesce.go:162"),
    ("skipping globals because", "coalesce.go:129"),
    ("returned non-bool value", "dependencies.go:51"),
    ("ImportValues missing table", "dependencies.go:260"),
)
"""Where in helm a warning comes from, which it says."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One command. `usage` is what follows its name; `least` and `most` are how many arguments it takes."""

    name: str
    does: str
    run: Callable[[Call], None] | None = None
    usage: str = ""
    least: int = 0
    most: int | None = 0
    flags: Sequence[Flag] = ()
    verbs: Sequence[Verb] = field(default=())
    aliases: Sequence[str] = ()

    def check(self, path: str, args: Sequence[str]) -> None:
        """Refuse a wrong number of arguments, as helm does. Raises HelmError."""
        given, use = len(args), f"{path}{f' {self.usage}' if self.usage else ''} [flags]"
        if self.least <= given and (self.most is None or given <= self.most):
            return
        if self.most == 0:
            wrong = "accepts no arguments"
        elif self.most == self.least:
            wrong = f"requires {self.least} argument{'s' * (self.least != 1)}"
        elif given < self.least:
            wrong = f"requires at least {self.least} argument{'s' * (self.least != 1)}"
        else:
            wrong = f"accepts at most {self.most} argument{'s' * (self.most != 1)}"
        raise HelmError(f'"{path}" {wrong}\n\nUsage:  {use}')
