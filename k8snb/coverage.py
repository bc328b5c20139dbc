"""How much of Kubernetes 1.36 is in the cluster: worked out from the tables that the code runs on.

Kinds come from the scheme, their rules from the registry, their columns from the printers; what upstream has and the
scheme does not is found by comparing with upstream's own definitions. Parts (controllers, scheduler plugins, admission
plugins, commands) are the rows of their tables. Only how true a *behaviour* is has to be said by people; each row of
`BEHAVIOURS` names the tests that hold it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snb.apiserver.admission.chain import PLUGINS as ADMISSION
from k8snb.apiserver.printing import PRINTERS
from k8snb.apiserver.registry.table import STRATEGIES
from k8snb.controllers.table import CONTROLLERS
from k8snb.i18n import _
from k8snb.kubectl.verbs import VERBS
from k8snb.machinery.schema.types import definitions
from k8snb.machinery.scheme import Scheme
from k8snb.scheduler.registry import PLUGINS as SCHEDULING
from k8snb.typing import Object, Resource
from k8snb.view.theme import hue

EXACT, SIMPLIFIED, ABSENT = "exact", "simplified", "not modelled"
_MARKS = {EXACT: "●", SIMPLIFIED: "◐", ABSENT: "○"}
_HUES = {EXACT: "green", SIMPLIFIED: "amber", ABSENT: "slate"}
_STABLE = re.compile(r"v[0-9]+")
_GVK = "x-kubernetes-group-version-kind"
_TRANSPORT = frozenset(
    (
        "APIGroup", "APIResourceList", "APIVersions", "DeleteOptions", "Eviction", "Scale", "Status", "TokenRequest",
        "WatchEvent",
    )
)  # fmt: skip
"""Kinds that travel and are not resources of their own."""


class Row(NamedTuple):
    """One line of a table: what it is about, how true it is, and a note."""

    name: str
    level: str
    note: str = ""


class Behaviour(NamedTuple):
    """Something that a cluster does: the area, what, how true it is here, a note, and the tests that hold it."""

    area: str
    name: str
    level: str
    note: str
    proof: str


class Coverage:
    """Tables with a title each, as text and as HTML."""

    def __init__(self, title: str, tables: Mapping[str, Sequence[Row]]) -> None:
        self.title = title
        self.tables = tables

    def __str__(self) -> str:
        return "\n".join(_text(self.title, self.tables))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        body = "".join(_section(name, rows) for name, rows in self.tables.items() if rows)
        table = '<table style="width:100%;border-collapse:collapse;font-size:14px">'
        return f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto">{table}{body}</table></div>'


# -- kinds ---------------------------------------------------------------------------------------------------


def kinds() -> Coverage:
    """Every kind of the API, by group: with rules of its own, stored by the schema alone, or not served."""
    served: dict[str, list[Row]] = {}
    scheme = Scheme()
    for resource in sorted(scheme, key=lambda each: (each.group != "", each.group, each.version, each.kind)):
        served.setdefault(resource.api_version, []).append(_kind(resource))
    for api_version, kind in _upstream():
        if scheme.kind(api_version, kind) is None:
            served.setdefault(api_version, []).append(Row(kind, ABSENT))
    return Coverage(_("The kinds of the API, and how well each is known"), served)


def _kind(resource: Resource) -> Row:
    note = [f"/{each}" for each in resource.subresources]
    if not {"list", "get"} & set(resource.verbs):  # a question, which is answered and not kept
        return Row(resource.kind, EXACT, " ".join(note))
    known = resource.storage in STRATEGIES or (resource.group, resource.kind) in PRINTERS
    return Row(resource.kind, EXACT if known else SIMPLIFIED, " ".join(note))


def _upstream() -> Iterator[tuple[str, str]]:
    """The stable kinds that upstream's definitions know: those with metadata, but for lists of them."""
    for each in definitions().values():
        for found in each.get(_GVK) or ():
            kind, version = str(found["kind"]), str(found["version"])
            if _STABLE.fullmatch(version) and _is_resource(kind, each):
                yield (f"{found['group']}/{version}" if found["group"] else version), kind


def _is_resource(kind: str, definition: Object) -> bool:
    return "metadata" in (definition.get("properties") or {}) and not kind.endswith("List") and kind not in _TRANSPORT


# -- parts ---------------------------------------------------------------------------------------------------


def parts() -> Coverage:
    """Which of upstream's programs and plugins there are, by the names that upstream gives them."""
    tables = {
        _("Controllers"): [each.name for each in CONTROLLERS],
        _("Scheduler plugins"): list(SCHEDULING),
        _("Admission plugins"): [type(each).__name__ for each in ADMISSION],
        _("Commands of the built-in kubectl"): [each.name for each in VERBS],
    }
    return Coverage(
        _("The parts of the cluster"), {name: [Row(each, EXACT) for each in found] for name, found in tables.items()}
    )


# -- behaviours ----------------------------------------------------------------------------------------------


def behaviours() -> Coverage:
    """What the cluster does, and how true it is."""
    tables: dict[str, list[Row]] = {}
    areas = _areas()
    for each in BEHAVIOURS:
        tables.setdefault(areas[each.area], []).append(Row(_(each.name), each.level, _(each.note) if each.note else ""))
    return Coverage(_("What the cluster does, and how true it is"), tables)


# -- tables as text and HTML -----------------------------------------------------------------------------------


def _text(title: str, tables: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    yield title
    for name, rows in tables.items():
        yield f"  {name}"
        for level in (EXACT, SIMPLIFIED, ABSENT):
            found = [row for row in rows if row.level == level]
            plain = [row.name for row in found if not row.note or row.note.startswith("/")]
            if plain:
                yield f"    {_MARKS[level]} {' · '.join(plain)}"
            yield from (f"    {_MARKS[level]} {row.name}: {row.note}" for row in found if row.name not in plain)


def _section(name: str, rows: Sequence[Row]) -> str:
    head = f'<tr><th colspan="3" style="text-align:start;padding-top:.9em">{html.escape(name)}</th></tr>'
    return head + "".join(map(_line, rows)) if _has_notes(rows) else head + _crowd(rows)


def _has_notes(rows: Iterable[Row]) -> bool:
    return any(row.note and not row.note.startswith("/") for row in rows)


def _line(row: Row) -> str:
    edge = (
        "border-top:1px solid color-mix(in srgb,currentColor 14%,transparent);padding:3px 12px 3px 0;vertical-align:top"
        ";overflow-wrap:anywhere"
    )
    cells = (
        html.escape(row.name),
        f'<span style="white-space:nowrap">{_mark(row.level)}</span>',
        html.escape(row.note),
    )
    return "<tr>" + "".join(f'<td style="{edge};text-align:start">{cell}</td>' for cell in cells) + "</tr>"


def _crowd(rows: Sequence[Row]) -> str:
    """Rows without notes, side by side."""
    style = 'style="overflow-wrap:anywhere;min-width:0"'
    each = "".join(
        f'<li title="{html.escape(_word(row.level))}" {style}>{_glyph(row.level)}&nbsp;{html.escape(row.name)}'
        f"{f' <small>{html.escape(row.note)}</small>' if row.note else ''}</li>"
        for row in rows
    )
    list_style = "list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:0;padding:0"
    return f'<tr><td colspan="3" style="text-align:start"><ul style="{list_style}">{each}</ul></td></tr>'


def _glyph(level: str) -> str:
    word = html.escape(_word(level))
    return f'<span role="img" aria-label="{word}" style="color:{hue(_HUES[level])}">{_MARKS[level]}</span>'


def _mark(level: str) -> str:
    return f'<span style="color:{hue(_HUES[level])}">{_MARKS[level]}</span> {html.escape(_word(level))}'


def _word(level: str) -> str:
    return {EXACT: _("exact"), SIMPLIFIED: _("simplified"), ABSENT: _("not modelled")}[level]


def _b(area: str, name: str, level: str, proof: str, note: str = "") -> Behaviour:
    return Behaviour(area, name, level, note, f"tests/{proof}")


def _areas() -> dict[str, str]:
    return {
        "api": _("The API server"),
        "access": _("Access"),
        "admission": _("Admission"),
        "workloads": _("Workloads"),
        "nodes": _("Nodes and containers"),
        "network": _("Network"),
        "storage": _("Storage"),
        "clients": _("Clients"),
    }


BEHAVIOURS: tuple[Behaviour, ...] = (
    _b("api", "get, list, create, update, delete with preconditions and propagation", EXACT, "edge/bad_input"),
    _b("api", "JSON, merge and strategic merge patches", EXACT, "machinery/test_patch.py"),
    _b("api", "server-side apply, managed fields, conflicts", EXACT, "apiserver/test_apply.py"),
    _b("api", "defaults, validation and their messages", EXACT, "apiserver/registry"),
    _b("api", "strict, warning and ignoring field validation", EXACT, "machinery/test_schema.py"),
    _b("api", "discovery, plain and aggregated; OpenAPI v2 and v3", EXACT, "apiserver/test_openapi.py"),
    _b("api", "tables, metadata-only answers, gzip", EXACT, "apiserver/test_negotiation.py"),
    _b("api", "protobuf", SIMPLIFIED, "edge/test_reading.py", "read always, written to those who take nothing else"),
    _b(
        "api",
        "custom resources: schemas, pruning, defaults, rules in CEL, versions",
        EXACT,
        "apiserver/test_custom_resources.py",
    ),
    _b("api", "the cost of rules in CEL, estimated and metered", EXACT, "machinery/test_cel_costs.py"),
    _b(
        "api",
        "priority and fairness",
        SIMPLIFIED,
        "apiserver/test_flow.py",
        "levels lend each other no seats",
    ),
    _b("access", "RBAC with the roles of upstream, aggregation, escalation prevention", EXACT, "apiserver/access"),
    _b("access", "service account tokens: signed, bound, projected, expiring", EXACT, "apiserver/access"),
    _b("access", "client certificates, impersonation, anonymous", EXACT, "edge/test_client_certificates.py"),
    _b("access", "the node authorizer", SIMPLIFIED, "apiserver/access", "its essence: a node reads what its pods need"),
    _b("admission", "quotas, limit ranges, pod security, priority, runtime classes", EXACT, "apiserver/admission"),
    _b("admission", "validating and mutating policies", EXACT, "apiserver/admission/test_policies.py"),
    _b(
        "admission",
        "webhooks",
        SIMPLIFIED,
        "apiserver/admission/test_webhooks.py",
        "a pod of the cluster, or a function in Python",
    ),
    _b("workloads", "StatefulSets: order, partitions, revisions, claims", EXACT, "controllers/test_statefulset.py"),
    _b("workloads", "DaemonSets: placement, rollouts with or without surge", EXACT, "controllers/test_daemonset.py"),
    _b("workloads", "Jobs: indexes, back-off, policies, suspension, clean-up", EXACT, "controllers/test_job.py"),
    _b("workloads", "CronJobs: time zones, deadlines, concurrency, history", EXACT, "controllers/test_cronjob.py"),
    _b("workloads", "autoscalers: the arithmetic, windows, policies", EXACT, "controllers/test_autoscaler.py"),
    _b(
        "nodes",
        "pod lifecycle, probes, hooks, restarts, init and sidecar containers",
        EXACT,
        "kubelet/test_podworker.py",
    ),
    _b("nodes", "resizing in place, static pods and their mirrors, image volumes", EXACT, "kubelet/test_resizing.py"),
    _b(
        "nodes",
        "containers",
        SIMPLIFIED,
        "kubelet/test_images.py",
        "an image is a small program; durations are constant",
    ),
    _b("nodes", "cgroups", SIMPLIFIED, "kubelet/test_cgroups.py", "worked out; only the memory limit is enforced"),
    _b(
        "nodes",
        "usage",
        SIMPLIFIED,
        "apiserver/test_usage.py",
        "what the simulated programs say; machines use a constant",
    ),
    _b("nodes", "node pressure", SIMPLIFIED, "kubelet/test_eviction.py", "memory and disk; no images are cleared away"),
    _b("nodes", "heartbeats, lost nodes, taint-based eviction", EXACT, "controllers/test_nodelifecycle.py"),
    _b("nodes", "scheduling: filters, scores, preemption", EXACT, "scheduler/test_plugins.py"),
    _b("network", "Services, slices, affinity, traffic policies", EXACT, "network/test_proxy.py"),
    _b("network", "rules of kube-proxy: iptables, nftables", EXACT, "network/rules/test_upstream_texts.py"),
    _b("network", "packets", SIMPLIFIED, "network/test_path.py", "TCP over IPv4, worked out when one comes by"),
    _b(
        "network",
        "Ingress, by a controller to install",
        SIMPLIFIED,
        "ingress/test_ingress.py",
        "routing is that of the documentation; TLS is a certificate that is shown",
    ),
    _b(
        "network",
        "Gateway API: GatewayClass, Gateway, HTTPRoute, ReferenceGrant",
        SIMPLIFIED,
        "ingress/test_gateway.py",
        "by the same controller; no other kinds of routes",
    ),
    _b("network", "load balancers", SIMPLIFIED, "controllers/test_loadbalancers.py", "where the cluster has a cloud"),
    _b("network", "DNS", SIMPLIFIED, "network/test_dns.py", "no SRV records, no names outside"),
    _b("storage", "binding of claims, protection, reclaim policies", EXACT, "controllers/test_volumes.py"),
    _b("storage", "provisioning, attaching", ABSENT, "controllers/test_storage_in_a_cluster.py", "no driver yet"),
    _b("clients", "kubectl 1.27 to 1.33, the official Python client", EXACT, "edge/test_real_kubectl.py"),
    _b("clients", "the built-in kubectl", EXACT, "kubectl/test_same_as_real.py"),
    _b("clients", "kr8s, lightkube, an operator of kopf", EXACT, "clients"),
    _b("clients", "exec, attach, logs -f, port-forward over WebSocket and SPDY", EXACT, "edge/test_sessions.py"),
)
"""What people have to say, because no table knows it. The tests that hold each are beside it."""
