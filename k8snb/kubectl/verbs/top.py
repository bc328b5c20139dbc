"""kubectl top: CPU and memory in use, as the metrics API tells. Upstream: `kubectl/pkg/cmd/top`, `metricsutil`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import EVERY_NAMESPACE, FIELD_SELECTOR, SELECTOR, Flag
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.targets import Target
from k8snb.machinery.quantity import parse
from k8snb.typing import Object

_METRICS = "/apis/metrics.k8s.io/v1beta1"
_MEBIBYTE = 1 << 20
_MILLI, _NANO = 10**6, 10**9

Usage = Mapping[str, int]
"""CPU in nanocores and memory in billionths of bytes."""


def _usage(amounts: Mapping[str, str]) -> Usage:
    return {name: parse(amounts[name]).nano if name in amounts else 0 for name in ("cpu", "memory")}


def _sum(usages: Sequence[Usage]) -> Usage:
    return {name: sum(usage[name] for usage in usages) for name in ("cpu", "memory")}


def _cells(usage: Usage) -> list[str]:
    return [f"{-(-usage['cpu'] // _MILLI)}m", f"{-(-usage['memory'] // _NANO) // _MEBIBYTE}Mi"]


def _metrics(call: Call, path: str, *, selector: bool = True) -> Object:
    flags = ("labelSelector", "selector"), ("fieldSelector", "field-selector")
    given = {name: call.flags.text(flag) for name, flag in flags if selector and flag in call.flags.values}
    try:
        return call.session.object("GET", _METRICS + path, given)
    except StatusError as error:
        # The real one looks into discovery, where a group that is not there or whose server is silent has no versions.
        if error.code == 503 or (error.code == 404 and not (error.status.get("details") or {}).get("name")):
            raise CommandError("Metrics API not available") from None
        raise


def _sort_check(call: Call) -> str:
    by = call.flags.text("sort-by")
    if by not in ("", "cpu", "memory"):
        raise CommandError("--sort-by accepts only cpu or memory")
    return by


def _one_or_selector(call: Call) -> str:
    if len(call.args) > 1:
        raise call.usage(f"{call.path.rpartition(' ')[2]} [NAME | -l label]")
    if call.args and call.flags.text("selector"):
        raise CommandError("only one of NAME or selector can be provided")
    return call.args[0] if call.args else ""


# -- nodes ---------------------------------------------------------------------------------------------


def node(call: Call) -> None:
    """Carry out `kubectl top node`."""
    by, name = _sort_check(call), _one_or_selector(call)
    found = _metrics(call, f"/nodes/{name}", selector=False) if name else _metrics(call, "/nodes")
    metrics = [found] if name else list(found.get("items") or ())
    if not metrics:
        raise CommandError("metrics not available yet")
    resource = resource_named(call.scheme, "nodes")
    query = {"labelSelector": call.flags.text("selector")}
    listed = [call.session.get(Target(resource, "", name))] if name else call.session.items(resource, "", query)
    field = "capacity" if call.flags.on("show-capacity") else "allocatable"
    room = {each["metadata"]["name"]: _usage((each.get("status") or {}).get(field) or {}) for each in listed}
    used = {each["metadata"]["name"]: _usage(each.get("usage") or {}) for each in metrics}
    writer = TabWriter()
    if not call.flags.on("no-headers"):
        writer.row(("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", ""))
    for each in sorted(used, key=lambda name: (-used[name][by] if by else 0, name)):
        writer.row((each, *_with_shares(used[each], room.get(each, {})), ""))
    for each in sorted(set(room) - set(used)):
        writer.row((each, *["<unknown>"] * 4, ""))
    call.out(writer.flush())


def _with_shares(usage: Usage, room: Usage) -> list[str]:
    cells: list[str] = []
    for name, cell in zip(("cpu", "memory"), _cells(usage), strict=True):
        share = 100 * usage[name] // room[name] if room.get(name) else None
        cells += [cell, "<unknown>" if share is None else f"{share}%"]
    return cells


# -- pods ----------------------------------------------------------------------------------------------


def pod(call: Call) -> None:
    """Carry out `kubectl top pod`."""
    by, name = _sort_check(call), _one_or_selector(call)
    if name:
        found = [_metrics(call, f"/namespaces/{call.namespace}/pods/{name}", selector=False)]
    else:
        where = "/pods" if call.everywhere else f"/namespaces/{call.namespace}/pods"
        found = list(_metrics(call, where).get("items") or ())
    if not found:
        call.err("No resources found\n" if call.everywhere else f"No resources found in {call.namespace} namespace.\n")
        return
    totals = {id(each): _sum([_usage(c.get("usage") or {}) for c in each.get("containers") or ()]) for each in found}
    found.sort(
        key=lambda each: (
            -totals[id(each)][by] if by else 0,
            each["metadata"].get("namespace", ""),
            each["metadata"]["name"],
        )
    )
    writer = TabWriter()
    before = ["NAMESPACE"] * call.everywhere
    names = ["POD", "NAME"] if call.flags.on("containers") else ["NAME"]
    if not call.flags.on("no-headers"):
        writer.row((*before, *names, "CPU(cores)", "MEMORY(bytes)", ""))
    for each in found:
        for row in _rows(call, each, totals[id(each)]):
            writer.row((*row, ""))
    if call.flags.on("sum"):
        empty = [""] * (len(before) + len(names))
        writer.row((*empty, "________", "________", ""))
        writer.row((*empty, *_cells(_sum(list(totals.values()))), ""))
    call.out(writer.flush())


def _rows(call: Call, metrics: Object, total: Usage) -> list[list[str]]:
    meta = metrics["metadata"]
    before = [meta.get("namespace", "")] * call.everywhere
    if not call.flags.on("containers"):
        return [[*before, meta["name"], *_cells(total)]]
    containers = sorted(metrics.get("containers") or (), key=lambda each: str(each["name"]))
    return [[*before, meta["name"], each["name"], *_cells(_usage(each.get("usage") or {}))] for each in containers]


_COMMON = (
    SELECTOR,
    Flag("no-headers", kind="switch"),
    Flag("sort-by"),
    Flag("use-protocol-buffers", kind="switch", default=True),
)
TOP = Verb(
    "top",
    "Display resource (CPU/memory) usage.\n\n"
    " The top command allows you to see the resource consumption for nodes or pods.\n\n"
    " This command requires Metrics Server to be correctly configured and working on the server.",
    verbs=(
        Verb(
            "node",
            "Display resource (CPU/memory) usage of nodes",
            node,
            (*_COMMON, Flag("show-capacity", kind="switch")),
            aliases=("nodes", "no"),
        ),
        Verb(
            "pod",
            "Display resource (CPU/memory) usage of pods",
            pod,
            (
                *_COMMON,
                FIELD_SELECTOR,
                EVERY_NAMESPACE,
                Flag("containers", kind="switch"),
                Flag("sum", kind="switch"),
            ),
            aliases=("pods", "po"),
        ),
    ),
)
