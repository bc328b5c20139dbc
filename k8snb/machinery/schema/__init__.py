"""The types of the API: what fields they have, and how bodies become objects.

`types` reads the published OpenAPI definitions into a tree of types, `text` reads JSON and YAML as Go does,
`decoder` turns a read value into a typed object or into the error that Go's decoder gives.
"""

from k8snb.machinery.schema.decoder import decode, decode_metadata
from k8snb.machinery.schema.text import parse_json, parse_yaml
from k8snb.machinery.schema.types import Field, Type, definition, definitions, type_named, type_of

__all__ = [
    "Field",
    "Type",
    "decode",
    "decode_metadata",
    "definition",
    "definitions",
    "parse_json",
    "parse_yaml",
    "type_named",
    "type_of",
]
