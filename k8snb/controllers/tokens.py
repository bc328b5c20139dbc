"""The token controller: Secrets of the type `kubernetes.io/service-account-token` get the token of their account.

Such a Secret names its account in an annotation. It is filled with a token that never expires, the certificate of the
cluster and the namespace, and goes with the account. Upstream: `pkg/controller/serviceaccount/tokens_controller.go`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from k8snb.client.controller import Context, Controller
from k8snb.controllers.refusals import delete
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, key_of, revision_of
from k8snb.typing import Object, ObjectKey

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"


class TokenController(Controller):
    """Fills the token Secrets of service accounts, and removes those of accounts that are gone."""

    name = "serviceaccount-token-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._sign = settings.sign_token
        self._certificate = settings.root_ca
        self._secrets = self.informers.of("secrets")
        self._accounts = self.informers.of("serviceaccounts")

    def start(self) -> None:
        self._accounts.on_change(self._account_changed)
        self._secrets.on_change(self._secret_changed)

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new.get("type") == TYPE:
            self.queue.add(key_of(new), revision_of(new))

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        account = new if new is not None else old
        assert account is not None
        meta = account["metadata"]
        for secret in self._secrets.list(meta["namespace"]):
            if secret.get("type") == TYPE and annotations_of(secret).get(NAME) == meta["name"]:
                self.queue.add(key_of(secret), revision_of(account))

    def reconcile(self, key: ObjectKey) -> float | None:
        secret = self._secrets.get(*key)
        if secret is None or secret.get("type") != TYPE or self._sign is None:
            return None
        annotations = annotations_of(secret)
        account = self._accounts.get(key.namespace, annotations.get(NAME, ""))
        if account is None or annotations.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
            self.compares("ServiceAccount", _("none"), annotations.get(NAME, ""))
            self.wants(_("the account of this token is not there: remove the Secret"))
            delete(self.client, "secrets", key.name, key.namespace, uid=secret["metadata"]["uid"])
            return None
        filled = self._filled(secret, account)
        if filled != secret:
            had, wanted = (", ".join(sorted(each.get("data") or ())) for each in (secret, filled))
            self.compares(_("keys"), had or _("none"), wanted)
            self.wants(_("the Secret lacks what its account's programs need: fill it"))
            self.client.update("secrets", filled)
        return None

    def _filled(self, secret: Object, account: Object) -> Object:
        assert self._sign is not None
        meta, data = secret["metadata"], secret.get("data") or {}
        wanted: Mapping[str, str] = {"ca.crt": self._certificate, "namespace": meta["namespace"]}
        made = {name: base64.b64encode(text.encode()).decode() for name, text in wanted.items()}
        if not data.get("token"):
            made["token"] = base64.b64encode(self._sign(account, secret).encode()).decode()
        annotations = {**annotations_of(secret), UID: account["metadata"]["uid"]}
        return {**secret, "metadata": {**meta, "annotations": annotations}, "data": {**data, **made}}
