"""Paths of files inside volumes, and what they must not do: start at the root, or climb out.

Upstream: `validateLocalDescendingPath` and its neighbours in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.errors import FieldError, invalid_value

MAX_MODE = 0o777
BAD_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def descending(text: str, path: str) -> Iterator[FieldError]:
    """Relative, and never upwards."""
    if text.startswith("/"):
        yield invalid_value(path, text, "must be a relative path")
    yield from without_backsteps(text, path)


def without_backsteps(text: str, path: str) -> Iterator[FieldError]:
    """No element of the path is `..`."""
    if ".." in text.split("/"):
        yield invalid_value(path, text, "must not contain '..'")


def not_reserved(text: str, path: str) -> Iterator[FieldError]:
    """Relative, never upwards, and not one of the `..data` names that volumes keep for themselves."""
    yield from descending(text, path)
    if text.startswith("..") and not text.startswith("../"):
        yield invalid_value(path, text, "must not start with '..'")


def file_mode(mode: int | None, path: str) -> Iterator[FieldError]:
    """Permission bits, if they are given."""
    if mode is not None and not 0 <= mode <= MAX_MODE:
        yield invalid_value(path, mode, BAD_MODE)
