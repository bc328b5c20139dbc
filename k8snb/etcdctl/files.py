"""`etcdutl`: what works on files instead of asking a server, here on the snapshots that `etcdctl snapshot save` made.

A restore is what an operator does in a cluster with kubeadm: stop the API servers and the members, found the members
anew from the snapshot on every machine, start them, and start the API servers.
"""

from __future__ import annotations

from typing import Any, Protocol

from k8snb.etcd.admin import Admin
from k8snb.etcd.errors import EtcdError
from k8snb.etcdctl.endpoints import STORAGE
from k8snb.etcdctl.tables import humane, simple, table
from k8snb.etcdctl.words import Words, words
from k8snb.i18n import _

_STATUS = ("hash", "revision", "total keys", "total size", "version")


class Asked(Protocol):
    """The cluster whose snapshots these are."""

    admin: Admin | None

    def _do(self, name: str, *arguments: Any) -> Any: ...


def run(cluster: Asked, line: str) -> str:
    """What a command prints, errors included."""
    try:
        asked = words(line)
        if cluster.admin is None:
            raise EtcdError(_("this cluster has no members of etcd: make one with Cluster(etcd_members=3)"))
        if len(asked.plain) != 3 or asked.plain[0] != "snapshot" or asked.plain[1] not in ("status", "restore"):
            return _("Usage: etcdutl snapshot status FILE [-w table]; etcdutl snapshot restore FILE") + "\n"
        return _status(cluster.admin, asked) if asked.plain[1] == "status" else _restore(cluster, asked)
    except EtcdError as error:
        return f"Error: {error}\n"


def _status(admin: Admin, asked: Words) -> str:
    """What a snapshot holds."""
    found = admin.snapshots.get(asked.plain[2])
    if found is None:
        raise EtcdError(f"stat {asked.plain[2]}: no such file or directory")
    rows = [(f"{found.hash:x}", str(found.revision), str(found.total), humane(found.size), STORAGE)]
    return table(_STATUS, rows) if asked.format == "table" else simple(rows)


def _restore(cluster: Asked, asked: Words) -> str:
    """Found the members anew from a snapshot, and start what depends on them."""
    bump, forget = asked.number("--bump-revision"), asked.has("--mark-compacted")
    if forget != bool(bump):
        raise EtcdError("--mark-compacted required if --bump-revision")
    cluster._do("_restore_etcd", asked.plain[2], bump, forget)
    admin = cluster.admin
    assert admin is not None
    lines = [f"added member {admin.number(name)} ({name}) to cluster {admin.cluster_id}" for name in admin.names()]
    return "\n".join([*lines, f"restored snapshot {asked.plain[2]}", ""])
