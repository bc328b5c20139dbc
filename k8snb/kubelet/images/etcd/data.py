"""What a member of etcd has on its disk: the keys, the members it knows, and which of them it is.

All of it is one file below the data directory, and a snapshot is a copy of that file. `index` counts what the members
have agreed on, keys and members alike; `revision` counts changes of keys.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from k8snb.kubelet.images.filesystem import Filesystem


class Key(NamedTuple):
    """The newest version of a key."""

    value: str
    created: int
    modified: int
    version: int


@dataclass(frozen=True)
class Member:
    """A member as all know it. It has started once it has told its name."""

    peer: str
    name: str = ""
    client: str = ""
    version: str = ""


@dataclass(frozen=True)
class Data:
    """The state that members agree on. It is never changed, only replaced."""

    cluster: str
    members: Mapping[str, Member]
    index: int = 1
    revision: int = 1
    keys: Mapping[str, Key] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The cluster's version: that of the oldest member (`3.5`); empty while none has told."""
        told = [minor(member.version) for member in self.members.values() if member.version]
        return "{}.{}".format(*min(told)) if told else ""

    def dump(self) -> str:
        """The file."""
        members = {
            number: [member.peer, member.name, member.client, member.version] for number, member in self.members.items()
        }
        return json.dumps([self.cluster, members, self.index, self.revision, self.keys])

    @classmethod
    def load(cls, text: str) -> Data:
        """What a file holds."""
        cluster, members, index, revision, keys = json.loads(text)
        return cls(
            cluster,
            {number: Member(*member) for number, member in members.items()},
            index,
            revision,
            {key: Key(*kept) for key, kept in keys.items()},
        )

    # -- changes -----------------------------------------------------------------------------------

    def put(self, key: str, value: str) -> Data:
        """With another value of a key."""
        now, before = self.revision + 1, self.keys.get(key)
        kept = Key(value, before.created if before else now, now, before.version + 1 if before else 1)
        return replace(self, revision=now, keys={**self.keys, key: kept})

    def without(self, keys: set[str]) -> Data:
        """Without some keys."""
        left = {key: kept for key, kept in self.keys.items() if key not in keys}
        return replace(self, revision=self.revision + 1, keys=left)

    def with_member(self, number: str, member: Member) -> Data:
        """With another member, or with more known of one."""
        return replace(self, members={**self.members, number: member})

    def without_member(self, number: str) -> Data:
        """Without a member."""
        return replace(self, members={each: member for each, member in self.members.items() if each != number})

    def matching(self, key: str, *, prefix: bool) -> dict[str, Key]:
        """The keys of that name, or that begin with it, in order."""
        found = {each for each in self.keys if each == key or (prefix and each.startswith(key))}
        return {each: self.keys[each] for each in sorted(found)}


class Disk:
    """A member's data directory; the image works in the root directory."""

    def __init__(self, files: Filesystem, directory: str) -> None:
        self._files = files
        self._directory = posixpath.join("/", directory, "member")

    @property
    def number(self) -> str:
        """Which member this is; empty where there is none yet."""
        path = f"{self._directory}/id"
        return self._files.read(path).strip() if self._files.is_file(path) else ""

    def load(self) -> Data:
        """What it knows."""
        return Data.load(self._files.read(f"{self._directory}/snap/db"))

    def begin(self, number: str, data: Data) -> None:
        """Be a member."""
        self._files.make_directory(f"{self._directory}/snap", parents=True)
        self._files.write(f"{self._directory}/id", f"{number}\n")
        self.save(data)

    def save(self, data: Data) -> None:
        """Keep what it knows."""
        self._files.write(f"{self._directory}/snap/db", data.dump())


def number_of(*words: str) -> str:
    """The number of a member or cluster, as it is written: sixteen hexadecimal digits."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def minor(version: str) -> tuple[int, int]:
    """The first two parts of a version."""
    parts = [int(part) for part in version.removeprefix("v").split(".")[:2] if part.isdecimal()]
    return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)


def checksum(text: str) -> str:
    """The hash of a snapshot."""
    return f"{zlib.crc32(text.encode()):08x}"


def founded(initial_cluster: str, token: str) -> Data:
    """A new cluster of the members that `name=url,…` names."""
    named = [pair.partition("=") for pair in initial_cluster.split(",") if pair]
    members = {number_of(url, token): Member(url, name, client_of(url)) for name, _is, url in named}
    return Data(number_of(token, *sorted(members)), members)


def client_of(peer: str) -> str:
    """Where clients reach the member with that peer URL."""
    return f"{peer.rpartition(':')[0]}:2379"
