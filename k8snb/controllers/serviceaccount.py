"""The service account controller: every namespace has an account called `default`.

Pods that name no account run as it. Deleting it does not help: it comes back. Upstream:
`pkg/controller/serviceaccount/serviceaccounts_controller.go`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import revision_of
from k8snb.typing import Object, ObjectKey

ACCOUNT = "default"


class ServiceAccountController(Controller):
    """Creates the account `default` where it is missing."""

    name = "service-account-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._namespaces = self.informers.of("namespaces")
        self._accounts = self.informers.of("serviceaccounts")

    def start(self) -> None:
        self._accounts.on_change(self._account_changed)
        self.follow("namespaces")

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and old["metadata"]["name"] == ACCOUNT:
            self.queue.add(ObjectKey("", old["metadata"]["namespace"]), revision_of(old))

    def reconcile(self, key: ObjectKey) -> float | None:
        namespace = self._namespaces.get(*key)
        if namespace is None or (namespace.get("status") or {}).get("phase") != "Active":
            return None
        if self._accounts.get(key.name, ACCOUNT) is not None:
            return None
        self.compares(ACCOUNT, _("none"), _("there"))
        self.wants(_("the namespace has no service account “default”: create it"))
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": key.name}}
        try:
            self.client.create("serviceaccounts", account)
        except StatusError as error:
            if error.reason != "AlreadyExists" and not namespace_is_terminating(error):
                raise
        return None
