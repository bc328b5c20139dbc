"""How a volume is going to be used, as CSI says it: as a file system or a device, and by how many.

Kubernetes' access modes and CSI's are not the same words. To a driver that tells one writer on a node from several
(`SINGLE_NODE_MULTI_WRITER`), `ReadWriteOnce` is many writers on one node and `ReadWriteOncePod` is one.
Upstream: `kubernetes-csi/csi-lib-utils/accessmodes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.csi.messages import Message
from k8snb.typing import Object

MODES = {
    "ReadWriteOnce": "SINGLE_NODE_MULTI_WRITER",
    "ReadOnlyMany": "MULTI_NODE_READER_ONLY",
    "ReadWriteMany": "MULTI_NODE_MULTI_WRITER",
    "ReadWriteOncePod": "SINGLE_NODE_SINGLE_WRITER",
}


def capability(mode: str, *, block: bool = False, fs_type: str = "", flags: Sequence[str] = ()) -> Message:
    """The capability for one of Kubernetes' access modes."""
    mount = {**({"fs_type": fs_type} if fs_type else {}), **({"mount_flags": list(flags)} if flags else {})}
    return {**({"block": {}} if block else {"mount": mount}), "access_mode": {"mode": MODES[mode]}}


def of_volume(volume: Object) -> Message:
    """How a PersistentVolume is attached and mounted: in the widest way that it allows."""
    spec = volume["spec"]
    modes = spec.get("accessModes") or ["ReadWriteOnce"]
    widest = next((mode for mode in ("ReadWriteMany", "ReadOnlyMany") if mode in modes), modes[0])
    csi = spec.get("csi") or {}
    block = spec.get("volumeMode") == "Block"
    return capability(widest, block=block, fs_type=csi.get("fsType", ""), flags=spec.get("mountOptions") or ())


def is_shared(message: Message) -> bool:
    """Whether a capability means several machines at once."""
    return str(message.get("access_mode", {}).get("mode", "")).startswith("MULTI_NODE")


def same_kind(one: Message, other: Message) -> bool:
    """Whether both capabilities mean the same use: both a device or both a file system, and the same mode."""
    return ("block" in one) == ("block" in other) and one.get("access_mode") == other.get("access_mode")
