"""What one `kustomization.yaml` does to the objects it has gathered, in the order in which kustomize does it.

Upstream: `kustomize/api/internal/target/kusttarget_configplugin.go`, `kustomize/api/internal/builtins`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_file
from k8snb.kubectl.kustomize.fields import pod_spec_path, selectors, template_meta, updated
from k8snb.kubectl.kustomize.resource import Item
from k8snb.machinery.patch import json_patch, merge_patch, strategic_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.machinery.schema.text import parse_yaml_documents
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

Kustomization = Mapping[str, Any]
_NOT_RENAMED = ("Namespace", "CustomResourceDefinition", "APIService")
_SCALED = ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController")


def transformed(items: Sequence[Item], wanted: Kustomization, folder: Path, scheme: Scheme) -> list[Item]:
    """The objects after everything that the file says."""
    done = list(items)
    for patch in _patches(wanted):
        done = _patched(done, patch, folder)
    steps: list[Callable[[Item], Item]] = []
    if wanted.get("namespace"):
        steps.append(lambda item: _in_namespace(item, str(wanted["namespace"]), scheme))
    prefix, suffix = str(wanted.get("namePrefix") or ""), str(wanted.get("nameSuffix") or "")
    if prefix or suffix:
        steps.append(lambda item: item if item.kind in _NOT_RENAMED else item.renamed(f"{prefix}{item.name}{suffix}"))
    steps += [_labelling(entry) for entry in _label_entries(wanted)]
    if wanted.get("commonAnnotations"):
        steps.append(lambda item: _annotated(item, wanted["commonAnnotations"]))
    steps += [_imaging(image) for image in wanted.get("images") or ()]
    steps += [_scaling(replicas) for replicas in wanted.get("replicas") or ()]
    for step in steps:
        done = [step(item) for item in done]
    return done


# -- patches -------------------------------------------------------------------------------------------


def _patches(wanted: Kustomization) -> list[Mapping[str, Any]]:
    older: list[Mapping[str, Any]] = [
        {"patch" if "\n" in str(each) or ":" in str(each) else "path": each}
        for each in wanted.get("patchesStrategicMerge") or ()
    ]
    return [*older, *(wanted.get("patches") or ()), *(wanted.get("patchesJson6902") or ())]


def _patched(items: Sequence[Item], patch: Mapping[str, Any], folder: Path) -> list[Item]:
    text = str(patch.get("patch") or "") or read_file(str(folder / str(patch.get("path", ""))))
    try:
        documents = [value for value, _ in parse_yaml_documents(text if text.endswith("\n") else f"{text}\n") if value]
    except ValueError as error:
        raise CommandError(f"unable to parse SM or JSON patch from [patch: {text!r}]: {error}") from None
    done = list(items)
    for document in documents:
        target = patch.get("target")
        chosen = [each for each in done if _selected(each, target)] if target else [_only(done, document)]
        changed = {id(each): _changed(each, document) for each in chosen}
        done = [changed.get(id(each), each) for each in done]
    return [each for each in done if each.object]


def _selected(item: Item, target: Mapping[str, Any]) -> bool:
    group, _, version = str(item.object.get("apiVersion", "")).rpartition("/")
    facts = {"group": group, "version": version, "kind": item.kind, "namespace": item.namespace}
    if any(target.get(key) and not re.fullmatch(str(target[key]), value) for key, value in facts.items()):
        return False
    name = str(target.get("name") or "")
    if name and not any(re.fullmatch(name, each) for each in (item.name, *item.names)):
        return False
    meta = item.object.get("metadata") or {}
    return _matches(target.get("labelSelector"), meta.get("labels")) and _matches(
        target.get("annotationSelector"), meta.get("annotations")
    )


def _matches(selector: Any, labels: Any) -> bool:
    pairs = (part.partition("=") for part in str(selector or "").split(",") if part)
    return all((labels or {}).get(key) == value.lstrip("=") for key, _, value in pairs)


def _only(items: Sequence[Item], patch: Object) -> Item:
    """The object that a strategic patch names."""
    wanted = Item(patch)
    for item in items:
        if item.kind == wanted.kind and item.called(wanted.name):
            return item
    missing = f"no matches for Id {wanted.title}; failed to find unique target for patch {wanted.title}"
    raise CommandError(f'no resource matches strategic merge patch "{wanted.title}": {missing}')


def _changed(item: Item, patch: Any) -> Item:
    obj = item.object
    try:
        if isinstance(patch, list):
            return item.holding(json_patch(obj, patch))
        if patch.get("$patch") == "delete":
            return item.holding({})
        meta = {**(patch.get("metadata") or {}), "name": item.name}
        patch = {**patch, "metadata": meta}
        version, kind = str(obj.get("apiVersion", "")), item.kind
        if type_of(version, kind) is None:
            merged: Any = merge_patch(obj, patch)
            return item.holding(merged)
        return item.holding(strategic_merge_patch(obj, patch, version, kind))
    except (StatusError, ValueError) as error:
        raise CommandError(str(error)) from None


# -- names, labels, images -----------------------------------------------------------------------------


def _in_namespace(item: Item, namespace: str, scheme: Scheme) -> Item:
    if item.kind == "Namespace":
        return item.renamed(namespace)
    resource = scheme.kind(str(item.object.get("apiVersion", "")), item.kind)
    if resource is not None and not resource.namespaced:
        return item
    return item.holding(updated(item.object, "metadata/namespace", lambda _: namespace, create=True))


def _label_entries(wanted: Kustomization) -> list[Mapping[str, Any]]:
    entries = list(wanted.get("labels") or ())
    if wanted.get("commonLabels"):
        entries.append({"pairs": wanted["commonLabels"], "includeSelectors": True})
    return entries


def _labelling(entry: Mapping[str, Any]) -> Callable[[Item], Item]:
    pairs = entry.get("pairs") or {}
    selecting, templating = entry.get("includeSelectors"), entry.get("includeTemplates")

    def label(item: Item) -> Item:
        paths = ["metadata/labels"]
        if selecting or templating:
            paths += [f"{path}/labels" for path in template_meta(item.kind)]
        if selecting:
            paths += selectors(item.kind)
        return item.holding(_merged_at(item.object, paths, pairs))

    return label


def _annotated(item: Item, pairs: Mapping[str, str]) -> Item:
    paths = ["metadata/annotations", *(f"{path}/annotations" for path in template_meta(item.kind))]
    return item.holding(_merged_at(item.object, paths, pairs))


def _merged_at(obj: Any, paths: Sequence[str], pairs: Mapping[str, str]) -> Any:
    for path in paths:
        obj = updated(obj, path, lambda old: {**(old or {}), **pairs}, create=True)
    return obj


def _imaging(wanted: Mapping[str, Any]) -> Callable[[Item], Item]:
    def image(text: Any) -> Any:
        name, tag, digest = _image_parts(str(text))
        if name != wanted.get("name"):
            return text
        name = str(wanted.get("newName") or name)
        if wanted.get("digest"):
            return f"{name}@{wanted['digest']}"
        if wanted.get("newTag") is not None:
            return f"{name}:{wanted['newTag']}"
        return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    def change(item: Item) -> Item:
        obj: Any = item.object
        path = pod_spec_path(item.kind)
        for containers in ("containers[]", "initContainers[]", "volumes[]") if path else ():
            field = "image/reference" if containers == "volumes[]" else "image"
            obj = updated(obj, f"{path}/{containers}/{field}", image)
        return item.holding(obj)

    return change


def _image_parts(text: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image."""
    rest, _, digest = text.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}{slash}{name}", tag, digest


def _scaling(wanted: Mapping[str, Any]) -> Callable[[Item], Item]:
    def scale(item: Item) -> Item:
        if item.kind not in _SCALED or not item.called(str(wanted.get("name"))):
            return item
        return item.holding(updated(item.object, "spec/replicas", lambda _: wanted.get("count"), create=True))

    return scale
