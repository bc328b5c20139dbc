"""Nobody grants what they do not hold: what a write of a role or a binding needs besides being allowed.

Whoever writes a role must hold every rule in it, or have the verb `escalate` on it; whoever writes a binding must hold
every rule of its role, or have the verb `bind` on that. Upstream this wraps the storage of these kinds
(`pkg/registry/rbac/*/policybased`); here it is the last link of the admission chain, at the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.access.authorizer import Authorizer
from k8snb.apiserver.access.explaining import MASTERS
from k8snb.apiserver.access.rbac import GROUP
from k8snb.apiserver.access.rules import Access, described, go_list, uncovered
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.errors import quoted
from k8snb.typing import Object

_EVERYTHING: tuple[Object, ...] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


class Escalation(Plugin):
    """Refuses roles and bindings by which their author would gain something."""

    name = "RBACEscalation"
    resources = tuple(f"{kind}.{GROUP}" for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings"))
    operations = ("CREATE", "UPDATE")

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, attributes: Attributes, reader: Reader) -> None:
        obj = attributes.object
        if obj is None or MASTERS in attributes.user.groups or _only_collected(obj, attributes.old):
            return
        if attributes.resource.kind.endswith("Binding"):
            self._check_binding(attributes, obj)
        else:
            self._check_role(attributes, obj)

    def _check_role(self, attributes: Attributes, role: Object) -> None:
        name = "" if attributes.operation == "CREATE" else attributes.name
        if self._may("escalate", attributes.resource.plural, attributes, name):
            return
        self._confirm(attributes, role.get("rules") or ())
        if "aggregationRule" in role or "aggregationRule" in (attributes.old or {}):
            owned, _ = self._authorizer.rbac.rules_for(attributes.user, attributes.namespace)
            if uncovered(owned, _EVERYTHING):
                raise refused(attributes, "must have cluster-admin privileges to use the aggregationRule")

    def _check_binding(self, attributes: Attributes, binding: Object) -> None:
        reference = binding.get("roleRef") or {}
        plural = {"Role": "roles", "ClusterRole": "clusterroles"}.get(reference.get("kind", ""), "")
        if not plural or self._may("bind", plural, attributes, reference.get("name", "")):
            return
        self._confirm(attributes, self._authorizer.rbac.rules_of(reference, attributes.namespace, plural))

    def _may(self, verb: str, plural: str, attributes: Attributes, name: str) -> bool:
        access = Access(verb, GROUP, plural, namespace=attributes.namespace, name=name, version="v1")
        return self._authorizer.decide(attributes.user, access).allowed

    def _confirm(self, attributes: Attributes, rules: Sequence[Object]) -> None:
        """Raise Forbidden where the user does not hold the rules already."""
        user = attributes.user
        owned, errors = self._authorizer.rbac.rules_for(user, attributes.namespace)
        missing = uncovered(owned, rules)
        if not missing:
            return
        who = f"user {quoted(user.name)} (groups={go_list(user.groups)})"
        why = f"{who} is attempting to grant RBAC permissions not currently held:\n" + "\n".join(described(missing))
        if errors:
            why += f"; resolution errors: [{errors[0] if len(errors) == 1 else '[' + ', '.join(errors) + ']'}]"
        raise refused(attributes, why)


def _only_collected(new: Object, old: Object | None) -> bool:
    """Whether an update changes no more than what garbage collection works with."""
    if old is None:
        return False
    ignored = ("ownerReferences", "finalizers", "resourceVersion", "managedFields")
    before, after = (
        {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key not in ignored}}
        for obj in (old, new)
    )
    return before == after
