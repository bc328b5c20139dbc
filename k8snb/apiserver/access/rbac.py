"""RBAC: a user may do what a rule of a role says that a binding gives them. Nothing is forbidden, only allowed.

Bindings are indexed by whom they name, and the rules that apply to a user are kept, by verb, so a decision looks at a
few rules and not at all of them. What is kept is made anew when a role or a binding has changed. ClusterRoleBindings
come first, then the RoleBindings of the namespace, each in order of their names (upstream's order is that of a Go map).

Upstream: `plugin/pkg/auth/authorizer/rbac/rbac.go` and `pkg/registry/rbac/validation/rule.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.access.rules import ALL, Access, allows
from k8snb.errors import StatusError, quoted
from k8snb.store.bucket import Bucket
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import User

GROUP = "rbac.authorization.k8s.io"
ACCOUNT_PREFIX = "system:serviceaccount:"
_NONE: Mapping[str, Any] = {}
MOST_USERS = 4096
"""For how many users rules are kept."""

_Place = tuple[int, int]
"""Which binding it is, and which of its subjects."""

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


class _Rules:
    """The rules that apply to a user in a namespace, and those of each verb, sorted out when it is asked for."""

    def __init__(self, found: Iterable[Found]) -> None:
        every = list(found)
        self.found = [each for each in every if not each.error]
        self.errors = [each.error for each in every if each.error]
        self._by_verb: dict[str, list[Found]] = {}

    def with_verb(self, verb: str) -> list[Found]:
        """Those that allow the verb on something."""
        kept = self._by_verb.get(verb)
        if kept is None:
            kept = [each for each in self.found if not {verb, ALL}.isdisjoint(each.rule.get("verbs") or ())]
            self._by_verb[verb] = kept
        return kept


class Rbac:
    """The roles and bindings of a store, as answers to who may do what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        buckets = [store.bucket(f"{plural}.{GROUP}") for plural in _KINDS]
        self._cluster_bindings, self._bindings, self._cluster_roles, self._roles = buckets
        self.buckets: Sequence[Bucket] = buckets
        self._index: dict[str, Mapping[str, list[tuple[_Place, Grant]]]] = {}
        self._kept: dict[tuple[str, tuple[str, ...], str], _Rules] = {}
        self._stamp: tuple[int, ...] = ()

    def found(self, user: User, namespace: str) -> Iterator[Found]:
        """Every rule that applies to a user in a namespace; the namespace is empty for the cluster as a whole."""
        for place in ("", namespace) if namespace else ("",):
            for grant in self.grants(user, place):
                try:
                    rules = self.rules_of(grant.binding["roleRef"], place)
                except StatusError as error:
                    yield Found(grant, _NONE, error.message)
                else:
                    for rule in rules:
                        yield Found(grant, rule)

    def allowing(self, user: User, access: Access) -> tuple[Found | None, list[str]]:
        """The first rule that allows an access, and the errors met on the way to it."""
        rules = self._rules_of(user, access.namespace)
        for found in rules.with_verb(access.verb):
            if allows(found.rule, access):
                return found, rules.errors
        return None, rules.errors

    def _rules_of(self, user: User, namespace: str) -> _Rules:
        self._refresh()
        key = (user.name, user.groups, namespace)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= MOST_USERS:
                self._kept.clear()
            kept = self._kept[key] = _Rules(self.found(user, namespace))
        return kept

    def _refresh(self) -> None:
        """Forget what was made of objects that have changed since."""
        stamp = tuple([bucket.changed for bucket in self.buckets])
        if stamp != self._stamp:
            self._stamp = stamp
            self._index.clear()
            self._kept.clear()

    def rules_for(self, user: User, namespace: str) -> tuple[list[Object], list[str]]:
        """The rules that apply to a user in a namespace, and the errors met."""
        rules = self._rules_of(user, namespace)
        return [found.rule for found in rules.found], rules.errors

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

    def bindings(self, namespace: str) -> list[Object]:
        """The bindings that count in a namespace alone, or everywhere (an empty one), in the order of the decision."""
        bucket = self._bindings if namespace else self._cluster_bindings
        return list(self._store.scan(bucket, namespace))

    def grants(self, user: User, namespace: str) -> list[Grant]:
        """Those of them that name a user, each with the first subject that does."""
        index = self._indexed(namespace)
        found = [*index.get("u" + user.name, ()), *(one for group in user.groups for one in index.get("g" + group, ()))]
        first: dict[int, Grant] = {}
        for (number, _subject), grant in sorted(found, key=_number):
            first.setdefault(number, grant)
        return list(first.values())

    def _indexed(self, namespace: str) -> Mapping[str, list[tuple[_Place, Grant]]]:
        self._refresh()
        kept = self._index.get(namespace)
        if kept is not None:
            return kept
        index: dict[str, list[tuple[_Place, Grant]]] = {}
        for number, binding in enumerate(self.bindings(namespace)):
            for at, subject in enumerate(binding.get("subjects") or ()):
                index.setdefault(_key(subject, namespace), []).append(((number, at), Grant(binding, subject)))
        self._index[namespace] = index
        return index


def _number(found: tuple[_Place, Grant]) -> _Place:
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
