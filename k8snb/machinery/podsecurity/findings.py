"""What a check finds, and how its sentences are put together.

Upstream: `policy/checks.go`, `policy/helpers.go`, `policy/visitor.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}


class Finding(NamedTuple):
    """What is wrong with a pod: the rule it breaks, and where."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check: TypeAlias = Callable[[Object, Object], Finding | None]
"""(metadata, spec) → what is wrong, None if nothing is."""


def containers(spec: Object) -> Iterator[Object]:
    """All containers of a pod, in the order in which messages name them."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def context(part: Object) -> Object:
    """The security context of a pod or a container."""
    found: Object = part.get("securityContext") or _NONE
    return found


def names_where(spec: Object, is_bad: Callable[[Object], object]) -> list[str]:
    """The names of the containers for which something holds."""
    return [each["name"] for each in containers(spec) if is_bad(each)]


def quoted(items: Iterable[str]) -> str:
    """`"a", "b"`."""
    return ", ".join(f'"{item}"' for item in items)


def plural(word: str, items: Sequence[Any] | set[str]) -> str:
    """The word in the number of the items."""
    return word if len(items) == 1 else f"{word}s"


def uses(items: Sequence[Any]) -> str:
    """The verb in the number of those who use something."""
    return "uses" if len(items) == 1 else "use"


def named(names: Sequence[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural('container', names)} {quoted(names)}"


def setters(pod: bool, names: Sequence[str]) -> str:
    """Who has set something: `pod and container "a"`; empty if nobody has."""
    return " and ".join([*(["pod"] if pod else []), *([named(names)] if names else [])])
