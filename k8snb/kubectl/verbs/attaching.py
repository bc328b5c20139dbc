"""kubectl run -i: stay with a pod until it has done its work, and show what it said.

There is no terminal to type into, so what the pod reads is what stands in the cell, and what it writes is shown
when it has written it.
"""

from __future__ import annotations

from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.targets import Target
from k8snb.kubectl.waiting import QUIET_SECONDS, until
from k8snb.typing import Object

_OVER = ("Succeeded", "Failed")


def attach(call: Call, target: Target) -> None:
    """Wait until the pod has ended (or runs on without end), and print its log."""
    latest: Object = target.known

    def phase(*wanted: str) -> bool:
        return (latest.get("status") or {}).get("phase") in wanted

    def seen(*wanted: str) -> bool:
        def see(type: str, obj: Object) -> bool:
            nonlocal latest
            latest = obj
            return phase(*wanted)

        return until(call.session, target, see, seconds)

    seconds = call.flags.seconds("pod-running-timeout")
    if not seen("Running", *_OVER):
        raise CommandError("timed out waiting for the condition")
    seconds = QUIET_SECONDS
    seen(*_OVER)
    _print_log(call, target)
    if call.flags.text("restart") != "Always" and phase("Failed"):
        _fail(target, latest)


def _print_log(call: Call, target: Target) -> None:
    path = target.resource.path(target.namespace, target.name, "log")
    container = target.known["spec"]["containers"][0]["name"]
    call.out(call.session.send("GET", path, {"container": container}).body.decode())


def _fail(target: Target, pod: Object) -> None:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    ended = (statuses[0].get("state") or {}).get("terminated") or {}
    code = int(ended.get("exitCode", 0))
    if not code:
        raise CommandError(f"pod {target.namespace}/{target.name} failed with unknown exit code")
    reason, message = ended.get("reason", ""), ended.get("message", "")
    raise CommandError(f"pod {target.namespace}/{target.name} terminated ({reason})\n{message}", code)
