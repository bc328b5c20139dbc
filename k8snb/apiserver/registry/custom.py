"""Custom resources: the rules of a kind that somebody defined.

Everything comes from the version in the definition. A body is pruned and defaulted when it is read; validation is
that of metadata, then the schema, then duplicates in sets, then the rules in CEL, which are only asked when nothing
found before stands in their way. On an update what has not changed is let pass (ratcheting). Upstream:
`apiextensions-apiserver/pkg/registry/customresource`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, bad_request, internal, invalid_value
from k8snb.machinery.gotext import go_text, go_type
from k8snb.machinery.schema import decode_metadata
from k8snb.machinery.structural import Structural
from k8snb.machinery.structural.checking import NO_OLD, check, duplicates
from k8snb.machinery.structural.rules import Outcome, Rules, broken, compiled
from k8snb.machinery.structural.shaping import defaulted, pruned
from k8snb.typing import Object, Resource

Converter: TypeAlias = Callable[[Resource, Object], Object]
"""(the version wanted, an object of another version) → the object in the version wanted."""

_BLOCKING = frozenset({"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"})
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)
MAX_REPLICAS = 2**31 - 1
_SCALE_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class CustomStrategy(Strategy):
    """The rules of one version of a custom resource."""

    def __init__(self, resource: Resource) -> None:
        assert resource.definition is not None
        version = resource.definition
        self.resource = resource
        self.schema = Structural((version.get("schema") or {}).get("openAPIV3Schema") or {})
        self.has_status = "status" in resource.subresources
        scale = (version.get("subresources") or {}).get("scale")
        self._scale = CustomScale(resource, scale) if scale is not None else None
        self.scaling = self._scale
        self.decode = self._decoded
        self.deprecation = _deprecation(resource, version)
        self.fields = {path[1:]: _reader(path) for path in selectable(version)}
        self._judged: tuple[Object, Object | None, list[Outcome]] | None = None

    @cached_property
    def rules(self) -> Rules:
        """The compiled rules; not needed before something is written."""
        return compiled(self.schema)

    # -- reading and writing -----------------------------------------------------------------------

    def _decoded(self, value: Object, mode: str, found: Sequence[str]) -> tuple[Object, list[str]]:
        """A body with what nobody knows of taken out and told of, nulls dropped and defaults put in."""
        version, kind = self.resource.version, self.resource.kind
        subject = f'{kind} in version "{version}" cannot be handled as a {kind}'
        problems = list(found)
        unknown: list[str] = []
        metadata = decode_metadata(value.get("metadata") or {}, subject, problems)
        shaped = pruned({**value, "metadata": metadata}, self.schema, unknown)
        problems += [f'unknown field "{path}"' for path in unknown]
        if mode == "Strict" and problems:
            raise bad_request(f"{subject}: strict decoding error: {', '.join(problems)}")
        return defaulted(shaped, self.schema), problems if mode == "Warn" else []

    def reader(self, convert: Converter | None) -> Callable[[Object], Object]:
        """What brings a stored object to this version."""
        resource = self.resource
        wanted, schema = resource.api_version, self.schema

        def read(stored: Object) -> Object:
            if stored["apiVersion"] == wanted:
                return stored
            converted = convert(resource, stored) if convert is not None else {**stored, "apiVersion": wanted}
            filled: Object = defaulted(pruned(converted, schema, []), schema)
            return filled

        return read

    def default(self, obj: Object) -> Object:
        filled: Object = defaulted(obj, self.schema)
        return filled

    def prepare_create(self, obj: Object) -> Object:
        """Without the status that was sent; one that is the schema's default is there when the object is read."""
        return self.default(super().prepare_create(obj)) if self.has_status else obj

    def prepare_update(self, new: Object, old: Object) -> Object:
        return super().prepare_update(new, old) if self.has_status else new

    def content(self, obj: Object) -> Object:
        left_out = ("metadata", "status") if self.has_status else ("metadata",)
        return {key: value for key, value in obj.items() if key not in left_out}

    def prepare_status(self, new: Object, old: Object) -> Object:
        rest = {key: value for key, value in old.items() if key != "status"}
        meta, managed = old["metadata"], new["metadata"].get("managedFields")
        if managed is not None:
            rest["metadata"] = {**meta, "managedFields": managed}
        return {**rest, "status": new["status"]} if "status" in new else rest

    # -- validation --------------------------------------------------------------------------------

    def validate_create(self, obj: Object) -> list[FieldError]:
        return self._findings(obj, None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return self._findings(new, old)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return self._findings(new, old)

    def _findings(self, new: Object, old: Object | None) -> list[FieldError]:
        before: Any = NO_OLD if old is None else old
        found = check(new, self.schema, before)
        if self._scale is not None:
            found += self._scale.findings(new)
        found += duplicates(new, self.schema, "", before)
        if self.rules.empty:
            return found
        if any(each.reason in _BLOCKING for each in found):
            return [*found, invalid_value("<nil>", None, _UNCHECKED)]
        outcomes = broken(self.rules, new, before)
        self._judged = (new, old, outcomes)
        return [*found, *(each.error for each in outcomes if not each.excused)]

    def update_warnings(self, new: Object, old: Object) -> list[str]:
        """What rules say of parts that have not changed: they are let pass, with a warning."""
        if self._judged is None or self._judged[0] is not new:
            return []
        return [str(each.error) for each in self._judged[2] if each.excused]


def _deprecation(resource: Resource, version: Object) -> str:
    if not version.get("deprecated"):
        return ""
    return str(version.get("deprecationWarning") or f"{resource.api_version} {resource.kind} is deprecated")


def selectable(version: Object) -> list[str]:
    """The paths of the fields by which objects can be selected."""
    return [each["jsonPath"] for each in version.get("selectableFields") or () if each.get("jsonPath")]


def _reader(path: str) -> Field:
    steps = path.lstrip(".").split(".")

    def read(obj: Object) -> str:
        value = dig(obj, steps)
        if value is None:
            return ""
        return ("true" if value else "false") if isinstance(value, bool) else str(value)

    return read


def dig(obj: Any, steps: Sequence[str]) -> Any:
    """The value at a path of keys; None where something on the way is missing."""
    for step in steps:
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    return obj


# -- scale ---------------------------------------------------------------------------------------------


class CustomScale:
    """The subresource `scale`: replicas at the paths that the definition names."""

    def __init__(self, resource: Resource, scale: Object) -> None:
        self._resource = resource
        self._wanted = str(scale.get("specReplicasPath", ""))
        self._actual = str(scale.get("statusReplicasPath", ""))
        self._selector = str(scale.get("labelSelectorPath") or "")

    def show(self, obj: Object) -> Object:
        """The Scale of an object."""
        wanted = dig(obj, _steps(self._wanted))
        if wanted is None:
            raise internal(f'the spec replicas field "{self._wanted}" does not exist')
        status = {"replicas": dig(obj, _steps(self._actual)) or 0}
        selector = dig(obj, _steps(self._selector)) if self._selector else None
        if selector:
            status["selector"] = selector
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {key: obj["metadata"][key] for key in _SCALE_META if key in obj["metadata"]},
            "spec": {"replicas": wanted} if wanted else {},
            "status": status,
        }

    def scaled(self, obj: Object, replicas: int) -> Object:
        """The object with another number of replicas."""
        return _put(obj, _steps(self._wanted), replicas)

    def findings(self, obj: Object) -> list[FieldError]:
        """What is wrong with the values at the paths."""
        found: list[FieldError] = []
        for path in (self._wanted, self._actual):
            found += _replicas(obj, path)
        if self._selector:
            value = dig(obj, _steps(self._selector))
            if value is not None and not isinstance(value, str):
                found.append(invalid_value(self._selector, "", _accessor(self._selector, value, "string")))
        return found


def _steps(path: str) -> list[str]:
    return path.lstrip(".").split(".")


def _replicas(obj: Object, path: str) -> list[FieldError]:
    value = dig(obj, _steps(path))
    if value is None:
        return []
    if type(value) is not int:
        return [invalid_value(path, 0, _accessor(path, value, "int64"))]
    if value < 0:
        return [invalid_value(path, value, "should be a non-negative integer")]
    if value > MAX_REPLICAS:
        return [invalid_value(path, value, f"should be less than or equal to {MAX_REPLICAS}")]
    return []


def _accessor(path: str, value: Any, wanted: str) -> str:
    return f"{path} accessor error: {go_text(value)} is of the type {go_type(value)}, expected {wanted}"


def _put(obj: Object, steps: Sequence[str], value: Any) -> Object:
    head, *rest = steps
    if not rest:
        return {**obj, head: value}
    below = obj.get(head)
    return {**obj, head: _put(below if isinstance(below, Mapping) else {}, rest, value)}
