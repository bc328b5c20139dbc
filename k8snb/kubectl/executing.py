"""Running a command in a container, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.targets import Target


class Outcome(NamedTuple):
    """What a command wrote, and its exit status."""

    stdout: str
    stderr: str
    code: int


def execute(call: Call, pod: Target, container: str, command: Sequence[str], stdin: bytes | None = None) -> Outcome:
    """Run a command; `stdin`, if given, is what it reads."""
    query = {"command": "\0".join(command), "container": container, "stdout": "true", "stderr": "true"}
    if stdin is not None:
        query["stdin"] = "true"
    path = pod.resource.path(pod.namespace, pod.name, "exec")
    try:
        response = call.session.send("POST", path, query, body=stdin or b"")
    except StatusError as error:
        if error.code != 500 or error.message.startswith("error dialing backend"):
            raise
        raise CommandError(error.message) from None
    assert response.object is not None, "a command's outcome"
    found = response.object
    return Outcome(found["stdout"], found["stderr"], int(found["exitCode"]))
