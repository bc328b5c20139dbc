"""kubectl cordon, uncordon and drain: keep new pods from a node, or empty it.

Upstream: `kubectl/pkg/cmd/drain/drain.go`, `kubectl/pkg/drain`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.evicting import Plan, plan
from k8snb.kubectl.flags import CHUNKS, DRY_RUN, SELECTOR, Flag
from k8snb.kubectl.targets import Target, target_of
from k8snb.kubectl.waiting import FOREVER_SECONDS
from k8snb.machinery.durations import go_duration
from k8snb.machinery.selectors import SelectorError, parse
from k8snb.typing import Object

_RETRY_SECONDS = 5.0


def _nodes(call: Call) -> list[Target]:
    selector = call.flags.text("selector")
    if not call.args and not selector:
        raise call.usage(f"USAGE: {call.path.rpartition(' ')[2]} NODE [flags]")
    if call.args and selector:
        raise call.usage("error: cannot specify both a node name and a --selector option")
    nodes = resource_named(call.scheme, "nodes")
    if selector:
        return [target_of(nodes, node) for node in call.session.items(nodes, "", {"labelSelector": selector})]
    targets = [Target(nodes, "", name.removeprefix("node/").removeprefix("nodes/")) for name in call.args]
    return [target.holding(call.session.get(target)) for target in targets]


# -- cordon --------------------------------------------------------------------------------------------


def cordon(call: Call, *, wanted: bool) -> None:
    """Carry out `kubectl cordon` (`wanted`) or `uncordon`."""
    for target in _nodes(call):
        _cordon(call, target, wanted=wanted)


def _cordon(call: Call, target: Target, *, wanted: bool) -> None:
    word = "cordoned" if wanted else "uncordoned"
    if bool(target.known["spec"].get("unschedulable")) == wanted:
        call.out(f"{target.full_name} already {word}{call.dry_suffix}\n")
        return
    if call.dry_run != "client":
        patch = {"spec": {"unschedulable": True if wanted else None}}
        try:
            call.session.patch(target, "strategic", patch, call.query())
        except StatusError as error:
            verb = "cordon" if wanted else "uncordon"
            call.err(f'error: unable to {verb} node "{target.name}": {error.message}\n')
            return
    call.out(f"{target.full_name} {word}{call.dry_suffix}\n")


# -- drain ---------------------------------------------------------------------------------------------


def drain(call: Call) -> None:
    """Carry out `kubectl drain`."""
    try:
        parse(call.flags.text("pod-selector"))
    except SelectorError:
        raise CommandError("--pod-selector=<pod_selector> must be a valid label selector") from None
    nodes = _nodes(call)
    for target in nodes:
        _cordon(call, target, wanted=True)
    failed: list[tuple[Target, Exception]] = []
    for target in nodes:
        try:
            _empty(call, target)
            call.out(f"{target.full_name} drained{call.dry_suffix}\n")
        except (StatusError, CommandError) as error:
            call.err(f'error: unable to drain node "{target.name}" due to error: {error}, continuing command...\n')
            failed.append((target, error))
    if failed:
        call.err("There are pending nodes to be drained:\n" + "".join(f" {target.name}\n" for target, _ in failed))
    raise_all([error for _, error in failed])


def _empty(call: Call, node: Target) -> None:
    planned = plan(call, node.name)
    if planned.refusals:
        raise CommandError(_listed(planned.refusals), plain=True)
    if planned.warnings:
        call.err(f"Warning: {'; '.join(planned.warnings)}\n")
    if call.dry_run:
        for pod in planned.pods:
            call.out(f"evicting pod {pod.namespace}/{pod.name}{call.dry_suffix}\n")
        return
    _evict_all(call, node, planned)


def _listed(refusals: Sequence[str]) -> str:
    return refusals[0] if len(refusals) == 1 else f"[{', '.join(refusals)}]"


def _evict_all(call: Call, node: Target, planned: Plan) -> None:
    """Evict every pod; one that a disruption budget holds back is asked for again every five seconds."""
    limit = call.flags.seconds("timeout")
    deadline = call.now + (limit or FOREVER_SECONDS)
    waiting = list(planned.pods)
    for pod in waiting:
        call.out(f"evicting pod {pod.namespace}/{pod.name}\n")
    gone: list[Target] = []
    while waiting:
        waiting = [pod for pod in waiting if not _evicted(call, pod)]
        if waiting and call.now + _RETRY_SECONDS > deadline:
            break
        if waiting:
            call.session.wait(lambda: False, _RETRY_SECONDS)
            for pod in waiting:
                call.out(f"evicting pod {pod.namespace}/{pod.name}\n")
    evicted = [pod for pod in planned.pods if pod not in waiting]
    done = call.session.wait(lambda: _all_gone(call, evicted, gone), max(0.0, deadline - call.now))
    if waiting or not done:
        pending = [*waiting, *(pod for pod in evicted if pod not in gone)]
        _fail(call, node, pending, limit)


def _evicted(call: Call, pod: Target) -> bool:
    grace = call.flags.number("grace-period")
    options = {"gracePeriodSeconds": grace} if grace >= 0 else {}
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": options,
    }
    try:
        if call.flags.on("disable-eviction"):
            call.session.delete(pod, options)
        else:
            call.session.post(pod, "eviction", eviction)
    except StatusError as error:
        if error.code == 404:
            return True
        name = json.dumps(pod.name)
        if error.code != 429:
            raise CommandError(f'error when evicting pods/{name} -n "{pod.namespace}": {error.message}') from None
        call.err(f'error when evicting pods/{name} -n "{pod.namespace}" (will retry after 5s): {error.message}\n')
        return False
    return True


def _all_gone(call: Call, pods: Sequence[Target], gone: list[Target]) -> bool:
    for pod in pods:
        if pod not in gone and _is_gone(call, pod):
            gone.append(pod)
            call.out(f"{pod.full_name} evicted\n")
    return len(gone) == len(pods)


def _is_gone(call: Call, pod: Target) -> bool:
    try:
        current: Object = call.session.get(pod)
    except StatusError as error:
        if error.code == 404:
            return True
        raise
    return bool(current["metadata"]["uid"] != pod.known["metadata"]["uid"])


def _fail(call: Call, node: Target, pending: Sequence[Target], limit: float) -> None:
    reached = f"global timeout reached: {go_duration(limit)}"
    why = ", ".join(f'error when evicting pods/"{pod.name}" -n "{pod.namespace}": {reached}' for pod in pending)
    text = f"[{why}]" if len(pending) > 1 else why
    call.err(f'There are pending pods in node "{node.name}" when an error occurred: {text}\n')
    for pod in pending:
        call.err(f"pod/{pod.name}\n")
    raise CommandError(text)


CORDON = Verb("cordon", "Mark node as unschedulable", partial(cordon, wanted=True), (SELECTOR, DRY_RUN))
UNCORDON = Verb("uncordon", "Mark node as schedulable", partial(cordon, wanted=False), (SELECTOR, DRY_RUN))
DRAIN = Verb(
    "drain",
    "Drain node in preparation for maintenance",
    drain,
    (
        SELECTOR,
        DRY_RUN,
        CHUNKS,
        Flag("delete-emptydir-data", kind="switch"),
        Flag("disable-eviction", kind="switch"),
        Flag("force", kind="switch"),
        Flag("grace-period", kind="number", default=-1),
        Flag("ignore-daemonsets", kind="switch"),
        Flag("pod-selector"),
        Flag("skip-wait-for-delete-timeout", kind="number"),
        Flag("timeout", kind="seconds"),
    ),
)
