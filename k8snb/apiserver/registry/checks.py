"""Small checks that the validation of many kinds is made of.

Each takes the path of a field and its value and answers with what is wrong, so that a kind's `validate`
reads as a list of its rules. Upstream: the helpers of `pkg/apis/core/validation/validation.go` and
`apimachinery/pkg/api/validation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats, quantity, validation
from k8snb.machinery.resourcenames import is_extended, is_native
from k8snb.typing import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")

_STANDARD_RESOURCES = frozenset(
    {
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
        "storage",
        "requests.storage",
    }
)
_INTEGER_RESOURCES = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_CONTAINER_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})


def each(path: str, value: Any, messages: Iterable[str]) -> list[FieldError]:
    """One finding for every message about the value."""
    return [invalid_value(path, value, message) for message in messages]


def dns_label(path: str, value: str) -> list[FieldError]:
    """A DNS label in lower case (RFC 1123)."""
    return each(path, value, formats.dns_label(value))


def dns_subdomain(path: str, value: str) -> list[FieldError]:
    """A DNS subdomain in lower case (RFC 1123)."""
    return each(path, value, formats.dns_subdomain(value))


def qualified_name(path: str, value: str) -> list[FieldError]:
    """`name` or `prefix/name`, as label keys are."""
    return each(path, value, formats.qualified_name(value))


def one_of(path: str, value: str, supported: Sequence[str]) -> list[FieldError]:
    """A required word out of a set; `supported` is in the order the message lists it."""
    if not value:
        return [required(path)]
    return supported_if_set(path, value, supported)


def supported_if_set(path: str, value: str | None, supported: Sequence[str]) -> list[FieldError]:
    """A word out of a set, or nothing."""
    return [] if value is None or value in supported else [not_supported(path, value, supported)]


def port_number(path: str, value: int) -> list[FieldError]:
    """A port from 1 to 65535."""
    return each(path, value, formats.port_number(value))


def port_number_or_name(path: str, value: int | str) -> list[FieldError]:
    """A port from 1 to 65535 or the name of one."""
    if isinstance(value, int):
        return port_number(path, value)
    return each(path, value, formats.port_name(value))


def immutable(path: str, new: Any, old: Any) -> list[FieldError]:
    """The value may not change."""
    return [] if new == old else [invalid_value(path, new, validation.IMMUTABLE)]


def non_negative(path: str, value: int) -> list[FieldError]:
    """Zero or more."""
    return [] if value >= 0 else [invalid_value(path, value, validation.NOT_NEGATIVE)]


def positive_quantity(path: str, value: str) -> list[FieldError]:
    """A quantity above zero."""
    return [] if quantity.parse(value).nano > 0 else [invalid_value(path, value, "must be greater than zero")]


def resource_quantity(path: str, name: str, value: str) -> list[FieldError]:
    """A quantity that is not negative, and whole where the resource is counted in pieces."""
    nano = quantity.parse(value).nano
    errors = [] if nano >= 0 else [invalid_value(path, value, validation.NOT_NEGATIVE)]
    if is_integer_resource(name) and nano % quantity.NANO:
        errors.append(invalid_value(path, value, "must be an integer"))
    return errors


def resource_name(path: str, name: str) -> list[FieldError]:
    """A standard resource or a fully qualified one."""
    errors = qualified_name(path, name)
    if errors or "/" in name or is_standard_resource(name):
        return errors
    return [invalid_value(path, name, "must be a standard resource type or fully qualified")]


def container_resource_name(path: str, name: str) -> list[FieldError]:
    """A resource that a container may ask for."""
    errors = resource_name(path, name)
    if "/" not in name:
        if not (name in _CONTAINER_RESOURCES or is_huge_pages(name)):
            errors.append(invalid_value(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(invalid_value(path, name, "doesn't follow extended resource name standard"))
    return errors


def is_huge_pages(name: str) -> bool:
    """Huge pages of some size: `hugepages-2Mi`."""
    return name.startswith("hugepages-")


def is_standard_resource(name: str) -> bool:
    """A resource that Kubernetes itself names."""
    return name in _STANDARD_RESOURCES or is_huge_pages(name) or name.startswith("requests.hugepages-")


def is_integer_resource(name: str) -> bool:
    """Counted in whole pieces."""
    return name in _INTEGER_RESOURCES or is_extended(name)


def is_overcommit_allowed(name: str) -> bool:
    """Whether more may be promised than there is."""
    return is_native(name) and not is_huge_pages(name)


def access_modes(path: str, modes: Sequence[str]) -> list[FieldError]:
    """Known modes, and ReadWriteOncePod only by itself."""
    errors = [not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and any(m in ACCESS_MODES and m != "ReadWriteOncePod" for m in modes):
        errors.append(field_forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def get(obj: Object, *path: str) -> Any:
    """The value several fields deep; None where the path ends early."""
    value: Any = obj
    for name in path:
        if not value:
            return None
        value = value.get(name)
    return value


def text(*path: str) -> Callable[[Object], str]:
    """A field selector's view of a field: its text, empty where it is absent."""
    if len(path) == 1:
        return lambda obj: obj.get(path[0]) or ""
    return lambda obj: str(get(obj, *path) or "")
