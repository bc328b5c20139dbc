"""Environment variables of a container, and the references by which values come from elsewhere.

The downward API (a field of the pod, a resource of a container) is used by environment variables and by
volumes alike, each with its own list of fields. Upstream: `ValidateEnv` and what it calls in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.file_paths import descending
from k8snb.errors import FieldError, invalid_value, not_supported, required
from k8snb.machinery import formats, quantity
from k8snb.typing import Object

Findings = Iterator[FieldError]

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
"""The fields of a pod that an environment variable can show, besides single labels and annotations."""
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
"""The fields of a pod that a file can show, besides single labels and annotations."""

_CONVERTIBLE = {
    *ENV_FIELDS,
    *VOLUME_FIELDS,
    "spec.host",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
}
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_SUBSCRIPT = re.compile(r"(?P<path>.+?)\['(?P<key>.*)'\]", re.DOTALL)
_AMOUNTS = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
_SOURCES = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
_TWO_SOURCES = "may not have more than one field specified at a time"


def validate_env(variables: Sequence[Object], path: str) -> Findings:
    """The `env` of a container."""
    for index, variable in enumerate(variables):
        at = f"{path}[{index}]"
        name = variable.get("name") or ""
        yield from each(f"{at}.name", name, formats.env_name(name)) if name else [required(f"{at}.name")]
        source = variable.get("valueFrom")
        if source is not None:
            yield from _validate_source(source, variable.get("value") or "", f"{at}.valueFrom")


def _validate_source(source: Object, value: str, path: str) -> Findings:
    given = [name for name in _SOURCE_RULES if source.get(name) is not None]
    for name in given:
        yield from _SOURCE_RULES[name](source[name], f"{path}.{name}")
    if not given:
        yield invalid_value(path, "", _SOURCES)
    elif value:
        yield invalid_value(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield invalid_value(path, "", _TWO_SOURCES)


def validate_field(reference: Object, path: str, fields: Sequence[str]) -> Findings:
    """An `ObjectFieldSelector`: a field of the pod, out of `fields`, or one label or annotation."""
    name = reference.get("fieldPath") or ""
    if not reference.get("apiVersion"):
        yield required(f"{path}.apiVersion")
    elif not name:
        yield required(f"{path}.fieldPath")
    elif match := _SUBSCRIPT.fullmatch(name):
        yield from _validate_subscript(match["path"], match["key"], path)
    elif name not in _CONVERTIBLE:
        yield invalid_value(f"{path}.fieldPath", name, f"error converting fieldPath: field label not supported: {name}")
    elif name not in fields:
        yield not_supported(f"{path}.fieldPath", name, fields)


def _validate_subscript(field: str, key: str, path: str) -> Findings:
    if field == "metadata.annotations":
        yield from each(path, key.lower(), formats.qualified_name(key.lower()))
    elif field == "metadata.labels":
        yield from each(path, key, formats.qualified_name(key))
    else:
        whole = f"{field}['{key}']"
        detail = f"error converting fieldPath: field label does not support subscript: {whole}"
        yield invalid_value(f"{path}.fieldPath", whole, detail)


def validate_resource_field(reference: Object, path: str, *, needs_container: bool = False) -> Findings:
    """A `ResourceFieldSelector`: a request or limit of a container."""
    resource = reference.get("resource") or ""
    if needs_container and not reference.get("containerName"):
        yield required(f"{path}.containerName")
    elif not resource:
        yield required(f"{path}.resource")
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        yield not_supported(f"{path}.resource", resource, _RESOURCES)
    yield from _validate_divisor(resource, str(reference.get("divisor") or "0"), path)


def _validate_divisor(resource: str, divisor: str, path: str) -> Findings:
    if quantity.parse(divisor).nano == 0:
        return
    at = f"{path}.divisor"
    what = resource.partition(".")[2]
    shown = {"ephemeral-storage": "local ephemeral storage"}.get(what, what)
    if what.startswith("hugepages-"):
        shown = "hugepages"
    if what == "cpu" and divisor not in ("1m", "1"):
        yield invalid_value(at, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
    elif what != "cpu" and what and divisor not in _AMOUNTS.split(", "):
        yield invalid_value(at, resource, f"only divisor's values {_AMOUNTS} are supported with the {shown} resource")


def validate_key(reference: Object, path: str) -> Findings:
    """A key of a ConfigMap or a Secret."""
    name, key = reference.get("name") or "", reference.get("key") or ""
    yield from each(f"{path}.name", name, formats.dns_subdomain(name))
    yield from each(f"{path}.key", key, formats.config_map_key(key)) if key else [required(f"{path}.key")]


def _validate_file_key(reference: Object, path: str) -> Findings:
    volume, file, key = (reference.get(name) or "" for name in ("volumeName", "path", "key"))
    if not volume:
        yield required(f"{path}.volumeName")
    else:
        yield from each(f"{path}.volumeName", volume, formats.dns_label(volume))
    if not file:
        yield required(f"{path}.path")
    else:
        yield from descending(file, f"{path}.path")
    yield from each(f"{path}.key", key, formats.env_name(key)) if key else [required(f"{path}.key")]


_SOURCE_RULES: Mapping[str, Callable[[Object, str], Findings]] = {
    "fieldRef": lambda reference, path: validate_field(reference, path, ENV_FIELDS),
    "resourceFieldRef": validate_resource_field,
    "configMapKeyRef": validate_key,
    "secretKeyRef": validate_key,
    "fileKeyRef": _validate_file_key,
}


def validate_env_from(sources: Sequence[Object], path: str) -> Findings:
    """The `envFrom` of a container: whole ConfigMaps and Secrets."""
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        prefix = source.get("prefix") or ""
        if prefix:
            yield from each(f"{at}.prefix", prefix, formats.env_name(prefix))
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in given:
            yield from _validate_named(source[name], f"{at}.{name}")
        if not given:
            yield invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield invalid_value(path, "", _TWO_SOURCES)


def _validate_named(reference: Object, path: str) -> Findings:
    name = reference.get("name") or ""
    at = f"{path}.name"
    yield from each(at, name, formats.dns_subdomain(name)) if name else [required(at)]
