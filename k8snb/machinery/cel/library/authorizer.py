"""The authorizer: what the user of a request, or a service account, may do.

A check is put together step by step (`authorizer.group('apps').resource('deployments').check('create')`) and asks
whoever was handed in. Upstream: `apiserver/pkg/cel/library/authz.go` and `authzselectors.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

from k8snb.machinery.cel.functions import Library

_TYPES = "kubernetes.authorization"


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked: a path, or a resource with all that narrows it down."""

    ask: Ask
    user: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    fields: str = ""
    labels: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was answered."""

    cel_type: ClassVar[str] = f"{_TYPES}.Decision"
    allowed: bool
    reason: str = ""
    error: str = ""


Ask: TypeAlias = Callable[[Check, str], Decision]
"""(what, verb) → the decision."""


@dataclass(frozen=True, slots=True)
class Authorizer:
    cel_type: ClassVar[str] = f"{_TYPES}.Authorizer"
    check: Check


@dataclass(frozen=True, slots=True)
class PathCheck:
    cel_type: ClassVar[str] = f"{_TYPES}.PathCheck"
    check: Check


@dataclass(frozen=True, slots=True)
class GroupCheck:
    cel_type: ClassVar[str] = f"{_TYPES}.GroupCheck"
    check: Check


@dataclass(frozen=True, slots=True)
class ResourceCheck:
    cel_type: ClassVar[str] = f"{_TYPES}.ResourceCheck"
    check: Check


def authorizer(ask: Ask) -> Authorizer:
    """The authorizer of a request."""
    return Authorizer(Check(ask))


def request_resource(ask: Ask, **what: Any) -> ResourceCheck:
    """`authorizer.requestResource`: a check that is about the object of the request already."""
    return ResourceCheck(replace(Check(ask), **what))


def _narrowed(field: str) -> Callable[[ResourceCheck, str], ResourceCheck]:
    def narrowed(each: ResourceCheck, value: str) -> ResourceCheck:
        changes: dict[str, Any] = {field: value}
        return ResourceCheck(replace(each.check, **changes))

    return narrowed


def _account(each: Authorizer, namespace: str, name: str) -> Authorizer:
    return Authorizer(replace(each.check, user=f"system:serviceaccount:{namespace}:{name}"))


def _checked(each: Any, verb: str) -> Decision:
    decision: Decision = each.check.ask(each.check, verb)
    return decision


_A, _P, _G, _R, _D = (each.cel_type for each in (Authorizer, PathCheck, GroupCheck, ResourceCheck, Decision))
AUTHORIZER: Library = {
    f"{_A}::path(string) -> {_P}": lambda each, path: PathCheck(replace(each.check, path=path)),
    f"{_A}::group(string) -> {_G}": lambda each, group: GroupCheck(replace(each.check, group=group)),
    f"{_A}::serviceAccount(string, string) -> {_A}": _account,
    f"{_G}::resource(string) -> {_R}": lambda each, word: ResourceCheck(replace(each.check, resource=word)),
    f"{_R}::subresource(string) -> {_R}": _narrowed("subresource"),
    f"{_R}::namespace(string) -> {_R}": _narrowed("namespace"),
    f"{_R}::name(string) -> {_R}": _narrowed("name"),
    f"{_R}::fieldSelector(string) -> {_R}": _narrowed("fields"),
    f"{_R}::labelSelector(string) -> {_R}": _narrowed("labels"),
    f"{_P}::check(string) -> {_D}": _checked,
    f"{_R}::check(string) -> {_D}": _checked,
    f"{_D}::allowed() -> bool": lambda each: each.allowed,
    f"{_D}::reason() -> string": lambda each: each.reason,
    f"{_D}::errored() -> bool": lambda each: bool(each.error),
    f"{_D}::error() -> string": lambda each: each.error,
}
