"""APIServices: group versions of the API, and who serves them.

Upstream: `kube-aggregator/pkg/apis/apiregistration/validation/validation.go` and `v1/defaults.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.registry.filling import filled, within
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

SERVICE_PORT = 443
MOST_GROUP_PRIORITY, MOST_VERSION_PRIORITY = 20000, 1000
_STATUSES = ("True", "False", "Unknown")
_NO_SPEC: Mapping[str, Any] = {}


class APIServiceStrategy(Strategy):
    """The rules of APIServices."""

    name_rule = "path-segment"

    def default(self, obj: Object) -> Object:
        return within(obj, "spec", lambda spec: within(spec, "service", lambda s: filled(s, {"port": SERVICE_PORT})))

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate(obj["metadata"].get("name", ""), obj.get("spec") or _NO_SPEC))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        found = []
        for index, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
            if condition.get("status") not in _STATUSES:
                path = f"status.conditions[{index}].status"
                found.append(not_supported(path, condition.get("status", ""), _STATUSES))
        return found


def _validate(name: str, spec: Object) -> Iterator[FieldError]:
    group, version = spec.get("group") or "", spec.get("version") or ""
    wanted = f"{version}.{group}"
    if name != wanted and not formats.path_segment(name):
        yield invalid_value("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"')
    if not group and version != "v1":
        yield required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    for message in formats.dns_subdomain(group) if group else ():
        yield invalid_value("spec.group", group, message)
    for message in formats.dns1035_label(version):
        yield invalid_value("spec.version", version, message)
    priorities = (("groupPriorityMinimum", MOST_GROUP_PRIORITY), ("versionPriority", MOST_VERSION_PRIORITY))
    for field, most in priorities:
        priority = spec.get(field) or 0
        if not 0 < priority <= most:
            yield invalid_value(f"spec.{field}", priority, f"must be positive and less than {most}")
    yield from _validate_server(spec)


def _validate_server(spec: Object) -> Iterator[FieldError]:
    """Who serves the group version, and how it is known."""
    service, bundle, insecure = spec.get("service"), spec.get("caBundle"), bool(spec.get("insecureSkipTLSVerify"))
    if service is None:
        if bundle:
            yield invalid_value("spec.caBundle", f"{_size(bundle)} bytes", "local APIServices may not have a caBundle")
        if insecure:
            why = "local APIServices may not have insecureSkipTLSVerify"
            yield invalid_value("spec.insecureSkipTLSVerify", insecure, why)
        return
    for field in ("namespace", "name"):
        if not service.get(field):
            yield required(f"spec.service.{field}")
    if insecure and bundle:
        yield invalid_value("spec.insecureSkipTLSVerify", insecure, "may not be true if caBundle is present")


def _size(bundle: str) -> int:
    try:
        return len(base64.b64decode(bundle))
    except (binascii.Error, ValueError):
        return len(bundle)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "apiservices.apiregistration.k8s.io": lambda _: APIServiceStrategy(),
}
