"""What every plugin has in common whose configuration clients write: it is compiled when it changes, and costs nothing
where there is none.

The server tells the plugin when the objects it follows change (`forget`); the chain then asks anew whom the plugin
concerns. Upstream: `apiserver/pkg/admission/plugin/policy/generic` and `webhook/generic`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from k8snb.apiserver.admission.matching import Match
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.apiserver.admission.surroundings import Surroundings
from k8snb.typing import Object, Resource

Entry = TypeVar("Entry")


class Rounds(Generic[Entry]):
    """What a plugin has asked about one request, so that it knows whom to ask again.

    An entry that wants it (`reinvocationPolicy: IfNeeded`) is asked a second time if the object was changed after it.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.second = False
        """Whether this is the second round."""
        self.wanted = False
        """Whether there has to be one."""
        self._asked: set[int] = set()
        self._again: set[int] = set()
        self._left: Object | None = None

    def begin(self, obj: Object | None) -> Iterator[tuple[int, Entry]]:
        """The entries to ask in this round, by number."""
        if self.second and obj is not self._left:
            self.changed()
        for number, entry in enumerate(self.entries):
            if not self.second or number in self._again:
                yield number, entry

    def changed(self) -> None:
        """The object has been changed: whoever was asked before wants to see it."""
        self.wanted = True
        self._again |= self._asked
        self._asked.clear()

    def asked(self, number: int, policy: str | None) -> None:
        """An entry has been asked."""
        if policy == "IfNeeded":
            self._asked.add(number)

    def end(self, obj: Object | None) -> None:
        """The round is over, and this is what it left."""
        self._left, self.second = obj, True


class Configured(Plugin, Generic[Entry]):
    """A plugin over configuration objects."""

    operations: ClassVar[tuple[str, ...]] = ("CREATE", "UPDATE", "DELETE", "CONNECT")
    sources: ClassVar[tuple[str, ...]] = ()
    """The resources that its configuration is in."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self._entries: list[Entry] | None = None

    def forget(self) -> None:
        """The configuration has changed."""
        self._entries = None

    @property
    def entries(self) -> list[Entry]:
        """The configuration, compiled."""
        if self._entries is None:
            self._entries = self.compiled()
        return self._entries

    def rounds(self) -> Rounds[Entry]:
        """What is needed to ask about one request, perhaps twice."""
        return Rounds(self.entries)

    def round(self, attributes: Attributes, reader: Reader, rounds: Rounds[Entry]) -> Object | None:
        """The object as one round leaves it; raises StatusError to refuse."""
        return attributes.object

    def compiled(self) -> list[Entry]:
        """Compile what is configured now, in the order in which it is asked."""
        raise NotImplementedError

    def match_of(self, entry: Entry) -> Match:
        """What an entry is for."""
        raise NotImplementedError

    def concerns(self, resource: Resource, subresource: str, operation: str) -> bool:
        entries = self.entries
        if not entries or operation not in self.operations:
            return False
        around = self.surroundings
        return any(self.match_of(each).row(around, resource, subresource, operation) for each in entries)
