"""What every plugin has in common whose configuration clients write: it is compiled when it changes, and costs nothing
where there is none.

The server tells the plugin when the objects it follows change (`forget`); the chain then asks anew whom the plugin
concerns. Upstream: `apiserver/pkg/admission/plugin/policy/generic` and `webhook/generic`.
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from k8snb.apiserver.admission.matching import Match
from k8snb.apiserver.admission.plugin import Plugin
from k8snb.apiserver.admission.surroundings import Surroundings
from k8snb.typing import Resource

Entry = TypeVar("Entry")


class Configured(Plugin, Generic[Entry]):
    """A plugin over configuration objects."""

    operations: ClassVar[tuple[str, ...]] = ("CREATE", "UPDATE", "DELETE")
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
