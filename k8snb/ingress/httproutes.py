"""From HTTPRoutes to rules, and to the listeners that let them attach.

A route names its parents; a listener of a parent takes it if it allows its namespace and kind, and if they have a host
in common. A reference to what may not be referred to, or is not there, does not keep the rest of the route from
working: the requests that it would have got are answered 500. Source: `HTTPRouteRule` and `RouteConditionReason` of
Gateway API.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from k8snb.ingress.cache import Cache
from k8snb.ingress.conditions import Condition
from k8snb.ingress.gateways import Door
from k8snb.ingress.grants import GROUP, Reference
from k8snb.ingress.rules import (
    EXACT,
    PREFIX,
    REGEX,
    Backend,
    Filter,
    HeaderChanges,
    Mirror,
    Modify,
    Path,
    Redirect,
    Rewrite,
    Rule,
    Wanted,
    host_matches,
)
from k8snb.typing import Object, ObjectKey

_KINDS = {"Exact": EXACT, "PathPrefix": PREFIX, "RegularExpression": REGEX}
_FILTERS = frozenset({
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror", "ExtensionRef",
})  # fmt: skip
_UNRESOLVED = 500


# -- attaching ----------------------------------------------------------------------------------------


def is_parent(ref: Object, route: Object, gateway: Object) -> bool:
    """Whether a reference of a route is to this Gateway."""
    kind = (ref.get("group", GROUP), ref.get("kind", "Gateway"))
    where = ObjectKey(ref.get("namespace") or route["metadata"]["namespace"], ref["name"])
    meta = gateway["metadata"]
    return kind == (GROUP, "Gateway") and where == ObjectKey(meta["namespace"], meta["name"])


def attached(
    route: Object, ref: Object, doors: Sequence[Door], namespace: Object | None
) -> tuple[list[Door], Condition]:
    """The listeners that take a route by one of its references, and what its status says about that."""
    meant = [each for each in doors if ref.get("sectionName") in (None, "", each.name)]
    meant = [each for each in meant if ref.get("port") in (None, each.port)]
    if not meant:
        return [], Condition("Accepted", False, "NoMatchingParent", "No listener of that name or port")
    allowed = [each for each in meant if each.allows(route, namespace)]
    if not allowed:
        return [], Condition("Accepted", False, "NotAllowedByListeners", "No listener allows this route")
    hosts = route["spec"].get("hostnames") or ()
    taken = [each for each in allowed if common_hosts(each.host, hosts)]
    if not taken:
        return [], Condition("Accepted", False, "NoMatchingListenerHostname", "No listener has a hostname of the route")
    filters = (each for rule in route["spec"].get("rules") or () for each in _all(rule))
    strange = next(filter(None, map(_strange, filters)), "")
    if strange:
        return [], Condition("Accepted", False, "UnsupportedValue", f"filter {strange} is not supported")
    return taken, Condition("Accepted", True, "Accepted", "Route is accepted")


def common_hosts(listener: str, hosts: Sequence[str]) -> list[str]:
    """The hosts that a listener and a route have in common; the narrower of each two."""
    if not listener or not hosts:
        return list(hosts) or [listener]
    return [found for found in (_narrower(listener, host) for host in hosts) if found]


def _narrower(one: str, other: str) -> str:
    for wide, narrow in ((one, other), (other, one)):
        if wide == narrow or (wide.startswith("*") and host_matches(wide, narrow.removeprefix("*."), deep=True)):
            return narrow
        if wide.startswith("*") and narrow.startswith("*") and narrow.endswith(wide[1:]):
            return narrow
    return ""


def _all(rule: Object) -> Iterator[Object]:
    yield from rule.get("filters") or ()
    for backend in rule.get("backendRefs") or ():
        yield from backend.get("filters") or ()


def _strange(filter: Object) -> str:
    """The type of a filter that the router does not know."""
    return "" if filter["type"] in _FILTERS else str(filter["type"])


def _extends(filter: Object) -> bool:
    """Whether a filter is one of somebody else's kinds, none of which is known here."""
    return bool(filter["type"] == "ExtensionRef")


def _service(route: Object, ref: Object) -> ObjectKey:
    return ObjectKey(ref.get("namespace") or route["metadata"]["namespace"], ref["name"])


def named_by(route: Object) -> set[str]:
    """The names of what the rules of a route lead to."""
    rules = route["spec"].get("rules") or ()
    refs = [ref for rule in rules for ref in rule.get("backendRefs") or ()]
    refs += [each["requestMirror"]["backendRef"] for rule in rules for each in _all(rule) if "requestMirror" in each]
    return {ref["name"] for ref in refs}


# -- rules --------------------------------------------------------------------------------------------


class Reader:
    """Reads routes: their rules, and what of what they refer to is not there."""

    def __init__(self, cache: Cache, grants: Sequence[Object]) -> None:
        self._cache = cache
        self._grants = grants

    def rules(self, route: Object, hosts: Sequence[str]) -> Iterator[Rule]:
        """The rules of a route for these hosts."""
        meta = route["metadata"]
        key = f"{meta['namespace']}/{meta['name']}"
        for number, rule in enumerate(route["spec"].get("rules") or [{}]):
            filters = list(self._filters(route, rule))
            backends = [self._backend(route, ref, rule) for ref in rule.get("backendRefs") or ()]
            for (at, match), host in product(enumerate(rule.get("matches") or [{}]), hosts):
                yield Rule(
                    f"HTTPRoute/{key}",
                    f"rule {rule.get('name') or number + 1}",
                    host,
                    True,
                    _path(match),
                    match.get("method", ""),
                    [_wanted(each, lower=True) for each in match.get("headers") or ()],
                    [_wanted(each) for each in match.get("queryParams") or ()],
                    (meta.get("creationTimestamp", ""), key, number, at),
                    filters,
                    backends,
                    _UNRESOLVED,
                )

    def resolved(self, route: Object) -> Condition:
        """Whether everything that the route refers to can be had."""
        for reason, message in self._problems(route):
            return Condition("ResolvedRefs", False, reason, message)
        return Condition("ResolvedRefs", True, "ResolvedRefs", "All references are resolved")

    def _problems(self, route: Object) -> Iterator[tuple[str, str]]:
        """What cannot be had: reasons and messages."""
        for rule in route["spec"].get("rules") or ():
            mirrors = [each["requestMirror"]["backendRef"] for each in _all(rule) if "requestMirror" in each]
            for ref in (*(rule.get("backendRefs") or ()), *mirrors):
                problem = self._problem(route["metadata"]["namespace"], ref)
                if problem:
                    yield problem, self._why(problem, _service(route, ref), str(ref.get("port", "")))
            for each in filter(_extends, _all(rule)):
                ref = each["extensionRef"]
                yield "InvalidKind", f"no filter is of kind {ref['kind']} of group {ref['group']}"

    def _why(self, problem: str, service: ObjectKey, port: str) -> str:
        if problem == "InvalidKind":
            return "only Services are supported as backends"
        if problem == "RefNotPermitted":
            return f"no ReferenceGrant allows to refer to Service {service}"
        there = self._cache.services.get(*service) is not None
        return f"Service {service} has no port {port}" if there else f"Service {service} is not there"

    def _backend(self, route: Object, ref: Object, rule: Object) -> Backend:
        """What a reference comes to. A filter of a kind that is not known is not skipped: nothing passes it."""
        own = ref.get("filters") or ()
        filters = [found for each in own for found in self._filter(route, each)]
        problem = self._problem(route["metadata"]["namespace"], ref)
        if any(map(_extends, (*own, *(rule.get("filters") or ())))):
            problem = problem or "InvalidKind"
        port, weight = str(ref.get("port", "")), ref.get("weight", 1)
        return Backend(_service(route, ref), port, weight, filters, problem=problem)

    def _problem(self, namespace: str, ref: Object) -> str:
        if (ref.get("group", ""), ref.get("kind", "Service")) != ("", "Service"):
            return "InvalidKind"
        service = ObjectKey(ref.get("namespace") or namespace, ref["name"])
        if not Reference("HTTPRoute", namespace, "Service", *service).is_permitted(self._grants):
            return "RefNotPermitted"
        return "" if self._cache.has(Backend(service, str(ref.get("port", "")))) else "BackendNotFound"

    def _filters(self, route: Object, rule: Object) -> Iterator[Filter]:
        for each in rule.get("filters") or ():
            yield from self._filter(route, each)

    def _filter(self, route: Object, each: Object) -> Iterator[Filter]:
        kind = each["type"]
        if kind == "RequestHeaderModifier":
            yield Modify(_changes(each["requestHeaderModifier"]))
        elif kind == "ResponseHeaderModifier":
            yield Modify(_changes(each["responseHeaderModifier"]), of_response=True)
        elif kind == "RequestRedirect":
            asked = each["requestRedirect"]
            path = asked.get("path") or {}
            yield Redirect(
                asked.get("statusCode", 302),
                asked.get("scheme", ""),
                asked.get("hostname", ""),
                asked.get("port", 0),
                path.get("replaceFullPath", ""),
                path.get("replacePrefixMatch"),
            )
        elif kind == "URLRewrite":
            asked = each["urlRewrite"]
            path = asked.get("path") or {}
            yield Rewrite(asked.get("hostname", ""), path.get("replaceFullPath", ""), path.get("replacePrefixMatch"))
        elif kind == "RequestMirror":
            asked = each["requestMirror"]
            backend = self._backend(route, asked["backendRef"], {})
            if not backend.problem:
                fraction = asked.get("fraction") or {}
                percent = 100 * fraction["numerator"] / fraction.get("denominator", 100) if fraction else 100
                yield Mirror(backend, asked.get("percent", percent))


def _path(match: Object) -> Path:
    path = match.get("path") or {}
    return Path(_KINDS[path.get("type", "PathPrefix")], path.get("value", "/"))


def _wanted(each: Object, *, lower: bool = False) -> Wanted:
    name = each["name"].lower() if lower else each["name"]
    return Wanted(name, each["value"], each.get("type") == "RegularExpression")


def _changes(asked: Object) -> HeaderChanges:
    pairs = {word: [(each["name"].lower(), each["value"]) for each in asked.get(word) or ()] for word in ("set", "add")}
    return HeaderChanges(pairs["set"], pairs["add"], [name.lower() for name in asked.get("remove") or ()])
