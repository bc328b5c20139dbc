"""The page of a kind that has no describer of its own: every field, by name.

Upstream: `genericDescriber` and `smartLabelFor`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.writer import Page
from k8snb.machinery.gotext import go_text
from k8snb.typing import Object

_SHOWN_ABOVE = frozenset(
    {".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"}
)
_ACRONYMS = frozenset(("API", "URL", "UID", "OSB", "GUID"))
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|-")


def describe_anything(describing: Describing, obj: Object) -> None:
    """All that an object says."""
    describing.head(obj)
    describing.marks(obj)
    _content(describing.page, obj, "", 0)
    describing.events(obj)


def _content(page: Page, value: Mapping[str, Any], path: str, level: int) -> None:
    for field in sorted(value):
        here, inner = f"{path}.{field}", value[field]
        if here in _SHOWN_ABOVE:
            continue
        if isinstance(inner, Mapping):
            page.line(f"{title_of(field)}:", level)
            _content(page, inner, here, level + 1)
        elif isinstance(inner, Sequence) and not isinstance(inner, str):
            page.line(f"{title_of(field)}:", level)
            _items(page, inner, here, level + 1)
        else:
            page.line(f"{title_of(field)}:\t{go_text(inner)}", level)


def _items(page: Page, items: Sequence[Any], path: str, level: int) -> None:
    for item in items:
        if isinstance(item, Mapping):
            _content(page, item, path, level)
        else:
            page.line(go_text(item), level)


def title_of(field: str) -> str:
    """`apiVersion` as `API Version`; a name with other characters than letters stays as it is."""
    if not all(char.isalpha() or char == "-" for char in field):
        return field
    words = _WORDS.findall(field)
    return " ".join(w.upper() if w.upper() in _ACRONYMS else w[0].upper() + w[1:] for w in words)
