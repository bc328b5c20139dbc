"""How much of a device that several can share may be asked for at once.

Upstream: `pkg/apis/resource/validation/validation.go` (`validateRequestPolicy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from k8snb.apiserver.registry.device_requests import each_of
from k8snb.errors import FieldError, field_forbidden, invalid_value, required
from k8snb.machinery.quantity import compare, parse, value
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MOST_VALUES = 10
_BOTH = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'


def validate_policy(most: str, policy: Object, path: str) -> Findings:
    """A request policy of a capacity of which there is so much."""
    values, span, default = policy.get("validValues") or (), policy.get("validRange"), policy.get("default")
    if values and span is not None:
        yield field_forbidden(path, _BOTH)
        return
    kind = "validValues" if values else "validRange" if span is not None else ""
    if not kind:
        return
    if default is None:
        yield required(f"{path}.default", f"required when {kind} is defined")
    elif span is not None:
        yield from _validate_range(default, most, span, f"{path}.{kind}")
    else:
        yield from _validate_values(default, most, values, f"{path}.{kind}")


def _validate_values(default: str, most: str, values: Sequence[str], path: str) -> Findings:
    for at, (before, after) in enumerate(pairwise(values), 1):
        if compare(before, after) > 0:
            yield invalid_value(f"{path}[{at}]", after, "values must be sorted in ascending order")

    def option(text: str, where: str) -> Findings:
        if compare(text, most) > 0:
            yield invalid_value(where, text, f"option is larger than capacity value: {most}")

    yield from each_of(values, _MOST_VALUES, path, option, lambda text: str(value(text)))
    if not any(compare(each, default) == 0 for each in values):
        yield invalid_value(path, default, "default value is not valid according to the requestPolicy")


def _validate_range(default: str, most: str, span: Object, path: str) -> Findings:
    least, upper, step = span.get("min"), span.get("max"), span.get("step")
    if least is None:
        yield required(f"{path}.min", "required when validRange is defined")
        return
    if compare(least, most) > 0:
        yield invalid_value(f"{path}.min", least, f"min is larger than capacity value: {most}")
    if compare(default, least) < 0:
        yield invalid_value(f"{path}.min", default, f"default is less than min: {least}")
    if upper is not None:
        if compare(least, upper) > 0:
            yield invalid_value(f"{path}.max", least, f"min is larger than max: {upper}")
        if compare(upper, most) > 0:
            yield invalid_value(f"{path}.max", upper, f"max is larger than capacity value: {most}")
        if compare(default, upper) > 0:
            yield invalid_value(f"{path}.max", default, f"default is more than max: {upper}")
    if step is not None:
        yield from _validate_step(least, most, step, [default, *([upper] if upper is not None else [])], path)


def _validate_step(least: str, most: str, step: str, values: Sequence[str], path: str) -> Findings:
    if parse(least).nano + parse(step).nano > parse(most).nano:
        yield invalid_value(f"{path}.step", step, f"one step {step} is larger than capacity value: {most}")
    for each in values:
        if value(step) and (value(each) - value(least)) % value(step):
            text = f"value is not a multiple of a given step ({step}) from ({least})"
            yield invalid_value(f"{path}.step", each, text)
