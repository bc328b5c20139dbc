"""Secrets: data in base64, with rules for the types that Kubernetes itself reads.

`stringData` is only a way to write: it is merged into `data` and never stored. Upstream:
`Convert_v1_Secret_To_core_Secret`, `ValidateSecret`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.core import MAX_DATA_BYTES, validate_frozen, validate_keys
from k8snb.apiserver.registry.filling import filled
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, bad_request, invalid_value, required, too_long
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.schema.gojson import complaint
from k8snb.typing import Object

SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_JSON_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}
_NONE: Mapping[str, Any] = {}


def decode(value: str) -> bytes:
    """The bytes of a base64 value, line breaks ignored; StatusError (400) as the decoder upstream words it."""
    try:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        offset = _first_illegal(value)
        message = f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte {offset}'
        raise bad_request(message) from None


def _first_illegal(value: str) -> int:
    """Where Go's decoder stops: at the first byte that is not of the alphabet, or where padding is wrong."""
    alphabet = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n")
    for index, character in enumerate(value):
        if character not in alphabet:
            return index
    return len(value) // 4 * 4


class SecretStrategy(Strategy):
    """Small pieces of data that should not be shown around."""

    counts_generation = False
    fields: Mapping[str, Field] = {"type": checks.text("type")}

    def default(self, obj: Object) -> Object:
        obj = filled(obj, {"type": "Opaque"})
        texts = obj.get("stringData")
        if not texts:
            return obj if "stringData" not in obj else _without_texts(obj)
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
        return {**_without_texts(obj), "data": {**(obj.get("data") or _NONE), **encoded}}

    def validate(self, obj: Object) -> list[FieldError]:
        data = {key: decode(value or "") for key, value in (obj.get("data") or _NONE).items()}
        errors = validate_keys("data", data)
        if sum(map(len, data.values())) > MAX_DATA_BYTES:
            errors.append(too_long("data", "", MAX_DATA_BYTES))
        return errors + _validate_type(obj, data)

    def prepare_update(self, new: Object, old: Object) -> Object:
        return filled(new, {"type": old.get("type")})

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return checks.immutable("type", new.get("type"), old.get("type")) + validate_frozen(new, old, ("data",))


def _without_texts(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name != "stringData"}


def _validate_type(obj: Object, data: Mapping[str, bytes]) -> list[FieldError]:
    match obj.get("type"):
        case "kubernetes.io/service-account-token":
            named = annotations_of(obj).get(SERVICE_ACCOUNT_NAME)
            return [] if named else [required(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]")]
        case "kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson":
            return _validate_json(_JSON_KEYS[obj["type"]], data)
        case "kubernetes.io/basic-auth" if not data.keys() & {"username", "password"}:
            return [required("data[username]"), required("data[password]")]
        case "kubernetes.io/ssh-auth" if not data.get("ssh-privatekey"):
            return [required("data[ssh-privatekey]")]
        case "kubernetes.io/tls":
            return [required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _validate_json(key: str, data: Mapping[str, bytes]) -> list[FieldError]:
    if key not in data:
        return [required(f"data[{key}]")]
    problem = _json_problem(data[key])
    return [invalid_value(f"data[{key}]", "<secret contents redacted>", problem)] if problem else []


def _json_problem(content: bytes) -> str:
    """Why Go could not read the content as a JSON object; empty if it could."""
    text = content.decode(errors="replace")
    try:
        value = json.loads(text)
    except ValueError:
        return complaint(text)
    if value is None or isinstance(value, dict):
        return ""
    kinds = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}
    return f"json: cannot unmarshal {kinds[type(value)]} into Go value of type map[string]interface {{}}"


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"secrets": lambda _: SecretStrategy()}
