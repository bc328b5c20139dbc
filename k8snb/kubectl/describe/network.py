"""The pages of Services and of the endpoints behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.writer import NONE, UNSET, Page
from k8snb.kubectl.printing.tables import labels_text
from k8snb.typing import Object

_SHOWN = 3


def describe_service(describing: Describing, obj: Object) -> None:
    """A Service, with the addresses behind each port."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    describing.head(obj)
    describing.marks(obj)
    page.line(f"Selector:\t{labels_text(spec.get('selector'))}")
    page.line(f"Type:\t{spec.get('type', '')}")
    if spec.get("ipFamilyPolicy"):
        page.line(f"IP Family Policy:\t{spec['ipFamilyPolicy']}")
    page.line(f"IP Families:\t{','.join(spec.get('ipFamilies') or ()) or NONE}")
    page.line(f"IP:\t{spec.get('clusterIP', '')}")
    page.line(f"IPs:\t{','.join(spec.get('clusterIPs') or ()) or NONE}")
    _outside(page, spec, status)
    _ports(page, spec, slices_of(describing, obj))
    page.line(f"Session Affinity:\t{spec.get('sessionAffinity', '')}")
    for title, field in (
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
        ("HealthCheck NodePort", "healthCheckNodePort"),
    ):
        if spec.get(field):
            page.line(f"{title}:\t{spec[field]}")
    if spec.get("loadBalancerSourceRanges"):
        page.line(f"LoadBalancer Source Ranges:\t{','.join(spec['loadBalancerSourceRanges'])}")
    if spec.get("trafficDistribution"):
        page.line(f"Traffic Distribution:\t{spec['trafficDistribution']}")
    describing.events(obj)


def _outside(page: Page, spec: Object, status: Object) -> None:
    if spec.get("externalIPs"):
        page.line(f"External IPs:\t{','.join(spec['externalIPs'])}")
    if spec.get("loadBalancerIP"):
        page.line(f"Desired LoadBalancer IP:\t{spec['loadBalancerIP']}")
    if spec.get("externalName"):
        page.line(f"External Name:\t{spec['externalName']}")
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    if ingress:
        page.line(f"LoadBalancer Ingress:\t{', '.join(map(_ingress, ingress))}")


def _ingress(point: Object) -> str:
    if not point.get("ip"):
        return str(point.get("hostname", ""))
    return f"{point['ip']} ({point['ipMode']})" if point.get("ipMode") else str(point["ip"])


def _ports(page: Page, spec: Object, slices: Sequence[Object]) -> None:
    for port in spec.get("ports") or ():
        name, protocol = port.get("name", ""), port.get("protocol", "TCP")
        page.line(f"Port:\t{name or UNSET}\t{port['port']}/{protocol}")
        page.line(f"TargetPort:\t{port.get('targetPort', 0)}/{protocol}")
        if port.get("nodePort"):
            page.line(f"NodePort:\t{name or UNSET}\t{port['nodePort']}/{protocol}")
        page.line(f"Endpoints:\t{endpoints_text(slices, name)}")


def slices_of(describing: Describing, obj: Object) -> Sequence[Object]:
    """The EndpointSlices of a Service; none where they may not be read."""
    meta = obj["metadata"]
    query = {"labelSelector": f"kubernetes.io/service-name={meta['name']}"}
    try:
        return describing.session.items(describing.resource("endpointslices"), meta["namespace"], query)
    except StatusError:
        return []


def endpoints_text(slices: Sequence[Object], port: str) -> str:
    """The ready addresses behind a port, the first few of them."""
    if not slices:
        return NONE
    found = [address for each in slices for address in _addresses(each, port)]
    text = ",".join(found[:_SHOWN])
    return f"{text} + {len(found) - _SHOWN} more..." if len(found) > _SHOWN else text


def _addresses(slice: Object, port: str) -> Iterator[str]:
    ready = [e for e in slice.get("endpoints") or () if (e.get("conditions") or {}).get("ready", True)]
    ports = slice.get("ports") or ()
    if not ports:
        yield from (endpoint["addresses"][0] for endpoint in ready)
    for each in ports:
        if each.get("name", "") == port:
            yield from (_joined(endpoint["addresses"][0], each["port"]) for endpoint in ready)


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def describe_endpoints(describing: Describing, obj: Object) -> None:
    """Endpoints, the older form."""
    page = describing.page
    describing.head(obj)
    describing.marks(obj)
    page.line("Subsets:")
    for subset in obj.get("subsets") or ():
        for title, field in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            page.line(f"{title}:\t{','.join(each['ip'] for each in subset.get(field) or ()) or NONE}", 1)
        ports = subset.get("ports") or ()
        if ports:
            _port_table(page, ports, 1)
        page.line()
    describing.events(obj)


def _port_table(page: Page, ports: Sequence[Object], level: int) -> None:
    page.line("Ports:", level)
    page.line("Name\tPort\tProtocol", level + 1)
    page.line("----\t----\t--------", level + 1)
    for port in ports:
        cells = (port.get("name") or UNSET, port.get("port", UNSET), port.get("protocol", "TCP"))
        page.line("\t".join(map(str, cells)), level + 1)


def describe_endpoint_slice(describing: Describing, obj: Object) -> None:
    """An EndpointSlice."""
    page = describing.page
    describing.head(obj)
    describing.marks(obj)
    page.line(f"AddressType:\t{obj.get('addressType', '')}")
    ports = obj.get("ports") or ()
    if ports:
        _port_table(page, ports, 0)
    else:
        page.line("Ports: <unset>")
    endpoints = obj.get("endpoints") or ()
    page.line("Endpoints:" if endpoints else "Endpoints: <none>")
    for endpoint in endpoints:
        _endpoint(page, endpoint)
    describing.events(obj)


def _endpoint(page: Page, endpoint: Object) -> None:
    page.line(f"- Addresses:\t{', '.join(endpoint.get('addresses') or ()) or NONE}", 1)
    page.line("Conditions:", 2)
    ready = (endpoint.get("conditions") or {}).get("ready")
    page.line(f"Ready:\t{UNSET if ready is None else str(ready).lower()}", 3)
    page.line(f"Hostname:\t{endpoint.get('hostname', UNSET)}", 2)
    reference = endpoint.get("targetRef")
    if reference:
        page.line(f"TargetRef:\t{reference.get('kind', '')}/{reference.get('name', '')}", 2)
    page.line(f"NodeName:\t{endpoint.get('nodeName', UNSET)}", 2)
    page.line(f"Zone:\t{endpoint.get('zone', UNSET)}", 2)
