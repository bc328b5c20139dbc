"""Rules of roles: what one allows, what it covers of another, and how it is written in messages.

Upstream: `plugin/pkg/auth/authorizer/rbac/rbac.go`, `component-helpers/auth/rbac/validation` and
`pkg/registry/rbac/validation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.errors import quoted
from k8snb.typing import Object

ALL = "*"
_NONE: Mapping[str, Any] = {}


class Access(NamedTuple):
    """What somebody wants to do. Where `resource` is empty, it is about `path` instead.

    `fields` is the field selector of a list or watch.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    version: str = ""
    fields: str = ""

    @property
    def full_resource(self) -> str:
        """`pods/log`: the resource and what is below it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Decision(NamedTuple):
    """Whether one may, why (or why not), and whether that is so for every name and namespace (`general`)."""

    allowed: bool
    reason: str = ""
    general: bool = False


def _has(found: Sequence[str] | None, word: str) -> bool:
    return found is not None and (word in found or ALL in found)


def allows(rule: Object, access: Access) -> bool:
    """Whether a rule allows an access."""
    return not lacks(rule, access)


def lacks(rule: Object, access: Access) -> str:
    """The first field of a rule that does not fit an access; empty if the rule allows it."""
    for field, fits in _tests(rule, access):
        if not fits:
            return field
    return ""


def unfit(rule: Object, access: Access) -> list[str]:
    """Every field of a rule that does not fit an access."""
    return [field for field, fits in _tests(rule, access) if not fits]


def _tests(rule: Object, access: Access) -> Iterator[tuple[str, bool]]:
    """Whether each field of a rule fits, in the order in which they are looked at."""
    yield "verbs", _has(rule.get("verbs"), access.verb)
    if not access.resource:
        yield "nonResourceURLs", any(_covers_path(each, access.path) for each in rule.get("nonResourceURLs") or ())
        return
    yield "apiGroups", _has(rule.get("apiGroups"), access.group)
    yield "resources", _allows_resource(rule, access)
    names = rule.get("resourceNames")
    yield "resourceNames", not names or access.name in names


def _allows_resource(rule: Object, access: Access) -> bool:
    resources = rule.get("resources") or ()
    if ALL in resources or access.full_resource in resources:
        return True
    return bool(access.subresource) and f"*/{access.subresource}" in resources


def _covers_path(allowed: str, path: str) -> bool:
    if allowed in (ALL, path):
        return True
    return allowed.endswith(ALL) and path.startswith(allowed.rstrip(ALL))


# -- one rule against another --------------------------------------------------------------------------


def uncovered(owned: Sequence[Object], wanted: Sequence[Object]) -> list[Object]:
    """What of `wanted` no rule of `owned` covers, in atoms: one verb on one resource each."""
    parts = [atom for rule in wanted for atom in atoms(rule)]
    return [atom for atom in parts if not any(_covers(rule, atom) for rule in owned)]


def atoms(rule: Object) -> Iterator[Object]:
    """The rule taken apart: one verb on one resource each, or on one path."""
    names = rule.get("resourceNames") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                atom = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                yield from ({**atom, "resourceNames": [name]} for name in names) if names else (atom,)
    for path in rule.get("nonResourceURLs") or ():
        for verb in rule.get("verbs") or ():
            yield {"nonResourceURLs": [path], "verbs": [verb]}


def _covers(rule: Object, atom: Object) -> bool:
    if not _has(rule.get("verbs"), atom["verbs"][0]):
        return False
    if "nonResourceURLs" in atom:
        path = atom["nonResourceURLs"][0]
        return any(_covers_path(each, path) for each in rule.get("nonResourceURLs") or ())
    if not _has(rule.get("apiGroups"), atom["apiGroups"][0]) or not _covers_resource(rule, atom["resources"][0]):
        return False
    names, wanted = rule.get("resourceNames"), atom.get("resourceNames")
    return not names or (wanted is not None and wanted[0] in names)


def _covers_resource(rule: Object, resource: str) -> bool:
    owned = rule.get("resources") or ()
    below = resource.partition("/")[2]
    return _has(owned, resource) or (bool(below) and f"*/{below}" in owned)


def described(parts: Sequence[Object]) -> list[str]:
    """Atoms as messages list them: the verbs on one resource together, each line once, in order."""
    merged: dict[str, tuple[Object, list[str]]] = {}
    lines = set()
    for atom in parts:
        if "nonResourceURLs" in atom:
            lines.add(_compact(atom))
            continue
        key = quoted({name: value for name, value in atom.items() if name != "verbs"})
        merged.setdefault(key, (atom, []))[1].extend(atom["verbs"])
    lines |= {_compact({**atom, "verbs": verbs}) for atom, verbs in merged.values()}
    return sorted(lines)


_PARTS = (
    ("apiGroups", "APIGroups"),
    ("resources", "Resources"),
    ("nonResourceURLs", "NonResourceURLs"),
    ("resourceNames", "ResourceNames"),
    ("verbs", "Verbs"),
)


def _compact(rule: Object) -> str:
    return "{" + ", ".join(f"{title}:{go_list(rule[field])}" for field, title in _PARTS if rule.get(field)) + "}"


def go_list(words: Sequence[str]) -> str:
    """Strings as Go writes them with %q: `["get" "list"]`."""
    return f"[{' '.join(quoted(word) for word in words)}]"
