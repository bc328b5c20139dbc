"""What a kubeconfig would hold: the one context there is, and its namespace, which the reader may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8snb.typing import Object

SERVER = "https://10.96.0.1:443"


@dataclass(slots=True)
class Settings:
    """The current context. `namespace` is empty for `default`."""

    namespace: str = ""
    name: str = "k8snb"
    user: str = "admin"

    @property
    def config(self) -> Object:
        """The kubeconfig, as `kubectl config view` shows it."""
        context: dict[str, Any] = {"cluster": self.name, "user": self.user}
        if self.namespace:
            context["namespace"] = self.namespace
        cluster = {"certificate-authority-data": "DATA+OMITTED", "server": SERVER}
        return {
            "kind": "Config",
            "apiVersion": "v1",
            "preferences": {},
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": self.user, "user": {"token": "REDACTED"}}],
            "contexts": [{"name": self.name, "context": context}],
            "current-context": self.name,
        }
