"""The mirroring controller: slices for those who still write Endpoints by hand.

The Endpoints of a Service without a selector belong to somebody outside: a person, an operator, an old tool. kube-proxy
reads slices only, so each group of addresses with the same ports gets one, for IPv4 and for IPv6, with the labels and
annotations of the Endpoints, which own them. Nothing is mirrored that says `skip-mirror`, or that is an old kind of
lock for leader election. Upstream: `pkg/controller/endpointslicemirroring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.client.events import EventRecorder
from k8snb.controllers.endpoint import MANAGED_BY, SERVICE_NAME, TRIGGER_TIME, name_prefix, port_key
from k8snb.controllers.endpointslice import SLICES
from k8snb.controllers.refusals import delete, namespace_is_terminating
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.machinery.objects import annotations_of, controller_reference, is_deleting, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

OWN = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
MOST = 1000
"""How many addresses of a subset are mirrored (`--mirroring-max-endpoints-per-subset`)."""


@dataclass
class Wanted:
    """The endpoints that one slice should hold, by their address."""

    kind: str
    ports: Sequence[Object]
    endpoints: dict[str, Object] = field(default_factory=dict)


class MirroringController(Controller):
    """Keeps slices in step with Endpoints that no controller writes. A key is a Service's and its Endpoints'."""

    name = "endpointslice-mirroring-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.events = EventRecorder(context.client, context.clock, "endpoint-slice-mirroring-controller")
        self._services = self.informers.of("services")
        self._endpoints = self.informers.of("endpoints")
        self._slices = self.informers.of(SLICES)

    def start(self) -> None:
        self._slices.add_index("mirror", _of_service)
        self._services.on_change(self._service_changed)
        self._endpoints.on_change(self._endpoints_changed)
        self._slices.on_change(self._slice_changed)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        selects = {bool(each["spec"].get("selector")) for each in (old, new) if each is not None}
        comes_or_goes = old is None or new is None
        if False in selects and (comes_or_goes or True in selects):
            self._changed(old, new)

    def _endpoints_changed(self, old: Object | None, new: Object | None) -> None:
        if any(each is not None and _is_mirrored(each) for each in (old, new)):
            self._changed(old, new)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        for service in {*_of_service(obj), *_of_service(old or obj)}:
            self.queue.add(ObjectKey(*service.split("/")), revision_of(obj))

    def reconcile(self, key: ObjectKey) -> float | None:
        endpoints, service = self._endpoints.get(*key), self._services.get(*key)
        slices = sorted(self._slices.by_index("mirror", str(key)), key=lambda each: each["metadata"]["name"])
        if endpoints is None or service is None or service["spec"].get("selector") or not _is_mirrored(endpoints):
            self._remove(slices, _("nobody's Endpoints are to be mirrored here: delete their slices"))
            return None
        wanted, invalid, skipped = wanted_of(endpoints)
        if invalid:
            told = f"Skipped {invalid} invalid IP addresses when mirroring to EndpointSlices"
            self.events.warning(endpoints, "InvalidIPAddress", told)
        if skipped:
            told = (
                f"A max of {MOST} addresses can be mirrored to EndpointSlices per Endpoints subset. "
                f"{skipped + invalid} addresses were skipped"
            )
            self.events.warning(endpoints, "TooManyAddressesToMirror", told)
        self._bring_about(endpoints, wanted, slices)
        return None

    def _bring_about(self, endpoints: Object, wanted: Iterable[Wanted], slices: list[Object]) -> None:
        """Keep one slice for each group that is wanted; another's that is not wanted any more becomes a new one's."""
        held = {_group(each["addressType"], each.get("ports")): each for each in reversed(slices)}
        pairs = [(each, held.pop(_group(each.kind, each.ports), None)) for each in wanted]
        kept = {id(each) for _each, each in pairs if each is not None}
        spare = [each for each in slices if id(each) not in kept]
        for each, current in pairs:
            if current is None:
                current = next((old for old in spare if old["addressType"] == each.kind), None)
                spare = [old for old in spare if old is not current]
            self._write(endpoints, each, current)
        self._remove(spare, _("nothing stands behind these slices any more: delete them"))

    def _write(self, endpoints: Object, wanted: Wanted, current: Object | None) -> None:
        slice_ = slice_of(endpoints, wanted)
        if current is None:
            self.compares(_("addresses"), _("none"), ", ".join(wanted.endpoints))
            self.wants(_("somebody's Endpoints have no slice yet: create one"))
            self._create(endpoints, slice_)
        elif _differs(current, slice_):
            have = [address for each in current.get("endpoints") or () for address in each["addresses"]]
            self.compares(_("addresses"), ", ".join(have), ", ".join(wanted.endpoints))
            self.wants(_("the Endpoints have changed: update their slice"))
            meta = {k: v for k, v in current["metadata"].items() if k != "annotations"}
            own = {k: v for k, v in slice_["metadata"].items() if k in ("labels", "annotations")}
            self.client.update(SLICES, {**slice_, "metadata": meta | own})
        else:
            self.wants(_("the slices say what the Endpoints say: nothing to do"))

    def _create(self, endpoints: Object, slice_: Object) -> None:
        if is_deleting(endpoints):
            return
        try:
            self.client.create(SLICES, slice_)
        except StatusError as error:
            if not namespace_is_terminating(error):
                raise

    def _remove(self, slices: Iterable[Object], why: str) -> None:
        for each in slices:
            namespace, name = key_of(each)
            self.compares(_("slice"), name, _("none"))
            self.wants(why)
            delete(self.client, SLICES, name, namespace)


def wanted_of(endpoints: Object) -> tuple[list[Wanted], int, int]:
    """The slices that Endpoints should have; how many addresses are none, and how many more are left out. Pure."""
    groups: dict[str, Wanted] = {}
    invalid = skipped = 0
    for subset in endpoints.get("subsets") or ():
        ports = [{"name": "", **each} for each in subset.get("ports") or ()]
        room = MOST
        for address, ready in _addresses(subset):
            if not room:
                skipped += 1
                continue
            try:
                ip = ip_address(address["ip"])
            except ValueError:
                invalid += 1
                continue
            room -= 1
            kind = f"IPv{ip.version}"
            group = groups.setdefault(_group(kind, ports), Wanted(kind, ports))
            group.endpoints[str(ip)] = _endpoint(address, str(ip), ready)
    return [*groups.values()], invalid, skipped


def _addresses(subset: Object) -> Iterable[tuple[Object, bool]]:
    yield from ((each, True) for each in subset.get("addresses") or ())
    yield from ((each, False) for each in subset.get("notReadyAddresses") or ())


def _endpoint(address: Object, ip: str, ready: bool) -> Object:
    endpoint: dict[str, Any] = {"addresses": [ip], "conditions": {"ready": ready}}
    endpoint.update((name, address[name]) for name in ("hostname", "nodeName", "targetRef") if address.get(name))
    return endpoint


def slice_of(endpoints: Object, wanted: Wanted) -> Object:
    """A slice with these endpoints, to be created. Pure."""
    namespace, name = key_of(endpoints)
    meta: dict[str, Any] = {
        "generateName": name_prefix(name),
        "namespace": namespace,
        "labels": {**labels_of(endpoints), SERVICE_NAME: name, MANAGED_BY: OWN},
        "ownerReferences": [controller_reference(endpoints)],
    }
    annotations = {k: v for k, v in annotations_of(endpoints).items() if k not in (TRIGGER_TIME, LAST_APPLIED)}
    if annotations:
        meta["annotations"] = annotations
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": wanted.kind,
        "endpoints": [*wanted.endpoints.values()],
        "ports": wanted.ports,
    }


def _differs(current: Object, wanted: Object) -> bool:
    return (
        _by_address(current) != _by_address(wanted)
        or labels_of(current) != labels_of(wanted)
        or annotations_of(current) != annotations_of(wanted)
        or port_key(current.get("ports")) != port_key(wanted.get("ports"))
    )


def _by_address(slice_: Object) -> Mapping[str, Object]:
    return {each["addresses"][0]: each for each in slice_.get("endpoints") or ()}


def _group(kind: str, ports: Any) -> str:
    return f"{kind} {port_key(ports)}"


def _is_mirrored(endpoints: Object) -> bool:
    return labels_of(endpoints).get(SKIP) != "true" and LEADER not in annotations_of(endpoints)


def _of_service(slice_: Object) -> tuple[str, ...]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) != OWN or not labels.get(SERVICE_NAME):
        return ()
    return (f"{slice_['metadata']['namespace']}/{labels[SERVICE_NAME]}",)
