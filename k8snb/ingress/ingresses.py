"""From Ingresses to rules: hosts and paths, the certificates that they name, and what annotations ask for.

Whose an Ingress is, its class says: `spec.ingressClassName` (or the older annotation) names an IngressClass, and that
names the controller. One without a class belongs to nobody, unless a class is marked as the default: then the API
server fills it in. The annotations are those that were most used with ingress-nginx, under a prefix of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from k8snb.ingress.rules import EXACT, PREFIX, REGEX, Allow, Backend, Filter, Modify, Path, Redirect, Rewrite, Rule
from k8snb.ingress.rules import HeaderChanges as Headers
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object, ObjectKey

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
ANNOTATIONS = "ingress.k8snb.dev"
"""The prefix of the annotations, unless `--annotations-prefix` says another one."""

PERMANENT, PERMANENT_WITH_METHOD, TEMPORARY = 301, 308, 302


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one Ingress comes to."""

    rules: Sequence[Rule] = ()
    defaults: Sequence[Rule] = ()
    secrets: Mapping[str, ObjectKey] = field(default_factory=dict)
    """The Secret with the certificate, by host."""


def is_served(ingress: Object, find_class: Callable[[str], Object | None], controller: str, *, all: bool) -> bool:
    """Whether the Ingress is for a controller; with `all` it takes those without a class as well."""
    name = ingress["spec"].get("ingressClassName") or annotations_of(ingress).get(CLASS_ANNOTATION)
    if not name:
        return all
    found = find_class(name)
    return found is not None and found["spec"].get("controller") == controller


def compiled(ingress: Object, prefix: str = ANNOTATIONS) -> Compiled:
    """The rules of an Ingress, in order."""
    meta, spec = ingress["metadata"], ingress["spec"]
    wish = _Wish(ingress, prefix)
    secrets = dict(_secrets(ingress))
    rules = [
        _rule(wish, rule.get("host", ""), path, (number, at), secure=rule.get("host", "") in secrets)
        for number, rule in enumerate(spec.get("rules") or ())
        for at, path in enumerate((rule.get("http") or {}).get("paths") or ())
    ]
    defaults: list[Rule] = []
    if spec.get("defaultBackend"):
        to_all = replace(
            wish.base, label="defaultBackend", backends=_backends(wish, spec["defaultBackend"], meta["namespace"])
        )
        own = dict.fromkeys(rule.get("host", "") for rule in spec.get("rules") or ())
        defaults = [replace(to_all, host=host) for host in {**own, "": None}]
    return Compiled(rules, defaults, secrets)


def backends_of(found: Compiled) -> Iterator[Backend]:
    """Every backend that an Ingress names, once."""
    yield from dict.fromkeys(each for rule in (*found.rules, *found.defaults) for each in rule.backends)


def _secrets(ingress: Object) -> Iterator[tuple[str, ObjectKey]]:
    """The hosts that shall have TLS. An entry that names none is for all hosts of the rules."""
    hosts = [rule.get("host", "") for rule in ingress["spec"].get("rules") or ()]
    for entry in ingress["spec"].get("tls") or ():
        for host in entry.get("hosts") or hosts:
            yield host, ObjectKey(ingress["metadata"]["namespace"], entry.get("secretName", ""))


def _rule(wish: _Wish, host: str, path: Object, order: tuple[int, int], *, secure: bool) -> Rule:
    value, kind = path.get("path") or "/", path.get("pathType", "ImplementationSpecific")
    expression = kind == "ImplementationSpecific" and wish.expressions
    where = Path(REGEX if expression else EXACT if kind == EXACT else PREFIX, value)
    return replace(
        wish.base,
        label=f"{host or '*'}{value}",
        host=host,
        path=where,
        order=(*wish.base.order, *order),
        filters=list(wish.filters(secure=secure)),
        backends=_backends(wish, path["backend"], wish.namespace),
    )


def _backends(wish: _Wish, backend: Object, namespace: str) -> Sequence[Backend]:
    service = backend.get("service")
    if not service:
        return ()
    port = service.get("port") or {}
    named = str(port.get("number") or port.get("name", ""))
    return (Backend(ObjectKey(namespace, service["name"]), named, scheme=wish.scheme),)


class _Wish:
    """What the annotations of an Ingress ask for."""

    def __init__(self, ingress: Object, prefix: str) -> None:
        meta = ingress["metadata"]
        head = f"{prefix}/"
        self._said = {k.removeprefix(head): v for k, v in annotations_of(ingress).items() if k.startswith(head)}
        self.namespace = meta["namespace"]
        order = (meta.get("creationTimestamp", ""), f"{meta['namespace']}/{meta['name']}")
        self.base = Rule(f"Ingress/{meta['namespace']}/{meta['name']}", path=Path(PREFIX, "/"), order=order)

    def _is(self, name: str, default: bool = False) -> bool:
        return {"true": True, "false": False}.get(self._said.get(name, ""), default)

    @property
    def expressions(self) -> bool:
        """Whether paths of the type ImplementationSpecific are regular expressions."""
        return self._is("use-regex") or "$" in self._said.get("rewrite-target", "")

    @property
    def scheme(self) -> str:
        """How the backend is spoken to."""
        return self._said.get("backend-protocol", "HTTP").lower()

    def filters(self, *, secure: bool) -> Iterator[Filter]:
        """What is done to requests, in order."""
        said = self._said
        ranges = said.get("allowlist-source-range") or said.get("whitelist-source-range", "")
        if ranges:
            yield Allow([each.strip() for each in ranges.split(",")])
        if self._is("force-ssl-redirect") or (secure and self._is("ssl-redirect", True)):
            yield Redirect(PERMANENT_WITH_METHOD, scheme="https", unless_secure=True)
        for name, code in (("permanent-redirect", PERMANENT), ("temporal-redirect", TEMPORARY)):
            if said.get(name):
                given = said.get(f"{name}-code", "")
                yield Redirect(int(given) if given.isdigit() else code, url=said[name])
        if said.get("app-root"):
            yield Redirect(TEMPORARY, path=said["app-root"], only_root=True)
        if said.get("rewrite-target") or said.get("upstream-vhost"):
            yield Rewrite(said.get("upstream-vhost", ""), said.get("rewrite-target", ""))
        if said.get("x-forwarded-prefix"):
            yield Modify(Headers(set=[("x-forwarded-prefix", said["x-forwarded-prefix"])]))
