"""ServiceAccount: every pod is somebody, and gets a token that says so.

Upstream draws the five letters of the volume `kube-api-access-xxxxx` for every pod. Here they are a hash of
the spec that came in, so that pods of one template get equal specs and can share one; nothing reads meaning
into the letters.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.machinery.names import ALPHABET
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607
"""An hour, and seven seconds by which such tokens are told apart from those a user asked an hour for."""

ROOT_CA = "kube-root-ca.crt"
MIRROR = "kubernetes.io/config.mirror"
ENFORCE_SECRETS = "kubernetes.io/enforce-mountable-secrets"
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
        if annotations_of(account).get(ENFORCE_SECRETS) == "true" and (why := _foreign_secret(spec, account)):
            raise refused(attributes, why)
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


def _foreign_secret(spec: Object, account: Object) -> str:
    """Which secret the pod refers to though its account does not list it; empty if there is none."""
    name = account["metadata"]["name"]
    listed = {each.get("name") for each in account.get("secrets") or ()}
    for used, what in _secrets(spec):
        if used not in listed:
            told = f'{what} secret.secretName="{used}" is not allowed'
            return f"{told} because service account {name} does not reference that secret"
    pulled = {each.get("name") for each in account.get("imagePullSecrets") or ()}
    for index, each in enumerate(spec.get("imagePullSecrets") or ()):
        if each.get("name") not in pulled:
            told = f'imagePullSecrets[{index}].name="{each.get("name")}" is not allowed'
            return f"{told} because service account {name} does not reference that imagePullSecret"
    return ""


def _secrets(spec: Object) -> Iterator[tuple[str, str]]:
    """Every secret that a pod mounts or reads, and how a message speaks of that."""
    for volume in spec.get("volumes") or ():
        if "secret" in volume:
            yield volume["secret"].get("secretName", ""), "volume with"
    for field, word in (("initContainers", "init container"), ("containers", "container")):
        for container in spec.get(field) or ():
            for variable in container.get("env") or ():
                reference = (variable.get("valueFrom") or _NONE).get("secretKeyRef")
                if reference:
                    told = f"{word} {container['name']} with envVar {variable['name']} referencing"
                    yield reference.get("name", ""), told
            for source in container.get("envFrom") or ():
                if source.get("secretRef"):
                    told = f"{word} {container['name']} with envFrom referencing"
                    yield source["secretRef"].get("name", ""), told


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
