"""ConfigMaps and Secrets from literals, files and lists of variables. Upstream: `kustomize/api/internal/generators`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.kustomize.resource import Item
from k8snb.typing import Object

Arguments = Mapping[str, Any]


def generate(kind: str, arguments: Arguments, options: Mapping[str, Any], folder: Path) -> Item:
    """The object that one entry of `configMapGenerator` or `secretGenerator` stands for."""
    own = arguments.get("options") or {}
    labels = {**(options.get("labels") or {}), **(own.get("labels") or {})}
    annotations = {**(options.get("annotations") or {}), **(own.get("annotations") or {})}
    meta: dict[str, Any] = {"name": arguments.get("name", "")}
    if arguments.get("namespace"):
        meta["namespace"] = arguments["namespace"]
    meta |= ({"labels": labels} if labels else {}) | ({"annotations": annotations} if annotations else {})
    pairs = _pairs(arguments, folder)
    obj: dict[str, Any] = {"apiVersion": "v1", "kind": kind, "metadata": meta}
    obj |= _secret(arguments, pairs) if kind == "Secret" else _config_map(pairs)
    if own.get("immutable", options.get("immutable")):
        obj["immutable"] = True
    plain = own.get("disableNameSuffixHash", options.get("disableNameSuffixHash", False))
    return Item(obj, hashed=not plain)


def merged(old: Item, new: Item, behavior: str) -> Item:
    """What a generator with `behavior: merge` or `replace` makes of an object that is there."""
    if behavior == "replace":
        return Item({**new.object, "metadata": _both(old.object, new.object)}, old.names, old.hashed)
    fields: dict[str, Any] = dict(old.object)
    for key in ("data", "binaryData"):
        values = {**(old.object.get(key) or {}), **(new.object.get(key) or {})}
        if values:
            fields[key] = values
    fields["metadata"] = _both(old.object, new.object)
    return Item(fields, old.names, old.hashed)


def _both(old: Object, new: Object) -> Object:
    meta = dict(old["metadata"])
    for key in ("labels", "annotations"):
        values = {**(meta.get(key) or {}), **(new["metadata"].get(key) or {})}
        if values:
            meta[key] = values
    return meta


def _config_map(pairs: Mapping[str, bytes]) -> Object:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in pairs.items():
        try:
            data[key] = value.decode()
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(value).decode()
    return ({"data": data} if data else {}) | ({"binaryData": binary} if binary else {})


def _secret(arguments: Arguments, pairs: Mapping[str, bytes]) -> Object:
    data = {key: base64.b64encode(value).decode() for key, value in pairs.items()}
    return {**({"data": data} if data else {}), "type": arguments.get("type") or "Opaque"}


def _pairs(arguments: Arguments, folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for literal in arguments.get("literals") or ():
        key, equals, value = str(literal).partition("=")
        if not equals:
            why = f"invalid literal source {literal}, expected key=value"
            raise CommandError(f"loading KV pairs: literal sources [{literal}]: {why}")
        found[key] = value.strip("'\"").encode() if value[:1] == value[-1:] and value[:1] in "'\"" else value.encode()
    for source in arguments.get("files") or ():
        key, _, name = str(source).rpartition("=")
        found[key or Path(name).name] = _read(folder, name)
    envs = [*(arguments.get("envs") or ()), *([arguments["env"]] if arguments.get("env") else ())]
    for name in envs:
        for line in _read(folder, str(name)).decode().splitlines():
            text = line.strip()
            if text and not text.startswith("#"):
                key, _, value = text.partition("=")
                found[key] = value.encode()
    return found


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        return path.read_bytes()
    except OSError:
        missing = f"evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
        raise CommandError(f"loading KV pairs: file sources: [{name}]: {missing}") from None
