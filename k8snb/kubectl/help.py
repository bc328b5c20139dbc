"""`--help`, in words of our own, and what a mistyped command may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from k8snb.i18n import _
from k8snb.kubectl import manual
from k8snb.kubectl.call import Verb
from k8snb.kubectl.flags import Flag
from k8snb.machinery.durations import go_duration

GROUPS = {
    "Basic Commands (Beginner)": ("create", "expose", "run", "set"),
    "Basic Commands (Intermediate)": ("explain", "get", "edit", "delete"),
    "Deploy Commands": ("rollout", "scale", "autoscale"),
    "Cluster Management Commands": ("certificate", "cluster-info", "top", "cordon", "uncordon", "drain", "taint"),
    "Troubleshooting and Debugging Commands": (
        *("describe", "logs", "attach", "exec", "port-forward", "proxy", "cp", "auth", "debug", "events"),
    ),
    "Advanced Commands": ("diff", "apply", "patch", "replace", "wait", "kustomize"),
    "Settings Commands": ("label", "annotate", "completion"),
    "Other Commands": ("api-resources", "api-versions", "config", "plugin", "version"),
}
"""Commands as the real one groups them."""

ORDER = tuple(chain(*list(GROUPS.values())[:-1], ("config", "plugin", "version", "api-versions", "api-resources")))
"""Commands as the real one suggests them."""

_NARROWEST = 11
_MANUAL = "https://kubernetes.io/docs/reference/kubectl/"


def help_text(verb: Verb, path: str) -> str:
    """What a verb does, examples, the commands below it, and its flags."""
    page = manual.page(path.removeprefix("kubectl").strip())
    text = _about(verb, page)
    if verb.aliases:
        text += f"\n{_('Aliases:')}\n{', '.join((verb.name, *verb.aliases))}\n"
    if page.examples:
        text += f"\n{_('Examples:')}\n" + _indented(page.examples) + "\n"
    text += _commands(verb)
    shown = sorted((flag for flag in verb.flags if flag.shown), key=lambda flag: flag.name)
    if shown:
        text += f"\n{_('Options:')}\n" + "\n".join(described(flag, page.option(flag.name)) for flag in shown)
    text += f"\n{_('Usage:')}\n  {path} {page.usage}\n\n"
    if verb.verbs:
        text += _('Use "{path} <command> --help" for more information about a given command.').format(path=path) + "\n"
    return text + _('Use "kubectl options" for a list of global command-line options (applies to all commands).') + "\n"


def _about(verb: Verb, page: manual.Page) -> str:
    about = page.about or (verb.does if verb.does.endswith(".") else f"{verb.does}.")
    if not verb.name:
        about += "\n" + _("Find more information at: {url}").format(url=_MANUAL)
    first, *more = about.split("\n")
    return f"{first}\n" + "".join(f"\n {paragraph}\n" for paragraph in more)


def _indented(examples: str) -> str:
    """The examples, with an empty line before each one's remark."""
    lines = (f"  \n  {line}" if line.startswith("#") else f"  {line}" for line in examples.splitlines())
    return "\n".join(lines).removeprefix("  \n")


def _commands(verb: Verb) -> str:
    """The commands below a verb; those of kubectl itself are grouped."""
    if not verb.verbs:
        return ""
    does = {each.name: each.does.removesuffix(".") for each in verb.verbs}
    groups = {_("Available Commands"): tuple(does)} if verb.name else GROUPS
    width = max(_NARROWEST, *map(len, does)) + 3
    blocks = (
        f"\n{title}:\n" + "".join(f"  {name.ljust(width)}{does[name]}\n" for name in names if name in does)
        for title, names in groups.items()
    )
    return "".join(blocks)


def described(flag: Flag, does: str) -> str:
    """A flag with its default, and below it what it does."""
    return f"    {option(flag)}:\n\t{does}\n"


def option(flag: Flag) -> str:
    """A flag with its default: `-A, --all-namespaces=false`."""
    lead = f"-{flag.short}, " if flag.short else ""
    return f"{lead}--{flag.name}={default_text(flag)}"


def default_text(flag: Flag) -> str:
    """The default as the help shows it."""
    value = flag.default
    if flag.kind == "pairs":
        return ""
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
