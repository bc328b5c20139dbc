"""kubectl exec: run a command in a container. Upstream: `kubectl/pkg/cmd/exec/exec.go`."""

from __future__ import annotations

from k8snb.kubectl.asking import manifests
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.executing import execute
from k8snb.kubectl.flags import FILES, SESSION
from k8snb.kubectl.podpicking import default_container, pods_of


def run(call: Call) -> None:
    """Carry out `kubectl exec`."""
    if call.flags.seconds("pod-running-timeout") <= 0:
        raise call.usage("--pod-running-timeout must be higher than zero")
    if call.files:
        next(iter(manifests(call)))
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
    stdin = call.stdin.encode() if call.flags.on("stdin") else None
    if call.flags.on("tty") and stdin is not None:
        call.err("Unable to use a TTY - input is not a terminal or the right kind of file\n")
    outcome = execute(call, pod, container, call.args[call.dash :], stdin)
    call.out(outcome.stdout)
    call.err(outcome.stderr)
    if outcome.code:
        call.err(f"command terminated with exit code {outcome.code}\n")
        raise CommandError("", outcome.code)


EXEC = Verb(
    "exec",
    "Execute a command in a container",
    run,
    (
        FILES[0],
        *SESSION,
    ),
)
