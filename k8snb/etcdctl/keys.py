"""`etcdctl get` and `watch`: keys and what is stored under them, now or at a revision.

A read is linearizable, so it needs a majority, unless `--consistency=s` asks one member for what that has. Bytes that
are no characters are shown as dots. Source: etcd `etcdctl/ctlv3/command/get_command.go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any, NamedTuple

import orjson

from k8snb.etcd.admin import REV_COMPACTED, REV_FUTURE
from k8snb.etcd.errors import EtcdError
from k8snb.etcdctl.printing import (
    Answer,
    Database,
    Found,
    as_fields,
    asked,
    check_format,
    header,
    header_fields,
    kv_fields,
    kv_json,
    kv_lines,
    kvs_lines,
)
from k8snb.etcdctl.words import NO_WORDS, Words
from k8snb.store.leased import FIRST_GRANTED
from k8snb.wire import WatchEvent

_ONE_OF = "`{}` and `{}` cannot be set at the same time, choose one"
_TOO_MANY = "too many arguments, only accept one argument when `--prefix` or `--from-key` is set"
GONE = WatchEvent(0, "DELETED", {}, None)
"""Stands for what a key has that is no more."""
_TARGETS: dict[str, Callable[[Database, Found], Any]] = {
    "CREATE": lambda _database, found: found.created,
    "KEY": lambda _database, found: found.key.encode(),
    "MODIFY": lambda _database, found: found.modified,
    "VALUE": lambda database, found: database.raw.bytes_of(found.event),
    "VERSION": lambda _database, found: found.version,
}


def get(database: Database, words: Words) -> bytes:
    """What `etcdctl get` prints."""
    found = answer(database, words)
    return found.written(words.format, header(database, words) if words.format != "simple" else {})


def answer(database: Database, words: Words) -> Answer:
    """What a read comes to."""
    select = selection(words, "get")
    keys_only, count_only, value_only = map(words.has, ("--keys-only", "--count-only", "--print-value-only"))
    if keys_only and count_only:
        raise EtcdError(_ONE_OF.format("--keys-only", "--count-only"))
    found = _sorted(database, words, list(_read(database, words, select)))
    if count_only and words.format != "fields":
        raise EtcdError("--count-only is only for `--write-out=fields`")
    if value_only and words.format != "simple":
        raise EtcdError("print-value-only is only for `--write-out=simple`")
    check_format(words)
    limit = words.number("--limit")
    count, more = len(found), bool(limit) and len(found) > limit
    found = [] if count_only else found[: limit or None]
    fields = [field for each in found for field in kv_fields(database, each, keys_only=keys_only)]
    kvs = [kv_json(database, each, keys_only=keys_only) for each in found]
    return Answer(
        "response_range",
        kvs_lines(database, found, keys_only=keys_only, value_only=value_only),
        [*fields, ("More", more and not count_only), ("Count", count)],
        {"kvs": kvs, "more": more, "count": count},
    )


# -- which keys ----------------------------------------------------------------------------------------


class Selection:
    """The keys that a command is about: one, those of a range, with a prefix, or from one on."""

    def __init__(self, key: str, end: str | None, *, prefix: bool, from_key: bool) -> None:
        self._key = key
        self._end = end
        self._prefix = prefix
        self._from_key = from_key

    @property
    def below(self) -> str:
        """A prefix that all of them have."""
        if self._from_key:
            return ""
        if self._end is None:
            return self._key
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(self._key, self._end, strict=False))
        return "".join(char for char, _other in alike)

    def has(self, key: str) -> bool:
        """Whether a key is one of them."""
        if self._prefix:
            return key.startswith(self._key)
        if self._from_key:
            return key.encode() >= self._key.encode()
        return key == self._key if self._end is None else self._key.encode() <= key.encode() < self._end.encode()


def selection(words: Words, verb: str) -> Selection:
    """The keys that a command line names; raises EtcdError."""
    prefix, from_key = words.has("--prefix"), words.has("--from-key")
    if len(words.plain) < 2:
        raise EtcdError(f"{verb} command needs one argument as key and an optional argument as range_end")
    if prefix and from_key:
        raise EtcdError(_ONE_OF.format("--prefix", "--from-key"))
    if len(words.plain) > 2 and (prefix or from_key):
        raise EtcdError(_TOO_MANY)
    return Selection(words.plain[1], words.plain[2] if len(words.plain) > 2 else None, prefix=prefix, from_key=from_key)


def _sorted(database: Database, words: Words, found: list[Found]) -> list[Found]:
    """The keys in the order that is asked for: by key if nothing is said."""
    order, target = words.flags.get("--order", ""), words.flags.get("--sort-by", "")
    if order.upper() not in ("", "ASCEND", "DESCEND"):
        raise EtcdError(f"bad sort order {order}")
    if target.upper() not in ("", *_TARGETS):
        raise EtcdError(f"bad sort target {target}")
    value = _TARGETS[target.upper() or "KEY"]
    return sorted(found, key=lambda each: value(database, each), reverse=order.upper() == "DESCEND")


def _read(database: Database, words: Words, select: Selection) -> Iterator[Found]:
    revision, below_ = words.number("--rev"), select.below
    found = _then(database, below_, revision) if revision else below(database, below_, words)
    return (each for each in found if select.has(each.key))


def selected(database: Database, select: Selection) -> list[Found]:
    """The keys of a selection that are there."""
    return [each for each in below(database, select.below) if select.has(each.key)]


def exactly(database: Database, key: str) -> Iterator[Found]:
    """A key, if it is there."""
    return (each for each in below(database, key) if each.key == key)


def below(database: Database, prefix: str, words: Words = NO_WORDS) -> Iterator[Found]:
    """The keys that begin with a prefix, as the member that is asked has them."""
    if database.admin is not None:
        member = asked(database.admin, words)
        for key, value in database.admin.keyspace(member).below(prefix):
            yield Found(key, value.event, value.created, value.modified, value.version, number_of(value.lease))
        return
    held = database.store.leased.by_event()
    for key, event in database.raw.items(prefix):
        yield _traced(key, event)._replace(lease=number_of(held.get(id(event), 0)))


def number_of(lease: int) -> int:
    """The number by which etcd knows a lease: for those of the API server it follows from when they end."""
    if not lease or lease >= FIRST_GRANTED:
        return lease
    return int(hashlib.sha1(f"lease {lease}".encode()).hexdigest()[:15], 16)


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


# -- changes -------------------------------------------------------------------------------------------


class _Change(NamedTuple):
    """A change of a key: its event, and what the key was before."""

    key: str
    event: WatchEvent
    before: Found | None

    @property
    def is_put(self) -> bool:
        return self.event.type != "DELETED"

    @property
    def now(self) -> Found:
        """What the key is then: gone, it has nothing but the revision."""
        return _traced(self.key, self.event) if self.is_put else Found(self.key, GONE, 0, self.event.revision, 0)


def watch(database: Database, words: Words) -> bytes:
    """What `etcdctl watch` has printed by now: every change from a revision on (`--rev`), in order, as one answer."""
    if len(words.plain) < 2:
        raise EtcdError("watch in non-interactive mode requires an argument as key or prefix")
    select, store = selection(words, "watch"), database.store
    revision = words.number("--rev") or store.revision + 1
    if revision <= store.compacted:
        raise EtcdError(f"watch was canceled ({REV_COMPACTED})")
    changes: list[_Change] = []
    for found, newest in database.raw.ever(select.below):
        event: WatchEvent | None = newest
        while event is not None and event.revision >= revision and select.has(found):
            changes.append(_Change(found, event, _before(found, event) if words.has("--prev-kv") else None))
            event = event.previous
    format = check_format(words)
    ordered = sorted(changes, key=lambda each: each.event.revision)
    if format == "simple":
        return b"".join(_change_lines(database, each) for each in ordered)
    if not ordered:
        return b""
    head = header(database, words)
    if format == "fields":
        return as_fields(*header_fields(head), *(field for each in ordered for field in _change_fields(database, each)))
    told = {"Header": head, "Events": [_change_json(database, each) for each in ordered]}
    return orjson.dumps({**told, "CompactRevision": 0, "Canceled": False, "Created": False}) + b"\n"


def _before(key: str, event: WatchEvent) -> Found | None:
    previous = event.previous
    return _traced(key, previous) if previous is not None and previous.type != "DELETED" else None


def _change_lines(database: Database, change: _Change) -> bytes:
    verb = b"PUT\n" if change.is_put else b"DELETE\n"
    before = kvs_lines(database, [change.before] if change.before is not None else [])
    return verb + before + kv_lines(database, change.now, keys_only=not change.is_put)


def _change_fields(database: Database, change: _Change) -> Iterator[tuple[str, Any]]:
    yield "Type", "PUT" if change.is_put else "DELETE"
    if change.before is not None:
        yield from kv_fields(database, change.before, prefix="Prev")
    yield from kv_fields(database, change.now, keys_only=not change.is_put)


def _change_json(database: Database, change: _Change) -> Mapping[str, Any]:
    kv = {name: value for name, value in kv_json(database, change.now, keys_only=not change.is_put).items() if value}
    before = {"prev_kv": kv_json(database, change.before)} if change.before is not None else {}
    return {**({} if change.is_put else {"type": 1}), "kv": kv, **before}
