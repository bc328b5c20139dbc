"""The root CA publisher: every namespace has the ConfigMap `kube-root-ca.crt`.

With the certificate in it a pod can tell that it really talks to its cluster's API server. Upstream:
`pkg/controller/certificates/rootcacertpublisher/publisher.go`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, revision_of
from k8snb.typing import Object, ObjectKey

CONFIG_MAP = "kube-root-ca.crt"
FILE = "ca.crt"
DESCRIPTION = "kubernetes.io/description"
ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCAController(Controller):
    """Publishes the cluster's root certificate in every namespace."""

    name = "root-ca-cert-publisher"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self.certificate = settings.root_ca
        self._namespaces = self.informers.of("namespaces")
        self._maps = self.informers.of("configmaps")

    def start(self) -> None:
        self._maps.on_change(self._map_changed)
        self.follow("namespaces")

    def _map_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        if obj["metadata"]["name"] == CONFIG_MAP and old is not None:
            self.queue.add(ObjectKey("", obj["metadata"]["namespace"]), revision_of(obj))

    def reconcile(self, key: ObjectKey) -> float | None:
        namespace = self._namespaces.get(*key)
        if namespace is None or (namespace.get("status") or {}).get("phase") != "Active":
            return None
        wanted = {FILE: self.certificate}
        current = self._maps.get(key.name, CONFIG_MAP)
        if current is None:
            self.compares(CONFIG_MAP, _("none"), _("there"))
            self.wants(_("the namespace has no root certificate: publish it"))
            self._create(key.name, wanted)
        elif current.get("data") != wanted or DESCRIPTION not in annotations_of(current):
            self.compares(CONFIG_MAP, _("changed"), _("as published"))
            self.wants(_("the published root certificate was changed: put it right"))
            annotations = {**annotations_of(current), DESCRIPTION: ABOUT}
            meta = {**current["metadata"], "annotations": annotations}
            self.client.update("configmaps", {**current, "metadata": meta, "data": wanted})
        return None

    def _create(self, namespace: str, data: Object) -> None:
        meta = {"name": CONFIG_MAP, "namespace": namespace, "annotations": {DESCRIPTION: ABOUT}}
        try:
            self.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
        except StatusError as error:
            if error.reason != "AlreadyExists" and not namespace_is_terminating(error):
                raise
