"""Ingresses and IngressClasses: how HTTP from outside finds a Service.

Upstream: `pkg/apis/networking/validation/validation.go`, `pkg/registry/networking/ingress*/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry.addresses import ip, parse_ip
from k8snb.apiserver.registry.filling import filled, within, within_new
from k8snb.apiserver.registry.job_rules import validate_domain_path
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required, too_long
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_DEPRECATED = f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"
_MISMATCH = "must match `ingressClassName` when both are specified"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_NOT_AN_ADDRESS = "must be a DNS name, not an IP address"
_LONGEST_CONTROLLER = 250
_SCOPES = ("Cluster", "Namespace")


class IngressStrategy(Strategy):
    """The rules of Ingresses."""

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {"loadBalancer": {}}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_ingress(obj.get("spec") or {}))

    def validate_create(self, obj: Object) -> list[FieldError]:
        found = self.validate(obj)
        annotation, name = annotations_of(obj).get(CLASS_ANNOTATION), (obj.get("spec") or {}).get("ingressClassName")
        if annotation is not None and name is not None and annotation != name:
            found.append(invalid_value(f"annotations.{CLASS_ANNOTATION}", annotation, _MISMATCH))
        return found

    def prepare_status(self, new: Object, old: Object) -> Object:
        return within_new(super().prepare_status(new, old), "status", lambda s: within_new(s, "loadBalancer", dict))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        before = ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        points = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        return list(_validate_points(points, [point["ip"] for point in before if point.get("ip")]))

    def warnings(self, obj: Object) -> list[str]:
        return [_DEPRECATED] if CLASS_ANNOTATION in annotations_of(obj) else []


def _validate_ingress(spec: Object) -> Findings:
    rules, backend = spec.get("rules") or (), spec.get("defaultBackend")
    if not rules and backend is None:
        text = "either `defaultBackend` or `rules` must be specified"
        yield invalid_value("spec", spec.get("rules"), text)
    if backend is not None:
        yield from _validate_backend(backend, "spec.defaultBackend")
    for at, rule in enumerate(rules):
        yield from _validate_rule(rule, f"spec.rules[{at}]")
    for at, tls in enumerate(spec.get("tls") or ()):
        yield from _validate_tls(tls, f"spec.tls[{at}]")
    name = spec.get("ingressClassName")
    if name is not None:
        for message in formats.dns_subdomain(name):
            yield invalid_value("spec.ingressClassName", name, message)


def _validate_host(host: str, path: str) -> Findings:
    for message in formats.wildcard_subdomain(host) if "*" in host else formats.dns_subdomain(host):
        yield invalid_value(path, host, message)


def _validate_rule(rule: Object, path: str) -> Findings:
    host, http = rule.get("host") or "", rule.get("http")
    if host:
        if parse_ip(host) is not None:
            yield invalid_value(f"{path}.host", host, _NOT_AN_ADDRESS)
        yield from _validate_host(host, f"{path}.host")
    if http is None:
        return
    paths = http.get("paths") or ()
    if not paths:
        yield required(f"{path}.http.paths")
    for at, each in enumerate(paths):
        yield from _validate_path(each, f"{path}.http.paths[{at}]")


def _validate_path(entry: Object, at: str) -> Findings:
    kind, path = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        yield required(f"{at}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        yield not_supported(f"{at}.pathType", kind, _PATH_TYPES)
    elif not path.startswith("/") and (path or kind != "ImplementationSpecific"):
        yield invalid_value(f"{at}.path", path, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for part in _BAD_PARTS:
            if part in path:
                yield invalid_value(f"{at}.path", path, f"must not contain '{part}'")
        for end in _BAD_ENDS:
            if path.endswith(end):
                yield invalid_value(f"{at}.path", path, f"cannot end with '{end}'")
    yield from _validate_backend(entry.get("backend") or {}, f"{at}.backend")


def _validate_backend(backend: Object, path: str) -> Findings:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid_value(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from validate_typed_reference(resource, f"{path}.resource")
    elif service is None:
        yield invalid_value(path, "", "resource or service backend is required")
    else:
        yield from _validate_service(service, path)


def _validate_service(service: Object, path: str) -> Findings:
    name, port = service.get("name") or "", service.get("port") or {}
    if not name:
        yield required(f"{path}.service.name")
    else:
        for message in formats.dns_label(name):
            yield invalid_value(f"{path}.service.name", name, message)
    if port.get("name") and port.get("number"):
        yield invalid_value(path, "", "cannot set both port name & port number")
    elif port.get("name"):
        for message in formats.port_name(port["name"]):
            yield invalid_value(f"{path}.service.port.name", port["name"], message)
    elif port.get("number"):
        for message in formats.port_number(port["number"]):
            yield invalid_value(f"{path}.service.port.number", port["number"], message)
    else:
        yield required(path, "port name or number is required")


def validate_typed_reference(reference: Object, path: str) -> Findings:
    """A reference with a group, a kind and a name."""
    group = reference.get("apiGroup")
    if group is not None:
        for message in formats.dns_subdomain(group):
            yield invalid_value(f"{path}.apiGroup", group, message)
    yield from validate_segments(reference, path, "kind", "name")


def validate_segments(reference: Object, path: str, *names: str) -> Findings:
    """Required words that each could be part of a URL."""
    for name in names:
        text = reference.get(name) or ""
        if not text:
            yield required(f"{path}.{name}")
        for message in formats.path_segment(text):
            yield invalid_value(f"{path}.{name}", text, message)


def _validate_tls(tls: Object, path: str) -> Findings:
    for at, host in enumerate(tls.get("hosts") or ()):
        yield from _validate_host(host, f"{path}.hosts[{at}]")
    name = tls.get("secretName") or ""
    if name:
        for message in formats.dns_subdomain(name):
            yield invalid_value(f"{path}.secretName", name, message)


def _validate_points(points: Sequence[Object], before: Sequence[str]) -> Findings:
    for at, point in enumerate(points):
        path = f"status.loadBalancer.ingress[{at}]"
        if point.get("ip"):
            yield from ip(f"{path}.ip", point["ip"], before)
        host = point.get("hostname") or ""
        if host:
            for message in formats.dns_subdomain(host):
                yield invalid_value(f"{path}.hostname", host, message)
            if parse_ip(host) is not None:
                yield invalid_value(f"{path}.hostname", host, _NOT_AN_ADDRESS)


class IngressClassStrategy(Strategy):
    """The rules of IngressClasses."""

    def default(self, obj: Object) -> Object:
        return within(obj, "spec", lambda s: within(s, "parameters", lambda p: filled(p, {"scope": "Cluster"})))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_class(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        controller = (new.get("spec") or {}).get("controller") or ""
        if controller == ((old.get("spec") or {}).get("controller") or ""):
            return []
        return [invalid_value("spec.controller", controller, IMMUTABLE)]


def _validate_class(spec: Object) -> Findings:
    controller = spec.get("controller") or ""
    if len(controller) > _LONGEST_CONTROLLER:
        yield too_long("spec.controller", "", _LONGEST_CONTROLLER)
    yield from validate_domain_path("spec.controller", controller)
    parameters = spec.get("parameters")
    if parameters is not None:
        yield from validate_typed_reference(parameters, "spec.parameters")
        yield from _validate_scope(parameters, "spec.parameters")


def _validate_scope(parameters: Object, path: str) -> Findings:
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope not in _SCOPES:
        yield not_supported(f"{path}.scope", scope, _SCOPES)
    elif scope == "Cluster":
        if namespace is not None:
            yield field_forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")
    elif namespace is None:
        yield required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    else:
        for message in formats.dns_label(namespace):
            yield invalid_value(f"{path}.namespace", namespace, message)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "ingresses.networking.k8s.io": lambda _: IngressStrategy(),
    "ingressclasses.networking.k8s.io": lambda _: IngressClassStrategy(),
}
