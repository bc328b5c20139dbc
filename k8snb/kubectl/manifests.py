"""Manifests: the objects in the files of `-f`, in order, each with its kind found on the server.

A file may hold several YAML documents, JSON, or lists; `-` is the standard input. Upstream:
`cli-runtime/pkg/resource/visitor.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.schema import decode
from k8snb.machinery.schema.text import parse_yaml_documents
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

STDIN = "STDIN"
_EXTENSIONS = (".json", ".yaml", ".yml")
_HOW_TO_GO_ON = "if you choose to ignore these errors, turn validation off with --validate=false"


def read_manifests(names: Sequence[str], stdin: str, *, recursive: bool) -> Iterator[tuple[str, Object]]:
    """Every object of every file, with the file it is from; lists are taken apart."""
    for name in names:
        if name == "-":
            yield from _objects(STDIN, stdin)
            continue
        for path in _paths(name, recursive=recursive):
            yield from _objects(str(path), path.read_text(encoding="utf-8"))


def resolve(source: str, obj: Object, scheme: Scheme, namespace: str, *, enforced: bool) -> Target:
    """The target of an object from a file; a namespaced one without a namespace goes to `namespace`.

    `enforced` says that the command line named the namespace: an object that names another is refused.
    """
    version, kind = obj.get("apiVersion", ""), obj.get("kind", "")
    resource = scheme.kind(version, kind)
    meta = obj.get("metadata") or {}
    if resource is None:
        raise CommandError(
            f'resource mapping not found for name: "{meta.get("name", "")}" namespace: "{meta.get("namespace", "")}" '
            f'from "{source}": no matches for kind "{kind}" in version "{version}"\nensure CRDs are installed first'
        )
    own = meta.get("namespace", "")
    if not resource.namespaced:
        return target_of(resource, _in_namespace(obj, "") if own else obj, source)
    if own and enforced and own != namespace:
        raise CommandError(
            f'the namespace from the provided object "{own}" does not match the namespace "{namespace}". '
            f"You must pass '--namespace={own}' to perform this operation."
        )
    return target_of(resource, obj if own else _in_namespace(obj, namespace), source)


def _in_namespace(obj: Object, namespace: str) -> Object:
    meta = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "namespace"}
    return {**obj, "metadata": {**meta, "namespace": namespace} if namespace else meta}


def _paths(name: str, *, recursive: bool) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.glob("*")
        found = sorted(each for each in inside if each.suffix in _EXTENSIONS and each.is_file())
        if not found:
            extensions = " ".join(_EXTENSIONS)
            raise CommandError(f"error reading [{name}]: recognized file extensions are [{extensions}]")
        return found
    if path.exists():
        return [path]
    if name.startswith(("http://", "https://")):
        raise CommandError(f"this kubectl reads files, not addresses: {name}")
    root = Path(path.anchor)
    matches = sorted(root.glob(str(path.relative_to(root))))
    if not matches:
        raise CommandError(f'the path "{name}" does not exist')
    return matches


def _objects(source: str, text: str) -> Iterator[tuple[str, Object]]:
    for value in _documents(source, text):
        if value is None:
            continue
        if not isinstance(value, dict):
            raise _invalid(source, "invalid object to validate")
        yield from _flattened(source, value)


def _invalid(source: str, why: str) -> CommandError:
    return CommandError(f'error validating "{source}": error validating data: {why}; {_HOW_TO_GO_ON}')


def _documents(source: str, text: str) -> Iterator[Any]:
    values, rest = _leading_json(source, text) if text.lstrip().startswith("{") else ([], text)
    yield from values
    try:
        for value, _ in parse_yaml_documents(rest if rest.endswith("\n") else f"{rest}\n"):
            yield value
    except ValueError as error:
        raise CommandError(f"error parsing {source}: error converting YAML to JSON: {error}") from None


def _leading_json(source: str, text: str) -> tuple[list[Any], str]:
    """The JSON values that a text begins with, and the text behind them, which is YAML."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    rest = text.lstrip()
    while rest.startswith("{"):
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError as error:
            if isinstance(error, json.JSONDecodeError) and error.pos >= len(rest.rstrip()):
                raise CommandError(f"error parsing {source}: unexpected EOF") from None
            break
        values.append(value)
        rest = rest[end:].lstrip()
    return values, "" if values and not rest.startswith(("---", "{")) else rest


def _flattened(source: str, obj: Object) -> Iterator[tuple[str, Object]]:
    wrong = [f"{key} not set" for key in ("apiVersion", "kind") if not obj.get(key)]
    wrong += [f"{key} isn't string type" for key in ("apiVersion", "kind") if not isinstance(obj.get(key) or "", str)]
    if wrong:
        raise _invalid(source, wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")
    _check_metadata(source, obj)
    if str(obj["kind"]).endswith("List") and isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from _flattened(source, item)
    else:
        yield source, obj


def _check_metadata(source: str, obj: Object) -> None:
    """kubectl reads the metadata of every object by its type, whatever the kind."""
    try:
        decode({"metadata": obj.get("metadata")}, "v1", "ConfigMap", "Ignore")
    except StatusError as error:
        why = error.message.partition("cannot be handled as a ConfigMap: ")[2]
        why = why.replace("field ConfigMap.metadata", "field metadataOnlyObject.metadata")
        raise CommandError(f'unable to decode "{source}": {why}') from None
