"""The admission chain: what may still change or refuse a write after authorization and before validation.

Plugins run in the order of the table: first all that may change the object, then all that may only refuse.
The server (`apiserver/server.py`) makes the chain with two reading functions and calls `admit`, then `validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.typing import Object, Resource
from k8snb.wire import User

ReadOne = Callable[[str, str, str], Object | None]
"""(resource word, namespace, name) → the object, None if there is none."""
ReadAll = Callable[[str, str], list[Object]]
"""(resource word, namespace) → the objects in key order."""


class Attributes(NamedTuple):
    """What is being admitted. `object` is None on a deletion, `old` is None on a creation."""

    operation: str
    resource: Resource
    namespace: str
    name: str
    subresource: str
    object: Object | None
    old: Object | None
    user: User
    dry_run: bool


class Chain:
    """All plugins, in order."""

    def __init__(self, read_one: ReadOne, read_all: ReadAll) -> None:
        self.read_one = read_one
        self.read_all = read_all

    def admit(self, attributes: Attributes) -> Object:
        """The object as the mutating plugins leave it; raises StatusError where one refuses."""
        assert attributes.object is not None
        return attributes.object

    def validate(self, attributes: Attributes) -> None:
        """Raise StatusError where a validating plugin refuses."""
