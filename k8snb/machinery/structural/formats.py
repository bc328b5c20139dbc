"""The formats of texts that a custom resource's schema can name; one that nobody knows is not looked at.

Upstream: `kube-openapi/pkg/validation/strfmt` and the list in `apiserver/validation/formats.go`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from k8snb.machinery import formats as names
from k8snb.machinery.cel.library.standard import parse_duration, parse_timestamp
from k8snb.machinery.cel.values import EvaluationError

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)(?:\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?))*\.?"
_LONG_DURATION = re.compile(
    r"\d+(?:\.\d+)?\s*(?:ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|week|wk)[a-z]*", re.IGNORECASE
)


def _is_address(kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return isinstance(ipaddress.ip_address(text), kind)
        except ValueError:
            return False

    return check


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return len(text) == 10


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (EvaluationError, ValueError, binascii.Error):
            return False
        return True

    return check


def _is_duration(text: str) -> bool:
    return _parses(parse_duration)(text) or _LONG_DURATION.fullmatch(text.strip()) is not None


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


_HEX = "[0-9a-fA-F]"


def _uuid(version: str = _HEX, variant: str = _HEX) -> Callable[[str], bool]:
    return _matching(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{version}{_HEX}{{3}}-?{variant}{_HEX}{{3}}-?{_HEX}{{12}}")


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "byte": _parses(lambda text: base64.b64decode(text, validate=True)),
    "cidr": _is_cidr,
    "date": _is_date,
    "date-time": _parses(parse_timestamp),
    "datetime": _parses(parse_timestamp),
    "duration": _is_duration,
    "email": _matching(rf"[^@\s<>]+@{_HOST}"),
    "hexcolor": _matching(f"#?(?:{_HEX}{{3}}|{_HEX}{{6}})"),
    "hostname": lambda text: len(text) <= 255 and re.fullmatch(_HOST, text) is not None,
    "ipv4": _is_address(ipaddress.IPv4Address),
    "ipv6": _is_address(ipaddress.IPv6Address),
    "isbn": _matching(r"(?:\d[- ]?){9}[\dXx]|(?:\d[- ]?){13}"),
    "isbn10": _matching(r"(?:\d[- ]?){9}[\dXx]"),
    "isbn13": _matching(r"(?:\d[- ]?){13}"),
    "creditcard": _matching(r"(?:\d[- ]?){13,16}"),
    "k8s-long-name": lambda text: not names.dns_subdomain(text),
    "k8s-short-name": lambda text: not names.dns_label(text),
    "mac": _matching(rf"(?:{_HEX}{{2}}[:-]){{5}}{_HEX}{{2}}"),
    "rgbcolor": _matching(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "ssn": _matching(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _matching(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:\S+|/\S*)"),
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89abAB]"),
    "uuid5": _uuid("5", "[89abAB]"),
}


def fits(name: str, text: str) -> bool:
    """Whether a text has the format."""
    check = FORMATS.get(name)
    return check is None or check(text)
