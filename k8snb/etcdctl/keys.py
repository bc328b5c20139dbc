"""`etcdctl get` and `watch`: keys and what is stored under them, now or at a revision.

A read is linearizable, so it needs a majority, unless `--consistency=s` asks one member for what that has. Bytes that
are no characters are shown as dots.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from k8snb.apiserver.rawstore import RawStore
from k8snb.etcd.admin import REV_COMPACTED, REV_FUTURE, Admin
from k8snb.etcd.errors import EtcdError
from k8snb.etcdctl.words import NO_WORDS, Words
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent


class Found(NamedTuple):
    """A key, and what is known of it."""

    key: str
    event: WatchEvent
    created: int
    modified: int
    version: int
    lease: int = 0


class Database(NamedTuple):
    """What is asked: the store, the bytes in it, and the members if there are any."""

    store: Store
    raw: RawStore
    admin: Admin | None


def get(database: Database, words: Words) -> bytes:
    """What `etcdctl get` prints."""
    if len(words.plain) < 2:
        raise EtcdError("get command needs one argument as key and an optional argument as range_end")
    key, prefix = words.plain[1], words.has("--prefix")
    found = [each for each in _read(database, words, key) if prefix or each.key == key]
    if limit := words.number("--limit"):
        found = found[:limit]
    if words.format == "json":
        return _json(database, words, found)
    if words.has("--count-only"):
        return f"{len(found)}\n".encode()
    if words.format == "fields":
        return (
            b"".join(_fields(database, each) for each in found) + f'"More" : false\n"Count" : {len(found)}\n'.encode()
        )
    return b"".join(_lines(database, words, found))


def _read(database: Database, words: Words, prefix: str) -> Iterator[Found]:
    revision = words.number("--rev")
    return _then(database, prefix, revision) if revision else below(database, prefix, words)


def exactly(database: Database, key: str) -> Iterator[Found]:
    """A key, if it is there."""
    return (each for each in below(database, key) if each.key == key)


def below(database: Database, prefix: str, words: Words = NO_WORDS) -> Iterator[Found]:
    """The keys that begin with a prefix, as the member that is asked has them."""
    if database.admin is not None:
        member = _asked(database.admin, words)
        for key, value in database.admin.keyspace(member).below(prefix):
            yield Found(key, value.event, value.created, value.modified, value.version, value.lease)
    else:
        for key, event in database.raw.items(prefix):
            yield _traced(key, event)


def _asked(admin: Admin, words: Words) -> str:
    """The member that answers: the one that is named, or the leader."""
    named = words.flags.get("--endpoints", "")
    name = named.partition("://")[2].partition(":")[0] or named.partition(":")[0]
    member = name or admin.leader() or admin.names()[0]
    if not admin.is_running(member):
        raise EtcdError("context deadline exceeded")
    return member


def _then(database: Database, prefix: str, revision: int) -> Iterator[Found]:
    """The keys as they were at a revision, from the history of each."""
    store = database.store
    if revision < store.compacted:
        raise EtcdError(REV_COMPACTED)
    if revision > store.revision:
        raise EtcdError(REV_FUTURE)
    for key, newest in database.raw.ever(prefix):
        event: WatchEvent | None = newest
        while event is not None and event.revision > revision:
            event = event.previous
        if event is not None and event.type != "DELETED":
            yield _traced(key, event)


def _traced(key: str, event: WatchEvent) -> Found:
    """A key with what its history tells of it."""
    version, first = 1, event
    while first.type != "ADDED" and first.previous is not None and first.previous.type != "DELETED":
        version, first = version + 1, first.previous
    return Found(key, event, first.revision, event.revision, version)


def _lines(database: Database, words: Words, found: list[Found]) -> Iterator[bytes]:
    for each in found:
        if not words.has("--print-value-only"):
            yield each.key.encode() + b"\n"
        yield (b"" if words.has("--keys-only") else database.raw.bytes_of(each.event)) + b"\n"


def _fields(database: Database, found: Found) -> bytes:
    value = orjson.dumps(database.raw.bytes_of(found.event).decode(errors="replace"))
    numbers = ("CreateRevision", found.created), ("ModRevision", found.modified), ("Version", found.version)
    lines = [f'"Key" : "{found.key}"', *(f'"{name}" : {number}' for name, number in numbers)]
    return "\n".join([*lines, f'"Value" : {value.decode()}', f'"Lease" : {found.lease}', ""]).encode()


def _json(database: Database, words: Words, found: list[Found]) -> bytes:
    kvs = []
    for each in found:
        numbers = {"create_revision": each.created, "mod_revision": each.modified, "version": each.version}
        kv: dict[str, object] = {"key": base64.b64encode(each.key.encode()).decode(), **numbers}
        if not words.has("--keys-only"):
            kv["value"] = base64.b64encode(database.raw.bytes_of(each.event)).decode()
        kvs.append({**kv, **({"lease": each.lease} if each.lease else {})})
    header: dict[str, object] = {"revision": database.store.revision}
    return orjson.dumps({"header": header, "kvs": kvs, "count": len(kvs)}) + b"\n"


def watch(database: Database, words: Words) -> bytes:
    """What `etcdctl watch` has printed by now: every change from a revision on (`--rev`), in order."""
    if len(words.plain) < 2:
        raise EtcdError("watch in non-interactive mode requires an argument as key or prefix")
    key, prefix, store = words.plain[1], words.has("--prefix"), database.store
    revision = words.number("--rev") or store.revision + 1
    if revision <= store.compacted:
        raise EtcdError(f"watch was canceled ({REV_COMPACTED})")
    changes: list[tuple[int, str, WatchEvent]] = []
    for found, newest in database.raw.ever(key):
        event: WatchEvent | None = newest
        while event is not None and event.revision >= revision and (prefix or found == key):
            changes.append((event.revision, found, event))
            event = event.previous
    return b"".join(_change(database, found, event) for _revision, found, event in sorted(changes, key=_order))


def _order(change: tuple[int, str, WatchEvent]) -> int:
    return change[0]


def _change(database: Database, key: str, event: WatchEvent) -> bytes:
    if event.type == "DELETED":
        return f"DELETE\n{key}\n\n".encode()
    return b"PUT\n" + key.encode() + b"\n" + database.raw.bytes_of(event) + b"\n"
