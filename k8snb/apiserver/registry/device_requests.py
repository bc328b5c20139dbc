"""What a claim asks for: requests, constraints between them, and what the drivers are told.

Upstream: `pkg/apis/resource/v1/defaults.go`, `pkg/apis/resource/validation/validation.go` (`validateDeviceClaim`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry.filling import filled, filled_numbers, within, within_each
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
)
from k8snb.machinery import formats
from k8snb.machinery.cel import CompileError
from k8snb.machinery.devices import selectors
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.validation import validate_label_name
from k8snb.typing import Object

Findings = Iterator[FieldError]
Names = Mapping[str, frozenset[str]]
"""The names of a claim's requests, each with those of its alternatives."""

MOST_REQUESTS, MOST_ALTERNATIVES, MOST_SELECTORS = 32, 8, 32
_MOST_CONSTRAINTS, _MOST_CONFIGS = 32, 32
_LONGEST_DRIVER, _LONGEST_IDENTIFIER, _LONGEST_PARAMETERS = 63, 32, 10 * 1024
_MODES = ("All", "ExactCount")
_EXACT, _ALTERNATIVES = "exactly", "firstAvailable"
_REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
EFFECTS = ("NoExecute", "NoSchedule", "None")


# -- defaults ------------------------------------------------------------------------------------------


def default_claim(spec: Object) -> Object:
    """The spec of a claim with its defaults."""
    return within(spec, "devices", lambda devices: within_each(devices, "requests", _default_request))


def _default_request(request: Object) -> Object:
    return within_each(within(request, _EXACT, _default_wanted), _ALTERNATIVES, _default_wanted)


def _default_wanted(wanted: Object) -> Object:
    wanted = filled(wanted, {"allocationMode": "ExactCount"})
    wanted = within_each(wanted, "tolerations", lambda each: filled(each, {"operator": "Equal"}))
    return filled_numbers(wanted, {"count": 1}) if wanted["allocationMode"] == "ExactCount" else wanted


# -- lists ---------------------------------------------------------------------------------------------


def each_of(
    items: Sequence[Any] | None, most: int, path: str, check: Callable[[Any, str], Findings], key: Any = None
) -> Findings:
    """Check a list that may not be too long; with `key` nothing may occur twice in it."""
    items = items or ()
    if len(items) > most >= 0:
        yield too_many(path, len(items), most)
        return
    for at, item in enumerate(items):
        yield from check(item, f"{path}[{at}]")
    seen: set[Any] = set()
    for at, item in enumerate(items) if key is not None else ():
        value = key(item)
        if value in seen:
            yield duplicate(f"{path}[{at}]", value)
        seen.add(value)


def named(item: Object) -> str:
    return item.get("name") or ""


def _itself(item: str) -> str:
    return item


# -- claims --------------------------------------------------------------------------------------------


def validate_claim(spec: Object, path: str) -> Findings:
    """The spec of a claim, or of a template's claims."""
    devices = spec.get("devices") or {}
    names = request_names(devices)
    path = f"{path}.devices"
    yield from each_of(devices.get("requests"), MOST_REQUESTS, f"{path}.requests", _validate_request, named)

    def constraint(item: Object, where: str) -> Findings:
        yield from validate_references(item.get("requests"), f"{where}.requests", names)
        yield from _validate_constraint(item, where)

    def config(item: Object, where: str) -> Findings:
        yield from validate_references(item.get("requests"), f"{where}.requests", names)
        yield from validate_config(item, where)

    yield from each_of(devices.get("constraints"), _MOST_CONSTRAINTS, f"{path}.constraints", constraint)
    yield from each_of(devices.get("config"), _MOST_CONFIGS, f"{path}.config", config)


def request_names(devices: Object) -> Names:
    """The names of the requests of a claim."""
    return {
        named(request): frozenset(named(each) for each in request.get(_ALTERNATIVES) or ())
        for request in devices.get("requests") or ()
    }


def _validate_request(request: Object, path: str) -> Findings:
    yield from validate_label(named(request), f"{path}.name")
    exact, several = request.get(_EXACT), request.get(_ALTERNATIVES) or ()
    if exact is None and not several:
        yield required(path, f"exactly one of `{_EXACT}` or `{_ALTERNATIVES}` is required")
    elif exact is not None and several:
        text = f"exactly one of `{_EXACT}` or `{_ALTERNATIVES}` is required, but multiple fields are set"
        yield invalid_value(path, None, text)
    elif exact is not None:
        yield from _validate_wanted(exact, f"{path}.{_EXACT}")
    else:
        yield from each_of(several, MOST_ALTERNATIVES, f"{path}.{_ALTERNATIVES}", _validate_alternative, named)


def _validate_alternative(wanted: Object, path: str) -> Findings:
    yield from validate_label(named(wanted), f"{path}.name")
    yield from _validate_wanted(wanted, path)


def validate_label(name: str, path: str) -> Findings:
    """A name that has to be a label of DNS."""
    if not name:
        yield required(path)
        return
    for message in formats.dns_label(name):
        yield invalid_value(path, name, message)


def _validate_wanted(wanted: Object, path: str) -> Findings:
    name, mode, count = wanted.get("deviceClassName") or "", wanted.get("allocationMode"), wanted.get("count") or 0
    if not name:
        yield required(f"{path}.deviceClassName")
    else:
        for message in formats.dns_subdomain(name):
            yield invalid_value(f"{path}.deviceClassName", name, message)
    yield from validate_selectors(wanted.get("selectors"), f"{path}.selectors")
    if mode == "All" and count:
        text = "must not be specified when allocationMode is 'All'"
        yield invalid_value(f"{path}.count", count, text)
    elif mode == "ExactCount" and count <= 0:
        yield invalid_value(f"{path}.count", count, "must be greater than zero")
    elif mode not in _MODES:
        yield not_supported(f"{path}.allocationMode", mode, _MODES)
    for at, toleration in enumerate(wanted.get("tolerations") or ()):
        yield from _validate_toleration(toleration, f"{path}.tolerations[{at}]")


def _validate_toleration(toleration: Object, path: str) -> Findings:
    key, value, operator = (toleration.get(name) or "" for name in ("key", "value", "operator"))
    if key:
        yield from validate_label_name(key, f"{path}.key")
    if operator == "Exists":
        if value:
            yield invalid_value(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        for message in formats.label_value(value):
            yield invalid_value(f"{path}.value", value, message)
    elif not operator:
        yield required(f"{path}.operator")
    else:
        yield not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    if toleration.get("effect") and toleration["effect"] not in EFFECTS:
        yield not_supported(f"{path}.effect", toleration["effect"], EFFECTS)


# -- selectors, constraints, configuration -------------------------------------------------------------


def validate_selectors(given: Sequence[Object] | None, path: str) -> Findings:
    """What selects devices, of a request or a class."""
    yield from each_of(given, MOST_SELECTORS, path, _validate_selector)


def _validate_selector(selector: Object, path: str) -> Findings:
    if selector.get("cel") is None:
        yield required(f"{path}.cel")
        return
    expression, path = selector["cel"].get("expression") or "", f"{path}.cel.expression"
    if len(expression) > selectors.LONGEST:
        yield too_long(path, "", selectors.LONGEST)
        return
    try:
        compiled = selectors.program(expression)
    except CompileError as error:
        yield invalid_value(path, expression, f"compilation failed: {error}")
        return
    if compiled.type.kind not in ("bool", "dyn"):
        yield invalid_value(path, expression, f"must evaluate to bool or the unknown type, not {compiled.type}")
    elif selectors.highest_cost(compiled) > selectors.MOST_COST:
        yield field_forbidden(path, "too complex, exceeds cost limit")


def validate_references(names: Sequence[str] | None, path: str, known: Names) -> Findings:
    """Names of a claim's requests, or `request/alternative`."""

    def reference(name: str, where: str) -> Findings:
        yield from validate_reference(name, where, known)

    yield from each_of(names, MOST_REQUESTS, path, reference, _itself)


def validate_reference(name: str, path: str, known: Names) -> Findings:
    """One such name."""
    segments = name.split("/")
    if len(segments) > 2:
        yield invalid_value(path, name, _REFERENCE)
        return
    for segment in segments:
        yield from validate_label(segment, path)
    if segments[0] not in known or (len(segments) > 1 and segments[1] not in known[segments[0]]):
        yield invalid_value(path, name, _REFERENCE)


def _validate_constraint(constraint: Object, path: str) -> Findings:
    for field in ("matchAttribute", "distinctAttribute"):
        name = constraint.get(field)
        if name is None:
            continue
        yield from validate_qualified(name, f"{path}.{field}")
        if "/" not in name:
            text = "a fully qualified name must be a domain and a name separated by a slash"
            yield invalid_value(f"{path}.{field}", name, text)
        return
    text = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    yield required(path, text)


def validate_config(config: Object, path: str) -> Findings:
    """What a driver is told."""
    opaque = config.get("opaque")
    if opaque is None:
        yield required(f"{path}.opaque")
        return
    yield from validate_driver(opaque.get("driver") or "", f"{path}.opaque.driver")
    given, path = opaque.get("parameters"), f"{path}.opaque.parameters"
    if given is None:
        yield required(path)
    elif len(json_text(given)) > _LONGEST_PARAMETERS:
        yield too_long(path, "", _LONGEST_PARAMETERS)
    elif not isinstance(given, Mapping):
        yield invalid_value(path, "<value omitted>", "must be a valid JSON object")


# -- names ---------------------------------------------------------------------------------------------


def validate_driver(driver: str, path: str) -> Findings:
    """The name of a driver."""
    if not driver:
        yield required(path)
    elif len(driver) > _LONGEST_DRIVER:
        yield too_long(path, driver, _LONGEST_DRIVER)
    for message in formats.dns_subdomain(driver) if driver else ():
        yield invalid_value(path, driver, message)


def validate_qualified(name: str, path: str) -> Findings:
    """An identifier of C, with or without a domain."""
    parts = name.split("/")
    if len(parts) == 1:
        yield from _validate_identifier(parts[0], path)
    elif len(parts) == 2:
        if not parts[0]:
            yield invalid_value(path, "", "the domain must not be empty")
        else:
            yield from validate_driver(parts[0], path)
        if not parts[1]:
            yield invalid_value(path, "", "the name must not be empty")
        else:
            yield from _validate_identifier(parts[1], path)


def _validate_identifier(name: str, path: str) -> Findings:
    if len(name) > _LONGEST_IDENTIFIER:
        yield too_long(path, "", _LONGEST_IDENTIFIER)
    for message in formats.c_identifier(name):
        yield invalid_value(path, name, message)
