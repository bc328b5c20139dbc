"""What can be done with each resource, as paths and operations, before any version of OpenAPI writes it down.

kubectl looks here for the kind behind a path, for the parameters that a verb takes (`fieldValidation`,
`dryRun`) and for nothing else; generated clients make their methods from it. Names follow upstream's
`endpoints/installer.go`: `listAppsV1NamespacedDeployment`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from k8snb.apiserver.discovery import Subresource, subresource
from k8snb.apiserver.negotiation import ANSWERS, PATCHES
from k8snb.apiserver.openapi.custom import custom_name
from k8snb.apiserver.openapi.schemas import META, name_of_kind
from k8snb.typing import Resource


class Parameter(NamedTuple):
    """A parameter of a path or an operation."""

    name: str
    type: str
    description: str
    place: str = "query"


_ALL = (
    Parameter("name", "string", "Name of the object.", "path"),
    Parameter("namespace", "string", "Namespace of the object.", "path"),
    Parameter("pretty", "string", "If true, the answer is indented."),
    Parameter("allowWatchBookmarks", "boolean", "Whether a watch may send events of type BOOKMARK."),
    Parameter("continue", "string", "The token of the answer before, to get the next part of a list."),
    Parameter("dryRun", "string", "`All` goes through every stage and stores nothing."),
    Parameter("fieldManager", "string", "Who changes the fields; required for apply, at most 128 characters."),
    Parameter("fieldSelector", "string", "Restricts the answer to objects with these values of fields."),
    Parameter("fieldValidation", "string", "What to do about unknown and duplicate fields: Ignore, Warn or Strict."),
    Parameter("force", "boolean", "Apply takes over fields that others own."),
    Parameter("gracePeriodSeconds", "integer", "How long the object may take to end; zero deletes it at once."),
    Parameter("labelSelector", "string", "Restricts the answer to objects with these labels."),
    Parameter("limit", "integer", "How many objects to answer at most."),
    Parameter("orphanDependents", "boolean", "Deprecated in favour of propagationPolicy."),
    Parameter("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
    Parameter("resourceVersion", "string", "How recent the answer must be, or where a watch begins."),
    Parameter("resourceVersionMatch", "string", "How resourceVersion applies to a list: Exact or NotOlderThan."),
    Parameter("sendInitialEvents", "boolean", "A watch begins with the objects that there are."),
    Parameter("timeoutSeconds", "integer", "How long the call may take, whatever happens."),
    Parameter("watch", "boolean", "Answer with a stream of changes instead of a list."),
)
PARAMETERS = {parameter.name: parameter for parameter in _ALL}

_LIST = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")


class Kind(NamedTuple):
    """What an operation is about."""

    group: str
    version: str
    kind: str


@dataclass(frozen=True)
class Operation:
    """One method of one path. `body` and the `answers` by status code name definitions."""

    method: str
    id: str
    action: str
    kind: Kind
    tag: str
    description: str
    answers: dict[str, str | None]
    parameters: tuple[str, ...] = ()
    body: str = ""
    consumes: tuple[str, ...] = ("*/*",)
    produces: tuple[str, ...] = ANSWERS


@dataclass(frozen=True)
class Path:
    """One path with its own parameters and its operations."""

    template: str
    parameters: tuple[str, ...]
    operations: tuple[Operation, ...]


_VERBS = {
    "get": ("get", "get", "read"),
    "list": ("get", "list", "list"),
    "create": ("post", "post", "create"),
    "update": ("put", "put", "replace"),
    "patch": ("patch", "patch", "patch"),
    "delete": ("delete", "delete", "delete"),
    "deletecollection": ("delete", "deletecollection", "delete"),
}
"""The method, the action and the first word of the id for each verb."""

_SENTENCES = {
    "get": "read the specified {kind}",
    "list": "list or watch objects of kind {kind}",
    "create": "create {article} {kind}",
    "update": "replace the specified {kind}",
    "patch": "partially update the specified {kind}",
    "delete": "delete {article} {kind}",
    "deletecollection": "delete collection of {kind}",
}
_CONNECTS = "connect {method} requests to {name} of {kind}"
_CODES = {
    "create": ("200", "201", "202"),
    "update": ("200", "201"),
    "patch": ("200", "201"),
    "delete": ("200", "202"),
}


def _camel(group: str) -> str:
    words = (group.removesuffix(".k8s.io") or "core").split(".")
    return "".join(word[:1].upper() + word[1:] for word in words)


def _tag(row: Resource) -> str:
    group = _camel(row.group)
    return f"{group[:1].lower()}{group[1:]}_{row.version}"


def _group_version(row: Resource) -> str:
    return _camel(row.group) + row.version[:1].upper() + row.version[1:]


def paths(rows: Iterable[Resource]) -> Iterator[Path]:
    """Every path of some resources."""
    for row in rows:
        yield from _paths(row)


def _paths(row: Resource) -> Iterator[Path]:
    everywhere = row.path()
    if row.namespaced and "list" in row.verbs:
        operation = _operation(row, "list", scope="ForAllNamespaces")
        yield Path(everywhere, ("pretty", *_LIST), (operation,))
    root = row.path("{namespace}")
    scope = ("namespace",) if row.namespaced else ()
    collection = tuple(_operation(row, v) for v in ("deletecollection", "list", "create") if v in row.verbs)
    if collection:
        yield Path(root, (*scope, "pretty"), collection)
    single = tuple(_operation(row, v) for v in ("delete", "get", "patch", "update") if v in row.verbs)
    if single:
        yield Path(f"{root}/{{name}}", ("name", *scope, "pretty"), single)
    for name in sorted(row.subresources):
        below = subresource(row, name)
        operations = tuple(_operation_below(row, name, below, verb) for verb in below.verbs)
        yield Path(f"{root}/{{name}}/{name}", ("name", *scope, "pretty"), operations)


def name_of_row(row: Resource, kind: str = "") -> str | None:
    """The name of the schema of a resource, or of its list."""
    if row.definition is not None:
        return custom_name(row, kind)
    return name_of_kind(row.group, row.version, kind or row.kind)


def _operation(row: Resource, verb: str, scope: str = "") -> Operation:
    method, action, word = _VERBS[verb]
    own = name_of_row(row)
    answer = own
    if verb == "list":
        answer = name_of_row(row, row.listed_as)
    elif verb in ("delete", "deletecollection"):
        answer = f"{META}Status"
    collection = "Collection" if verb == "deletecollection" else ""
    where = "" if scope or not row.namespaced else "Namespaced"
    return Operation(
        method=method,
        id=f"{word}{_group_version(row)}{collection}{where}{row.kind}{scope}",
        action=action,
        kind=Kind(row.group, row.version, row.kind),
        tag=_tag(row),
        description=_SENTENCES[verb].format(kind=row.kind, article=_article(row.kind)),
        answers=dict.fromkeys(_CODES.get(verb, ("200",)), answer),
        parameters=() if scope else _parameters(verb),
        body=_body(verb, own or ""),
        consumes=_patches(row) if verb == "patch" else ("*/*",),
        produces=(*ANSWERS, "application/json;stream=watch") if verb == "list" else ANSWERS,
    )


def _operation_below(row: Resource, name: str, below: Subresource, verb: str) -> Operation:
    """An operation on a subresource; one whose kind is mere options opens a connection."""
    method, action, word = _VERBS[verb]
    kind = Kind(below.group or row.group, below.version or row.version, below.kind)
    connects = below.kind.endswith("Options")
    same = (kind.group, kind.kind) == (row.group, row.kind)
    own = None if connects or name == "log" else name_of_row(row) if same else name_of_kind(*kind)
    where = ("Namespaced" if row.namespaced else "") + row.kind
    title = "Ephemeralcontainers" if name == "ephemeralcontainers" else name[:1].upper() + name[1:]
    verbal = f"connect{_group_version(row)}{method.title()}" if connects else f"{word}{_group_version(row)}"
    sentence = _CONNECTS if connects else _SENTENCES[verb].replace("{kind}", "{name} of {kind}")
    return Operation(
        method=method,
        id=f"{verbal}{where}{title}",
        action="connect" if connects else action,
        kind=kind,
        tag=_tag(row),
        description=sentence.format(method=method.upper(), name=name, kind=row.kind, article="the"),
        answers=dict.fromkeys(("200",) if own is None else _CODES.get(verb, ("200",)), own),
        parameters=() if connects else _parameters(verb),
        body="" if connects else _body(verb, own or ""),
        consumes=_patches(row) if verb == "patch" else ("*/*",),
        produces=ANSWERS if own else ("*/*",),
    )


def _patches(row: Resource) -> tuple[str, ...]:
    """The patches that a resource takes: kubectl looks here for whether a custom one takes strategic ones."""
    return tuple(each for each, how in PATCHES.items() if row.definition is None or how != "strategic")


def _article(kind: str) -> str:
    return "an" if kind[0] in "AEIOU" else "a"


def _parameters(verb: str) -> tuple[str, ...]:
    if verb == "list":
        return _LIST
    if verb == "delete":
        return _DELETE
    if verb == "deletecollection":
        return (*_DELETE, *(name for name in _LIST if name not in ("allowWatchBookmarks", "watch")))
    if verb == "patch":
        return (*_WRITE, "force")
    return _WRITE if verb in ("create", "update") else ()


def _body(verb: str, own: str) -> str:
    if verb in ("create", "update"):
        return own
    if verb == "patch":
        return f"{META}Patch"
    return f"{META}DeleteOptions" if verb in ("delete", "deletecollection") else ""
