"""The pages of configuration: ConfigMaps, Secrets, service accounts, priority classes."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.printing.tables import labels_text
from k8snb.typing import Object

_TOKEN = "kubernetes.io/service-account-token"


def describe_config_map(describing: Describing, obj: Object) -> None:
    """A ConfigMap, with its contents."""
    page = describing.page
    describing.head(obj)
    describing.marks(obj)
    page.line("\nData\n====")
    for key, value in sorted((obj.get("data") or {}).items()):
        page.line(f"{key}:\n----")
        page.line(value)
        page.line()
    page.line("\nBinaryData\n====")
    for key, value in sorted((obj.get("binaryData") or {}).items()):
        page.line(f"{key}: {len(base64.b64decode(value))} bytes")
    page.line()
    describing.events(obj)


def describe_secret(describing: Describing, obj: Object) -> None:
    """A Secret: which keys, and how long each value is."""
    page, type = describing.page, obj.get("type", "")
    describing.head(obj)
    describing.marks(obj)
    page.line(f"\nType:\t{type}")
    page.line("\nData\n====")
    for key, value in sorted((obj.get("data") or {}).items()):
        plain = base64.b64decode(value)
        shown = plain.decode() if key == "token" and type == _TOKEN else f"{len(plain)} bytes"
        page.line(f"{key}:\t{shown}")


def describe_service_account(describing: Describing, obj: Object) -> None:
    """A service account, with the Secrets it may use."""
    page, meta = describing.page, obj["metadata"]
    secrets = describing.session.items(describing.resource("secrets"), meta["namespace"], {"limit": "500"})
    existing = {secret["metadata"]["name"] for secret in secrets}
    describing.head(obj)
    describing.marks(obj)
    for title, names in (
        ("Image pull secrets:", [each["name"] for each in obj.get("imagePullSecrets") or ()]),
        ("Mountable secrets: ", [each["name"] for each in obj.get("secrets") or ()]),
        ("Tokens:            ", [s["metadata"]["name"] for s in secrets if _belongs(s, obj)]),
    ):
        for at, text in enumerate(_named(names, existing) or ["<none>"]):
            page.line(f"{' ' * len(title) if at else title}\t{text}")
    describing.events(obj)


def _belongs(secret: Object, account: Object) -> bool:
    annotations = secret["metadata"].get("annotations") or {}
    return (
        secret.get("type") == _TOKEN
        and annotations.get("kubernetes.io/service-account.name") == account["metadata"]["name"]
        and annotations.get("kubernetes.io/service-account.uid") == account["metadata"]["uid"]
    )


def _named(names: Sequence[str], existing: set[str]) -> list[str]:
    return [name if name in existing else f"{name} (not found)" for name in names]


def describe_priority_class(describing: Describing, obj: Object) -> None:
    """A priority class."""
    page = describing.page
    page.line(f"Name:\t{obj['metadata']['name']}")
    page.line(f"Value:\t{obj.get('value', 0)}")
    page.line(f"GlobalDefault:\t{str(bool(obj.get('globalDefault'))).lower()}")
    page.line(f"PreemptionPolicy:\t{obj.get('preemptionPolicy', '')}")
    page.line(f"Description:\t{obj.get('description', '')}")
    page.line(f"Annotations:\t{labels_text(obj['metadata'].get('annotations'))}")
    describing.events(obj)
