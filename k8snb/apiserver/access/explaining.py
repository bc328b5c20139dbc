"""One decision, step by step: which authorizer was asked, which bindings it looked at, and what each rule lacked.

The order is that in which the decision is made. `system:masters` is let through before anybody is asked. Then comes the
node authorizer, which has an opinion on kubelets only, then RBAC: every ClusterRoleBinding, then every RoleBinding of
the namespace, and of those that name the user every rule of the role, up to the first that allows. Nothing forbids: who
is not allowed by anybody is refused.

Upstream: `VisitRulesFor` and `authorizingVisitor` in `pkg/registry/rbac/validation/rule.go` and
`plugin/pkg/auth/authorizer/rbac/rbac.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apiserver.access import node as nodes
from k8snb.apiserver.access.node import NodeAuthorizer
from k8snb.apiserver.access.rbac import Rbac
from k8snb.apiserver.access.rules import Access, lacks
from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.wire import User

MASTERS = "system:masters"
_NONE: Mapping[str, Any] = {}


class Look(NamedTuple):
    """One step: who was asked, about which binding and rule, and what came of it.

    `subject` is the one by which the binding names the user; it is empty where the binding names others only. `lacks`
    is the first field of the rule that does not fit. `note` says more: a reason, or that the role is missing.
    """

    authorizer: str
    binding: Object
    subject: Object
    rule: Object
    lacks: str
    allowed: bool
    note: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is about the user at all."""
        return bool(self.subject) or not self.binding


def looks(rbac: Rbac, node: NodeAuthorizer, user: User, access: Access) -> Iterator[Look]:
    """Every step of a decision, up to the one that allows."""
    if MASTERS in user.groups:
        yield Look("masters", _NONE, _NONE, _NONE, "", True, f"{MASTERS} may do everything")
        return
    name = nodes.node_of(user)
    if name is not None:
        answer = node.answer(name, access)
        yield Look("node", _NONE, _NONE, _NONE, "", answer.allowed, answer.reason)
        if answer.allowed:
            return
    for look in _of_rbac(rbac, user, access):
        yield look
        if look.allowed:
            return


def _of_rbac(rbac: Rbac, user: User, access: Access) -> Iterator[Look]:
    for place in ("", access.namespace) if access.namespace else ("",):
        named = {id(grant.binding): grant for grant in rbac.grants(user, place)}
        for binding in rbac.bindings(place):
            grant = named.get(id(binding))
            if grant is None:
                yield Look("rbac", binding, _NONE, _NONE, "", False)
                continue
            try:
                rules = rbac.rules_of(binding["roleRef"], place)
            except StatusError as error:
                yield Look("rbac", binding, grant.subject, _NONE, "", False, error.message)
                continue
            for rule in rules:
                why = lacks(rule, access)
                yield Look("rbac", binding, grant.subject, rule, why, not why, str(grant))
