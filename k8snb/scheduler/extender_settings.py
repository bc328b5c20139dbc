"""The `extenders` of a KubeSchedulerConfiguration: where each is, what it is asked, and what is wrong with that.

    extenders:
    - urlPrefix: http://gpus.example.com/scheduler
      filterVerb: filter
      prioritizeVerb: prioritize
      weight: 5
      managedResources:
      - name: example.com/gpu
        ignoredByScheduler: true

Upstream: `apis/config/types.go`, `validateExtenders` in `apis/config/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.errors import FieldError, invalid_value
from k8snb.machinery import formats
from k8snb.machinery.durations import parse_duration
from k8snb.machinery.resourcenames import is_extended
from k8snb.typing import Object

USUAL_SECONDS = 5.0
FIELDS = frozenset(
    [
        "urlPrefix",
        "filterVerb",
        "preemptVerb",
        "prioritizeVerb",
        "weight",
        "bindVerb",
        "enableHTTPS",
        "tlsConfig",
        "httpTimeout",
        "nodeCacheCapable",
        "managedResources",
        "ignorable",
    ]
)


@dataclass(frozen=True, slots=True)
class ExtenderSettings:
    """One extender. A verb is what is put behind its URL; an empty one is not asked for."""

    url: str
    filter_verb: str = ""
    prioritize_verb: str = ""
    preempt_verb: str = ""
    bind_verb: str = ""
    weight: int = 0
    seconds: float = USUAL_SECONDS
    """How long an answer may take."""
    knows_nodes: bool = False
    """Whether it is sent names of nodes instead of nodes (`nodeCacheCapable`)."""
    resources: frozenset[str] = frozenset()
    """It is asked about pods that want one of these; about all if there are none."""
    unchecked: frozenset[str] = frozenset()
    """Those of them that it alone counts."""
    ignorable: bool = False
    """Whether scheduling goes on without it where it does not answer."""
    bundle: bytes | None = None
    """By which certificates it is known, as a `caBundle`; whoever answers is believed if there are none."""


def settings(given: Sequence[Object]) -> tuple[ExtenderSettings, ...]:
    """What a configuration says of extenders; those that can be done without come last."""
    found = [_settings(each) for each in given]
    return tuple(sorted(found, key=lambda each: each.ignorable))


def names(given: Sequence[ExtenderSettings]) -> list[str]:
    """What extenders are called: by their URLs without the scheme, with a number where several have one."""
    plain = [each.url.partition("://")[2].rstrip("/") or each.url for each in given]
    return [
        name if plain.count(name) == 1 else f"{name} #{plain[:at].count(name) + 1}" for at, name in enumerate(plain)
    ]


def _settings(given: Object) -> ExtenderSettings:
    resources = given.get("managedResources") or ()
    data = (given.get("tlsConfig") or {}).get("caData")
    return ExtenderSettings(
        given.get("urlPrefix") or "",
        given.get("filterVerb") or "",
        given.get("prioritizeVerb") or "",
        given.get("preemptVerb") or "",
        given.get("bindVerb") or "",
        given.get("weight") or 0,
        parse_duration(given.get("httpTimeout") or "0s") or USUAL_SECONDS,
        bool(given.get("nodeCacheCapable")),
        frozenset(each["name"] for each in resources),
        frozenset(each["name"] for each in resources if each.get("ignoredByScheduler")),
        bool(given.get("ignorable")),
        data.encode() if data else None,
    )


def check(given: Sequence[Object]) -> Iterator[FieldError]:
    """What is wrong with them."""
    seen: set[str] = set()
    for index, each in enumerate(given):
        path, weight = f"extenders[{index}]", each.get("weight") or 0
        if each.get("prioritizeVerb") and weight <= 0:
            yield invalid_value(f"{path}.weight", weight, "must have a positive weight applied to it")
        for number, resource in enumerate(each.get("managedResources") or ()):
            here, name = f"{path}.managedResources[{number}].name", resource.get("name") or ""
            yield from _check_name(here, name)
            if name in seen:
                yield invalid_value(here, name, "duplicate extender managed resource name")
            seen.add(name)
    binders = sum(bool(each.get("bindVerb")) for each in given)
    if binders > 1:
        told = f"found {binders} extenders implementing bind"
        yield invalid_value("extenders", told, "only one extender can implement bind")


def _check_name(path: str, name: str) -> Iterator[FieldError]:
    wrong = formats.qualified_name(name)
    yield from (invalid_value(path, name, each) for each in wrong)
    if not wrong and not is_extended(name):
        yield invalid_value(path, name, "is an invalid extended resource name")
