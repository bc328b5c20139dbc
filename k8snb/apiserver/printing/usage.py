"""What pods and nodes use: tables as metrics-server prints them.

Upstream: `kubernetes-sigs/metrics-server`, `pkg/api/table.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import Column, Printer, dig, name_of
from k8snb.machinery import quantity
from k8snb.typing import Object

_MEASURED = ("cpu", "memory")
_NO_TIME = "0s"
_COLUMNS = (
    Column("Name", "Name of the resource", format="name"),
    *(Column(name, format="quantity") for name in _MEASURED),
    Column("Window", format="duration"),
)


def _pod(obj: Object, now: float) -> list[Any]:
    containers = obj.get("containers") or ()
    used = [quantity.total(dig(each, "usage", name, default="0") for each in containers) for name in _MEASURED]
    return [name_of(obj), *used, obj.get("window", _NO_TIME)]


def _node(obj: Object, now: float) -> list[Any]:
    used = [dig(obj, "usage", name, default="0") for name in _MEASURED]
    return [name_of(obj), *used, obj.get("window", _NO_TIME)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("metrics.k8s.io", "PodMetrics"): Printer(_COLUMNS, _pod),
    ("metrics.k8s.io", "NodeMetrics"): Printer(_COLUMNS, _node),
}
