"""`--help` says what kubectl 1.33 says of usage, aliases, flags and defaults, and says something about each of them.

`help.txt` holds these facts as the real one prints them: a line for the usage of a command, one for its other names,
one for the flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from k8snb.kubectl import manual
from k8snb.kubectl.call import Verb
from k8snb.kubectl.command import ROOT
from k8snb.kubectl.help import help_text
from tests.kubectl.conftest import Typed

FACTS = Path(__file__).with_name("help.txt")


def commands(verb: Verb = ROOT, path: str = "kubectl") -> Iterator[tuple[Verb, str]]:
    """Every command, with its path."""
    yield verb, path
    for each in verb.verbs:
        if each.name != "options":
            yield from commands(each, f"{path} {each.name}")


def facts(text: str) -> str:
    """What a help text says beside prose."""
    usage = re.search(r"^Usage:\n  (.*)$", text, re.MULTILINE)
    aliases = re.search(r"^Aliases:\n(.*)$", text, re.MULTILINE)
    flags = re.findall(r"^    ((?:-\w, )?--[\w-]+=.*):$", text, re.MULTILINE)
    said = [usage[1] if usage else "", f"  {aliases[1]}" if aliases else "", f"    {' '.join(flags)}" if flags else ""]
    return "".join(f"{line}\n" for line in said if line)


def test_usage_aliases_flags_and_defaults_are_those_of_the_real_one() -> None:
    ours = sorted(facts(help_text(verb, path)) for verb, path in commands())
    assert "".join(ours) == FACTS.read_text("utf-8")


def test_every_flag_of_every_command_is_explained() -> None:
    silent = [
        f"{path} --{flag.name}"
        for verb, path in commands()
        for flag in verb.flags
        if flag.shown and not manual.page(path.removeprefix("kubectl").strip()).option(flag.name)
    ]
    assert silent == []


def test_every_command_shows_how_it_is_used_and_none_is_described_that_is_not_there() -> None:
    known = {path.removeprefix("kubectl").strip(): verb for verb, path in commands()}
    pages = {path for name in known if name for path in manual.pages(name.partition(" ")[0])}
    assert pages == set(known) - {""}
    assert [path for path in pages if known[path].run and not manual.page(path).examples] == []


def test_help_has_purpose_examples_commands_flags_and_usage(kubectl: Typed) -> None:
    assert kubectl("rollout undo -h").stdout.startswith(
        "Go back to an earlier revision of the template.\n\n"
        "Examples:\n"
        "  # To the one before\n"
        "  kubectl rollout undo deployment/web\n"
        "  \n"
        "  # To the third\n"
        "  kubectl rollout undo daemonset/agent --to-revision=3\n"
    )
    assert "    --to-revision=0:\n\tNumber of the revision; 0 is the one before.\n" in kubectl("rollout undo -h").stdout
    assert "\nDeploy Commands:\n  rollout         Manage the rollout of a resource\n" in kubectl("--help").stdout
