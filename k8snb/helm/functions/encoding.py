"""Text as YAML, JSON, TOML and base64, and back. Upstream: helm's `engine/funcs.go`, sprig's `defaults.go`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.helm.functions.toml import toml_text
from k8snb.helm.yamltext import from_json, from_yaml, json_text, plain_data, yaml_text
from k8snb.machinery.gotemplate import FunctionError


def _to_yaml(value: Any) -> str:
    return yaml_text(value).removesuffix("\n")


def _to_yaml_pretty(value: Any) -> str:
    return yaml_text(value).removesuffix("\n")


def _checked(read: Callable[[str], Any], kind: type, name: str) -> Callable[[str], Any]:
    """A reader that hands its complaint out as data, as helm's do."""

    def function(text: str) -> Any:
        try:
            value = read(text)
        except ValueError as error:
            return {"Error": str(error)} if kind is dict else [str(error)]
        if value is None:
            return kind()
        if not isinstance(value, kind):
            shown = {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")
            message = f"json: cannot unmarshal {shown} into Go value of type {name}"
            message = message if read is from_json else f"error unmarshaling JSON: while decoding JSON: {message}"
            return {"Error": message} if kind is dict else [message]
        return value

    function.__annotations__ = {"text": "str", "return": "Any"}
    return function


_MAP, _LIST = "map[string]interface {}", "[]interface {}"


def _must_from_json(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as error:
        raise FunctionError(str(error)) from None


def _to_json(value: Any) -> str:
    return json_text(value)


def _to_pretty_json(value: Any) -> str:
    return json_text(value, indent=2)


def _to_raw_json(value: Any) -> str:
    return json.dumps(plain_data(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _b64enc(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _b64dec(text: str) -> str:
    return _decoded(base64.b64decode, text, "base64")


def _b32enc(text: str) -> str:
    return base64.b32encode(text.encode("utf-8", "surrogateescape")).decode()


def _b32dec(text: str) -> str:
    return _decoded(base64.b32decode, text, "base32")


def _decoded(decode: Callable[..., bytes], text: str, name: str) -> str:
    plain = text.replace("\n", "").replace("\r", "")
    try:
        data = decode(plain, validate=True) if name == "base64" else decode(plain)
    except (binascii.Error, ValueError):
        letters = "+/=" if name == "base64" else "="
        good = (at for at, char in enumerate(text) if not (char.isascii() and (char.isalnum() or char in letters)))
        return f"illegal {name} data at input byte {next(good, len(text) // 4 * 4)}"
    return data.decode("utf-8", "surrogateescape")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "b32dec": _b32dec,
    "b32enc": _b32enc,
    "b64dec": _b64dec,
    "b64enc": _b64enc,
    "fromJson": _checked(from_json, dict, _MAP),
    "fromJsonArray": _checked(from_json, list, _LIST),
    "fromYaml": _checked(from_yaml, dict, _MAP),
    "fromYamlArray": _checked(from_yaml, list, _LIST),
    "mustFromJson": _must_from_json,
    "mustToJson": _to_json,
    "mustToPrettyJson": _to_pretty_json,
    "mustToRawJson": _to_raw_json,
    "mustToToml": toml_text,
    "mustToYaml": _to_yaml,
    "toJson": _to_json,
    "toPrettyJson": _to_pretty_json,
    "toRawJson": _to_raw_json,
    "toToml": toml_text,
    "toYaml": _to_yaml,
    "toYamlPretty": _to_yaml_pretty,
}
"""By name."""
