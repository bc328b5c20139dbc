"""`KEY=VALUE` arguments: labels, literals, environment variables, hard limits."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_file

T = TypeVar("T")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def resources_and_pairs(args: Sequence[str], kind: str) -> tuple[list[str], list[str]]:
    """The arguments that name objects, and the changes after them: `pod web a=b c-`."""
    resources: list[str] = []
    pairs: list[str] = []
    for word in args:
        if ("=" in word and not word.startswith("=")) or (word.endswith("-") and word != "-"):
            pairs.append(word)
        elif pairs:
            raise CommandError(f"all resources must be specified before {kind} changes: {word}")
        else:
            resources.append(word)
    return resources, pairs


def parse_pairs(pairs: Sequence[str], kind: str, *, removable: bool) -> tuple[dict[str, str], list[str]]:
    """The new values, and the keys to remove."""
    values: dict[str, str] = {}
    removed: list[str] = []
    bad: list[str] = []
    for pair in pairs:
        if "=" in pair and not pair.startswith("="):
            key, _, value = pair.partition("=")
            values[key] = value
        elif removable and pair.endswith("-") and pair != "-":
            removed.append(pair[:-1])
        else:
            bad.append(pair)
    if bad:
        raise CommandError(f"invalid {kind} format: {', '.join(bad)}")
    return values, removed


def parse_labels(text: str) -> dict[str, str]:
    """`a=b,c=d`"""
    labels: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals or not key or "=" in value:
            raise CommandError(f"unexpected label spec: {part}")
        labels[key] = value
    return labels


def parse_env(pairs: Sequence[str]) -> list[Mapping[str, str]]:
    """`NAME=value` as a container has it."""
    found: list[Mapping[str, str]] = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not _ENV_NAME.fullmatch(name):
            raise CommandError(f"invalid env: {pair}")
        found.append({"name": name, "value": value} if value else {"name": name})
    return found


def literals(pairs: Sequence[str], owner: str) -> dict[str, str]:
    """`--from-literal`: keys and values, quotes around a value taken off. `owner` is for messages."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid literal source {pair}, expected key=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        add(found, key, value, owner)
    return found


def files(sources: Sequence[str]) -> dict[str, bytes]:
    """`--from-file`: a file, a folder of files, or `key=file`."""
    found: dict[str, bytes] = {}
    for source in sources:
        if source.count("=") > 1:
            raise CommandError("key names or file paths cannot contain '='")
        key, equals, name = source.rpartition("=")
        path = Path(name)
        if not path.exists():
            raise CommandError(f"error reading {name}: no such file or directory")
        if path.is_dir():
            if equals:
                raise CommandError("cannot give a key name for a directory path")
            for each in sorted(p for p in path.iterdir() if p.is_file() and _CONFIG_KEY.fullmatch(p.name)):
                found[each.name] = each.read_bytes()
        else:
            found[key or path.name] = path.read_bytes()
    return found


def env_file(names: Sequence[str], owner: str) -> dict[str, str]:
    """`--from-env-file`: a line `KEY=value` each."""
    found: dict[str, str] = {}
    for name in names:
        if not Path(name).exists():
            raise CommandError(f"error reading {name}: no such file or directory")
        for line in read_file(name).splitlines():
            text = line.lstrip()
            if text and not text.startswith("#"):
                key, equals, value = text.partition("=")
                add(found, key, value if equals else "", owner)
    return found


def add(found: dict[str, T], key: str, value: T, owner: str) -> None:
    """Add a key of a ConfigMap or Secret, which must be well formed and new."""
    if not _CONFIG_KEY.fullmatch(key):
        raise CommandError(
            f'"{key}" is not a valid key name for a {owner.partition(" ")[0]}: a valid config key must consist of '
            "alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
            "regex used for validation is '[-._a-zA-Z0-9]+')"
        )
    if key in found:
        raise CommandError(f'cannot add key "{key}", another key by that name already exists in Data for {owner}')
    found[key] = value


def encoded(value: str | bytes) -> str:
    """A value as a Secret holds it."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
