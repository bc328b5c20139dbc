"""Paths into a schema: `.spec.size`, `.spec.labels['app']`, as rules and selectable fields name them.

Upstream: `apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go`, `ValidFieldPath`.
"""

from __future__ import annotations

import re

from k8snb.machinery.structural.schema import META_FIELDS, Structural

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['((?:\\.|[^'\\])*)'\]|\[(\d+)\]")


def find_path(path: str, schema: Structural, *, arrays: bool = True) -> Structural | str:
    """The schema at a path, or why the path does not lead anywhere."""
    at = 0
    node: Structural | None = schema
    path = path.strip()
    if not path:
        return "must not be empty"
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return f"expected [ or . but got: {path[at]}"
        at = match.end()
        assert node is not None
        if match[3] is not None:
            if not arrays:
                return "array notation is not allowed"
            node = node.items
            if node is None:
                return f"does not refer to a valid field: {match[0]}"
            continue
        name = match[1] if match[1] is not None else match[2].replace("\\'", "'")
        found = node.properties.get(name) or node.additional
        if found is None and node is schema and name in META_FIELDS:
            found = Structural({"type": "object", "additionalProperties": {"type": "string"}})
        if found is None:
            return "does not refer to a valid field"
        node = found
    return node if node is not None else "does not refer to a valid field"
