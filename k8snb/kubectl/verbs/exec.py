"""kubectl exec: run a command in a container. Upstream: `kubectl/pkg/cmd/exec/exec.go`."""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import FILES, Flag
from k8snb.kubectl.podpicking import default_container, pods_of


def run(call: Call) -> None:
    """Carry out `kubectl exec`."""
    if not call.args or call.dash == 0:
        raise CommandError("pod, type/name or --filename must be specified")
    if len(call.args) == 1:
        raise CommandError("you must specify at least one command for the container")
    if call.dash < 0:
        message = "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"
        raise call.usage(message)
    pod = pods_of(call, call.args[0], "attach to")[0]
    phase = (pod.known.get("status") or {}).get("phase", "")
    if phase in ("Succeeded", "Failed"):
        raise CommandError(f"cannot exec into a container in a completed pod; current phase is {phase}")
    quiet = call.flags.on("quiet")
    container = call.flags.text("container") or default_container(call, pod.known, quiet=quiet)
    _execute(call, pod.resource.path(pod.namespace, pod.name, "exec"), container, call.args[call.dash :])


def _execute(call: Call, path: str, container: str, command: list[str]) -> None:
    stdin = call.flags.on("stdin")
    query = {"command": "\0".join(command), "container": container, "stdout": "true", "stderr": "true"}
    if stdin:
        query["stdin"] = "true"
    if call.flags.on("tty") and stdin:
        call.err("Unable to use a TTY - input is not a terminal or the right kind of file\n")
    try:
        response = call.session.send("POST", path, query, body=call.stdin.encode() if stdin else b"")
    except StatusError as error:
        if error.code != 500:
            raise
        raise CommandError(error.message) from None
    assert response.object is not None, "a command's outcome"
    call.out(response.object["stdout"])
    call.err(response.object["stderr"])
    code = int(response.object["exitCode"])
    if code:
        call.err(f"command terminated with exit code {code}\n")
        raise CommandError("", code)


EXEC = Verb(
    "exec",
    "Execute a command in a container",
    run,
    (
        *FILES,
        Flag("container", "c"),
        Flag("pod-running-timeout", kind="seconds", default=60.0),
        Flag("quiet", "q", kind="switch"),
        Flag("stdin", "i", kind="switch"),
        Flag("tty", "t", kind="switch"),
    ),
)
