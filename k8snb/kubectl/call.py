"""One call of kubectl: its verb, flags and arguments, and everything the verb needs to carry it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.kubectl.errors import CommandError, FlagError, UsageError
from k8snb.kubectl.flags import Flag, Flags
from k8snb.kubectl.kubeconfig import Kubeconfig
from k8snb.kubectl.output import Printed
from k8snb.kubectl.printing.printers import Printer, as_struct, printer_for
from k8snb.kubectl.session import Query, Session
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

_DRY = {"client": "client", "server": "server", "none": "", "unchanged": "client", "true": "client", "false": ""}


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: what it is called, which flags it takes, and what it does.

    `verbs` are the commands below it (`rollout status`); `run` is None for a command that only has those.
    `interspersed` is False where flags end at the first argument (`exec`). `misused` says in another way what is wrong
    with a flag, where the real one does.
    """

    name: str
    does: str
    run: Callable[[Call], None] | None = None
    flags: Sequence[Flag] = ()
    verbs: Sequence[Verb] = ()
    aliases: Sequence[str] = ()
    interspersed: bool = True
    misused: Callable[[str, FlagError], CommandError] | None = None


@dataclass(slots=True)
class Call:
    """What a verb is given. `path` is how it was called (`kubectl rollout status`); `show_help` prints its help."""

    path: str
    flags: Flags
    args: list[str]
    dash: int
    session: Session
    printed: Printed
    stdin: str
    config: Kubeconfig
    show_help: Callable[..., None]
    created: list[Object] = field(default_factory=list)
    printers: list[Printer | None] = field(default_factory=list)

    @property
    def scheme(self) -> Scheme:
        """The kinds that the server serves."""
        return self.session.scheme

    @property
    def namespace(self) -> str:
        """The namespace that the command is about."""
        given = self.flags.text("namespace")
        return given or self.config.namespace(self.flags.text("context")) or "default"

    @property
    def everywhere(self) -> bool:
        """Whether it is about all namespaces."""
        return "all-namespaces" in self.flags.values and self.flags.on("all-namespaces")

    @property
    def now(self) -> float:
        """The time, in seconds since the Unix epoch."""
        return self.session.clock.now()

    @property
    def files(self) -> list[str]:
        """What `-f` names, or `-k`: where the objects are that the command is about."""
        folder = self.flags.text("kustomize") if "kustomize" in self.flags.values else ""
        named = self.flags.texts("filename")
        if folder and named:
            raise CommandError("only one of -f or -k can be specified")
        return [folder] if folder else named

    # -- printing ----------------------------------------------------------------------------------

    def out(self, text: str) -> None:
        """Print on the standard output."""
        self.printed.out(text)

    def err(self, text: str) -> None:
        """Print on the error output."""
        self.printed.err(text)

    def usage(self, message: str) -> UsageError:
        """The error for a command that is not written as it should be."""
        return UsageError(self.path, message)

    def done(
        self, obj: Object, full_name: str, operation: str, *, ordered: bool = True, dry_suffix: bool = True
    ) -> None:
        """Say what was done to an object, or print it as `-o` asks."""
        printer = self.printer(ordered=ordered)
        if printer is not None:
            self.out(printer(obj if ordered else as_struct(obj)))
        else:
            self.out(f"{full_name} {operation}{self.dry_suffix if dry_suffix else ''}\n")

    def printer(self, *, columns: bool = False, ordered: bool = True) -> Printer | None:
        """The printer that `-o` stands for, the same one every time; None for the verb's own way."""
        if not self.printers:
            self.printers.append(printer_for(self.flags, self.scheme, columns=columns, ordered=ordered))
        return self.printers[0]

    # -- dry runs and managers ---------------------------------------------------------------------

    @property
    def dry_run(self) -> str:
        """`client`, `server`, or empty for the real thing."""
        given = self.flags.text("dry-run")
        if given not in _DRY:
            raise CommandError(f'Invalid dry-run value ({given}). Must be "none", "server", or "client".')
        return _DRY[given]

    @property
    def dry_suffix(self) -> str:
        """What is added to `created` and the like."""
        if "dry-run" not in self.flags.values or not self.dry_run:
            return ""
        return " (dry run)" if self.dry_run == "client" else " (server dry run)"

    def query(self, *, strict: bool = False, **more: str) -> Query:
        """The parameters of a writing request: field manager, dry run, validation."""
        query: dict[str, str] = {}
        if "dry-run" in self.flags.values and self.dry_run == "server":
            query["dryRun"] = "All"
        if "field-manager" in self.flags.values:
            query["fieldManager"] = self.flags.text("field-manager")
        if strict:
            query["fieldValidation"] = _validation(self.flags)
        return {**query, **more}


_VALIDATION: Mapping[str, str] = {
    "true": "Strict", "strict": "Strict", "warn": "Warn", "false": "Ignore", "ignore": "Ignore",
}  # fmt: skip


def _validation(flags: Flags) -> str:
    given = flags.text("validate") if "validate" in flags.values else "strict"
    if given.lower() not in _VALIDATION:
        raise CommandError(
            f'invalid - validate option "{given}"; must be one of: strict (or true), warn, ignore (or false)'
        )
    return _VALIDATION[given.lower()]
