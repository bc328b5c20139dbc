"""What the controller is told on its command line; the words are those that people know from ingress-nginx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snb.ingress.ingresses import ANNOTATIONS
from k8snb.typing import ObjectKey

CONTROLLER = "k8snb.dev/ingress"
GATEWAYS = "k8snb.dev/gateway"


@dataclass(frozen=True, slots=True)
class Options:
    """The flags."""

    controller_class: str = CONTROLLER
    """`--controller-class`: which IngressClasses are for it."""
    gateway_class: str = GATEWAYS
    """`--gateway-controller-name`: which GatewayClasses are for it."""
    annotations_prefix: str = ANNOTATIONS
    """`--annotations-prefix`."""
    without_class: bool = False
    """`--watch-ingress-without-class`."""
    publish_service: ObjectKey | None = None
    """`--publish-service`: the Service whose addresses Ingresses get."""
    default_backend: ObjectKey | None = None
    """`--default-backend-service`: who answers what no rule is for."""
    default_certificate: ObjectKey | None = None
    """`--default-ssl-certificate`: the Secret for hosts that have none."""
    http_port: int = 80
    """`--http-port`."""
    https_port: int = 443
    """`--https-port`."""
    namespace: str = ""
    """Where its pod is."""
    labels: Sequence[tuple[str, str]] = (("app.kubernetes.io/name", "ingress-controller"),)
    """What the pods of the controller have in common: Services of Gateways select them."""

    @classmethod
    def of(cls, argv: Sequence[str], namespace: str) -> Options:
        """The options that a command line gives."""
        said: dict[str, str] = {}
        for word in argv[1:]:
            name, _equals, value = word.lstrip("-").partition("=")
            said[name] = value
        return cls(
            said.get("controller-class", CONTROLLER),
            said.get("gateway-controller-name", GATEWAYS),
            said.get("annotations-prefix", ANNOTATIONS),
            without_class=said.get("watch-ingress-without-class", "false") == "true",
            publish_service=_key(said.get("publish-service", ""), namespace),
            default_backend=_key(said.get("default-backend-service", ""), namespace),
            default_certificate=_key(said.get("default-ssl-certificate", ""), namespace),
            http_port=int(said.get("http-port", "80")),
            https_port=int(said.get("https-port", "443")),
            namespace=namespace,
        )


def _key(text: str, namespace: str) -> ObjectKey | None:
    where, slash, name = text.replace("$(POD_NAMESPACE)", namespace).partition("/")
    return ObjectKey(where, name) if slash else None
