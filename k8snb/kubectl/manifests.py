"""Manifests: the objects in the files of `-f`, in order, each with its kind found on the server.

A file may hold several YAML documents, JSON, or lists; `-` is the standard input. Upstream:
`cli-runtime/pkg/resource/visitor.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.schema.text import parse_json, parse_yaml_documents
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

STDIN = "STDIN"
_EXTENSIONS = (".json", ".yaml", ".yml")
_MISSING_KIND = "if you choose to ignore these errors, turn validation off with --validate=false"


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
    matches = [] if path.is_absolute() else sorted(Path().glob(name))
    if not matches:
        raise CommandError(f'the path "{name}" does not exist')
    return matches


def _objects(source: str, text: str) -> Iterator[tuple[str, Object]]:
    for value in _documents(source, text):
        if value is None:
            continue
        if not isinstance(value, dict):
            what = "list" if isinstance(value, list) else "value"
            raise CommandError(f'error validating "{source}": error validating data: the document is a {what}')
        yield from _flattened(source, value)


def _documents(source: str, text: str) -> Iterator[Any]:
    try:
        if text.lstrip().startswith("{"):
            yield parse_json(text)[0]
            return
        for value, problems in parse_yaml_documents(text):
            if problems:
                raise ValueError(problems[0])
            yield value
    except ValueError as error:
        raise CommandError(f"error parsing {source}: error converting YAML to JSON: {error}") from None


def _flattened(source: str, obj: Object) -> Iterator[tuple[str, Object]]:
    missing = [f"{key} not set" for key in ("apiVersion", "kind") if not obj.get(key)]
    if missing:
        listed = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
        raise CommandError(f'error validating "{source}": error validating data: {listed}; {_MISSING_KIND}')
    if str(obj["kind"]).endswith("List") and isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from _flattened(source, item)
    else:
        yield source, obj
