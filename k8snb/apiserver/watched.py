"""A kind whose strategy tells a witness what it is asked: so decoding, defaulting and validation become steps.

The writer asks the strategy at the points where kinds differ, and these are the points that are worth seeing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.apiserver.witness import HANDLER, STORE, Witness
from k8snb.errors import FieldError
from k8snb.i18n import _
from k8snb.typing import Object


def watched(kind: Kind, witness: Witness, sent: Object | None) -> Kind:
    """The same kind, with a witness; `sent` is the object that the request carries, or changes."""
    seen = copy.copy(kind)
    seen.strategy = cast(Strategy, _Watched(kind.strategy, witness, sent))
    return seen


class _Watched:
    """Stands for a strategy, and tells what it is asked."""

    def __init__(self, strategy: Strategy, witness: Witness, sent: Object | None) -> None:
        self._strategy = strategy
        self._witness = witness
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    @property
    def parts(self) -> Mapping[str, Any]:
        """The strategies of subresources, with the same witness."""
        return {name: _Watched(part, self._witness, self._sent) for name, part in self._strategy.parts.items()}

    def _note(self, name: str, before: Object, after: Object, *, always: bool = False) -> Object:
        if always or after != before:
            self._witness.step(name, HANDLER, before=before, after=after)
        return after

    def default(self, obj: Object) -> Object:
        """The object with its defaults; whoever asks first has just read it."""
        first = not self._witness.has("decoding")
        if first:
            self._witness.step("decoding", HANDLER, before=self._sent, after=obj, seen=_what(obj))
        return self._note("defaulting", obj, self._strategy.default(obj), always=first)

    def prepare_create(self, obj: Object) -> Object:
        """What the server sets or drops."""
        return self._note("preparation", obj, self._strategy.prepare_create(obj))

    def prepare_update(self, new: Object, old: Object) -> Object:
        """The same of an update."""
        return self._note("preparation", new, self._strategy.prepare_update(new, old))

    def prepare_status(self, new: Object, old: Object) -> Object:
        """The same of a status."""
        if not self._witness.has("decoding"):
            self._witness.step("decoding", HANDLER, before=old, after=new, seen=_what(new))
        return self._note("preparation", new, self._strategy.prepare_status(new, old))

    def validate_create(self, obj: Object) -> list[FieldError]:
        """What is wrong with a new object."""
        return self._judged(self._strategy.validate_create(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with a change; the object has been looked at just before."""
        return self._judged(self._strategy.validate_update(new, old))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with a status."""
        return self._judged(self._strategy.validate_status(new, old))

    def _judged(self, errors: list[FieldError]) -> list[FieldError]:
        if not errors:
            self._witness.step("validation", HANDLER, _("every field is as the rules of the kind want it"))
        return errors

    def allocate(self, new: Object, old: Object | None) -> Object:
        """What is taken out of a pool."""
        made = self._strategy.allocate(new, old)
        if made != new:
            self._witness.step("allocation", STORE, before=new, after=made)
        return made


def _what(obj: Object) -> list[tuple[str, str]]:
    """What kind of object it is."""
    return [(_("kind"), str(obj.get("kind", ""))), (_("version"), str(obj.get("apiVersion", "")))]
