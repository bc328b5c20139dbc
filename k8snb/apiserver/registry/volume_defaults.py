"""What a volume of a pod leaves open.

A table of sources: for each, the fields that it gets, and for those that hold items of the downward API or
other sources, how to walk into them. A volume that names no source is an `emptyDir`. Upstream:
`pkg/apis/core/v1/defaults.go` and the `+default` markers of `core/v1/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.registry.filling import Filler, filled, within, within_each, within_path
from k8snb.apiserver.registry.image_names import pull_policy
from k8snb.typing import Object

MODE = 0o644
"""The mode of files made from Secrets, ConfigMaps and the downward API."""
TOKEN_SECONDS = 3600
"""How long a projected service account token is good for."""

_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "secret": {"defaultMode": MODE},
    "configMap": {"defaultMode": MODE},
    "downwardAPI": {"defaultMode": MODE},
    "projected": {"defaultMode": MODE},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_volume(volume: Object) -> Object:
    """A volume with its defaults; the same object when it has them all."""
    sources = [name for name in volume if name != "name" and volume[name] is not None]
    if not sources:
        return {**volume, "emptyDir": {}}
    for name in sources:
        fill = _FILLERS.get(name)
        if fill is not None:
            volume = within(volume, name, fill)
    return volume


def default_claim_spec(spec: Object) -> Object:
    """A PersistentVolumeClaim's spec as a volume or a StatefulSet asks for it."""
    return filled(spec, {"volumeMode": "Filesystem", "resources": {}})


def _plain(name: str) -> Filler:
    defaults = _PLAIN[name]
    return lambda source: filled(source, defaults)


def _host_path(source: Object) -> Object:
    return {**source, "type": ""} if source.get("type") is None else source


def _downward_api(source: Object) -> Object:
    return _downward_items(filled(source, _PLAIN["downwardAPI"]))


def _downward_items(source: Object) -> Object:
    return within_each(source, "items", _downward_item)


def _downward_item(item: Object) -> Object:
    item = within(item, "fieldRef", lambda reference: filled(reference, {"apiVersion": "v1"}))
    return within(item, "resourceFieldRef", lambda reference: filled(reference, {"divisor": "0"}))


def _projected(source: Object) -> Object:
    return within_each(filled(source, _PLAIN["projected"]), "sources", _projection)


def _projection(source: Object) -> Object:
    source = within(source, "downwardAPI", _downward_items)
    return within(source, "serviceAccountToken", lambda token: filled(token, {"expirationSeconds": TOKEN_SECONDS}))


def _ephemeral(source: Object) -> Object:
    return within_path(source, ("volumeClaimTemplate", "spec"), default_claim_spec)


def _image(source: Object) -> Object:
    return filled(source, {"pullPolicy": pull_policy(source.get("reference") or "")})


_FILLERS: Mapping[str, Filler] = {
    **{name: _plain(name) for name in _PLAIN},
    "hostPath": _host_path,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": _image,
}
