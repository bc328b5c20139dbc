"""What most plugins do for most commands: nothing."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.cni.protocol import Call, Document


class Plain:
    """A plugin that passes on what came before it."""

    name = ""

    def add(self, call: Call) -> Document:
        """Nothing; the result so far."""
        return call.previous or {}

    def delete(self, call: Call) -> None:
        """Nothing to undo."""

    def check(self, call: Call) -> None:
        """Nothing to look at."""

    def status(self, call: Call) -> None:
        """Always ready."""

    def collect(self, call: Call, kept: Sequence[tuple[str, str]]) -> None:
        """Nothing to give back."""
