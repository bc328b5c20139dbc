"""`--help`, in words of our own, and what a mistyped command may have meant."""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.i18n import _
from k8snb.kubectl.call import Verb
from k8snb.kubectl.tabwriter import align


def help_text(verb: Verb, path: str) -> str:
    """What a verb does, the commands below it, and its flags."""
    text = f"{verb.does}\n"
    if verb.verbs:
        rows = "".join(f"  {each.name}\t{each.does}\n" for each in verb.verbs)
        text += f"\n{_('Commands:')}\n" + align(rows, padding=3)
    if verb.flags:
        shown = sorted(verb.flags, key=lambda flag: flag.name)
        text += f"\n{_('Flags:')}\n" + "".join(f"  {_title(flag.short, flag.name)}\n" for flag in shown)
    return text + f"\n{_('Usage:')}\n  {path} [flags]\n"


def _title(short: str, name: str) -> str:
    return f"-{short}, --{name}" if short else f"    --{name}"


def suggestions(word: str, names: Iterable[str]) -> list[str]:
    """Commands that differ from the word by two letters at most, or begin with it."""
    return sorted({name for name in names if _distance(word.lower(), name) <= 2 or name.startswith(word.lower())})


def _distance(a: str, b: str) -> int:
    """How many letters have to be put in, taken out or replaced."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
    return row[-1]
