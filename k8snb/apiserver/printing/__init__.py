"""Tables: what `kubectl get` prints is decided here, on the server.

A client that asks for `as=Table` gets columns and rows instead of objects, so that an old client can print
a new kind. Each family of kinds has a module with a table of printers; a kind without one has a name and
the time at which it was created. Everything is a pure function of the objects and the time.

Upstream: `pkg/printers/internalversion/printers.go` (columns and cells) and
`apiserver/pkg/registry/rest/table.go` (the default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apiserver.custom.printing import custom_printer
from k8snb.apiserver.printing import access, cluster, devices, networking, storage, usage, workloads
from k8snb.apiserver.printing.columns import AGE, CREATED_AT, NAME, Printer, age, name_of
from k8snb.apiserver.printing.pods import PODS, row_conditions
from k8snb.typing import Object, Resource

PRINTERS: Mapping[tuple[str, str], Printer] = {
    ("", "Pod"): PODS,
    **workloads.PRINTERS,
    **networking.PRINTERS,
    **storage.PRINTERS,
    **cluster.PRINTERS,
    **devices.PRINTERS,
    **access.PRINTERS,
    **usage.PRINTERS,
}
"""Every kind that has columns of its own, by group and kind."""


def _created(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


def _aged(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), age(obj, now)]


_BUILT_IN = Printer((NAME, CREATED_AT), _created)
_CUSTOM = Printer((NAME, AGE), _aged)
_SCALE = PRINTERS["autoscaling", "Scale"]


def printer(resource: Resource) -> Printer:
    """How a resource is printed. Kinds of groups that we do not know are taken for custom ones."""
    if resource.definition is not None:
        return custom_printer(resource)
    found = PRINTERS.get((resource.group, resource.kind))
    if found is not None:
        return found
    return _BUILT_IN if "." not in resource.group or resource.group.endswith(".k8s.io") else _CUSTOM


def columns(resource: Resource) -> list[Object]:
    """The `TableColumnDefinition`s of a resource; those with priority 1 are for `-o wide`."""
    return [column.definition() for column in printer(resource).columns]


def cells(resource: Resource, obj: Object, now: float) -> list[Any]:
    """The cells of one object at a time (seconds since the Unix epoch), one for each column."""
    return printer(resource).cells(obj, now)


def table(
    resource: Resource,
    objects: Sequence[Object],
    now: float,
    *,
    resource_version: str = "",
    include_object: str = "Metadata",
    no_headers: bool = False,
    list_meta: Object | None = None,
) -> Object:
    """The `meta.k8s.io/v1` Table of some objects of a resource, or of its scale subresource.

    `include_object` says what each row carries: `Metadata` (a PartialObjectMetadata), `Object` or `None`.
    `list_meta` adds to the table's metadata (`continue`, `remainingItemCount`); `no_headers` leaves the
    column definitions out, as a watch does after its first event.
    """
    scale = bool(objects) and objects[0].get("kind") == "Scale"
    chosen = _SCALE if scale else printer(resource)
    if chosen.order is not None:
        objects = sorted(objects, key=chosen.order)
    rows = [_row(resource, obj, chosen.cells(obj, now), include_object) for obj in objects]
    metadata = {"resourceVersion": resource_version} if resource_version else {}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {**metadata, **(list_meta or {})},
        "columnDefinitions": None if no_headers else [column.definition() for column in chosen.columns],
        "rows": rows,
    }


def _row(resource: Resource, obj: Object, shown: list[Any], include_object: str) -> Object:
    row: dict[str, Any] = {"cells": shown}
    if resource.kind == "Pod" and not resource.group:
        conditions = row_conditions(obj)
        if conditions:
            row["conditions"] = conditions
    row["object"] = _included(obj, include_object)
    return row


def _included(obj: Object, include_object: str) -> Object | None:
    if include_object == "None":
        return None
    return obj if include_object == "Object" else partial(obj)


def partial(obj: Object) -> Object:
    """The `PartialObjectMetadata` of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def partial_list(objects: Sequence[Object], list_meta: Object) -> Object:
    """The `PartialObjectMetadataList` of some objects."""
    items = [partial(obj) for obj in objects]
    return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta, "items": items}
