"""RBAC: a user may do what a rule of a role says that a binding gives them. Nothing is forbidden, only allowed.

Bindings are indexed by whom they name, so a decision looks at the bindings of one user and not at all of them; the
index is made anew when a binding has changed. ClusterRoleBindings come first, then the RoleBindings of the
namespace, each in order of their names (upstream's order is that of a Go map).

Upstream: `plugin/pkg/auth/authorizer/rbac/rbac.go` and `pkg/registry/rbac/validation/rule.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.access.rules import Access, allows
from k8snb.errors import StatusError, quoted
from k8snb.store.mvcc import Bucket, Store
from k8snb.typing import Object
from k8snb.wire import User

GROUP = "rbac.authorization.k8s.io"
ACCOUNT_PREFIX = "system:serviceaccount:"
_NONE: Mapping[str, Any] = {}
_KINDS = ("clusterrolebindings", "rolebindings", "clusterroles", "roles")


class Grant(NamedTuple):
    """A binding that names a user, and the subject by which it does."""

    binding: Object
    subject: Object

    def __str__(self) -> str:
        """As reasons say it: `RoleBinding "read/default" of Role "reader" to User "jane"`."""
        meta, role = self.binding["metadata"], self.binding["roleRef"]
        namespace = meta.get("namespace", "")
        name = f"{meta['name']}/{namespace}" if namespace else meta["name"]
        where = f"{self.binding['kind']} {quoted(name)} of {role['kind']} {quoted(role['name'])}"
        return f"{where} to {_described(self.subject, namespace)}"


class Found(NamedTuple):
    """One rule that applies to a user; or, with an `error`, a binding whose role is not there."""

    grant: Grant
    rule: Object
    error: str = ""


class Rbac:
    """The roles and bindings of a store, as answers to who may do what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        buckets = [store.bucket(f"{plural}.{GROUP}") for plural in _KINDS]
        self._cluster_bindings, self._bindings, self._cluster_roles, self._roles = buckets
        self.buckets: Sequence[Bucket] = buckets
        self._index: dict[str, tuple[int, Mapping[str, list[tuple[int, Grant]]]]] = {}

    def found(self, user: User, namespace: str) -> Iterator[Found]:
        """Every rule that applies to a user in a namespace; the namespace is empty for the cluster as a whole."""
        for place in ("", namespace) if namespace else ("",):
            for grant in self._grants(user, place):
                try:
                    rules = self.rules_of(grant.binding["roleRef"], place)
                except StatusError as error:
                    yield Found(grant, _NONE, error.message)
                else:
                    for rule in rules:
                        yield Found(grant, rule)

    def allowing(self, user: User, access: Access) -> tuple[Found | None, list[str]]:
        """The first rule that allows an access, and the errors met on the way to it."""
        errors = []
        for found in self.found(user, access.namespace):
            if found.error:
                errors.append(found.error)
            elif allows(found.rule, access):
                return found, errors
        return None, errors

    def rules_for(self, user: User, namespace: str) -> tuple[list[Object], list[str]]:
        """The rules that apply to a user in a namespace, and the errors met."""
        found = list(self.found(user, namespace))
        return [each.rule for each in found if not each.error], [each.error for each in found if each.error]

    def rules_of(self, reference: Object, namespace: str, plural: str = "") -> Sequence[Object]:
        """The rules of the role that a binding in the namespace refers to; raises NotFound where there is none.

        Upstream's caches name the kind in the singular (`clusterrole`), its storage in the plural.
        """
        name, kind = reference.get("name", ""), reference.get("kind", "")
        if kind == "Role":
            role = self._store.get(self._roles, namespace, name)
        else:
            role = self._store.get(self._cluster_roles, "", name)
        if role is None:
            word = plural or kind.lower()
            details = {"name": name, "group": GROUP, "kind": word}
            raise StatusError(404, "NotFound", f"{word}.{GROUP} {quoted(name)} not found", details)
        return role.get("rules") or ()

    def _grants(self, user: User, namespace: str) -> list[Grant]:
        index = self._indexed(namespace)
        found = [*index.get("u" + user.name, ()), *(one for group in user.groups for one in index.get("g" + group, ()))]
        first: dict[int, Grant] = {}
        for number, grant in sorted(found, key=_number):
            first.setdefault(number, grant)
        return list(first.values())

    def _indexed(self, namespace: str) -> Mapping[str, list[tuple[int, Grant]]]:
        bucket = self._bindings if namespace else self._cluster_bindings
        kept = self._index.get(namespace)
        if kept is not None and kept[0] == bucket.changed:
            return kept[1]
        index: dict[str, list[tuple[int, Grant]]] = {}
        for number, binding in enumerate(self._store.scan(bucket, namespace)):
            for subject in binding.get("subjects") or ():
                index.setdefault(_key(subject, namespace), []).append((number, Grant(binding, subject)))
        self._index[namespace] = (bucket.changed, index)
        return index


def _number(found: tuple[int, Grant]) -> int:
    return found[0]


def _key(subject: Object, namespace: str) -> str:
    """Under which word of a user a subject is found."""
    name = subject.get("name", "")
    if subject.get("kind") == "Group":
        return f"g{name}"
    if subject.get("kind") == "ServiceAccount":
        return f"u{ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{name}"
    return f"u{name}"


def _described(subject: Object, namespace: str) -> str:
    name = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or namespace}"
    return f"{subject.get('kind')} {quoted(name)}"
