"""kubectl events: what happened, oldest first. Upstream: `kubectl/pkg/cmd/events`."""

from __future__ import annotations

from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.describe.events import event_time, interval
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import CHUNKS, EVERY_NAMESPACE, PRINTING, Flag
from k8snb.kubectl.printing.tables import cell_text
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.waiting import follow
from k8snb.typing import Object

_HEADERS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")


def run(call: Call) -> None:
    """Carry out `kubectl events`."""
    types = {each.lower() for each in call.flags.texts("types")}
    if types - {"normal", "warning"}:
        raise CommandError("valid --types are Normal or Warning")
    query = _query(call)
    events = resource_named(call.scheme, "events")
    namespace = "" if call.everywhere else call.namespace
    if call.flags.on("watch"):
        _watch(call, namespace, query, types)
        return
    found = call.session.items(events, namespace, {**query, "limit": "500"})
    chosen = sorted((e for e in found if _wanted(e, types)), key=event_time)
    if not chosen:
        call.err("No events found.\n" if call.everywhere else f"No events found in {call.namespace} namespace.\n")
        return
    printer = call.printer(ordered=False)
    if call.flags.text("output") == "name":  # the real one finds no name in a list
        return
    if printer is not None:
        listed = {"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": chosen}
        call.out(printer(listed))
        return
    writer = TabWriter()
    _head(call, writer)
    for event in chosen:
        writer.row(_row(call, event))
    call.out(writer.flush())


def _query(call: Call) -> dict[str, str]:
    text = call.flags.text("for")
    if not text:
        return {}
    kind, slash, name = text.partition("/")
    if not slash:
        raise CommandError("--for must be in resource/name form")
    try:
        resource = resource_named(call.scheme, kind)
    except CommandError as error:
        raise CommandError(str(error), plain=True) from None
    return {"fieldSelector": f"involvedObject.kind={resource.kind},involvedObject.name={name}"}


def _wanted(event: Object, types: set[str]) -> bool:
    return not types or event.get("type", "").lower() in types


def _head(call: Call, writer: TabWriter) -> None:
    if not call.flags.on("no-headers"):
        writer.row((*(["NAMESPACE"] if call.everywhere else []), *_HEADERS))


def _row(call: Call, event: Object) -> list[str]:
    about = event["involvedObject"]
    cells = [
        interval(event, call.now),
        event.get("type", ""),
        event.get("reason", ""),
        f"{about.get('kind', '')}/{about.get('name', '')}",
        event.get("message", "").strip(),
    ]
    before = [event["metadata"].get("namespace", "")] if call.everywhere else []
    return [*before, *map(cell_text, cells)]


def _watch(call: Call, namespace: str, query: dict[str, str], types: set[str]) -> None:
    writer = TabWriter()
    _head(call, writer)
    stream = call.session.watch(resource_named(call.scheme, "events"), namespace, query)

    def take(type: str, event: Object) -> None:
        if type != "DELETED" and _wanted(event, types):
            writer.row(_row(call, event))
            call.out(writer.flush())

    follow(call, stream, take)


EVENTS = Verb(
    "events",
    "List events",
    run,
    (
        *PRINTING,
        EVERY_NAMESPACE,
        CHUNKS,
        Flag("for"),
        Flag("no-headers", kind="switch"),
        Flag("types", kind="list"),
        Flag("watch", "w", kind="switch"),
    ),
)
