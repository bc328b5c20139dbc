"""kubectl get: tables from the server, or the objects themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from k8snb.errors import StatusError
from k8snb.kubectl.asking import Asked, ask, enhanced, found, selection
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import CHUNKS, EVERY_NAMESPACE, FIELD_SELECTOR, FILES, PRINTING, SELECTOR, Flag
from k8snb.kubectl.printing.printers import Printer
from k8snb.kubectl.printing.tables import TablePrinter, plain_table
from k8snb.kubectl.session import AS_TABLE
from k8snb.kubectl.sorting import nothing_to_sort_by, sorted_by, sorted_rows
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.raw import send_raw
from k8snb.kubectl.verbs.watching import table_options, watch
from k8snb.typing import Object, Resource

SUGGESTION = 'Use "kubectl api-resources" for a complete list of supported resources.'
_USAGE = """Required resource not specified.
Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods)."""


def run(call: Call) -> None:
    """Carry out `kubectl get`."""
    if call.flags.text("raw"):
        send_raw(call, "GET")
        return
    if not call.args and not call.files:
        call.err(f"You must specify the type of resource to get. {SUGGESTION}\n\n")
        raise call.usage(_USAGE)
    format = call.flags.text("output")
    if call.flags.on("show-labels") and format not in ("", "wide"):
        raise CommandError(f"--show-labels option cannot be used with {format} printer")
    watching = call.flags.on("watch") or call.flags.on("watch-only")
    if call.flags.on("output-watch-events") and not watching:
        raise CommandError("--output-watch-events option can only be used with --watch or --watch-only")
    printer = call.printer(columns=True)
    _check_subresource(call)
    if watching:
        watch(call, ask(call, call.args, every=True), printer)
    elif printer is None:
        _tables(call)
    else:
        _objects(call, printer)


def _check_subresource(call: Call) -> None:
    if call.flags.text("subresource") and ask(call, call.args, every=True).listed:
        raise CommandError("subresource cannot be used when bulk resources are specified")


# -- tables --------------------------------------------------------------------------------------------


def _tables(call: Call) -> None:
    asked = ask(call, call.args, every=True)
    errors: list[Exception] = []
    tables = _read_tables(call, asked, errors)
    several = len({id(resource) for resource, _ in tables}) > 1
    text = _printed(call, tables, several=several)
    call.out(text)
    if not text and not errors and not call.flags.on("ignore-not-found"):
        namespaced = not call.everywhere and all(resource.namespaced for resource, _ in tables)
        call.err(f"No resources found in {call.namespace} namespace.\n" if namespaced else "No resources found\n")
    raise_all(errors)


def _read_tables(call: Call, asked: Asked, errors: list[Exception]) -> list[tuple[Resource, Object]]:
    tables: list[tuple[Resource, Object]] = []
    sort = call.flags.text("sort-by")
    extra = {"includeObject": "Object"} if sort else {}
    targets: Sequence[Target | Resource] = [*asked.listed, *asked.named, *asked.filed]
    for each in targets:
        try:
            if not call.flags.on("server-print"):
                table = plain_table(_plain(call, each), call.now)
            elif isinstance(each, Resource):
                table = _list(call, each, extra)
            else:
                table = call.session.find(each, extra, accept=AS_TABLE, subresource=call.flags.text("subresource"))
            resource = each if isinstance(each, Resource) else each.resource
            tables.append((resource, sorted_rows(table, sort) if sort else table))
        except StatusError as error:
            if not (error.code == 404 and call.flags.on("ignore-not-found")):
                errors.append(error)
    if sort and len(tables) > 1:
        raise nothing_to_sort_by(sort)
    return tables


def _plain(call: Call, each: Target | Resource) -> Sequence[Object]:
    """The objects themselves, for a table that is made here."""
    if isinstance(each, Target):
        return [call.session.find(each, subresource=call.flags.text("subresource"))]
    return [target.known for target in found(call, Asked(listed=[each])).targets]


def _list(call: Call, resource: Resource, extra: dict[str, str]) -> Object:
    namespace = "" if call.everywhere or not resource.namespaced else call.namespace
    query = {**selection(call), **extra}
    if extra:
        query.pop("limit", None)
    try:
        return call.session.collect(resource, namespace, query, accept=AS_TABLE)
    except StatusError as error:
        raise enhanced(error, resource, query) from None


def _printed(call: Call, tables: Sequence[tuple[Resource, Object]], *, several: bool) -> str:
    """The tables, one group for each resource, with an empty line between groups that have something to show."""
    texts: list[str] = []
    for resource, group in groupby(tables, key=lambda table: table[0]):
        writer = TabWriter()
        printer = TablePrinter(writer, table_options(call, resource, with_kind=several))
        for _, table in group:
            printer.print(table)
        texts.append(writer.flush())
    return ("" if call.flags.on("no-headers") else "\n").join(text for text in texts if text)


# -- objects -------------------------------------------------------------------------------------------


def _objects(call: Call, printer: Printer) -> None:
    asked = ask(call, call.args, every=True)
    result = found(call, asked)
    missing_ok = call.flags.on("ignore-not-found")
    errors = [e for e in result.errors if not (missing_ok and isinstance(e, StatusError) and e.code == 404)]
    if errors and asked.single:
        raise_all(errors)
    objects = [target.known for target in result.targets]
    if not objects and missing_ok:
        return
    sort = call.flags.text("sort-by")
    if sort:
        objects = sorted_by(objects, sort, lambda obj: obj)
    call.out(printer(objects[0] if asked.single and len(objects) == 1 else as_list(objects)))
    raise_all(errors)


def as_list(objects: Sequence[Object]) -> Object:
    """The objects as the List that kubectl prints."""
    return {"apiVersion": "v1", "items": list(objects), "kind": "List", "metadata": {"resourceVersion": ""}}


GET = Verb(
    "get",
    "Display one or many resources",
    run,
    (
        *PRINTING,
        *FILES,
        SELECTOR,
        FIELD_SELECTOR,
        EVERY_NAMESPACE,
        CHUNKS,
        Flag("raw"),
        Flag("watch", "w", kind="switch"),
        Flag("watch-only", kind="switch"),
        Flag("output-watch-events", kind="switch"),
        Flag("ignore-not-found", kind="switch"),
        Flag("no-headers", kind="switch"),
        Flag("show-labels", kind="switch"),
        Flag("show-kind", kind="switch"),
        Flag("label-columns", "L", kind="list"),
        Flag("sort-by"),
        Flag("subresource"),
        Flag("server-print", kind="switch", default=True),
    ),
)
