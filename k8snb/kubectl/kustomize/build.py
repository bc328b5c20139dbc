"""Reads a folder with a `kustomization.yaml` and everything it names, and puts the objects in order.

Upstream: `kustomize/api/krusty/kustomizer.go`, `kustomize/api/internal/target/kusttarget.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_file
from k8snb.kubectl.generators.hashing import content_hash
from k8snb.kubectl.kustomize.generators import generate, merged
from k8snb.kubectl.kustomize.layers import transformed
from k8snb.kubectl.kustomize.references import follow
from k8snb.kubectl.kustomize.resource import Item
from k8snb.machinery.schema.text import parse_yaml_documents
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_KNOWN = frozenset(
    (
        *(
            "apiVersion",
            "kind",
            "metadata",
            "resources",
            "bases",
            "components",
            "namePrefix",
            "nameSuffix",
            "namespace",
        ),
        *("labels", "commonLabels", "commonAnnotations", "images", "replicas", "patches", "patchesStrategicMerge"),
        *(
            "patchesJson6902",
            "configMapGenerator",
            "secretGenerator",
            "generatorOptions",
            "sortOptions",
            "buildMetadata",
        ),
    )
)
_NOT_HERE = ("crds", "vars", "replacements", "helmCharts", "generators", "transformers", "validators", "configurations")
_DEPRECATED = {
    "bases": "resources",
    "commonLabels": "labels",
    "patchesJson6902": "patches",
    "patchesStrategicMerge": "patches",
}
_ORDER = (
    *("Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount", "PodSecurityPolicy"),
    *("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret", "Endpoints", "Service"),
    *("LimitRange", "PriorityClass", "PersistentVolume", "PersistentVolumeClaim", "Deployment", "StatefulSet"),
    *("CronJob", "PodDisruptionBudget"),
)
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")

Warn = Callable[[str], None]


def build(path: str, scheme: Scheme, warn: Warn) -> list[Object]:
    """The objects that a folder stands for, in the order in which they are printed and applied."""
    folder = Path(path)
    if not folder.exists():
        missing = f"evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
        raise CommandError(f"must build at directory: not a valid directory: {missing}")
    if not folder.is_dir():
        raise CommandError(f"must build at directory: '{path}': file is not directory")
    items = follow([_hashed(item) for item in _Layers(scheme, warn).read(folder.resolve())])
    return [item.object for item in sorted(items, key=_rank)]


def _hashed(item: Item) -> Item:
    if not item.hashed:
        return item
    unnamed = {**item.object, "metadata": {"name": ""}}
    return item.renamed(f"{item.name}-{content_hash(unnamed)}")


def _rank(item: Item) -> tuple[int, str, str]:
    first = {kind: at - len(_ORDER) for at, kind in enumerate(_ORDER)}
    last = {kind: at + 1 for at, kind in enumerate(_LAST)}
    group, _, version = str(item.object.get("apiVersion", "")).rpartition("/")
    return {**first, **last}.get(item.kind, 0), f"{group}_{version}_{item.kind}", f"{item.namespace}_{item.name}"


class _Layers:
    """Reads folder after folder, from the overlays down to their bases."""

    def __init__(self, scheme: Scheme, warn: Warn) -> None:
        self._scheme = scheme
        self._warn = warn

    def read(self, folder: Path) -> list[Item]:
        wanted = self._file(folder)
        items: list[Item] = []
        for name in (*(wanted.get("resources") or ()), *(wanted.get("bases") or ())):
            items = self._added(items, self._resource(folder, str(name)), str(name), folder)
        items = self._generated(items, wanted, folder)
        for name in wanted.get("components") or ():
            component = folder / str(name)
            items = transformed(items, self._file(component), component, self._scheme)
        return transformed(items, wanted, folder, self._scheme)

    def _file(self, folder: Path) -> Mapping[str, Any]:
        found = next((folder / name for name in FILES if (folder / name).is_file()), None)
        if found is None:
            names = " or ".join((", ".join(f"'{name}'" for name in FILES[:-1]), f"'{FILES[-1]}'"))
            raise CommandError(f"unable to find one of {names} in directory '{folder}'")
        documents = list(_documents(found))
        wanted = documents[0] if documents else {}
        if not isinstance(wanted, Mapping):
            raise CommandError(
                "invalid Kustomization: json: cannot unmarshal into Go value of type types.Kustomization"
            )
        for field in wanted:
            if field in _NOT_HERE:
                raise CommandError(f"this kustomize does not know the field {field}")
            if field not in _KNOWN:
                raise CommandError(f'invalid Kustomization: json: unknown field "{field}"')
        for field, instead in _DEPRECATED.items():
            if field in wanted:
                fix = "Run 'kustomize edit fix' to update your Kustomization automatically."
                self._warn(f"# Warning: '{field}' is deprecated. Please use '{instead}' instead. {fix}\n")
        return wanted

    def _resource(self, folder: Path, name: str) -> list[Item]:
        path = folder / name
        if path.is_dir():
            return self.read(path.resolve())
        failed = f"accumulating resources: accumulation err='accumulating resources from '{name}': "
        if not path.exists():
            missing = f"evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
            raise CommandError(f"{failed}{missing}': must build at directory: not a valid directory: {missing}")
        whole = path.resolve()
        if not whole.is_relative_to(folder):
            why = f"security; file '{whole}' is not in or below '{folder}'"
            raise CommandError(f"{failed}{why}': must build at directory: '{whole}': file is not directory")
        return [Item(obj) for obj in _documents(path)]

    def _added(self, items: list[Item], more: list[Item], name: str, folder: Path) -> list[Item]:
        for item in more:
            if any(each.title == item.title for each in items):
                why = f"may not add resource with an already registered id: {item.title}"
                failed = f"accumulating resources: accumulation err='merging resources from '{name}': {why}'"
                raise CommandError(f"{failed}: must build at directory: '{folder / name}': file is not directory")
            items = [*items, item]
        return items

    def _generated(self, items: list[Item], wanted: Mapping[str, Any], folder: Path) -> list[Item]:
        options = wanted.get("generatorOptions") or {}
        for kind, field in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
            for arguments in wanted.get(field) or ():
                made = generate(kind, arguments, options, folder)
                behavior = str(arguments.get("behavior") or "create").lower()
                there = next((each for each in items if each.kind == kind and each.called(made.name)), None)
                if behavior == "create" and there is None:
                    items = [*items, made]
                elif behavior != "create" and there is not None:
                    items = [merged(there, made, behavior) if each is there else each for each in items]
                elif there is None:
                    raise CommandError(f"id {made.title} does not exist; cannot merge or replace")
                else:
                    raise CommandError(f"id {made.title} exists; behavior must be merge or replace")
        return items


def _documents(path: Path) -> list[Any]:
    text = read_file(str(path))
    try:
        documents = [value for value, _ in parse_yaml_documents(text if text.endswith("\n") else f"{text}\n") if value]
    except ValueError as error:
        raise CommandError(f"couldn't parse {path}: {error}") from None
    flat: list[Any] = []
    for value in documents:
        listed = isinstance(value, Mapping) and str(value.get("kind", "")).endswith("List") and "items" in value
        flat += value["items"] if listed else [value]
    return flat
