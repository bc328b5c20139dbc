"""YAML and JSON as helm reads and writes them: by way of JSON, so that every number in a file is a float64.

Upstream: `sigs.k8s.io/yaml`. That is why `{{ .Values.big }}` prints 1e+06 where `toYaml` writes 1000000.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from k8snb.kubectl.printing.goyaml import yaml_text as go_yaml
from k8snb.machinery import jsontext
from k8snb.machinery.gotemplate.values import is_list
from k8snb.machinery.schema.text import parse_yaml_documents

_LARGEST_PLAIN = 1e21
"""From here on Go writes a float with an exponent."""


def plain_data(value: Any) -> Any:
    """The value as JSON has it: floats that are whole numbers are whole numbers, bytes are base64."""
    if isinstance(value, Mapping):
        return {str(key): plain_data(each) for key, each in value.items()}
    if is_list(value):
        return [plain_data(each) for each in value]
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < _LARGEST_PLAIN:
        return int(value)
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    data = getattr(value, "data", None)
    return value if data is None else plain_data(data)


def yaml_text(value: Any) -> str:
    """The value as YAML, with a line break at the end."""
    return go_yaml(plain_data(value))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON, with sorted keys."""
    return jsontext.json_text(plain_data(value), indent=indent)


def floats(value: Any) -> Any:
    """The value with every number a float, as Go's decoder makes them."""
    if isinstance(value, dict):
        return {_key(key): floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [floats(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def from_yaml(text: str) -> Any:
    """The first document of a YAML text. Raises ValueError with Go's words."""
    try:
        return next((floats(value) for value, _repeated in parse_yaml_documents(text) if value is not None), None)
    except ValueError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


def from_json(text: str) -> Any:
    """The value in a JSON text. Raises ValueError with Go's words."""
    from k8snb.machinery.schema.gojson import complaint

    try:
        return floats(json.loads(text))
    except ValueError:
        raise ValueError(complaint(text)) from None
