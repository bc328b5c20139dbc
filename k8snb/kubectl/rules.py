"""Rules as kubectl shows them: taken apart into atoms, put together by resource, in order.

Upstream: `component-helpers/auth/rbac/validation` and `kubectl/pkg/util/rbac`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apiserver.access.rules import atoms
from k8snb.typing import Object

_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def compact(rules: Iterable[Object]) -> list[Object]:
    """The rules with one resource each, the verbs on it together, sorted."""
    merged: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    rest: list[Object] = []
    for atom in (atom for rule in rules for atom in atoms(rule)):
        if "nonResourceURLs" in atom:
            rest.append(atom)
            continue
        name = atom["resourceNames"][0] if "resourceNames" in atom else None
        key = (atom["apiGroups"][0], atom["resources"][0], name)
        found = merged.setdefault(key, {**atom, "verbs": []})
        found["verbs"] += [verb for verb in atom["verbs"] if verb not in found["verbs"]]
    return sorted([*rest, *merged.values()], key=_text)


def _text(rule: Object) -> str:
    """The rule as Go prints its message, which is what it is sorted by."""
    titles = ("Verbs", "APIGroups", "Resources", "ResourceNames", "NonResourceURLs")
    return ",".join(f"{title}:{go_words(rule.get(field) or ())}" for title, field in zip(titles, _FIELDS, strict=True))


def go_words(words: Iterable[str]) -> str:
    """Strings as Go prints a slice of them: `[get list]`."""
    return f"[{' '.join(words)}]"


def columns(rule: Object) -> list[str]:
    """The cells of a rule: resource, paths, names, verbs."""
    return [
        _resource(rule),
        *(go_words(rule.get(field) or ()) for field in ("nonResourceURLs", "resourceNames", "verbs")),
    ]


def _resource(rule: Object) -> str:
    """`deployments.apps/scale`"""
    if not rule.get("resources"):
        return ""
    plain, slash, below = rule["resources"][0].partition("/")
    group = (rule.get("apiGroups") or [""])[0]
    return f"{plain}.{group}{slash}{below}" if group else f"{plain}{slash}{below}"
