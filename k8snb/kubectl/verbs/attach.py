"""kubectl attach: what a container writes from now on, until it has ended or been quiet for a while.

There is no terminal to type into; what a program reads is what a cell gives to `exec -i`. Upstream:
`kubectl/pkg/cmd/attach/attach.go`.
"""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import SESSION
from k8snb.kubectl.podpicking import container_names, default_container, pods_of
from k8snb.kubectl.targets import Target
from k8snb.kubectl.waiting import FOREVER_SECONDS, QUIET_SECONDS, request_timeout

_OVER = ("Succeeded", "Failed")


def run(call: Call) -> None:
    """Carry out `kubectl attach`."""
    if not call.args:
        raise CommandError("at least 1 argument is required for attach")
    if len(call.args) > 2:
        saw = f"(at most 2 arguments) saw {len(call.args)}: [{' '.join(call.args)}]"
        raise CommandError(f"expected POD, TYPE/NAME, or TYPE NAME, {saw}")
    pod = pods_of(call, "/".join(call.args), "attach to")[0]
    if ((pod.known.get("status") or {}).get("phase", "")) in _OVER:
        phase = pod.known["status"]["phase"]
        raise CommandError(f"cannot attach a container in a completed pod; current phase is {phase}")
    name = call.flags.text("container") or default_container(call, pod.known, quiet=call.flags.on("quiet"))
    if name not in container_names(pod.known):
        raise CommandError(f"cannot attach to the container: container {name} not found in pod {pod.name}")
    _listen(call, pod, name)


def _listen(call: Call, pod: Target, container: str) -> None:
    path = pod.resource.path(pod.namespace, pod.name, "log")
    seen = 0

    def fresh() -> str:
        nonlocal seen
        text = call.session.send("GET", path, {"container": container}).body.decode()
        new, seen = text[seen:], len(text)
        return new

    def news() -> bool:
        new = fresh()
        call.out(new)
        return bool(new)

    fresh()
    limit = request_timeout(call)
    deadline = call.now + (limit or FOREVER_SECONDS)
    while call.now < deadline and not _over(call, pod):
        left = deadline - call.now
        if not call.session.wait(news, left if limit else min(left, QUIET_SECONDS)):
            break


def _over(call: Call, pod: Target) -> bool:
    try:
        return (call.session.get(pod).get("status") or {}).get("phase") in _OVER
    except StatusError as error:
        return error.code == 404


ATTACH = Verb(
    "attach",
    "Attach to a running container",
    run,
    SESSION,
)
