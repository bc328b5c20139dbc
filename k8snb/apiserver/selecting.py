"""Which objects a request selects: label and field selectors, turned into one function.

A selector that asks by `metadata.name` or by the bucket's trigger is recognised, so that a list reads one
object and a watch hears of one object instead of looking at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.kinds import Kind
from k8snb.errors import bad_request
from k8snb.machinery import fields as field_selectors
from k8snb.machinery import selectors
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object

Match = Callable[[Object], bool]


class Selection:
    """What a request selects. `matches` is None where everything is selected."""

    __slots__ = ("exact", "matches")

    def __init__(self, matches: Match | None, exact: Mapping[str, str]) -> None:
        self.matches = matches
        self.exact = exact
        """Field → value, for the fields that must equal a value."""

    @property
    def name(self) -> str:
        """The only name that can match; empty if there may be several."""
        return self.exact.get("metadata.name", "")


EVERYTHING = Selection(None, {})


def selection(kind: Kind, query: Mapping[str, str]) -> Selection:
    """The selection that `labelSelector` and `fieldSelector` of a query describe.

    Raises BadRequest, in the API's words, for a selector that cannot be parsed or asks for an unknown field.
    """
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    if not labels and not fields:
        return EVERYTHING
    try:
        label_match = selectors.parse(labels).matches if labels else None
        terms = field_selectors.parse(fields).terms if fields else ()
        for term in terms:
            if term.field not in kind.fields:
                raise ValueError(_unknown(kind, term.field))
    except ValueError as error:
        raise bad_request(str(error)) from None
    tests = [(kind.fields[term.field], term.value, term.negated) for term in terms]

    def matches(obj: Object) -> bool:
        if label_match is not None and not label_match(labels_of(obj)):
            return False
        return all((read(obj) != value) is negated for read, value, negated in tests)

    return Selection(matches, {term.field: term.value for term in terms if not term.negated})


def _unknown(kind: Kind, field: str) -> str:
    names = sorted(kind.fields, key=lambda name: (not name.startswith("metadata."), name))
    if len(kind.fields) == 2:
        listed = ", ".join(f'"{name}"' for name in names)
        return f'"{field}" is not a known field selector: only {listed}'
    return f"field label not supported: {field}"
