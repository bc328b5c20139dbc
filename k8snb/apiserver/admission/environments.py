"""What expressions of admission see: the objects, the request, the namespace, parameters, variables and the authorizer.

`object` is of no declared type, because a policy is for many kinds; the request and the namespace have their fields.
Upstream: `apiserver/pkg/admission/plugin/cel/compile.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from k8snb.machinery.cel import CompileError, Environment, EvaluationError, Program, Struct, Type
from k8snb.machinery.cel.meter import Budget, OutOfBudget
from k8snb.machinery.cel.types import BOOL, DYN, STRING, list_of, map_of, opaque
from k8snb.typing import Object

_AUTHORIZER = opaque("kubernetes.authorization.Authorizer")
_RESOURCE_CHECK = opaque("kubernetes.authorization.ResourceCheck")


def _struct(name: str, /, **fields: Type) -> Struct:
    return Struct(f"kubernetes.{name}", fields)


_KIND = _struct("GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_RESOURCE = _struct("GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER = _struct("UserInfo", username=STRING, uid=STRING, groups=list_of(STRING), extra=map_of(STRING, list_of(STRING)))
_REQUEST = _struct(
    "AdmissionRequest",
    kind=_KIND.type,
    resource=_RESOURCE.type,
    subResource=STRING,
    requestKind=_KIND.type,
    requestResource=_RESOURCE.type,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=_USER.type,
    dryRun=BOOL,
    options=DYN,
    uid=STRING,
)
_META = _struct(
    "NamespaceMetadata",
    name=STRING, generateName=STRING, namespace=STRING, labels=map_of(STRING, STRING), uid=STRING,
    annotations=map_of(STRING, STRING), creationTimestamp=STRING, resourceVersion=STRING, generation=DYN,
    deletionTimestamp=STRING, finalizers=list_of(STRING), deletionGracePeriodSeconds=DYN,
)  # fmt: skip
_SPEC = _struct("NamespaceSpec", finalizers=list_of(STRING))
_STATUS = _struct("NamespaceStatus", phase=STRING, conditions=list_of(DYN))
_NAMESPACE = _struct("Namespace", metadata=_META.type, spec=_SPEC.type, status=_STATUS.type)
_STRUCTS = (_KIND, _RESOURCE, _USER, _REQUEST, _META, _SPEC, _STATUS, _NAMESPACE)
_COMMON: Mapping[str, Type] = {
    "object": DYN,
    "oldObject": DYN,
    "request": _REQUEST.type,
    "authorizer": _AUTHORIZER,
    "authorizer.requestResource": _RESOURCE_CHECK,
}


@lru_cache(maxsize=1)
def conditions_environment() -> Environment:
    """What the match conditions of webhooks see."""
    return Environment(_COMMON, _STRUCTS)


def policy_environment(spec: Object, *, variables: bool = True, object_type: Type = DYN) -> Environment:
    """What the expressions of a policy see."""
    names = tuple((each.get("name") or "", each.get("expression") or "") for each in spec.get("variables") or ())
    return _policy_environment(spec.get("paramKind") is not None, names if variables else None, False, object_type)


def mutation_environment(spec: Object) -> Environment:
    """What the mutations of a policy see: they make objects besides."""
    names = tuple((each.get("name") or "", each.get("expression") or "") for each in spec.get("variables") or ())
    return _policy_environment(spec.get("paramKind") is not None, names, True, DYN)


@lru_cache(maxsize=512)
def _policy_environment(
    params: bool, variables: tuple[tuple[str, str], ...] | None, mutates: bool, object_type: Type
) -> Environment:
    known: dict[str, Type] = {**_COMMON, "namespaceObject": _NAMESPACE.type}
    known |= {"object": object_type, "oldObject": object_type}
    if params:
        known["params"] = DYN
    makes = ("Object", "JSONPatch") if mutates else ()
    if variables is None:
        return Environment(known, _STRUCTS, makes)
    fields: dict[str, Type] = {}
    for name, expression in variables:
        struct = Struct("kubernetes.variables", dict(fields))
        before = Environment({**known, "variables": struct.type}, (*_STRUCTS, struct), makes)
        try:
            fields[name] = before.compile(expression).type
        except CompileError:
            fields[name] = DYN
    struct = Struct("kubernetes.variables", fields)
    return Environment({**known, "variables": struct.type}, (*_STRUCTS, struct), makes)


class Variables(Mapping[str, Any]):
    """The variables of a policy, each worked out, and paid for, when an expression first asks for it."""

    def __init__(self, programs: Mapping[str, Program], values: Mapping[str, Any], budget: Budget) -> None:
        self._programs = programs
        self.budget = budget
        self._values = {**values, "variables": self}
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            program = self._programs[name]
            try:
                self._known[name] = program(self._values, self.budget)
            except OutOfBudget:
                raise
            except EvaluationError as error:
                self._known[name] = EvaluationError(f'composited variable "{name}" fails to evaluate: {error}')
        found = self._known[name]
        if isinstance(found, EvaluationError):
            raise found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._programs)

    def __len__(self) -> int:
        return len(self._programs)


def variable_programs(spec: Object) -> dict[str, Program]:
    """The programs of a policy's variables."""
    found: dict[str, Program] = {}
    seen: list[Object] = []
    for each in spec.get("variables") or ():
        found[each["name"]] = policy_environment({**spec, "variables": seen}).compile(each["expression"])
        seen.append(each)
    return found
