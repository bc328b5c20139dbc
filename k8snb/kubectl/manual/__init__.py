"""What the help says: a page for each command, in words of our own, and what each flag does.

A file holds the pages of a command and of those below it, by their paths (`create service`). A page has the command's
usage line, its purpose (`about`, a paragraph per line), examples, and what its flags do (`options`). `flags.yaml` has
what a flag does wherever the page says nothing else, `options.yaml` the flags that every command takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one command."""

    usage: str = "[flags] [options]"
    about: str = ""
    examples: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def option(self, flag: str) -> str:
        """What a flag of this command does; empty if nobody has said it."""
        return self.options.get(flag) or _read("flags").get(flag, "")


def page(path: str) -> Page:
    """The page of `get` or `create service`; an empty one where there is none."""
    return Page(**pages(path.partition(" ")[0]).get(path, {}))


def pages(command: str) -> Mapping[str, Any]:
    """The pages of a command and of those below it."""
    return _read(command)


def global_option(flag: str) -> str:
    """What a flag that every command takes does."""
    return str(_read("options").get(flag, ""))


@cache
def _read(name: str) -> Mapping[str, Any]:
    file = _FOLDER / f"{name}.yaml"
    read: Mapping[str, Any] = yaml.load(file.read_text("utf-8"), _Loader) if file.exists() else {}
    return read
