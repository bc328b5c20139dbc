"""`-o`: the printer that an output format stands for.

Every verb that changes something prints `pod/web created` and the like by default, and objects on demand; `get`
adds tables and columns. Upstream: `cli-runtime/pkg/genericclioptions` (`PrintFlags`) and `pkg/printers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_file
from k8snb.kubectl.flags import Flags
from k8snb.kubectl.printing.columns import ColumnsPrinter, columns_file
from k8snb.kubectl.printing.gotemplates import template_printer
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.printing.tables import kind_name
from k8snb.machinery.gotext import go_source
from k8snb.machinery.jsonpath import JSONPath, JSONPathError
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

_OBJECT_FORMATS = ("json", "yaml", "name", "jsonpath", "jsonpath-as-json", "jsonpath-file")
_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile")
_COLUMNS = ("custom-columns", "custom-columns-file")

_LOWER = {"json": "json", "yaml": "yaml", "name": "name", "wide": "wide"}
"""Formats that may be written in capitals."""

Printer = Callable[[Object], str]
"""From an object or a List to what is printed."""


def printer_for(flags: Flags, scheme: Scheme, *, columns: bool = False, ordered: bool = True) -> Printer | None:
    """The printer of `-o`, None for the verb's own way.

    `columns` allows what only `get` knows (custom columns; `wide` is not a printer). `ordered` says that the
    objects are maps, whose keys JSON sorts, and not structs.
    """
    format, given, argument = flags.text("output").partition("=")
    format = _LOWER.get(format.lower(), format)
    template = flags.text("template")
    if given and flags.has("template"):
        raise _no_printer(flags.text("output"), columns)
    argument = argument or template
    if not format and template:
        format = "go-template"
    if not format and flags.text("output"):
        raise _no_printer(flags.text("output"), columns)
    if not format or (columns and format == "wide"):
        return None
    hides = format in ("json", "yaml") and not flags.on("show-managed-fields")
    shown = _without_managed_fields if hides else _identity
    printer = _printer(format, argument, flags, scheme, columns, ordered)
    return lambda obj: printer(shown(obj))


def _printer(format: str, argument: str, flags: Flags, scheme: Scheme, columns: bool, ordered: bool) -> Printer:
    if format == "json":
        return lambda obj: json_text(obj, indent=4, ordered=ordered) + "\n"
    if format == "yaml":
        return _documents()
    if format == "name":
        return lambda obj: "".join(f"{full_name(each, scheme)}\n" for each in items_of(obj))
    if format.startswith("jsonpath"):
        return _jsonpath(format, argument, missing=flags.on("allow-missing-template-keys"))
    if columns and format in _COLUMNS:
        if format.endswith("file"):
            argument = columns_file(read_file(argument, f"error reading template {argument}, "))
        printed = ColumnsPrinter(argument, headers=not flags.on("no-headers"))
        return lambda obj: printed.print(items_of(obj))
    if format in _TEMPLATES:
        return template_printer(format, argument, missing=flags.on("allow-missing-template-keys"))
    raise _no_printer(flags.text("output"), columns)


def _no_printer(format: str, columns: bool) -> CommandError:
    allowed = [*_OBJECT_FORMATS, *_TEMPLATES, *((*_COLUMNS, "wide") if columns else ())]
    return CommandError(
        f'unable to match a printer suitable for the output format "{format}", '
        f"allowed formats are: {','.join(sorted(allowed))}"
    )


def _documents() -> Printer:
    """YAML, with a line between one object and the next."""
    count = 0

    def render(obj: Object) -> str:
        nonlocal count
        count += 1
        return ("---\n" if count > 1 else "") + yaml_text(obj)

    return render


def _jsonpath(format: str, argument: str, *, missing: bool) -> Printer:
    if not argument:
        raise CommandError("template format specified but no template given")
    template = read_file(argument, f"error reading --template {argument}, ") if format == "jsonpath-file" else argument
    try:
        path = JSONPath(template, missing_allowed=missing)
    except JSONPathError as error:
        raise CommandError(f"error parsing jsonpath {template}, {error}") from None

    def render(obj: Object) -> str:
        try:
            if format == "jsonpath-as-json":
                return "".join(json_text(values, indent=4) + "\n" for values in path.find(obj))
            return path.render(obj)
        except JSONPathError as error:
            lead = f'error executing jsonpath "{template}": Error executing template: {error}'
            more = f"\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{go_source(obj)}\n\n"
            raise CommandError(f"{lead}. Printing more information for debugging the template:\n{more}\n") from None

    return render


def items_of(obj: Object) -> Sequence[Object]:
    """The items of a list, or the object alone."""
    if "items" in obj and str(obj.get("kind", "")).endswith("List"):
        items: Sequence[Object] = obj["items"]
        return items
    return [obj]


def full_name(obj: Object, scheme: Scheme) -> str:
    """`pod/web`, `deployment.apps/web`."""
    resource = scheme.kind(obj.get("apiVersion", ""), obj.get("kind", ""))
    if resource is not None:
        kind = kind_name(resource)
    else:
        group = obj.get("apiVersion", "").rpartition("/")[0]
        kind = obj.get("kind", "").lower() + (f".{group}" if group else "")
    return f"{kind}/{(obj.get('metadata') or {}).get('name') or '<unknown>'}"


_FIRST = ("kind", "apiVersion", "metadata")
_META = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")


def as_struct(obj: Object) -> Object:
    """The object with its first fields in the order of Go's structs, in which JSON shows typed objects."""
    meta = obj.get("metadata") or {}
    ordered = {key: meta[key] for key in (*_META, *meta) if key in meta}
    return {key: ordered if key == "metadata" else obj[key] for key in (*_FIRST, *obj) if key in obj}


def _identity(obj: Object) -> Object:
    return obj


def _without_managed_fields(obj: Object) -> Object:
    if "items" in obj and str(obj.get("kind", "")).endswith("List"):
        return {**obj, "items": [_without_managed_fields(item) for item in obj["items"]]}
    meta = obj.get("metadata") or {}
    if "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}
