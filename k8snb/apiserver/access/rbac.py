"""RBAC: a user may do what a rule of a role says that a binding gives them. Nothing is forbidden, only allowed.

Bindings are indexed by whom they name, and the rules that apply to a user are kept, by what they are about, so a
decision looks at a few rules and not at all of them. What is kept is made anew when a role or a binding has changed;
until then clusters that begin at the same moment share it, because they share their roles and bindings.
ClusterRoleBindings come first, then the RoleBindings of the namespace, each in order of their names (upstream's order
is that of a Go map).

Upstream: `plugin/pkg/auth/authorizer/rbac/rbac.go` and `pkg/registry/rbac/validation/rule.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from k8snb.apiserver.access.policy import policy
from k8snb.apiserver.access.rules import Access, Decision, allows, lacks
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
MOST_KINDS = 4096
"""For how many verbs on resources it is kept which rules of a user are about them."""

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


class Allowed(NamedTuple):
    """What a rule allows: things of these names (of all, if there are none), and the decision that says so."""

    names: Sequence[str]
    decision: Decision


def _allowed(found: Found) -> Allowed:
    names, grant = found.rule.get("resourceNames") or (), found.grant
    general = grant.binding["kind"] == "ClusterRoleBinding" and not names
    return Allowed(names, Decision(True, f"RBAC: allowed by {grant}", general))


class _Rules:
    """The rules that apply to a user in a namespace, and those about each resource, sorted out when it is asked for."""

    def __init__(self, found: Iterable[Found]) -> None:
        every = list(found)
        self.found = [each for each in every if not each.error]
        self.errors = [each.error for each in every if each.error]
        self._about: dict[tuple[str, ...], list[Allowed]] = {}

    def allow(self, access: Access) -> Decision | None:
        """What the first rule that allows an access comes to."""
        if not access.resource:
            return next((_allowed(each).decision for each in self.found if allows(each.rule, access)), None)
        for names, decision in self._allowing(access):
            if not names or access.name in names:
                return decision
        return None

    def _allowing(self, access: Access) -> list[Allowed]:
        """Those that allow an access to something, whatever its name."""
        key = access[:4]
        kept = self._about.get(key)
        if kept is None:
            if len(self._about) >= MOST_KINDS:
                self._about.clear()
            kept = [_allowed(each) for each in self.found if lacks(each.rule, access) in ("", "resourceNames")]
            self._about[key] = kept
        return kept


class _Kept:
    """What was made of roles and bindings: which grants name whom, and which rules apply to a user in a namespace."""

    def __init__(self) -> None:
        self.index: dict[str, Mapping[str, list[tuple[_Place, Grant]]]] = {}
        self.rules: dict[tuple[str, tuple[str, ...], str], _Rules] = {}


@lru_cache(maxsize=8)
def _of_the_policy(_timestamp: str) -> _Kept:
    """That of the roles and bindings of all clusters that began at this moment."""
    return _Kept()


class Rbac:
    """The roles and bindings of a store, as answers to who may do what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        buckets = [store.bucket(f"{plural}.{GROUP}") for plural in _KINDS]
        self._cluster_bindings, self._bindings, self._cluster_roles, self._roles = buckets
        self.buckets: Sequence[Bucket] = buckets
        self._kept = _Kept()
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

    def decide(self, user: User, access: Access) -> tuple[Decision | None, list[str]]:
        """The decision of the first rule that allows an access, and the errors met on the way to it."""
        rules = self._rules_of(user, access.namespace)
        return rules.allow(access), rules.errors

    def _rules_of(self, user: User, namespace: str) -> _Rules:
        self._refresh()
        key = (user.name, user.groups, namespace)
        every = self._kept.rules
        kept = every.get(key)
        if kept is None:
            if len(every) >= MOST_USERS:
                every.clear()
            kept = every[key] = _Rules(self.found(user, namespace))
        return kept

    def _refresh(self) -> None:
        """Forget what was made of objects that have changed since."""
        stamp = tuple([bucket.changed for bucket in self.buckets])
        if stamp != self._stamp:
            self._stamp = stamp
            self._kept = (self._shared() if set(stamp) == {1} else None) or _Kept()

    def _shared(self) -> _Kept | None:
        """What is kept for all whose roles and bindings are the policy's own, down to the objects."""
        timestamp = next(self._cluster_roles.objects())["metadata"]["creationTimestamp"]
        ours = {id(each) for bucket in self.buckets for each in bucket.objects()}
        return _of_the_policy(timestamp) if ours == {id(each.object) for each in policy(timestamp)} else None

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
        kept = self._kept.index.get(namespace)
        if kept is not None:
            return kept
        index: dict[str, list[tuple[_Place, Grant]]] = {}
        for number, binding in enumerate(self.bindings(namespace)):
            for at, subject in enumerate(binding.get("subjects") or ()):
                index.setdefault(_key(subject, namespace), []).append(((number, at), Grant(binding, subject)))
        self._kept.index[namespace] = index
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
