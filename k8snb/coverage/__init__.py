"""How much of Kubernetes 1.36 is in the cluster: worked out from the tables that the code runs on.

Kinds come from the scheme, their rules from the registry, their columns from the printers; what upstream has and the
scheme does not is found by comparing with upstream's own definitions. Parts (controllers, scheduler plugins, admission
plugins, commands) are the rows of their tables, beside what upstream runs by default (`upstream`). Only how true a
*behaviour* is has to be said by people (`behaviours`); each row names the tests that hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from k8snb.apiserver.access.gate import Gate
from k8snb.apiserver.access.guards import guards
from k8snb.apiserver.admission.chain import PLUGINS
from k8snb.apiserver.extensions import CONFIGURED
from k8snb.apiserver.printing import PRINTERS
from k8snb.apiserver.registry.table import STRATEGIES
from k8snb.clock import VirtualClock
from k8snb.controllers.table import CONTROLLERS
from k8snb.coverage import upstream
from k8snb.coverage.behaviours import BEHAVIOURS, Behaviour, areas
from k8snb.coverage.table import ABSENT, EXACT, SIMPLIFIED, Coverage, Row
from k8snb.i18n import _
from k8snb.kubectl.verbs import VERBS
from k8snb.machinery.schema.types import definitions
from k8snb.machinery.scheme import Scheme
from k8snb.scheduler.registry import PLUGINS as SCHEDULING
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource

__all__ = ["ABSENT", "BEHAVIOURS", "EXACT", "SIMPLIFIED", "Behaviour", "Coverage", "behaviours", "kinds", "parts"]

_STABLE = re.compile(r"v[0-9]+")
_GVK = "x-kubernetes-group-version-kind"
_TRANSPORT = frozenset(
    (
        "APIGroup", "APIResourceList", "APIVersions", "DeleteOptions", "Eviction", "Scale", "Status", "TokenRequest",
        "WatchEvent",
    )
)  # fmt: skip
"""Kinds that travel and are not resources of their own."""


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
        _("Controllers"): _compared([each.name for each in CONTROLLERS], upstream.ABSENT_CONTROLLERS),
        _("Scheduler plugins"): _compared(SCHEDULING, upstream.SCHEDULING),
        _("Admission plugins"): _compared(_admission(), upstream.ADMISSION),
        _("Commands of the built-in kubectl"): _compared([each.name for each in VERBS], upstream.ABSENT_COMMANDS),
    }
    return Coverage(_("The parts of the cluster"), tables)


def _admission() -> list[str]:
    """The admission plugins of upstream that are here, in upstream's order."""
    clock = VirtualClock()
    built_in = [each.name for each in (*PLUGINS, *guards(Gate.of(Store(clock), clock)))]
    here = {*built_in, *(each.name for each in CONFIGURED)}
    return [name for name in upstream.ADMISSION if name in here]


def _compared(here: Iterable[str], there: Iterable[str]) -> Sequence[Row]:
    """What is here, and what is there only."""
    present = dict.fromkeys(here)
    return [*(Row(each, EXACT) for each in present), *(Row(each, ABSENT) for each in there if each not in present)]


# -- behaviours ----------------------------------------------------------------------------------------------


def behaviours() -> Coverage:
    """What the cluster does, and how true it is."""
    tables: dict[str, list[Row]] = {}
    named = areas()
    for each in BEHAVIOURS:
        tables.setdefault(named[each.area], []).append(Row(_(each.name), each.level, _(each.note) if each.note else ""))
    return Coverage(_("What the cluster does, and how true it is"), tables)
