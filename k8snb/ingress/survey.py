"""Everything that Gateway API says in a cluster, worked out as a whole.

`Survey` looks at classes, Gateways, routes, grants, Secrets and Services at once, and says what each status should
be and what the router has to listen for. It is a function of what the informers hold, worked out anew after changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.client.controller import Context
from k8snb.ingress.cache import Cache
from k8snb.ingress.conditions import Condition
from k8snb.ingress.gateways import Door, doors_of
from k8snb.ingress.grants import GROUP
from k8snb.ingress.httproutes import Reader, attached, common_hosts, is_parent, named_by
from k8snb.ingress.listeners import Listener
from k8snb.ingress.options import Options
from k8snb.ingress.rules import Rule
from k8snb.machinery.objects import key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

CLASSES, GATEWAYS, ROUTES, GRANTS = (
    f"{plural}.{GROUP}" for plural in ("gatewayclasses", "gateways", "httproutes", "referencegrants")
)
RESOURCES = (CLASSES, GATEWAYS, ROUTES, GRANTS)
OWNER = f"{GROUP}/gateway-name"
OWNER_SPACE = "ingress.k8snb.dev/gateway-namespace"
LONGEST_NAME = 63


@dataclass(slots=True)
class Attachments:
    """What a Gateway has: its listeners, and the routes that each of them takes."""

    gateway: Object
    doors: Sequence[Door]
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Survey:
    """Everything at once."""

    gateways: dict[ObjectKey, Attachments] = field(default_factory=dict)
    parents: dict[ObjectKey, list[tuple[Object, list[Condition]]]] = field(default_factory=dict)
    """What is to be said of each route about each of its parents that is ours."""


class Gateways:
    """What the three loops share: the objects, and the survey of them, worked out anew after each change."""

    def __init__(self, context: Context, cache: Cache, options: Options, listen: Callable[[int], None]) -> None:
        self.informers, self.options, self.cache = context.informers, options, cache
        self._listen = listen
        self._survey: Survey | None = None
        self._followers: list[Callable[[int], None]] = []
        for resource in (*RESOURCES, "namespaces", "services", "secrets"):
            self.informers.of(resource).on_change(self._changed)

    def tell(self, follower: Callable[[int], None]) -> None:
        """Call somebody after each change, with its revision."""
        self._followers.append(follower)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        if new is not None and old is not None and _same(new, old):
            return
        self._survey = None
        if self._concerns(obj):
            for follower in self._followers:
                follower(revision_of(obj))

    def _concerns(self, obj: Object) -> bool:
        """Whether a change may be one to a status: of Services and Secrets only of those that somebody names."""
        name = obj["metadata"]["name"]
        if obj["kind"] == "Secret":
            listeners = (each for found in self.informers.of(GATEWAYS).list() for each in found["spec"]["listeners"])
            return any(
                ref["name"] == name
                for each in listeners
                for ref in (each.get("tls") or {}).get("certificateRefs") or ()
            )
        if obj["kind"] == "Service":
            routes = self.informers.of(ROUTES).list()
            return OWNER in labels_of(obj) or any(name in named_by(route) for route in routes)
        return True

    def is_ours(self, gateway_class: Object | None) -> bool:
        """Whether Gateways of the class are for this controller."""
        return gateway_class is not None and gateway_class["spec"]["controllerName"] == self.options.gateway_class

    def survey(self) -> Survey:
        """What everything comes to, as far as the informers know."""
        if self._survey is None:
            self._survey = self._look()
        return self._survey

    def _look(self) -> Survey:
        found, grants = Survey(), self.informers.of(GRANTS).list()
        for gateway in self.informers.of(GATEWAYS).list():
            if self.is_ours(self.informers.of(CLASSES).get("", gateway["spec"]["gatewayClassName"])):
                found.gateways[key_of(gateway)] = Attachments(gateway, doors_of(gateway, self.cache, grants))
        reader = Reader(self.cache, grants)
        for route in self.informers.of(ROUTES).list():
            found.parents[key_of(route)] = [
                (ref, self._attach(route, ref, each, reader))
                for ref in route["spec"].get("parentRefs") or ()
                for each in found.gateways.values()
                if is_parent(ref, route, each.gateway)
            ]
        return found

    def _attach(self, route: Object, ref: Object, parent: Attachments, reader: Reader) -> list[Condition]:
        namespace = self.informers.of("namespaces").get("", route["metadata"]["namespace"])
        taken, accepted = attached(route, ref, parent.doors, namespace)
        for door in taken:
            hosts = common_hosts(door.host, route["spec"].get("hostnames") or ())
            parent.rules.setdefault(door.name, []).extend(reader.rules(route, hosts))
            parent.counts[door.name] = parent.counts.get(door.name, 0) + 1
        return [accepted, reader.resolved(route)]

    # -- the router --------------------------------------------------------------------------------

    def service(self, gateway: ObjectKey) -> Object | None:
        """The Service of a Gateway."""
        return self.cache.services.get(self.options.namespace, service_name(gateway))

    def listeners(self) -> Mapping[int, Sequence[Listener]]:
        """What the router listens for on behalf of all Gateways, by the port of its pods."""
        found: dict[int, list[Listener]] = {}
        for key, each in self.survey().gateways.items():
            service = self.service(key)
            targets = {port["port"]: port["targetPort"] for port in service["spec"]["ports"]} if service else {}
            for door in each.doors:
                if door.works and door.port in targets:
                    rules = each.rules.get(door.name, ())
                    origin = f"Gateway/{key}"
                    made = Listener(origin, door.host, door.port, door.is_secure, rules, (), door.certificates)
                    found.setdefault(targets[door.port], []).append(made)
        return found

    def listen(self) -> None:
        """Take the ports of the pod that Services of Gateways lead to."""
        for key in self.survey().gateways:
            service = self.service(key)
            for port in service["spec"]["ports"] if service is not None else ():
                self._listen(port["targetPort"])


def service_name(gateway: ObjectKey) -> str:
    """What the Service of a Gateway is called: with a hash where that would be too long, or might be another's."""
    name = f"gateway-{gateway.namespace}-{gateway.name}".replace(".", "-")
    if len(name) <= LONGEST_NAME and "-" not in gateway.namespace and "." not in gateway.name:
        return name
    digest = hashlib.sha256(str(gateway).encode()).hexdigest()
    return f"{name[: LONGEST_NAME - 9]}-{digest[:8]}"


def _same(new: Object, old: Object) -> bool:
    """Whether nothing has changed but a status that nobody here looks at."""
    meta, before = new["metadata"], old["metadata"]
    parts = ("spec", "data", "status") if new["kind"] == "Service" else ("spec", "data")
    same = all(meta.get(name) == before.get(name) for name in ("labels", "deletionTimestamp", "uid"))
    return same and all(new.get(part) == old.get(part) for part in parts)
