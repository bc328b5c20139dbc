"""OpenAPI version 2: one document for everything, for clients that have not learnt version 3.

kubectl 1.27 and 1.28 ask for it when they apply, and want it as a protobuf message (`gnostic`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8snb.apiserver.openapi.custom import custom_names, custom_schemas
from k8snb.apiserver.openapi.operations import PARAMETERS, Operation, Path, paths
from k8snb.apiserver.openapi.schemas import V2, schemas
from k8snb.apiserver.openapi.v3 import mentioned
from k8snb.apiserver.status import VERSION
from k8snb.typing import Resource

_MEANINGS = {"200": "OK", "201": "Created", "202": "Accepted"}


@lru_cache(maxsize=4)
def document(rows: tuple[Resource, ...]) -> dict[str, Any]:
    """The document of all resources. Kept, so not to be changed."""
    served = list(paths(rows))
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        "paths": {path.template: _path(path) for path in served},
        "definitions": {**schemas([*mentioned(served), *custom_names(rows)], V2), **custom_schemas(rows, V2)},
        "securityDefinitions": {
            "BearerToken": {
                "description": "Bearer Token authentication",
                "type": "apiKey",
                "name": "authorization",
                "in": "header",
            }
        },
        "security": [{"BearerToken": []}],
    }


def _path(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {operation.method: _operation(operation) for operation in path.operations}
    return {**made, "parameters": [_parameter(name) for name in path.parameters]}


def _parameter(name: str) -> dict[str, Any]:
    parameter = PARAMETERS[name]
    made: dict[str, Any] = {"uniqueItems": True, "type": parameter.type, "description": parameter.description}
    required = {"required": True} if parameter.place == "path" else {}
    return {**made, "name": name, "in": parameter.place, **required}


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_parameter(name) for name in operation.parameters]
    if operation.body:
        body = {"name": "body", "in": "body", "schema": V2.reference(operation.body)}
        required = {"required": True} if operation.method != "delete" else {}
        parameters.insert(0, {**body, **required})
    made: dict[str, Any] = {
        "description": operation.description,
        "consumes": list(operation.consumes),
        "produces": list(operation.produces),
        "schemes": ["https"],
        "tags": [operation.tag],
        "operationId": operation.id,
        "responses": {
            **{code: _response(code, name) for code, name in operation.answers.items()},
            "401": {"description": "Unauthorized"},
        },
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.kind._asdict(),
    }
    return {**made, "parameters": parameters} if parameters else made


def _response(code: str, name: str | None) -> dict[str, Any]:
    schema = V2.reference(name) if name else {"type": "string"}
    return {"description": _MEANINGS[code], "schema": schema}
