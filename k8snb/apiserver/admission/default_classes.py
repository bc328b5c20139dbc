"""DefaultStorageClass and DefaultIngressClass: who names no class gets the one that is marked as the default.

Of several defaults the newest counts. Upstream: `plugin/pkg/admission/storage/storageclass/setdefault`,
`plugin/pkg/admission/network/defaultingressclass`.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.volumes import BETA_CLASS, DEFAULT_CLASS_MARKS, STORAGE_CLASSES, newest_default
from k8snb.typing import Object

INGRESS_CLASSES = "ingressclasses.networking.k8s.io"
_INGRESS_CLASS = "kubernetes.io/ingress.class"
_INGRESS_MARK = ("ingressclass.kubernetes.io/is-default-class",)


class DefaultStorageClass(Plugin):
    """Upstream: `DefaultStorageClass`."""

    name = "DefaultStorageClass"
    resources = ("persistentvolumeclaims",)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        claim = attributes.object
        assert claim is not None
        if claim["spec"].get("storageClassName") is not None or BETA_CLASS in annotations_of(claim):
            return None
        return _with_default(claim, "storageClassName", reader.list(STORAGE_CLASSES, ""), DEFAULT_CLASS_MARKS)


class DefaultIngressClass(Plugin):
    """Upstream: `DefaultIngressClass`."""

    name = "DefaultIngressClass"
    resources = ("ingresses.networking.k8s.io",)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        ingress = attributes.object
        assert ingress is not None
        if (ingress.get("spec") or {}).get("ingressClassName") is not None or _INGRESS_CLASS in annotations_of(ingress):
            return None
        return _with_default(ingress, "ingressClassName", reader.list(INGRESS_CLASSES, ""), _INGRESS_MARK)


def _with_default(obj: Object, field: str, classes: Iterable[Object], marks: Iterable[str]) -> Object | None:
    default = newest_default(classes, marks)
    if default is None:
        return None
    return {**obj, "spec": {**(obj.get("spec") or {}), field: default["metadata"]["name"]}}
