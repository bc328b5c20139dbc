"""kubectl get --watch: what is there, then every change, each as one more row of the same table."""

from __future__ import annotations

from collections.abc import Callable

from k8snb.errors import StatusError
from k8snb.kubectl.asking import Asked, enhanced, selection
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.printing.printers import Printer, items_of
from k8snb.kubectl.printing.tables import TableOptions, TablePrinter
from k8snb.kubectl.session import AS_OBJECT, AS_TABLE
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.waiting import follow
from k8snb.machinery.jsontext import json_text
from k8snb.typing import Object, Resource

Show = Callable[[str, Object], str]
"""From an event's type and object to what is printed."""


def watch(call: Call, asked: Asked, printer: Printer | None) -> None:
    """Carry out `kubectl get --watch`."""
    target = next(iter((*asked.named, *asked.filed)), None)
    if len(asked.listed) + len(asked.named) + len(asked.filed) != 1:
        raise CommandError("you may only specify a single resource type")
    if call.flags.text("sort-by"):
        call.err("warning: --watch requested, --sort-by will be ignored for watch events received\n")
    resource = target.resource if target is not None else asked.listed[0]
    namespace = "" if call.everywhere or not resource.namespaced else call.namespace
    accept = AS_TABLE if printer is None else AS_OBJECT
    show = _rows(call, resource) if printer is None else _whole(call, printer)
    if target is not None:
        current = call.session.find(target, accept=accept)
        query, since = {"fieldSelector": f"metadata.name={target.name}"}, "0"
    else:
        query = {k: v for k, v in selection(call).items() if k != "limit"}
        current = _listed(call, resource, namespace, query, accept)
        since = (current.get("metadata") or {}).get("resourceVersion", "")
    if not call.flags.on("watch-only"):
        call.out(show("ADDED", current))
    stream = call.session.watch(resource, namespace, {**query, "resourceVersion": since}, accept=accept)
    if target is not None:
        stream.next()  # the object as it is, which has been printed
    follow(call, stream, lambda type, obj: call.out(show(type, obj)))


def _listed(call: Call, resource: Resource, namespace: str, query: dict[str, str], accept: str) -> Object:
    try:
        return call.session.collect(resource, namespace, query, accept=accept)
    except StatusError as error:
        raise enhanced(error, resource, query) from None


def _rows(call: Call, resource: Resource) -> Show:
    writer = TabWriter()
    table = TablePrinter(writer, table_options(call, resource))
    events = call.flags.on("output-watch-events")

    def show(type: str, obj: Object) -> str:
        table.print(obj, type if events else "")
        return writer.flush()

    return show


def _whole(call: Call, printer: Printer) -> Show:
    if not call.flags.on("output-watch-events"):
        return lambda type, obj: "".join(printer(item) for item in items_of(obj))
    as_json = call.flags.text("output") == "json"

    def show(type: str, obj: Object) -> str:
        events = [{"type": type, "object": item} for item in items_of(obj)]
        if as_json:
            return "".join(f'{{"type":"{type}","object":{json_text(event["object"])}}}\n' for event in events)
        return "".join(printer(event) for event in events)

    return show


def table_options(call: Call, resource: Resource, *, with_kind: bool = False) -> TableOptions:
    """What the flags of `get` mean for a table of a resource."""
    flags = call.flags
    return TableOptions(
        wide=flags.text("output") == "wide",
        headers=not flags.on("no-headers"),
        namespace=call.everywhere and resource.namespaced,
        labels=flags.on("show-labels"),
        label_columns=tuple(flags.texts("label-columns")),
        kind=resource if with_kind or flags.on("show-kind") else None,
    )
