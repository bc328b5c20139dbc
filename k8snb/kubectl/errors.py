"""What kubectl says when something goes wrong.

A verb raises `CommandError` for what is wrong with the command, lets a `StatusError` of the API pass, or raises
`ManyErrors` when several of its objects failed; `explain` turns each of them into the lines that the real one
prints on its error output. Upstream: `kubectl/pkg/cmd/util/helpers.go` (`checkErr`, `StandardErrorMessage`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from k8snb.errors import StatusError


class CommandError(Exception):
    """The command cannot be carried out. `code` is its exit status; an empty message prints nothing.

    A `plain` message stands without `error:` before it.
    """

    def __init__(self, message: str, code: int = 1, *, plain: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.plain = plain


def connection_refused(address: str) -> str:
    """What is said of a server that does not answer."""
    return f"The connection to the server {address} was refused - did you specify the right host or port?"


class Halfway(CommandError):
    """It failed when something had been printed; `printed` is that."""

    def __init__(self, message: str, printed: str) -> None:
        super().__init__(message)
        self.printed = printed


class UsageError(CommandError):
    """The command is not written as it should be; `path` is what was called (`kubectl create configmap`)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{message}\nSee '{path} -h' for help and examples")


class FlagError(CommandError):
    """A flag is unknown or has a bad value."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{message}\nSee '{path} --help' for usage.")


class ManyErrors(Exception):
    """Several objects failed, each for its own reason."""

    code = 1

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = list(errors)


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise what has been collected, if anything."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)


def explain(error: Exception) -> tuple[str, int]:
    """The lines to print, and the exit status."""
    if isinstance(error, ManyErrors) and len(error.errors) == 1:
        return explain(error.errors[0])[0], error.code
    if isinstance(error, ManyErrors):
        return "".join(f"{_message(each)}\n" for each in error.errors), error.code
    if isinstance(error, CommandError):
        text = str(error)
        if error.plain:
            return f"{text}\n", error.code
        return (_prefixed(text).removesuffix("\n") + "\n" if text else ""), error.code
    if isinstance(error, StatusError) and error.code == 422 and error.reason == "Invalid":
        return _invalid(error), 1
    return f"{_prefixed(_message(error))}\n", 1


def _prefixed(text: str) -> str:
    known = text.startswith(("error: ", "Error from server"))
    return text if known else f"error: {text}"


def _message(error: Exception) -> str:
    if not isinstance(error, StatusError):
        return str(error)
    if error.reason == "Unauthorized":
        return f"error: You must be logged in to the server ({error.message})"
    return f"Error from server{f' ({error.reason})' if error.reason else ''}: {error.message}"


def _invalid(error: StatusError) -> str:
    details = error.status.get("details")
    text = "The request is invalid"
    if details is None:
        return f"{text}: {error.message}\n"
    if details.get("kind") or details.get("name"):
        text = f"The {details.get('kind', '')} {json.dumps(details.get('name', ''), ensure_ascii=False)} is invalid"
    elif not details.get("causes"):
        text = f"{text}: {error.message}"
    listed = (f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in details.get("causes") or ())
    causes = list(dict.fromkeys(listed))
    if not causes:
        return text + "\n"
    if len(causes) == 1:
        return f"{text}: {causes[0]}\n"
    return f"{text}: \n" + "".join(f"* {cause}\n" for cause in causes)


def while_doing(verb: str, source: str, error: StatusError) -> StatusError:
    """The error, saying which file it is about: `error when creating "web.yaml": …`."""
    if not source:
        return error
    message = f'error when {verb} "{source}": {error.message}'
    said = StatusError(error.code, error.reason, message)
    said.status = {**error.status, "message": message}
    return said
