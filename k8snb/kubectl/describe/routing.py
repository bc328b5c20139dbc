"""The pages of what leads traffic: Ingresses, their classes, NetworkPolicies, and the addresses of Services."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.network import endpoints_text, slices_of
from k8snb.kubectl.describe.writer import NONE, Page, long_time
from k8snb.kubectl.targets import Target
from k8snb.machinery.selectors import text_of
from k8snb.typing import Object

_INDENT = "    "


def describe_ingress(describing: Describing, obj: Object) -> None:
    """An Ingress, with the addresses behind each path."""
    page, meta, spec = describing.page, obj["metadata"], obj["spec"]
    page.line(f"Name:\t{meta['name']}")
    page.labels("Labels", meta.get("labels"))
    page.line(f"Namespace:\t{meta['namespace']}")
    points = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    page.line(f"Address:\t{','.join(sorted({p.get('ip') or p.get('hostname', '') for p in points}))}")
    page.line(f"Ingress Class:\t{spec.get('ingressClassName', NONE)}")
    default = spec.get("defaultBackend")
    otherwise = _backend(describing, meta["namespace"], default) if default else "<default>"
    page.line(f"Default backend:\t{otherwise}")
    _tls(page, spec.get("tls") or ())
    page.line("Rules:\n  Host\tPath\tBackends")
    page.line("----\t----\t--------", 1)
    rules = [rule for rule in spec.get("rules") or () if rule.get("http")]
    for rule in rules:
        page.line(f"{rule.get('host') or '*'}\t", 1)
        for path in rule["http"].get("paths") or ():
            page.line(f"\t{path.get('path', '')} \t{_backend(describing, meta['namespace'], path['backend'])}", 2)
    if not rules:
        page.line(f"*\t*\t{otherwise}", 1)
    page.annotations("Annotations", meta.get("annotations"))
    describing.events(obj)


def _tls(page: Page, entries: Sequence[Object]) -> None:
    if entries:
        page.line("TLS:")
    for entry in entries:
        hosts = ",".join(entry.get("hosts") or ())
        page.line(f"{entry['secretName']} terminates {hosts}" if entry.get("secretName") else f"SNI routes {hosts}", 1)


def _backend(describing: Describing, namespace: str, backend: Object) -> str:
    resource = backend.get("resource")
    if resource:
        group = resource.get("apiGroup", NONE)
        return f"APIGroup: {group}, Kind: {resource.get('kind', '')}, Name: {resource.get('name', '')}"
    service = backend.get("service") or {}
    port = service.get("port") or {}
    shown = f"{service.get('name', '')}:{port.get('name') or port.get('number', 0)}"
    try:
        found = describing.session.get(Target(describing.resource("services"), namespace, service.get("name", "")))
    except StatusError as error:
        return f"{shown} (<error: {error.message}>)"
    named = ""
    for each in found["spec"].get("ports") or ():
        if each["port"] == port.get("number") or (port.get("name") and each.get("name") == port["name"]):
            named = each.get("name", "")
    return f"{shown} ({endpoints_text(slices_of(describing, found), named)})"


def describe_ingress_class(describing: Describing, obj: Object) -> None:
    """An IngressClass."""
    page, spec = describing.page, obj["spec"]
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line(f"Controller:\t{spec.get('controller', '')}")
    parameters = spec.get("parameters")
    if parameters:
        page.line("Parameters:")
        if "apiGroup" in parameters:
            page.line(f"APIGroup:\t{parameters['apiGroup']}", 1)
        page.line(f"Kind:\t{parameters.get('kind', '')}", 1)
        page.line(f"Name:\t{parameters.get('name', '')}", 1)
    describing.events(obj)


def describe_network_policy(describing: Describing, obj: Object) -> None:
    """A NetworkPolicy: what it lets in and out."""
    page, spec = describing.page, obj["spec"]
    describing.head(obj)
    created = str(obj["metadata"].get("creationTimestamp", "")).replace("T", " ").replace("Z", " +0000 UTC")
    page.line(f"Created on:\t{created}")
    describing.marks(obj)
    page.line("Spec:")
    selector = spec.get("podSelector")
    everything = f"{NONE} (Allowing the specific traffic to all pods in this namespace)"
    page.line(f"PodSelector:     {text_of(selector) if selector else everything}", 1)
    types = spec.get("policyTypes") or ()
    _direction(page, "ingress", "Ingress" in types, spec.get("ingress") or ())
    _direction(page, "egress", "Egress" in types, spec.get("egress") or ())
    page.line(f"Policy Types: {', '.join(types)}", 1)


_PEERS = {"ingress": ("from", "From", "source"), "egress": ("to", "To", "destination")}


def _direction(page: Page, direction: str, on: bool, rules: Sequence[Object]) -> None:
    if not on:
        page.line(f"Not affecting {direction} traffic", 1)
        return
    page.line(f"Allowing {direction} traffic:", 1)
    if not rules:
        page.line(f"{_INDENT}{NONE} (Selected pods are isolated for {direction} connectivity)")
    for at, rule in enumerate(rules):
        if at:
            page.line(f"{_INDENT}----------")
        _rule(page, direction, rule)


def _rule(page: Page, direction: str, rule: Object) -> None:
    field, word, end = _PEERS[direction]
    ports = rule.get("ports") or ()
    if not ports:
        page.line(f"{_INDENT}To Port: <any> (traffic allowed to all ports)")
    for port in ports:
        protocol, number = port.get("protocol", "TCP"), port.get("port", "<nil>")
        if "endPort" in port:
            page.line(f"{_INDENT}To Port Range: {number}-{port['endPort']}/{protocol}")
        else:
            page.line(f"{_INDENT}To Port: {number}/{protocol}")
    peers = rule.get(field) or ()
    if not peers:
        page.line(f"{_INDENT}{word}: <any> (traffic not restricted by {end})")
    for peer in peers:
        page.line(f"{_INDENT}{word}:")
        _peer(page, peer)


def _peer(page: Page, peer: Object) -> None:
    for title, name in (("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")):
        if peer.get(name) is not None:
            page.line(f"{_INDENT}{title}: {text_of(peer[name])}", 1)
    block = peer.get("ipBlock")
    if block:
        page.line(f"{_INDENT}IPBlock:", 1)
        page.line(f"{_INDENT}CIDR: {block['cidr']}", 2)
        page.line(f"{_INDENT}Except: {', '.join(block.get('except') or ())}", 2)


def describe_service_range(describing: Describing, obj: Object) -> None:
    """A ServiceCIDR."""
    page = describing.page
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line(f"CIDRs:\t{', '.join(obj['spec'].get('cidrs') or ())}")
    conditions = (obj.get("status") or {}).get("conditions") or ()
    if conditions:
        page.line("Status:\nConditions:")
        page.line("Type\tStatus\tLastTransitionTime\tReason\tMessage", 1)
        page.line("----\t------\t------------------\t------\t-------", 1)
    for each in conditions:
        moment = long_time(each.get("lastTransitionTime"))
        cells = (each["type"], each["status"], moment, each.get("reason", ""), each.get("message", ""))
        page.line("\t".join(cells), 1)
    describing.events(obj)


def describe_address(describing: Describing, obj: Object) -> None:
    """An IPAddress."""
    page, parent = describing.page, obj["spec"].get("parentRef")
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    if parent:
        page.line("Parent Reference:")
        for title in ("Group", "Resource", "Namespace", "Name"):
            page.line(f"{title}:\t{parent.get(title.lower(), '')}", 1)
    describing.events(obj)
