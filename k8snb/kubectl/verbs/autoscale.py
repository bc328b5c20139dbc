"""kubectl autoscale: an autoscaler for something that has replicas. Upstream: `kubectl/pkg/cmd/autoscale`."""

from __future__ import annotations

import re

from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import DRY_RUN, FILES, PRINTING, RECORD, SAVE_CONFIG, Flag, manager
from k8snb.kubectl.generators.policies import autoscaler
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.configuring import configured
from k8snb.machinery.quantity import canonical
from k8snb.typing import Object

_RESOURCE = "horizontalpodautoscalers.autoscaling"
_INSTEAD = "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU)."
_UNITS = {"cpu": "m", "memory": "Mi"}
"""What a bare number counts."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def run(call: Call) -> None:
    """Carry out `kubectl autoscale`."""
    least, most = call.flags.number("min"), call.flags.number("max")
    if most < 1:
        raise CommandError(f"--max=MAXPODS is required and must be at least 1, max: {most}")
    if most < least:
        raise CommandError(f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {most}, min: {least}")
    percent, cpu, memory = call.flags.number("cpu-percent"), call.flags.text("cpu"), call.flags.text("memory")
    if percent > 0 and cpu:
        raise CommandError("--cpu-percent and --cpu are mutually exclusive")
    wanted = {"cpu": f"{percent}%" if percent > 0 else cpu, "memory": memory}
    metrics = [_metric(name, given) for name, given in wanted.items() if given]
    result = found(call, ask(call, call.args), latest=True)
    if not result.targets and not result.errors:
        raise CommandError("no objects passed to autoscale")
    for target in result.targets:
        _autoscale(call, target, least, most, metrics)
    raise_all(result.errors)


def _metric(resource: str, given: str) -> Object:
    """What is to be aimed at: a share of what is requested, such as `60%`, or an amount for each pod."""
    return {"type": "Resource", "resource": {"name": resource, "target": _target(resource, given.strip())}}


def _target(resource: str, given: str) -> Object:
    if given.endswith("%"):
        share = given[:-1]
        if not re.fullmatch(r"\+?\d+", share):
            raise CommandError(f"invalid percentage value: {share}")
        return {"type": "Utilization", "averageUtilization": int(share)}
    try:
        amount = canonical(f"{float(given):g}{_UNITS[resource]}" if _NUMBER.fullmatch(given) else given)
    except ValueError:
        raise CommandError(f"invalid resource {resource} value: {given}") from None
    return {"type": "AverageValue", "averageValue": amount}


def _autoscale(call: Call, target: Target, least: int, most: int, metrics: list[Object]) -> None:
    resource = target.resource
    if "scale" not in resource.subresources:
        what = f"{resource.group}/{resource.version}, Resource={resource.plural}"
        why = f"could not find scale subresource for {what} in discovery information"
        raise CommandError(f"cannot autoscale a {resource.kind}: {why}")
    reference = {"kind": resource.kind, "name": target.name, "apiVersion": resource.api_version}
    name = call.flags.text("name") or target.name
    obj = autoscaler(name, reference, least, most, metrics)
    if call.flags.on("save-config"):
        obj = configured(obj, ordered=False)
    wanted = call.scheme.find(_RESOURCE)
    assert wanted is not None
    if call.dry_run != "client":
        obj = call.session.create(wanted, call.namespace, obj, call.query())
    call.done(obj, f"{wanted.kind.lower()}.{wanted.group}/{name}", "autoscaled", ordered=False)


AUTOSCALE = Verb(
    "autoscale",
    "Auto-scale a deployment, replica set, stateful set, or replication controller",
    run,
    (
        *PRINTING,
        DRY_RUN,
        *FILES,
        RECORD,
        SAVE_CONFIG,
        manager("kubectl-autoscale"),
        Flag("min", kind="number", default=-1),
        Flag("max", kind="number", default=-1, required=True),
        Flag("cpu-percent", kind="number", default=-1, deprecated=_INSTEAD),
        Flag("cpu"),
        Flag("memory"),
        Flag("name"),
    ),
)
