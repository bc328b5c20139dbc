"""The audit policy: of which requests there are events, and how much those say.

Rules are tried in order and the first that fits decides; a request that none fits is not noted. Upstream:
`apiserver/pkg/audit/policy/checker.go` and `reader.go`, `apiserver/pkg/apis/audit/validation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.notes import LEVELS
from k8snb.errors import FieldError, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.typing import Object
from k8snb.wire import User

RECEIVED, STARTED, COMPLETE, PANIC = STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
"""When in the life of a request an event is written."""

VERSIONS = ("audit.k8s.io/v1",)


class Ruling(NamedTuple):
    """What a policy says of a request."""

    level: str
    omitted: frozenset[str]
    """Stages of which there are no events."""
    plain: bool
    """Whether objects are shown without their managed fields."""
    rule: int
    """The place of the rule that decided, from 0; -1 if none did."""


class Policy:
    """A policy that has been checked. Raises ValueError, in upstream's words, where it is none."""

    def __init__(self, raw: Object) -> None:
        _check(raw)
        self.raw = raw
        omitted, plain = frozenset(raw.get("omitStages") or ()), bool(raw.get("omitManagedFields"))
        self._none = Ruling("None", omitted, plain, -1)
        self._rules = [
            (rule, Ruling(rule["level"], omitted | set(rule.get("omitStages") or ()), _either(rule, plain), at))
            for at, rule in enumerate(raw["rules"])
        ]

    def judge(self, user: User | None, access: Access) -> Ruling:
        """What becomes of a request for the audit log."""
        return next((ruling for rule, ruling in self._rules if _fits(rule, user, access)), self._none)


def _either(rule: Object, default: bool) -> bool:
    own = rule.get("omitManagedFields")
    return default if own is None else bool(own)


# -- which requests ------------------------------------------------------------------------------------


def _fits(rule: Object, user: User | None, access: Access) -> bool:
    if rule.get("users") and (user is None or user.name not in rule["users"]):
        return False
    if rule.get("userGroups") and (user is None or not set(user.groups) & set(rule["userGroups"])):
        return False
    if rule.get("verbs") and access.verb not in rule["verbs"]:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return bool(access.resource) and _is_about(rule, access)
    if rule.get("nonResourceURLs"):
        return not access.resource and any(_is_path(access.path, each) for each in rule["nonResourceURLs"])
    return True


def _is_path(path: str, pattern: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def _is_about(rule: Object, access: Access) -> bool:
    if rule.get("namespaces") and access.namespace not in rule["namespaces"]:
        return False
    among = rule.get("resources") or ()
    return not among or any(_names(each, access) for each in among)


def _names(among: Object, access: Access) -> bool:
    if (among.get("group") or "") != access.group:
        return False
    if not among.get("resources"):
        return True
    if among.get("resourceNames") and access.name not in among["resourceNames"]:
        return False
    wanted = {access.full_resource, "*", f"{access.resource}/*"}
    if access.subresource:
        wanted.add(f"*/{access.subresource}")
    return not wanted.isdisjoint(among["resources"])


# -- what a policy must be -----------------------------------------------------------------------------


def _check(raw: Any) -> None:
    """Raise ValueError for what is no policy."""
    kind, version = (raw.get("kind", ""), raw.get("apiVersion", "")) if isinstance(raw, Mapping) else ("", "")
    if not kind or not version:
        missing = "Kind" if not kind else "apiVersion"
        raise ValueError(f"failed decoding: Object '{missing}' is missing in '{raw}'")
    if version not in VERSIONS or kind != "Policy":
        where = 'scheme "pkg/audit/scheme.go:30"'
        raise ValueError(f'failed decoding: no kind "{kind}" is registered for version "{version}" in {where}')
    errors = [error for at, rule in enumerate(raw.get("rules") or ()) for error in _problems(rule, f"rules[{at}]")]
    if errors:
        told = list(dict.fromkeys(map(str, errors)))
        raise ValueError(told[0] if len(told) == 1 else f"[{', '.join(told)}]")
    if not raw.get("rules"):
        raise ValueError("loaded illegal policy with 0 rules")


def _problems(rule: Object, path: str) -> Iterator[FieldError]:
    level, urls = rule.get("level") or "", rule.get("nonResourceURLs") or []
    if not level:
        yield required(f"{path}.level")
    elif level not in LEVELS:
        yield not_supported(f"{path}.level", level, LEVELS)
    yield from _url_problems(urls, f"{path}.nonResourceURLs")
    yield from _resource_problems(rule.get("resources") or (), f"{path}.resources")
    for at, stage in enumerate(rule.get("omitStages") or ()):
        if stage not in STAGES:
            yield invalid_value(f"{path}.omitStages[{at}]", stage, f"allowed stages are {','.join(STAGES)}")
    if urls and (rule.get("resources") or rule.get("namespaces")):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        yield invalid_value(f"{path}.nonResourceURLs", urls, why)


def _url_problems(urls: Sequence[str], path: str) -> Iterator[FieldError]:
    for at, url in enumerate(urls):
        if url == "*":
            continue
        if not url.startswith("/"):
            yield invalid_value(f"{path}[{at}]", url, "non-resource URL rules must begin with a '/' character")
        if "*" in url[:-1]:
            why = "non-resource URL wildcards '*' must be the final character of the rule"
            yield invalid_value(f"{path}[{at}]", url, why)


def _resource_problems(among: Sequence[Object], path: str) -> Iterator[FieldError]:
    for each in among:
        group = each.get("group") or ""
        wrong = formats.dns_subdomain(group) if group else ()
        if wrong:
            yield invalid_value(f"{path}.group", group, ",".join(wrong))
        if each.get("resourceNames") and not each.get("resources"):
            why = "using resourceNames requires at least one resource"
            yield invalid_value(f"{path}.resourceNames", each["resourceNames"], why)
