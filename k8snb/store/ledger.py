"""The ledger: what of a cluster outlives its process, as records whose completeness can be proved.

A record is the newest version of one object, or a thing outside the API (a machine, a file on a disk). Each has a
digest; the ledger's `Head` says at which revision it stands, how many records there are and what their digests come to
together, and has a digest itself. So a byte that changed, a record that is missing, and one that is an older version of
itself are all noticed, and nothing is believed before all is.

This is arithmetic alone; where records lie is for others to say (`k8snb.cluster.datafile`). The cost of keeping a
change is that of the record that changed: a sum takes records in and gives them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

import orjson

from k8snb.i18n import _

_BYTES = 16
_MODULUS = 1 << 8 * _BYTES

Key: TypeAlias = tuple[str, str, str]
"""Bucket, namespace and name."""


class Damaged(Exception):
    """What is wrong with a ledger, in a sentence's end: `record 17 does not match its checksum`."""


class CannotOpen(Exception):
    """Why what was kept cannot be used, and what to do about it, in a sentence or two for the reader."""


class CannotKeep(Exception):
    """Why nothing can be kept any more, in a sentence for the reader."""


class Record(NamedTuple):
    """The newest version of an object, as it is kept."""

    bucket: str
    namespace: str
    name: str
    revision: int
    expires: int
    """The lease that it ends with (`Store.expiry`); 0 if it stays."""
    owners: bytes
    """Who owns its fields, as `metadata.managedFields` in JSON; empty where that follows from the object."""
    body: bytes
    """The object: JSON, or what encryption made of it."""

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self[:3]

    @property
    def digest(self) -> bytes:
        """The checksum of all of it."""
        place = "\0".join((*self[:3], str(self.revision), str(self.expires)))
        return blake2b(
            b"\0".join((place.encode("utf-8", "surrogatepass"), self.owners, self.body)), digest_size=_BYTES
        ).digest()


class Head(NamedTuple):
    """What is known of the whole: where it stands, and what there has to be."""

    revision: int = 0
    records: int = 0
    sum: str = ""
    more: Mapping[str, Any] = {}
    """What the cluster goes on from besides its objects: its time, its seed, how often it has begun."""

    @property
    def is_new(self) -> bool:
        """Whether nothing has been kept yet."""
        return self.revision == 0

    def encoded(self) -> bytes:
        """The head as bytes, its checksum in front."""
        body = orjson.dumps([self.revision, self.records, self.sum, self.more])
        return _digest(body) + body

    @classmethod
    def decoded(cls, data: bytes) -> Head:
        """The head again; raises Damaged."""
        digest, body = data[:_BYTES], data[_BYTES:]
        if digest != _digest(body):
            raise Damaged(_("its head does not match its checksum"))
        return cls(*orjson.loads(body))


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_BYTES).digest()


class Sum:
    """What the digests of many records come to, whatever their order."""

    def __init__(self, text: str = "") -> None:
        self._value = int(text, 16) if text else 0

    def take(self, digest: bytes) -> None:
        """One more."""
        self._value = (self._value + int.from_bytes(digest)) % _MODULUS

    def give_back(self, digest: bytes) -> None:
        """One less."""
        self._value = (self._value - int.from_bytes(digest)) % _MODULUS

    def __str__(self) -> str:
        return f"{self._value:x}"


class Kept(NamedTuple):
    """All that was kept of a cluster: where another process goes on from."""

    head: Head = Head()
    records: Sequence[Record] = ()

    def of(self, bucket: str) -> list[Record]:
        """The records of a bucket."""
        return [record for record in self.records if record.bucket == bucket]


def verify(head: Head, records: Iterable[tuple[Record, bytes]]) -> Kept:
    """The records, each given with the checksum that was kept of it, if they are all there; raises Damaged."""
    total = Sum()
    found: list[Record] = []
    seen: set[Key] = set()
    for record, digest in records:
        if record.digest != digest:
            raise Damaged(_("record {number} does not match its checksum").format(number=len(found) + 1))
        if record.key in seen or record.revision > head.revision:
            raise Damaged(_("record {number} is out of place").format(number=len(found) + 1))
        seen.add(record.key)
        total.take(digest)
        found.append(record)
    if len(found) != head.records:
        told = _("it has {number} records and should have {wanted}")
        raise Damaged(told.format(number=len(found), wanted=head.records))
    if str(total) != str(Sum(head.sum)):
        raise Damaged(_("its records are not all of the same moment"))
    return Kept(head, sorted(found, key=lambda record: record.revision))
