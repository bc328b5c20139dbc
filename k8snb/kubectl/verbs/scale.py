"""kubectl scale: a new number of replicas. Upstream: `kubectl/pkg/cmd/scale/scale.go`."""

from __future__ import annotations

from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import ALL, DRY_RUN, FILES, PRINTING, RECORD, SELECTOR, Flag
from k8snb.kubectl.targets import Target
from k8snb.typing import Object


def run(call: Call) -> None:
    """Carry out `kubectl scale`."""
    replicas = call.flags.number("replicas")
    if replicas < 0:
        raise CommandError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if call.flags.number("current-replicas") < -1:
        raise CommandError("The --current-replicas must specify an integer of -1 or greater")
    result = found(call, ask(call, call.args, every=call.flags.on("all")), latest=False)
    if call.flags.text("resource-version") and len(result.targets) > 1:
        raise CommandError("cannot use --resource-version with multiple resources")
    if not result.targets:
        raise CommandError(" ".join(["no objects passed to scale", *map(str, result.errors)]))
    for target in result.targets:
        if call.dry_run != "client":
            _scale(call, target, replicas)
        scaled = {**target.known, "spec": {**(target.known.get("spec") or {}), "replicas": replicas}}
        call.done(scaled, target.full_name, "scaled")
    raise_all(result.errors)


def _scale(call: Call, target: Target, replicas: int) -> None:
    current, version = call.flags.number("current-replicas"), call.flags.text("resource-version")
    if current != -1 or version:
        _replace(call, target, replicas, current, version)
    else:
        call.session.patch(target, "merge", {"spec": {"replicas": replicas}}, call.query(), subresource="scale")
    seconds = call.flags.seconds("timeout")
    if seconds and not call.dry_run and not call.session.wait(lambda: _reached(call, target, replicas), seconds):
        raise CommandError("timed out waiting for the condition")


def _replace(call: Call, target: Target, replicas: int, current: int, version: str) -> None:
    scale = call.session.get(target, subresource="scale")
    actual = (scale.get("spec") or {}).get("replicas", 0)
    if current not in (-1, actual):
        raise CommandError(f"Expected replicas to be {current}, was {actual}")
    found_version = scale["metadata"]["resourceVersion"]
    if version and version != found_version:
        raise CommandError(f"Expected resource version to be {version}, was {found_version}")
    new: dict[str, Any] = {**scale, "spec": {"replicas": replicas}}
    try:
        call.session.replace(target, new, call.query(), subresource="scale")
    except StatusError as error:
        why = f"Scaling the resource failed with: {error.message}; Current resource version {found_version}"
        raise CommandError(why) from None


def _reached(call: Call, target: Target, replicas: int) -> bool:
    obj: Object = call.session.get(target)
    meta, status = obj["metadata"], obj.get("status") or {}
    observed = status.get("observedGeneration", meta.get("generation"))
    return bool(status.get("replicas", 0) == replicas and observed == meta.get("generation"))


SCALE = Verb(
    "scale",
    "Set a new size for a deployment, replica set, or replication controller",
    run,
    (
        *PRINTING,
        *FILES,
        SELECTOR,
        ALL,
        DRY_RUN,
        RECORD,
        Flag("replicas", kind="number", required=True),
        Flag("current-replicas", kind="number", default=-1),
        Flag("resource-version"),
        Flag("timeout", kind="seconds"),
    ),
)
