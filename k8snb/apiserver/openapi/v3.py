"""OpenAPI version 3: one document for each group version, and an index of them.

A document is made when it is first asked for, and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from k8snb.apiserver.openapi.custom import custom_names, custom_schemas
from k8snb.apiserver.openapi.operations import PARAMETERS, Operation, Path, paths
from k8snb.apiserver.openapi.schemas import V3, schemas
from k8snb.apiserver.status import VERSION
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, Resource

KEPT = 64
"""How many documents are kept."""


def _root(row: Resource) -> str:
    return f"apis/{row.group}/{row.version}" if row.group else f"api/{row.version}"


def rows_by_root(scheme: Scheme) -> dict[str, tuple[Resource, ...]]:
    """The resources of each group version, by the path of the group version without its leading slash."""
    found: dict[str, list[Resource]] = {}
    for row in scheme:
        found.setdefault(_root(row), []).append(row)
    return {root: tuple(rows) for root, rows in found.items()}


def index(scheme: Scheme) -> Object:
    """The paths of `/openapi/v3`: where the document of each group version is; the hash changes with what it serves."""
    return {
        root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={fingerprint(rows)}"}
        for root, rows in sorted(rows_by_root(scheme).items())
    }


def fingerprint(rows: Iterable[Resource]) -> str:
    """A hash of everything that a document is made from."""
    rows = tuple(rows)
    served = [(row.api_version, row.kind, row.plural, row.namespaced, row.verbs, row.subresources) for row in rows]
    custom = [row.definition for row in rows if row.definition is not None]
    return hashlib.sha512(repr((VERSION, served, custom) if custom else (VERSION, served)).encode()).hexdigest().upper()


@lru_cache(maxsize=KEPT)
def document(rows: tuple[Resource, ...]) -> bytes:
    """The document of a group version's resources, as JSON."""
    served = list(paths(rows))
    return orjson.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": VERSION},
            "paths": {path.template: _path(path) for path in served},
            "components": {
                "schemas": {**schemas([*mentioned(served), *custom_names(rows)], V3), **custom_schemas(rows, V3)},
                "securitySchemes": {
                    "BearerToken": {
                        "description": "Bearer Token authentication",
                        "in": "header",
                        "name": "authorization",
                        "type": "apiKey",
                    }
                },
            },
        }
    )


def mentioned(served: Iterable[Path]) -> list[str]:
    """The definitions that some paths mention."""
    names: dict[str, None] = {}
    for path in served:
        for operation in path.operations:
            for name in (operation.body, *operation.answers.values()):
                if name:
                    names[name] = None
    return list(names)


def _path(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {operation.method: _operation(operation) for operation in path.operations}
    return {**made, "parameters": [_parameter(name) for name in path.parameters]}


def _parameter(name: str) -> Mapping[str, Any]:
    parameter = PARAMETERS[name]
    made = {"name": name, "in": parameter.place, "description": parameter.description}
    schema = {"type": parameter.type, "uniqueItems": True}
    return {**made, **({"required": True} if parameter.place == "path" else {}), "schema": schema}


def _content(types: Iterable[str], name: str | None) -> dict[str, Any]:
    schema = V3.reference(name) if name else {"type": "string"}
    return {type: {"schema": schema} for type in types}


_MEANINGS = {"200": "OK", "201": "Created", "202": "Accepted"}


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "responses": {
            **{
                code: {"description": _MEANINGS[code], "content": _content(operation.produces, name)}
                for code, name in operation.answers.items()
            },
            "401": {"description": "Unauthorized"},
        },
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.kind._asdict(),
    }
    if operation.parameters:
        made["parameters"] = [_parameter(name) for name in operation.parameters]
    if operation.body:
        made["requestBody"] = {"content": _content(operation.consumes, operation.body)}
    return made
