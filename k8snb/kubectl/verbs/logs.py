"""kubectl logs: what containers have written. Upstream: `kubectl/pkg/cmd/logs/logs.go`."""

from __future__ import annotations

import re

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import SELECTOR, Flag
from k8snb.kubectl.podpicking import container_names, default_container, pods_of
from k8snb.kubectl.targets import Target, target_of
from k8snb.kubectl.waiting import FOREVER_SECONDS, QUIET_SECONDS, request_timeout
from k8snb.typing import Object

_EXPECTED = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_WITH_SELECTOR = 10
"""How many lines a pod found by selector shows."""


def run(call: Call) -> None:
    """Carry out `kubectl logs`."""
    _check(call)
    sources = [source for pod in _pods(call) for source in _containers(call, pod)]
    if call.flags.on("follow"):
        limit = call.flags.number("max-log-requests")
        if len(sources) > limit:
            raise CommandError(
                f"you are attempting to follow {len(sources)} log streams, but maximum allowed concurrency is {limit}, "
                "use --max-log-requests to increase the limit"
            )
        _follow(call, sources)
        return
    for pod, container in sources:
        call.out(_prefixed(call, pod, container, _read(call, pod, container)))


def _check(call: Call) -> None:
    flags, args = call.flags, call.args
    if (not args and not flags.text("selector")) or len(args) > 2:
        raise call.usage(_EXPECTED)
    if args and flags.text("selector"):
        raise call.usage("only a selector (-l) or a POD name is allowed")
    if len(args) == 2 and flags.has("container"):
        raise CommandError("only one of -c or an inline [CONTAINER] arg is allowed")
    if flags.text("since-time") and flags.seconds("since"):
        raise CommandError("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if flags.text("since-time") and not _TIME.fullmatch(flags.text("since-time")):
        wanted = '"2006-01-02T15:04:05Z07:00": cannot parse'
        given = flags.text("since-time")
        raise CommandError(f'parsing time "{given}" as {wanted} "{given}" as "2006"')
    if flags.on("all-containers") and _container(call):
        raise CommandError(f"--all-containers=true should not be specified with container name {_container(call)}")
    if flags.number("tail") < -1:
        raise CommandError("--tail must be greater than or equal to -1")
    if flags.number("limit-bytes") < 0:
        raise CommandError("--limit-bytes must be greater than 0")
    if flags.on("follow") and flags.seconds("pod-running-timeout") <= 0:
        raise CommandError("--pod-running-timeout must be higher than zero")
    if flags.seconds("since") < 0:
        raise CommandError("--since must be greater than 0")


def _container(call: Call) -> str:
    return call.args[1] if len(call.args) == 2 else call.flags.text("container")


def _pods(call: Call) -> list[Target]:
    if call.args:
        pods = _named(call)
        if len(pods) > 1 and not call.flags.on("all-pods"):
            call.err(f"Found {len(pods)} pods, using pod/{pods[0].name}\n")
            return pods[:1]
        return pods
    resource = resource_named(call.scheme, "pods")
    found = call.session.items(resource, call.namespace, {"labelSelector": call.flags.text("selector")})
    if not found:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    return [target_of(resource, pod) for pod in found]


def _named(call: Call) -> list[Target]:
    try:
        return pods_of(call, call.args[0])
    except StatusError as error:
        if error.code != 404:
            raise
        where = f'{error.message} in namespace "{call.namespace}"'
        raise CommandError(f"error from server ({error.reason}): {where}") from None


def _containers(call: Call, pod: Target) -> list[tuple[Target, str]]:
    spec, name = pod.known["spec"], _container(call)
    if call.flags.on("all-containers"):
        keys = ("initContainers", "containers", "ephemeralContainers")
        return [(pod, container["name"]) for key in keys for container in spec.get(key) or ()]
    if not name:
        return [(pod, default_container(call, pod.known))]
    if name not in container_names(pod.known):
        raise CommandError(f"container {name} is not valid for pod {pod.name}")
    return [(pod, name)]


def _query(call: Call, container: str) -> dict[str, str]:
    flags = call.flags
    tail = flags.number("tail")
    if flags.text("selector") and not flags.has("tail"):
        tail = _WITH_SELECTOR
    query = {"container": container, "sinceTime": flags.text("since-time")}
    query |= {name: "true" for name in ("previous", "timestamps") if flags.on(name)}
    query["tailLines"] = str(tail) if tail >= 0 else ""
    query["sinceSeconds"] = str(round(flags.seconds("since")) or "")
    query["limitBytes"] = str(flags.number("limit-bytes") or "")
    return query


def _read(call: Call, pod: Target, container: str) -> str:
    path = pod.resource.path(pod.namespace, pod.name, "log")
    return call.session.send("GET", path, _query(call, container)).body.decode()


def _prefixed(call: Call, pod: Target, container: str, text: str) -> str:
    if not (call.flags.on("prefix") or (call.flags.on("all-pods") and not call.flags.has("prefix"))):
        return text
    return "".join(f"[pod/{pod.name}/{container}] {line}" for line in text.splitlines(keepends=True))


# -- following -----------------------------------------------------------------------------------------


def _follow(call: Call, sources: list[tuple[Target, str]]) -> None:
    """Print what the containers add, until they have ended or been quiet for a while."""
    seen = dict.fromkeys(range(len(sources)), 0)
    limit = request_timeout(call)
    deadline = call.now + (limit or FOREVER_SECONDS)

    def news() -> bool:
        grown = False
        for at, (pod, container) in enumerate(sources):
            text = _read(call, pod, container)
            fresh, seen[at] = text[seen[at] :], len(text)
            call.out(_prefixed(call, pod, container, fresh))
            grown = grown or bool(fresh)
        return grown

    news()
    while call.now < deadline and not all(_ended(call, pod, container) for pod, container in sources):
        left = deadline - call.now
        if not call.session.wait(news, left if limit else min(left, QUIET_SECONDS)):
            break
    news()


def _ended(call: Call, pod: Target, container: str) -> bool:
    try:
        now: Object = call.session.get(pod)
    except StatusError as error:
        return error.code == 404
    status = now.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    keys = ("containerStatuses", "initContainerStatuses")
    states = [c["state"] for key in keys for c in status.get(key) or () if c["name"] == container]
    return any("terminated" in state for state in states)


LOGS = Verb(
    "logs",
    "Print the logs for a container in a pod",
    run,
    (
        SELECTOR,
        Flag("all-containers", kind="switch"),
        Flag("all-pods", kind="switch"),
        Flag("container", "c"),
        Flag("follow", "f", kind="switch"),
        Flag("ignore-errors", kind="switch"),
        Flag("insecure-skip-tls-verify-backend", kind="switch"),
        Flag("limit-bytes", kind="number"),
        Flag("max-log-requests", kind="number", default=5),
        Flag("pod-running-timeout", kind="seconds", default=20.0),
        Flag("prefix", kind="switch"),
        Flag("previous", "p", kind="switch"),
        Flag("since", kind="seconds"),
        Flag("since-time"),
        Flag("tail", kind="number", default=-1),
        Flag("timestamps", kind="switch"),
    ),
)
