"""The controller of Ingresses: it keeps the router's rules, the statuses, and says what it could not do.

Whatever changes, the rules are worked out anew from all Ingresses of its classes; that is a pure function of what the
informers hold. Every replica does the same, and a status is written only where it would change, so no leader is needed.
The words of the log and of the events are those that people know from ingress-nginx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from k8snb.client.controller import Context, Controller
from k8snb.i18n import _
from k8snb.ingress import certificates as tls
from k8snb.ingress.cache import Cache
from k8snb.ingress.canaries import is_canary, shared
from k8snb.ingress.forwarding import INGRESS
from k8snb.ingress.ingresses import CLASS_ANNOTATION, Compiled, backends_of, compiled, is_served
from k8snb.ingress.listeners import Listener
from k8snb.ingress.options import Options
from k8snb.ingress.rules import Backend, Path, Rule
from k8snb.machinery.objects import annotations_of, key_of, revision_of
from k8snb.typing import Object, ObjectKey

INGRESSES = "ingresses.networking.k8s.io"
CLASSES = "ingressclasses.networking.k8s.io"
Log = Callable[[str, str], None]
"""(level, text)."""


class IngressController(Controller):
    """Serves the Ingresses of its classes."""

    name = "ingress-controller"

    def __init__(self, context: Context, options: Options, log: Log) -> None:
        super().__init__(context)
        self._options = options
        self._log = log
        self.cache = Cache(context.informers)
        self._listeners: Mapping[int, Sequence[Listener]] | None = None
        self._told: dict[ObjectKey, tuple[object, ...]] = {}
        """What has been said of each Ingress: its version, and what was wrong with it."""

    def start(self) -> None:
        ingresses, classes = self.informers.of(INGRESSES), self.informers.of(CLASSES)
        ingresses.on_change(self._stale)
        classes.on_change(self._stale)
        self.cache.secrets.on_change(self._stale)
        self.follow(INGRESSES)
        classes.on_change(lambda old, new: self._all(new if new is not None else old))
        self.cache.services.on_change(self._service_changed)
        self.cache.secrets.on_change(self._secret_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _stale(self, old: Object | None, new: Object | None) -> None:
        self._listeners = None

    def _all(self, cause: Object | None) -> None:
        for ingress in self.informers.of(INGRESSES).list():
            self.queue.add(key_of(ingress), revision_of(cause) if cause is not None else 0)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        key = key_of(obj)
        if key == self._options.publish_service:
            self._all(obj)
        else:
            self._those(lambda found: any(each.service == key for each in backends_of(found)), obj)

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        key = key_of(obj)
        self._those(lambda found: key in found.secrets.values(), obj)

    def _those(self, concerned: Callable[[Compiled], bool], cause: Object) -> None:
        for ingress in self.informers.of(INGRESSES).list(cause["metadata"]["namespace"]):
            if concerned(self._compiled(ingress)):
                self.queue.add(key_of(ingress), revision_of(cause))

    # -- rules -------------------------------------------------------------------------------------

    def _compiled(self, ingress: Object) -> Compiled:
        return compiled(ingress, self._options.annotations_prefix)

    def is_served(self, ingress: Object) -> bool:
        """Whether an Ingress is for this controller."""
        options, classes = self._options, self.informers.of(CLASSES)
        return is_served(
            ingress, lambda name: classes.get("", name), options.controller_class, all=options.without_class
        )

    def listeners(self) -> Mapping[int, Sequence[Listener]]:
        """What the router listens for on behalf of all Ingresses, by port."""
        if self._listeners is None:
            served = sorted(filter(self.is_served, self.informers.of(INGRESSES).list()), key=_age)
            prefix = self._options.annotations_prefix
            found = [self._compiled(each) for each in served if not is_canary(each, prefix)]
            rules: Sequence[Rule] = [rule for each in found for rule in each.rules]
            for canary in served:
                if is_canary(canary, prefix):
                    rules = shared(rules, canary, prefix)
            defaults = [*(rule for each in found for rule in each.defaults), *self._last_resort()]
            plain = Listener(INGRESS, rules=rules, defaults=defaults)
            certificates = dict(self._certificates(found))
            secure = replace(plain, port=443, secure=True, certificates=certificates)
            self._listeners = {self._options.http_port: [plain], self._options.https_port: [secure]}
        return self._listeners

    def _last_resort(self) -> Iterator[Rule]:
        key = self._options.default_backend
        service = self.cache.services.get(*key) if key is not None else None
        if key is not None and service is not None:
            backend = Backend(key, str(service["spec"]["ports"][0]["port"]))
            yield Rule(f"Service/{key}", "--default-backend-service", path=Path(), order=("~",), backends=[backend])

    def _certificates(self, found: Sequence[Compiled]) -> Iterator[tuple[str, tuple[str, str]]]:
        if self._options.default_certificate is not None:
            pem, _wrong = tls.of_secret(self.cache.secret(self._options.default_certificate))
            if pem:
                yield "", (f"Secret/{self._options.default_certificate.name}", pem)
        for each in reversed(found):
            for host, key in each.secrets.items():
                pem, wrong = self._certificate(host, key)
                if not wrong:
                    yield host, (f"Secret/{key.name}", pem)

    def _certificate(self, host: str, key: ObjectKey) -> tuple[str, str]:
        """The certificate for a host, and what is wrong with it."""
        if not key.name:
            return "", "no secret"
        pem, wrong = tls.of_secret(self.cache.secret(key))
        if wrong:
            return "", f'Error getting SSL certificate "{key}": local SSL certificate {key} {wrong}'
        read = tls.read(pem)
        if host and not read.covers(host) and host not in (read.common_name, *read.names.dns):
            names = ", ".join(read.names.dns) or read.common_name
            return "", f'SSL certificate "{key}" is valid for {names}, not for "{host}"'
        return pem, ""

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        ingress = self.informers.of(INGRESSES).get(*key)
        if ingress is None:
            self._told.pop(key, None)
            self.wants(_("forget its rules"))
            return None
        if not self.is_served(ingress):
            name = ingress["spec"].get("ingressClassName") or annotations_of(ingress).get(CLASS_ANNOTATION)
            self.wants(_("leave it alone: its class is not for this controller"))
            self._say(ingress, [f'Ignoring ingress "{key}": class "{name}" is not for this controller'], sync=False)
            return None
        found = self._compiled(ingress)
        self.saw(rules=len(found.rules), hosts=len({rule.host for rule in found.rules}))
        self._say(ingress, list(self._troubles(found)), sync=True)
        self._publish(ingress)
        return None

    def _troubles(self, found: Compiled) -> Iterator[str]:
        yield from filter(None, (self.cache.trouble(each) for each in backends_of(found)))
        for host, key in found.secrets.items():
            _pem, wrong = self._certificate(host, key)
            if wrong and key.name:
                yield f"{wrong}. Using default certificate"

    def _say(self, ingress: Object, warnings: Sequence[str], *, sync: bool) -> None:
        """Write events and log where there is something new to say."""
        key, meta = key_of(ingress), ingress["metadata"]
        version: tuple[object, ...] = (meta["uid"], meta.get("generation"), repr(meta.get("annotations")))
        before = self._told.get(key, ((), ()))
        self._told[key] = (version, tuple(warnings))
        if sync and before[0] != version:
            self.wants(_("route its hosts and paths"))
            self.events.normal(ingress, "Sync", "Scheduled for sync")
        if before[1] != tuple(warnings) or before[0] != version:
            for warning in warnings:
                self._log("W", warning)

    def _publish(self, ingress: Object) -> None:
        """Write the addresses at which it is reached."""
        key = self._options.publish_service
        if key is None:
            return
        status = ingress.get("status") or {}
        found = (status.get("loadBalancer") or {}).get("ingress") or []
        wanted = list(addresses_of(self.cache.services.get(*key)))
        self.compares("addresses", _words(found), _words(wanted))
        if found == wanted:
            return
        self.wants(_("write its address"))
        balancer = {"ingress": wanted} if wanted else {}
        self.client.update_status(INGRESSES, {**ingress, "status": {**status, "loadBalancer": balancer}})


def addresses_of(service: Object | None) -> Iterator[Object]:
    """Where somebody reaches a Service from outside, as a status says it."""
    if service is None:
        return
    spec = service["spec"]
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        yield {"hostname": spec["externalName"]}
    elif kind == "LoadBalancer":
        for each in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            yield {name: each[name] for name in ("hostname", "ip") if each.get(name)}
        yield from ({"ip": each} for each in spec.get("externalIPs") or ())
    else:
        yield from ({"ip": each} for each in spec.get("externalIPs") or [spec.get("clusterIP")] if each != "None")


def _words(points: Sequence[Object]) -> str:
    return ", ".join(each.get("ip") or each.get("hostname", "") for each in points) or "-"


def _age(ingress: Object) -> tuple[str, ObjectKey]:
    return ingress["metadata"].get("creationTimestamp", ""), key_of(ingress)
