"""URLs, addresses and networks.

Upstream: `apiserver/pkg/cel/library/urls.go`, `ip.go` and `cidr.go`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import ClassVar, TypeAlias
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.values import EvaluationError

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class URL:
    cel_type: ClassVar[str] = "kubernetes.URL"
    parts: SplitResult


@dataclass(frozen=True, slots=True)
class IP:
    cel_type: ClassVar[str] = "net.IP"
    address: _Address


@dataclass(frozen=True, slots=True)
class CIDR:
    cel_type: ClassVar[str] = "net.CIDR"
    interface: _Interface


# -- URLs ----------------------------------------------------------------------------------------------


def _parse_url(text: str) -> URL | str:
    """The URL, or why the text is none."""
    if not text:
        return 'parse "": empty url'
    if any(ord(each) < 0x20 or ord(each) == 0x7F for each in text):
        return f'parse "{text}": net/url: invalid control character in URL'
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  looks at it
    except ValueError:
        return f'parse "{text}": invalid port after host'
    if not text.startswith("/") and (not parts.scheme or not text.startswith(f"{parts.scheme}:", 0)):
        return f'parse "{text}": invalid URI for request'
    if " " in parts.netloc:
        return f'parse "{text}": invalid character " " in host name'
    return URL(parts)


def _url(text: str) -> URL:
    found = _parse_url(text)
    if isinstance(found, str):
        raise EvaluationError(f"URL parse error during conversion from string: {found}")
    return found


def _host(url: URL) -> str:
    return url.parts.netloc.rpartition("@")[2]


def _hostname(url: URL) -> str:
    host = _host(url)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if url.parts.port is not None or host.endswith(":") else host


URLS: Library = {
    "url(string) -> kubernetes.URL": _url,
    "isURL(string) -> bool": lambda text: not isinstance(_parse_url(text), str),
    "kubernetes.URL::getScheme() -> string": lambda url: url.parts.scheme,
    "kubernetes.URL::getHost() -> string": _host,
    "kubernetes.URL::getHostname() -> string": _hostname,
    "kubernetes.URL::getPort() -> string": lambda url: "" if url.parts.port is None else str(url.parts.port),
    "kubernetes.URL::getEscapedPath() -> string": lambda url: quote(url.parts.path, safe="/%:@!$&'()*+,;=~-._"),
    "kubernetes.URL::getQuery() -> map(string, list(string))": lambda url: parse_qs(
        url.parts.query, keep_blank_values=True
    ),
}


# -- addresses -----------------------------------------------------------------------------------------


def _parse_ip(text: str) -> IP | str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return f'IP Address "{text}" parse error during conversion from string: ParseAddr("{text}"): unable to parse IP'
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return f'IP address "{text}" with zone value is not allowed'
        if address.ipv4_mapped:
            return f'IPv4-mapped IPv6 address "{text}" is not allowed'
    return IP(address)


def _ip(text: str) -> IP:
    found = _parse_ip(text)
    if isinstance(found, str):
        raise EvaluationError(found)
    return found


def _is_global(ip: IP) -> bool:
    address = ip.address
    if address == ipaddress.ip_address("255.255.255.255"):
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local)


def _is_local_multicast(ip: IP) -> bool:
    if isinstance(ip.address, ipaddress.IPv4Address):
        return ip.address in ipaddress.ip_network("224.0.0.0/24")
    return ip.address.packed[0] == 0xFF and ip.address.packed[1] & 0x0F == 0x02


ADDRESSES: Library = {
    "ip(string) -> net.IP": _ip,
    "isIP(string) -> bool": lambda text: not isinstance(_parse_ip(text), str),
    "ip.isCanonical(string) -> bool": lambda text: str(_ip(text).address) == text,
    "string(net.IP) -> string": lambda ip: str(ip.address),
    "net.IP::family() -> int": lambda ip: ip.address.version,
    "net.IP::isUnspecified() -> bool": lambda ip: ip.address.is_unspecified,
    "net.IP::isLoopback() -> bool": lambda ip: ip.address.is_loopback,
    "net.IP::isLinkLocalMulticast() -> bool": _is_local_multicast,
    "net.IP::isLinkLocalUnicast() -> bool": lambda ip: ip.address.is_link_local,
    "net.IP::isGlobalUnicast() -> bool": _is_global,
}


# -- networks ------------------------------------------------------------------------------------------


def _parse_cidr(text: str) -> CIDR | str:
    lead = f'network address parse error during conversion from string: netip.ParsePrefix("{text}")'
    if "/" not in text:
        return f"{lead}: no '/'"
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return f"{lead}: unable to parse IP"
    if isinstance(found, ipaddress.IPv6Interface) and found.ip.ipv4_mapped:
        return f'IPv4-mapped IPv6 address "{text}" is not allowed'
    return CIDR(found)


def _cidr(text: str) -> CIDR:
    found = _parse_cidr(text)
    if isinstance(found, str):
        raise EvaluationError(found)
    return found


def _contains_ip(cidr: CIDR, ip: IP | str) -> bool:
    address = (_ip(ip) if isinstance(ip, str) else ip).address
    return address.version == cidr.interface.version and address in cidr.interface.network


def _contains_cidr(cidr: CIDR, other: CIDR | str) -> bool:
    inner = (_cidr(other) if isinstance(other, str) else other).interface
    outer = cidr.interface
    if inner.version != outer.version or inner.network.prefixlen < outer.network.prefixlen:
        return False
    return inner.ip in outer.network


CIDRS: Library = {
    "cidr(string) -> net.CIDR": _cidr,
    "isCIDR(string) -> bool": lambda text: not isinstance(_parse_cidr(text), str),
    "string(net.CIDR) -> string": lambda cidr: str(cidr.interface),
    "net.CIDR::containsIP(net.IP) -> bool": _contains_ip,
    "net.CIDR::containsIP(string) -> bool": _contains_ip,
    "net.CIDR::containsCIDR(net.CIDR) -> bool": _contains_cidr,
    "net.CIDR::containsCIDR(string) -> bool": _contains_cidr,
    "net.CIDR::ip() -> net.IP": lambda cidr: IP(cidr.interface.ip),
    "net.CIDR::masked() -> net.CIDR": lambda cidr: CIDR(ipaddress.ip_interface(cidr.interface.network)),
    "net.CIDR::prefixLength() -> int": lambda cidr: cidr.interface.network.prefixlen,
}
