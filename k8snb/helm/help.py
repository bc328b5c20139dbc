"""`--help`, as short as the built-in kubectl's, in words of our own."""

from __future__ import annotations

from k8snb.helm.verbs.call import Verb
from k8snb.i18n import _
from k8snb.kubectl.help import option
from k8snb.kubectl.tabwriter import align


def help_text(verb: Verb, path: str) -> str:
    """What a verb does, the commands below it, and its flags."""
    text = f"{verb.does[:1].upper()}{verb.does[1:]}.\n\n{_('Usage:')}\n  {path}"
    text += f" {verb.usage} [flags]\n" if verb.run is not None else " [command]\n"
    if verb.aliases:
        text += f"\n{_('Aliases:')}\n  {', '.join((verb.name, *verb.aliases))}\n"
    if verb.verbs:
        rows = "".join(f"  {each.name}\t{each.does}\n" for each in sorted(verb.verbs, key=lambda each: each.name))
        text += f"\n{_('Available Commands:')}\n" + align(rows, padding=2)
    if verb.flags:
        shown = sorted(verb.flags, key=lambda flag: flag.name)
        text += f"\n{_('Flags:')}\n" + "".join(f"    {option(flag)}\n" for flag in shown)
    return text
