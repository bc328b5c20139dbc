"""Optional values: what may be missing, without an error.

Upstream: `cel-go/cel/library.go`, optional types version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.values import NOTHING, Duration, EvaluationError, Optional, Timestamp


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise EvaluationError("optional.none() dereference")
    return optional.value


def _of_non_zero(value: Any) -> Optional:
    if isinstance(value, (Duration, Timestamp)):
        zero = isinstance(value, Duration) and value.nanos == 0
    else:
        zero = value is None or (isinstance(value, (Mapping, list, str, bytes, int, float)) and not value)
    return NOTHING if zero else Optional(value, True)


OPTIONALS: Library = {
    "optional.of(V) -> optional_type(V)": lambda a: Optional(a, True),
    "optional.ofNonZeroValue(V) -> optional_type(V)": _of_non_zero,
    "optional.none() -> optional_type(V)": lambda: NOTHING,
    "optional_type(V)::hasValue() -> bool": lambda a: a.present,
    "optional_type(V)::value() -> V": _value,
    "optional_type(V)::or(optional_type(V)) -> optional_type(V)": lambda a, b: a if a.present else b,
    "optional_type(V)::orValue(V) -> V": lambda a, b: a.value if a.present else b,
}
