"""`etcdctl`: a command line, and what it prints.

    %etcdctl get /registry/secrets/default/login | hexdump -C
    %etcdctl get /registry/secrets/ --prefix --keys-only
    %etcdctl endpoint status -w table
    %etcdctl del /registry/configmaps/default/login

What is read and written is what lies in the store, not what the API server makes of it: no permissions, no decryption.
`hexdump -C` is the one program behind a pipe that is understood. What needs a majority and finds none fails after five
seconds, as etcdctl's time-out is.
"""

from __future__ import annotations

from typing import Any, Protocol

from k8snb.apiserver.rawstore import RawStore
from k8snb.clock import Clock
from k8snb.etcd.admin import Admin
from k8snb.etcd.errors import EtcdError
from k8snb.etcd.leases import Leases
from k8snb.etcdctl import endpoints, keys, leasing, writing
from k8snb.etcdctl.hexdump import hexdump, readable
from k8snb.etcdctl.printing import Database
from k8snb.etcdctl.words import Words, words
from k8snb.i18n import _
from k8snb.store.mvcc import Store

COMMAND_SECONDS = 5.0
LATE = "context deadline exceeded"

_OF_MEMBERS = {
    "endpoint status": endpoints.status,
    "endpoint health": endpoints.health,
    "endpoint hashkv": endpoints.hashes,
    "member list": endpoints.members,
    "alarm list": endpoints.alarms,
}
_CHANGES = {
    "member add": endpoints.add,
    "member remove": endpoints.remove,
    "member promote": endpoints.promote,
    "move-leader": endpoints.move_leader,
    "defrag": endpoints.defrag,
    "alarm disarm": endpoints.disarm,
    "compact": endpoints.compact,
    "compaction": endpoints.compact,
}
_PLAIN = frozenset(("get", "watch", "version", "move-leader", "defrag", "compact", "compaction"))
_LOCAL = frozenset(("endpoint status", "endpoint health", "endpoint hashkv", "defrag", "snapshot save"))
"""What one member answers for itself, without asking the others."""


class Asked(Protocol):
    """The cluster whose database is asked."""

    admin: Admin | None
    store: Store
    raw: RawStore
    leases: Leases
    clock: Clock

    def wait(self, condition: Any, timeout: float = 0.0) -> bool: ...
    def _do(self, name: str, *arguments: Any) -> Any: ...


def run(cluster: Asked, line: str, stdin: str = "") -> str:
    """What a command prints, errors included."""
    command, _pipe, behind = line.partition("|")
    try:
        asked = words(command)
        printed = _printed(cluster, asked, stdin)
    except EtcdError as error:
        return f"Error: {error}\n"
    if behind.split()[:1] == ["hexdump"]:
        return hexdump(printed)
    return readable(printed) if asked.format == "simple" else printed.decode()


def _printed(cluster: Asked, asked: Words, stdin: str) -> bytes:
    verb = _verb(asked)
    admin = cluster.admin
    database = Database(cluster.store, cluster.raw, cluster.leases, admin)
    if verb == "version":
        return f"etcdctl version: {endpoints.VERSION}\nAPI version: 3.6\n".encode()
    if verb in ("get", "watch"):
        if not asked.flags.get("--consistency", "l").startswith("s"):
            _await_majority(cluster)
        return (keys.get if verb == "get" else keys.watch)(database, asked)
    if not verb:
        return _usage().encode()
    if verb in writing.WRITES:
        _await_majority(cluster)
        return writing.write(database, asked, cluster._do, stdin, verb)
    if verb in leasing.VERBS:
        _await_majority(cluster)
        return leasing.VERBS[verb](database, cluster.clock, asked, cluster._do)
    if admin is None and verb in endpoints.ALONE_TOO:
        _await_majority(cluster)
        return endpoints.alone(verb, asked, cluster._do).encode()
    if admin is None:
        raise EtcdError(_("this cluster has no members of etcd: make one with Cluster(etcd_members=3)"))
    if verb not in _LOCAL:
        _await_majority(cluster)
    return _of_members(cluster, admin, verb, asked).encode()


def _of_members(cluster: Asked, admin: Admin, verb: str, asked: Words) -> str:
    def do(what: str, *arguments: Any) -> Any:
        return cluster._do("_etcd", what, *arguments)

    if verb in _OF_MEMBERS:
        return _OF_MEMBERS[verb](admin, asked)
    if verb in _CHANGES:
        return _CHANGES[verb](admin, asked, do)
    if len(asked.plain) < 3:
        raise EtcdError("snapshot save expects one argument")
    named = endpoints.chosen(admin, asked)
    do("save", asked.plain[2], named[0] if asked.flags.get("--endpoints") else next(_up(admin), named[0]))
    return f"Snapshot saved at {asked.plain[2]}\nServer version {endpoints.VERSION}\n"


def _up(admin: Admin) -> Any:
    return (name for name in admin.names() if admin.is_running(name))


def _verb(asked: Words) -> str:
    """What is to be done; empty where that is not known."""
    one, two = " ".join(asked.plain[:1]), " ".join(asked.plain[:2])
    known = {*_OF_MEMBERS, *_CHANGES, *leasing.VERBS, "snapshot save"}
    if two in known:
        return two
    return one if one in {*_PLAIN, *writing.WRITES} else ""


def _await_majority(cluster: Asked) -> None:
    """Let time pass until there is a majority, or the command's time is up."""
    admin, agreement = cluster.admin, cluster.store.agreement
    if agreement is None or (admin is not None and admin.ensemble.available):
        return
    if admin is None or not cluster.wait(lambda: admin.ensemble.available, COMMAND_SECONDS):
        raise EtcdError(LATE)


def _usage() -> str:
    commands = ", ".join(sorted({*_PLAIN, *writing.WRITES, *leasing.VERBS, "snapshot save", *_OF_MEMBERS, *_CHANGES}))
    text = _("Usage: etcdctl get KEY [RANGE_END] [--prefix] [--keys-only] [-w json] [| hexdump -C]")
    return f"{text}\n" + _("Commands: {commands}").format(commands=commands) + "\n"
