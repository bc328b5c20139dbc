"""IP addresses and CIDR blocks in the API server's words.

New values must be written canonically (no leading zeros, no IPv4-mapped IPv6, lower case); what an object
already holds is left in peace. Upstream: `IsValidIPForLegacyField`, `IsValidCIDRForLegacyField`,
`ValidateEndpointIP`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from k8snb.errors import FieldError, invalid_value

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_REMEMBERED = 65_536
"""How many addresses are remembered: an EndpointSlice is checked again whenever one of its endpoints changes."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PLAIN = re.compile(rf"(?!0\.|127\.|169\.254\.|224\.)(?:{_OCTET}\.){{3}}{_OCTET}", re.ASCII)

NOT_AN_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NOT_A_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@lru_cache(maxsize=_REMEMBERED)
def parse_ip(text: str) -> IPAddress | None:
    """The address, leading zeros in IPv4 forgiven; None if it is none."""
    try:
        return ipaddress.ip_address(_unpadded(text))
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def family_of(text: str) -> str:
    """`IPv6` or `IPv4`, the latter also for what is no address."""
    found = parse_ip(text)
    return "IPv6" if found is not None and found.version == 6 and _unmapped(found) is found else "IPv4"


def _unpadded(text: str) -> str:
    parts = text.split(".")
    if ":" in text or len(parts) != 4 or not all(part.isdigit() and part.isascii() for part in parts):
        return text
    return ".".join(str(int(part)) for part in parts)


def _unmapped(found: IPAddress) -> IPAddress:
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


def ip(path: str, value: str, existing: Sequence[str] = ()) -> list[FieldError]:
    """An address; one that the object already held (`existing`) is not looked at again."""
    if value in existing:
        return []
    found = parse_ip(value)
    if found is None:
        return [invalid_value(path, value, NOT_AN_IP)]
    if _unpadded(value) != value:
        return [invalid_value(path, value, "must not have leading 0s")]
    if _unmapped(found) is not found:
        return [invalid_value(path, value, "must not be an IPv4-mapped IPv6 address")]
    return []


def cidr(path: str, value: str, existing: Sequence[str] = ()) -> list[FieldError]:
    """A block of addresses; one that the object already held (`existing`) is not looked at again."""
    if value in existing:
        return []
    address, slash, length = value.partition("/")
    found = parse_ip(address)
    if found is None or not slash or not _is_length(length, found):
        return [invalid_value(path, value, NOT_A_CIDR)]
    if _unpadded(address) != address or str(int(length)) != length:
        return [invalid_value(path, value, "must not have leading 0s in IP or prefix length")]
    if _unmapped(found) is not found:
        return [invalid_value(path, value, "must not have an IPv4-mapped IPv6 address")]
    if int(found) & (1 << found.max_prefixlen - int(length)) - 1:
        return [invalid_value(path, value, "must not have bits set beyond the prefix length")]
    return []


def _is_length(text: str, address: IPAddress) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= address.max_prefixlen


def is_plain_endpoint(value: str) -> bool:
    """Whether it is, at a glance, an IPv4 address that traffic can be sent to, as nearly all are."""
    return _PLAIN.fullmatch(value) is not None


def endpoint_ip(path: str, value: str) -> list[FieldError]:
    """An address that traffic can be sent to."""
    if is_plain_endpoint(value):
        return []
    problem = _endpoint_problem(value)
    return [invalid_value(path, value, problem)] if problem else []


@lru_cache(maxsize=_REMEMBERED)
def _endpoint_problem(value: str) -> str:
    found = parse_ip(value)
    if found is None:
        return "must be a valid IP address"
    found = _unmapped(found)
    if found.is_unspecified:
        return f"may not be unspecified ({value})"
    if found.is_loopback:
        return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
    if found.is_link_local:
        return "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
    if found in _LOCAL_MULTICAST[found.version]:
        return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
    return ""


_LOCAL_MULTICAST: dict[int, ipaddress.IPv4Network | ipaddress.IPv6Network] = {
    4: ipaddress.ip_network("224.0.0.0/24"),
    6: ipaddress.ip_network("ff02::/16"),
}
