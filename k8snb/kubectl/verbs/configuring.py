"""The annotation in which apply keeps what it applied, put on an object: what `--save-config` does as well."""

from __future__ import annotations

from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Object


def configured(obj: Object, *, ordered: bool = True) -> Object:
    """The object with itself, as it was given, in the annotation by which the next apply knows it.

    `ordered` says that it came from a file; one that kubectl wrote keeps the order of its fields.
    """
    meta = obj.get("metadata") or {}
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != LAST_APPLIED}
    plain = {**obj, "metadata": {**meta, "annotations": annotations}}
    said = json_text(plain if ordered or annotations else obj, ordered=ordered) + "\n"
    return {**plain, "metadata": {**meta, "annotations": {**annotations, LAST_APPLIED: said}}}
