"""Who may do what with a resource: every subject that a binding names, verb by verb.

    cluster.who_can("pods")

The subjects are read from the bindings; what they may do is not worked out here: the API server is asked, one
SubjectAccessReview for each cell. So the matrix is as true as the server's own decisions, whatever its authorizers are.
A right for some names only is looked for by asking for each name that a role mentions.

There is no list of users. Whoever gets rights by nothing but a group that no binding names has none, and members of a
group are not known: groups are rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.access.impersonation import ACCOUNT_PREFIX, account_groups
from k8snb.client.client import Client
from k8snb.i18n import _
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object
from k8snb.view.grid import Cell, Grid

_GROUP = "rbac.authorization.k8s.io"
BINDINGS, CLUSTER_BINDINGS = f"rolebindings.{_GROUP}", f"clusterrolebindings.{_GROUP}"
ROLES, CLUSTER_ROLES = f"roles.{_GROUP}", f"clusterroles.{_GROUP}"
REVIEWS = "subjectaccessreviews.authorization.k8s.io"
PATH_VERBS = ("get", "post")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_SYSTEM = ("kubernetes.io/bootstrapping", "rbac-defaults")
_YES, _SOME, _NO = "✓", "◐", "·"
_NONE: Mapping[str, Any] = {}


class Target(NamedTuple):
    """What it is about: a resource in a namespace (an empty one is the cluster), or a path; perhaps one name."""

    group: str
    resource: str
    subresource: str
    namespace: str
    name: str = ""
    path: str = ""

    @classmethod
    def of(cls, client: Client, resource: str, namespace: str, name: str) -> Target:
        """What a reader calls `pods/log` or `/metrics`; raises LookupError if there is no such resource."""
        if resource.startswith("/"):
            return cls("", "", "", "", path=resource)
        word, _slash, below = resource.partition("/")
        found = client.resource(word)
        return cls(found.group, found.plural, below, namespace if found.namespaced else "", name)

    def __str__(self) -> str:
        if self.path:
            return self.path
        whole = f"{self.resource}.{self.group}" if self.group else self.resource
        below = f"/{self.subresource}" if self.subresource else ""
        named = f" {self.name}" if self.name else ""
        where = _("in {namespace}").format(namespace=self.namespace) if self.namespace else _("in the whole cluster")
        return f"{whole}{below}{named} {where}"


class Subject(NamedTuple):
    """Somebody whom bindings name. An account has its namespace."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def asks(self) -> dict[str, Any]:
        """The same in a review, with the groups that somebody of that name is always in."""
        if self.kind == "Group":
            return {"groups": [self.name]}
        if self.kind == "User":
            return {"user": self.name, "groups": ["system:authenticated"]}
        groups = [*account_groups(self.namespace), "system:authenticated"]
        return {"user": f"{ACCOUNT_PREFIX}{self.namespace}:{self.name}", "groups": groups}


class Right(NamedTuple):
    """Whether somebody may, for which names only, and the server's reason."""

    allowed: bool
    names: tuple[str, ...] = ()
    reason: str = ""


class WhoCan:
    """The matrix. `[subject, verb]` is a cell, with `jane` for the User jane; `who(verb)` everybody who may."""

    def __init__(self, client: Client, target: Target, verbs: Sequence[str] = (), *, system: bool = False) -> None:
        self.target = target
        self.verbs = tuple(verbs or (PATH_VERBS if target.path else VERBS))
        self._client = client
        bindings = [
            *client.list(CLUSTER_BINDINGS),
            *(client.list(BINDINGS, target.namespace) if target.namespace else ()),
        ]
        own = {subject: None for each in bindings if system or not _is_of_the_system(each) for subject in _named(each)}
        every = {subject: None for each in bindings for subject in _named(each)}
        names = () if target.name else self._names()
        self.rows = {subject: self._row(subject, names) for subject in own}
        """What everybody may, by subject, in the order of the bindings; who may nothing of it is left out."""
        self.rows = {subject: row for subject, row in self.rows.items() if any(map(_some, row))}
        others = [subject for subject in every if subject not in own]
        self.system = [each for each in others if any(map(_some, self._row(each, ())))]
        """Those of the cluster itself who may something of it, and are not shown."""

    def __getitem__(self, cell: tuple[str, str]) -> Right:
        word, verb = cell
        for subject, row in self.rows.items():
            if word in (str(subject), subject.name, f"{subject.namespace}/{subject.name}"):
                return row[self.verbs.index(verb)]
        return Right(False)

    def who(self, verb: str) -> list[str]:
        """Everybody who may do it, at least with some names."""
        column = self.verbs.index(verb)
        return [str(subject) for subject, row in self.rows.items() if _some(row[column])]

    # -- asking ------------------------------------------------------------------------------------

    def _row(self, subject: Subject, names: Iterable[str]) -> list[Right]:
        return [self._right(subject, verb, names) for verb in self.verbs]

    def _right(self, subject: Subject, verb: str, names: Iterable[str]) -> Right:
        allowed, reason = self._ask(subject, verb, self.target.name)
        if allowed:
            return Right(True, (), reason)
        found = {name: why for name in names for yes, why in [self._ask(subject, verb, name)] if yes}
        return Right(False, tuple(found), next(iter(found.values()), reason))

    def _ask(self, subject: Subject, verb: str, name: str) -> tuple[bool, str]:
        target = self.target
        wanted: dict[str, Any] = {"nonResourceAttributes": {"verb": verb, "path": target.path}}
        if not target.path:
            about = {"verb": verb, "group": target.group, "resource": target.resource, "namespace": target.namespace}
            wanted = {"resourceAttributes": {**about, "subresource": target.subresource, "name": name}}
        spec = {**subject.asks, **wanted}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
        status = self._client.create(REVIEWS, review).get("status") or _NONE
        return bool(status.get("allowed")), str(status.get("reason", ""))

    def _names(self) -> list[str]:
        """The names that roles mention beside this resource."""
        place = self.target.namespace
        roles = [*self._client.list(CLUSTER_ROLES), *(self._client.list(ROLES, place) if place else ())]
        rules = [rule for role in roles for rule in role.get("rules") or () if rule.get("resourceNames")]
        full = f"{self.target.resource}/{self.target.subresource}".rstrip("/")
        about = [rule for rule in rules if not {full, "*"}.isdisjoint(rule.get("resources") or ())]
        return list(dict.fromkeys(name for rule in about for name in rule["resourceNames"]))

    # -- showing -----------------------------------------------------------------------------------

    def _grid(self) -> Grid:
        heads = (_("Who"), *self.verbs)
        rows = [[Cell(str(subject), _reasons(row)), *map(_cell, row)] for subject, row in self.rows.items()]
        notes = [] if rows else [_("nobody, but for the cluster itself")]
        if self.system:
            told = _("… and {count} of the cluster itself, such as {first}")
            notes.append(told.format(count=len(self.system), first=self.system[0]))
        return Grid(_("Who can, with {target}").format(target=self.target), heads, rows, notes)

    def __repr__(self) -> str:
        return str(self._grid())

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()


def _some(right: Right) -> bool:
    return right.allowed or bool(right.names)


def _cell(right: Right) -> Cell:
    if right.allowed:
        return Cell(_YES, hue="green")
    return Cell(_SOME, _("only {names}").format(names=", ".join(right.names)), "amber") if right.names else Cell(_NO)


def _reasons(row: Iterable[Right]) -> str:
    """Where the rights come from, each binding once: `ClusterRole view by RoleBinding omar/default`."""
    found = (right.reason.removeprefix("RBAC: allowed by ").partition(" to ")[0] for right in row if _some(right))
    found = (_("{role} by {binding}").format(role=of[2] or of[0], binding=of[0]) for of in
             (each.partition(" of ") for each in found if each))  # fmt: skip
    return "; ".join(dict.fromkeys(each.replace('"', "") for each in found if each))


def _named(binding: Object) -> Iterator[Subject]:
    for each in binding.get("subjects") or ():
        place = each.get("namespace") or binding["metadata"].get("namespace", "")
        yield Subject(each["kind"], each["name"], place if each["kind"] == "ServiceAccount" else "")


def _is_of_the_system(binding: Object) -> bool:
    """Whether the cluster came with it."""
    label, value = _SYSTEM
    return labels_of(binding).get(label) == value
