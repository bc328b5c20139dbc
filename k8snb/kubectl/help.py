"""`--help`, in words of our own, and what a mistyped command may have meant."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.i18n import _
from k8snb.kubectl.call import Verb
from k8snb.kubectl.durations import go_duration
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.tabwriter import align

ORDER = (
    *("create", "expose", "run", "set", "explain", "get", "edit", "delete", "rollout", "scale", "autoscale"),
    *("certificate", "cluster-info", "top", "cordon", "uncordon", "drain", "taint", "describe", "logs", "attach"),
    *("exec", "port-forward", "proxy", "cp", "auth", "debug", "events", "diff", "apply", "patch", "replace", "wait"),
    *("kustomize", "label", "annotate", "completion", "api-resources", "api-versions", "config", "plugin", "version"),
)
"""Commands as the real one groups them."""


def help_text(verb: Verb, path: str) -> str:
    """What a verb does, the commands below it, and its flags."""
    text = verb.does + ("" if verb.does.endswith(".") else ".") + "\n"
    if verb.aliases:
        text += f"\n{_('Aliases:')}\n{', '.join((verb.name, *verb.aliases))}\n"
    if verb.verbs:
        rows = "".join(
            f"  {each.name}\t{each.does.partition(chr(10))[0].removesuffix(chr(46))}\n" for each in verb.verbs
        )
        text += f"\n{_('Available Commands:')}\n" + align(rows, padding=3)
    if verb.flags:
        shown = sorted((flag for flag in verb.flags if not flag.hidden), key=lambda flag: flag.name)
        text += f"\n{_('Options:')}\n" + "".join(f"    {option(flag)}\n" for flag in shown)
    text += f"\n{_('Usage:')}\n  {path} [flags] [options]\n\n"
    if verb.verbs:
        text += _('Use "{path} <command> --help" for more information about a given command.').format(path=path) + "\n"
    return text + _('Use "kubectl options" for a list of global command-line options (applies to all commands).') + "\n"


def _first_line(verb: Verb) -> str:
    return verb.does.partition("\n")[0].removesuffix(".")


def option(flag: Flag) -> str:
    """A flag with its default: `-A, --all-namespaces=false`."""
    lead = f"-{flag.short}, " if flag.short else ""
    return f"{lead}--{flag.name}={default_text(flag)}"


def default_text(flag: Flag) -> str:
    """The default as the help shows it."""
    value = flag.default
    if flag.kind in ("list", "texts"):
        return f"[{','.join(value or ())}]"
    if flag.kind == "switch":
        return "true" if value else "false"
    if flag.kind == "seconds":
        return go_duration(value or 0.0)
    return str(value or 0) if flag.kind == "number" else f"'{value or ''}'"


def suggestions(word: str, names: Sequence[str]) -> list[str]:
    """Commands that differ from the word by two letters at most, or begin with it, in the order of the real one."""
    lower = word.lower()
    ordered = sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    return [name for name in ordered if _distance(lower, name.lower()) <= 2 or name.startswith(lower)]


def _distance(a: str, b: str) -> int:
    """How many letters have to be put in, taken out or replaced."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
    return row[-1]
