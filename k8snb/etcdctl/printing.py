"""Answers of etcd as etcdctl writes them: `simple` (the default), `json` and `fields`.

Source: etcd `etcdctl/ctlv3/command/printer_{simple,json,fields}.go`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from k8snb.apiserver.rawstore import RawStore
from k8snb.etcd.admin import Admin
from k8snb.etcd.errors import EtcdError
from k8snb.etcd.leases import Leases
from k8snb.etcdctl.words import Words
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent

ALONE = "127.0.0.1:2379"
"""Where an etcd is reached that has no members to tell apart."""
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_ESCAPES |= {'"': '\\"', "\\": "\\\\"}


class Database(NamedTuple):
    """What is asked: the store, the bytes in it, the leases, and the members if there are any."""

    store: Store
    raw: RawStore
    leases: Leases
    admin: Admin | None


class Found(NamedTuple):
    """A key, and what is known of it."""

    key: str
    event: WatchEvent
    created: int
    modified: int
    version: int
    lease: int = 0


Header = Mapping[str, int]


class Answer(NamedTuple):
    """What a request comes to, in each of the formats, and what it is called within a transaction."""

    word: str
    simple: bytes
    fields: Sequence[tuple[str, Any]]
    json: Mapping[str, Any]

    def written(self, format: str, head: Header) -> bytes:
        """The answer in a format, by whom `head` says."""
        if format == "json":
            return as_json({"header": head, **self.json})
        return as_fields(*header_fields(head), *self.fields) if format == "fields" else self.simple


def header(database: Database, words: Words) -> Header:
    """What every answer begins with: who answers, and as of when."""
    admin, revision = database.admin, database.store.revision
    if admin is None:
        numbers = [int(hashlib.sha1(word.encode()).hexdigest()[:16], 16) for word in ("etcd-cluster", ALONE)]
        return {"cluster_id": numbers[0], "member_id": numbers[1], "revision": revision, "raft_term": 2}
    name = asked(admin, words)
    facts = admin.facts(name)
    if facts is None:
        raise EtcdError("context deadline exceeded")
    ids = {"cluster_id": int(admin.cluster_id, 16), "member_id": int(facts.id, 16)}
    return {**ids, "revision": facts.revision, "raft_term": facts.term}


def asked(admin: Admin, words: Words) -> str:
    """The member that answers: the one that is named, or the leader."""
    named = words.flags.get("--endpoints", "").split(",")[0]
    name = (named.partition("://")[2] or named).partition(":")[0]
    member = name or admin.leader() or admin.names()[0]
    if not admin.is_running(member):
        raise EtcdError("context deadline exceeded")
    return member


def check_format(words: Words, *known: str) -> str:
    """The format that is asked for; raises EtcdError if it is none of these."""
    if words.format not in (known or ("simple", "json", "fields")):
        raise EtcdError(f"{words.format} not supported as output format")
    return words.format


# -- parts ---------------------------------------------------------------------------------------------


def as_json(answer: Mapping[str, Any]) -> bytes:
    """An answer as one line; what is empty is left out."""
    return orjson.dumps(compact(answer)) + b"\n"


def compact(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer without what is empty."""
    return {key: value for key, value in answer.items() if value not in (0, None, [], b"", False)}


def as_fields(*fields: tuple[str, Any]) -> bytes:
    """Lines of a name and a value each."""
    return "".join(f'"{name}" : {_shown(value)}\n' for name, value in fields).encode()


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def header_fields(header: Header) -> Sequence[tuple[str, int]]:
    """The header as fields."""
    return tuple(zip(("ClusterID", "MemberID", "Revision", "RaftTerm"), header.values(), strict=True))


def kv_json(database: Database, found: Found, *, keys_only: bool = False) -> Mapping[str, Any]:
    """A key and its value, both in base64."""
    value = b"" if keys_only else database.raw.bytes_of(found.event)
    numbers = {"create_revision": found.created, "mod_revision": found.modified, "version": found.version}
    kv: dict[str, Any] = {"key": base64.b64encode(found.key.encode()).decode(), **numbers}
    if value:
        kv["value"] = base64.b64encode(value).decode()
    return {**kv, **({"lease": found.lease} if found.lease else {})}


def kv_fields(
    database: Database, found: Found, *, keys_only: bool = False, prefix: str = ""
) -> Sequence[tuple[str, Any]]:
    """A key and its value as fields, quoted."""
    value = b"" if keys_only else database.raw.bytes_of(found.event)
    return (
        (f"{prefix}Key", quoted(found.key.encode())),
        (f"{prefix}CreateRevision", found.created),
        (f"{prefix}ModRevision", found.modified),
        (f"{prefix}Version", found.version),
        (f"{prefix}Value", quoted(value)),
        (f"{prefix}Lease", found.lease),
    )


def kvs_lines(database: Database, found: Iterable[Found], **how: bool) -> bytes:
    """Keys and their values, a line each."""
    return b"".join(kv_lines(database, each, **how) for each in found)


def kv_lines(database: Database, found: Found, *, keys_only: bool = False, value_only: bool = False) -> bytes:
    """A key and its value, a line each."""
    key = b"" if value_only else found.key.encode() + b"\n"
    return key + (b"" if keys_only else database.raw.bytes_of(found.event)) + b"\n"


def quoted(data: bytes) -> str:
    """Bytes as Go quotes them (`%q`): what is no UTF-8 and no printable character is escaped."""
    text = data.decode("utf-8", "surrogateescape")
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    known = _ESCAPES.get(char)
    if known is not None:
        return known
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that could not be decoded
        return f"\\x{number - 0xDC00:02x}"
    if char.isprintable():
        return char
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
