"""What parts of a cluster do when a reader does something to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Doing(ABC):
    """Something that changes from outside, and what is noted of that."""

    @abstractmethod
    def _do(self, name: str, *arguments: Any) -> Any:
        """Call a method as something that comes from outside, so that it happens again when the past is replayed."""

    @abstractmethod
    def _touch(self, bucket: str, place: str, name: str) -> None:
        """Note that something has changed that is no object (see `inventory`)."""
