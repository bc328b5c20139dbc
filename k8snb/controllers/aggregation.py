"""The aggregation controller: a ClusterRole that gathers others has the rules of all that its selectors match.

So `view` grows when somebody labels a role of their own `rbac.authorization.k8s.io/aggregate-to-view`. Upstream:
`pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"


class AggregationController(Controller):
    """Gathers the rules of ClusterRoles into others."""

    name = "clusterrole-aggregation-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._roles = self.informers.of(CLUSTER_ROLES)

    def start(self) -> None:
        self._roles.on_change(self._role_changed)

    def _role_changed(self, old: Object | None, new: Object | None) -> None:
        """Any role may be one that is gathered: every role that gathers is looked at."""
        if old is None and new is not None and new["metadata"]["resourceVersion"] == "1":
            return  # of a new cluster: they are in order already
        changed = new if new is not None else old
        assert changed is not None
        for role in self._roles.list():
            if role.get("aggregationRule") is not None:
                self.queue.add(key_of(role), revision_of(changed))

    def reconcile(self, key: ObjectKey) -> float | None:
        role = self._roles.get(*key)
        if role is None or role.get("aggregationRule") is None:
            return None
        rules = self._gathered(role)
        self.compares(_("rules"), len(role.get("rules") or ()), len(rules))
        if rules != list(role.get("rules") or ()):
            self.wants(_("the rules are not those of the roles that the selectors match: gather them"))
            self.client.update(CLUSTER_ROLES, {**role, "rules": rules})
        return None

    def _gathered(self, role: Object) -> list[Object]:
        others = sorted((each for each in self._roles.list() if each is not role), key=lambda each: key_of(each).name)
        rules: list[Object] = []
        for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
            matches = selectors.of_object(selector).matches
            for other in others:
                if matches(labels_of(other)):
                    rules += [rule for rule in other.get("rules") or () if rule not in rules]
        return rules
