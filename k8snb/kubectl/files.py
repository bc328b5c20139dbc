"""Files that flags name, read with the words of Go when they cannot be."""

from __future__ import annotations

from pathlib import Path

from k8snb.kubectl.errors import CommandError


def read_bytes(path: str, lead: str = "") -> bytes:
    """What a file holds; `lead` is how the complaint begins if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{lead}open {path}: {(error.strerror or '').lower()}") from None


def read_file(path: str, lead: str = "") -> str:
    """The text of a file."""
    return read_bytes(path, lead).decode(errors="replace")
