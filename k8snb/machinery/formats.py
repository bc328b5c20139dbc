"""What names, keys and values must look like, in the API server's words.

Every function returns the messages of what is wrong with a text: none when it is well formed. Label keys and
values come back millions of times, so those answers are remembered.

Upstream: `apimachinery/pkg/util/validation` and `pkg/api/validate/content`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

Messages = tuple[str, ...]
Check = Callable[[str], Messages]

MAX_NAME = 253
MAX_LABEL = 63

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ALNUM_ENDS = "and must start and end with an alphanumeric character"


def size(text: str) -> int:
    """The length in bytes, which is what limits mean."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _pattern_message(text: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}'," for example in examples)
    lead = f"(e.g. {shown} " if examples else "("
    return f"{text} {lead}regex used for validation is '{pattern}')"


class _Format:
    """A rule that is a length and a pattern."""

    def __init__(self, limit: int, pattern: str, text: str, *examples: str, unit: str = "characters") -> None:
        self.fits = re.compile(pattern, re.ASCII).fullmatch
        self.limit = limit
        self.mismatch = _pattern_message(text, pattern, *examples)
        self.excess = f"must be no more than {limit} {unit}"

    def __call__(self, text: str) -> Messages:
        if len(text) <= self.limit and self.fits(text):
            return ()
        return tuple(self._findings(text))

    def _findings(self, text: str) -> Iterator[str]:
        if size(text) > self.limit:
            yield self.excess
        if not self.fits(text):
            yield self.mismatch


_UNLIMITED = 1 << 62
_subdomain = _Format(
    MAX_NAME,
    _SUBDOMAIN,
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ALNUM_ENDS}",
    "example.com",
)
_label = _Format(
    MAX_LABEL,
    _LABEL,
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ALNUM_ENDS}",
    "my-name",
    "123-abc",
)
_label_1035 = _Format(
    MAX_LABEL,
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "my-name",
    "abc-123",
)
_wildcard = _Format(
    MAX_NAME,
    rf"\*\.{_SUBDOMAIN}",
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    "*.example.com",
)
_key_name = _Format(
    MAX_LABEL,
    _KEY_NAME,
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ALNUM_ENDS}",
    "MyName",
    "my.name",
    "123-abc",
    unit="bytes",
)
_label_value = _Format(
    MAX_LABEL,
    f"({_KEY_NAME})?",
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ALNUM_ENDS}",
    "MyValue",
    "my_value",
    "12345",
    unit="bytes",
)
_config_key = _Format(
    MAX_NAME,
    "[-._a-zA-Z0-9]+",
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "key.name",
    "KEY_NAME",
    "key-name",
)
_percent = _Format(
    _UNLIMITED, "[0-9]+%", "a valid percent string must be a numeric string followed by an ending '%'", "1%", "93%"
)
_header = _Format(
    _UNLIMITED,
    "[-A-Za-z0-9]+",
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    "X-Header-Name",
)
_c_identifier = _Format(
    _UNLIMITED,
    "[A-Za-z_][A-Za-z0-9_]*",
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_'",
    "my_name",
    "MY_NAME",
    "MyName",
)


def dns_subdomain(text: str) -> Messages:
    """RFC 1123 subdomain: the rule for most names."""
    return _subdomain(text)


@lru_cache(maxsize=1 << 12)
def dns_label(text: str) -> Messages:
    """RFC 1123 label: namespaces, containers, hostnames."""
    if len(text) <= MAX_LABEL and _label.fits(text):
        return ()
    found = [_label.excess] if size(text) > MAX_LABEL else []
    if not _label.fits(text):
        found.append("must not contain dots" if _subdomain.fits(text) else _label.mismatch)
    return tuple(found)


def dns1035_label(text: str) -> Messages:
    """RFC 1035 label: Services."""
    return _label_1035(text)


def wildcard_subdomain(text: str) -> Messages:
    """`*.example.com`."""
    return _wildcard(text)


def path_segment(text: str) -> Messages:
    """What may stand as one segment of a URL path: the rule of RBAC names."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{mark}'" for mark in "/%" if mark in text)


@lru_cache(maxsize=1 << 14)
def qualified_name(text: str) -> Messages:
    """A label key, finalizer, resource or condition name: `name` or `prefix.example.com/name`."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return (f"a valid label key {_key_name.mismatch}{tail}",)
    found = [f"prefix part {message}" for message in _prefix(prefix)] if slash else []
    if not name:
        found.append("name part must be non-empty")
    return (*found, *(f"name part {message}" for message in _key_name(name)))


def _prefix(prefix: str) -> Messages:
    if not prefix:
        return ("must be non-empty",)
    return tuple(f"must be no more than {MAX_NAME} bytes" if m == _subdomain.excess else m for m in _subdomain(prefix))


@lru_cache(maxsize=1 << 14)
def label_value(text: str) -> Messages:
    """The value of a label: empty or at most 63 of letters, digits, `-`, `_` and `.`."""
    return _label_value(text)


def config_map_key(text: str) -> Messages:
    """A key of a ConfigMap or Secret."""
    return _config_key(text) + _dots(text)


def env_name(text: str) -> Messages:
    """The name of an environment variable (the relaxed rule that is the default since 1.34)."""
    if not text:
        return ("environment variable name must be non-empty",)
    if all(" " <= character <= "~" and character != "=" for character in text):
        return ()
    return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)


def c_identifier(text: str) -> Messages:
    """`[A-Za-z_][A-Za-z0-9_]*`."""
    return _c_identifier(text)


def percent(text: str) -> Messages:
    """`25%`."""
    return _percent(text)


def http_header_name(text: str) -> Messages:
    return _header(text)


def port_name(text: str) -> Messages:
    """An IANA service name: the name of a container port."""
    found = ["must be no more than 15 characters"] if size(text) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return tuple(found)


def in_range(number: int, low: int, high: int) -> Messages:
    return () if low <= number <= high else (f"must be between {low} and {high}, inclusive",)


def port_number(number: int) -> Messages:
    """1 to 65535."""
    return in_range(number, 1, 65535)


def _dots(text: str) -> Messages:
    if text in (".", ".."):
        return (f"must not be '{text}'",)
    return ("must not start with '..'",) if text.startswith("..") else ()


def ip_address(text: str) -> Messages:
    """An address in its canonical form: the name of an IPAddress."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return () if str(found) == text else (f'must be in canonical form ("{found}")',)


NAME_RULES: Mapping[str, Check] = {
    "dns-subdomain": dns_subdomain,
    "dns-label": dns_label,
    "dns1035-label": dns1035_label,
    "path-segment": path_segment,
    "ip": ip_address,
}
"""The rules a kind can choose from (`Strategy.name_rule`)."""
