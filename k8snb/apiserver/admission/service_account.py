"""ServiceAccount: every pod is somebody, and gets a token that says so.

Upstream draws the five letters of the volume `kube-api-access-xxxxx` for every pod. Here they are a hash of
the spec that came in, so that pods of one template get equal specs and can share one; nothing reads meaning
into the letters.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.machinery.names import ALPHABET
from k8snb.typing import Object

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607
"""An hour, and seven seconds by which such tokens are told apart from those a user asked an hour for."""

ROOT_CA = "kube-root-ca.crt"
MIRROR = "kubernetes.io/config.mirror"
_NOT_FOR_MIRRORS = {
    "secret": "secrets",
    "configMap": "configmaps",
    "persistentVolumeClaim": "persistentvolumeclaims",
}
_NONE: Mapping[str, Any] = {}

TOKEN_SOURCES: Sequence[Object] = (
    {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
    {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {
        "downwardAPI": {
            "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
        }
    },
)
"""What is mounted: the token, the cluster's CA certificate and the name of the namespace."""

_PROJECTED: Object = {"defaultMode": 420, "sources": list(TOKEN_SOURCES)}


class ServiceAccount(Plugin):
    """Upstream: `plugin/pkg/admission/serviceaccount`."""

    name = "ServiceAccount"
    resources = ("pods",)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        pod = attributes.object
        assert pod is not None
        spec = pod.get("spec") or _NONE
        if MIRROR in (pod["metadata"].get("annotations") or _NONE):
            _check_mirror(attributes, spec)
            return None
        name = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
        account = reader.get("serviceaccounts", attributes.namespace, name)
        if account is None:
            where = f"{attributes.namespace}/{name}"
            raise refused(attributes, f'error looking up service account {where}: serviceaccount "{name}" not found')
        changed = {**spec, "serviceAccountName": name, "serviceAccount": name}
        if _automounts(spec, account):
            changed = with_token(changed, _suffix(spec))
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            changed["imagePullSecrets"] = account["imagePullSecrets"]
        return {**pod, "spec": changed}


def _check_mirror(attributes: Attributes, spec: Object) -> None:
    if spec.get("serviceAccountName"):
        raise refused(attributes, "a mirror pod may not reference service accounts")
    volumes = spec.get("volumes") or ()
    for field, words in _NOT_FOR_MIRRORS.items():
        if any(volume.get(field) is not None for volume in volumes):
            raise refused(attributes, f"a mirror pod may not reference {words}")


def _automounts(spec: Object, account: Object) -> bool:
    """The pod's word counts before the account's; both silent means yes."""
    for speaker in (spec, account):
        wish = speaker.get("automountServiceAccountToken")
        if wish is not None:
            return bool(wish)
    return True


def _suffix(spec: Object) -> str:
    number = zlib.crc32(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS))
    letters = []
    for _ in range(5):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)


def with_token(spec: Object, suffix: str) -> dict[str, Any]:
    """The pod's spec with the token mounted in every container that has nothing else at that path."""
    volumes = spec.get("volumes") or []
    present = next((volume["name"] for volume in volumes if volume.get("name", "").startswith(VOLUME_PREFIX)), "")
    mount = {"name": present or VOLUME_PREFIX + suffix, "readOnly": True, "mountPath": MOUNT_PATH}
    result = dict(spec)
    for field in ("initContainers", "containers"):
        if spec.get(field):
            result[field] = [_mounted(container, mount) for container in spec[field]]
    needed = any(result.get(field) != spec.get(field) for field in ("initContainers", "containers"))
    if needed and not present:
        result["volumes"] = [*volumes, {"name": mount["name"], "projected": _PROJECTED}]
    return result


def _mounted(container: Object, mount: Object) -> Object:
    mounts = container.get("volumeMounts") or []
    if any(each.get("mountPath") == MOUNT_PATH for each in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}
