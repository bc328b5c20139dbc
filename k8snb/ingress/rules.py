"""What Ingresses and HTTPRoutes become: rules that one router understands.

A rule says which requests it is for (host, path and, in Gateway API, method, headers and parameters), what is to be
done to them (`filters`), and where they go (`backends`). `order` breaks ties: age, then name, then place in the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from k8snb.machinery.goregexp import GoRegexpError, compiled
from k8snb.packet import HTTPRequest
from k8snb.typing import ObjectKey

EXACT, PREFIX, REGEX = "Exact", "Prefix", "RegularExpression"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a header or a parameter has to be."""

    name: str
    value: str
    regular: bool = False

    def passes(self, found: str | None) -> bool:
        """Whether a value is the one, or matches the whole expression."""
        if found is None:
            return False
        return found == self.value if not self.regular else _matches_all(self.value, found)


@dataclass(frozen=True, slots=True)
class Path:
    """What the path of a request has to be."""

    kind: str = PREFIX
    value: str = "/"

    @property
    def length(self) -> int:
        """What counts where the longest wins; a slash at the end of a prefix says nothing."""
        return len(self.value.rstrip("/")) if self.kind == PREFIX else len(self.value)

    def matches(self, path: str) -> bool:
        """Whether it is the one: as a whole, element by element, or as an expression from the start."""
        if self.kind == EXACT:
            return path == self.value
        if self.kind == PREFIX:
            stem = self.value.rstrip("/")
            return path == stem or path.startswith(f"{stem}/")
        try:
            return compiled(self.value).match(path) is not None
        except GoRegexpError:
            return False


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """Headers to set, to add to what is there, and to take away; names are in lower case."""

    set: Sequence[tuple[str, str]] = ()
    add: Sequence[tuple[str, str]] = ()
    remove: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client elsewhere; what is empty stays as it was asked for."""

    code: int = 302
    scheme: str = ""
    hostname: str = ""
    port: int = 0
    path: str = ""
    prefix: str | None = None
    """What replaces the matched prefix."""
    url: str = ""
    """Where to, whatever was asked for."""
    unless_secure: bool = False
    """Only where the client came without TLS."""
    only_root: bool = False
    """Only where the path is `/`."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Ask the backend for another host or path."""

    hostname: str = ""
    path: str = ""
    """The whole path; `$1` is what the first group of the rule's expression matched."""
    prefix: str | None = None
    """What replaces the matched prefix."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Refuse (403) whoever does not come from these ranges."""

    ranges: Sequence[str]


@dataclass(frozen=True, slots=True)
class Backend:
    """A port of a Service, and its share of the requests. `problem` says why there is none: the reason of a status."""

    service: ObjectKey
    port: str = ""
    """Number or name."""
    weight: int = 1
    filters: Sequence[Filter] = ()
    scheme: str = "http"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Send a copy as well, and forget the answer."""

    backend: Backend
    percent: float = 100
    """Of so many of a hundred requests."""


@dataclass(frozen=True, slots=True)
class Modify:
    """Change headers, of requests or of answers."""

    changes: HeaderChanges
    of_response: bool = False


Filter = HeaderChanges | Redirect | Rewrite | Allow | Mirror | Modify


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests, and where they go."""

    origin: str
    """The object that it comes from: `Ingress/default/my-app-ingress`."""
    label: str = ""
    """Which part of it, for readers."""
    host: str = ""
    """A name, a wildcard (`*.example.com`), or empty for all."""
    deep: bool = False
    """Whether the star stands for several labels (Gateway API) and not for one alone (Ingress)."""
    path: Path = field(default_factory=Path)
    method: str = ""
    headers: Sequence[Wanted] = ()
    parameters: Sequence[Wanted] = ()
    order: tuple[str | int, ...] = ()
    filters: Sequence[Filter] = ()
    backends: Sequence[Backend] = ()
    failure: int = 503
    """What is answered where no backend can be chosen."""

    def __str__(self) -> str:
        more = [self.method, *(f"{each.name}: {each.value}" for each in self.headers)]
        more += [f"?{each.name}={each.value}" for each in self.parameters]
        kind = "" if self.path.kind == PREFIX else f" ({self.path.kind})"
        return " ".join(filter(None, (f"{self.host or '*'}{self.path.value}{kind}", *more)))


def host_matches(pattern: str, host: str, *, deep: bool = False) -> bool:
    """Whether a host is the one, or below the wildcard's: by one label, or where the star is `deep` by several."""
    if not pattern.startswith("*"):
        return not pattern or pattern == host
    suffix = pattern[1:]
    first = host.removesuffix(suffix)
    return host.endswith(suffix) and bool(first) and (deep or "." not in first)


def specificity(pattern: str) -> tuple[bool, int]:
    """How much a host says: a name more than a wildcard, and a long wildcard more than a short one."""
    return not pattern.startswith("*") and bool(pattern), len(pattern)


def host_of(request: HTTPRequest) -> str:
    """The host that a request is for, without a port, in lower case."""
    return request.authority.rpartition(":")[0].lower() if _has_port(request.authority) else request.authority.lower()


def _has_port(authority: str) -> bool:
    return authority.rpartition(":")[2].isdigit() and ":" in authority


def _matches_all(pattern: str, text: str) -> bool:
    try:
        return compiled(pattern).fullmatch(text) is not None
    except GoRegexpError:
        return False
