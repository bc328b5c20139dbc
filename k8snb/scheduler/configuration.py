"""A `KubeSchedulerConfiguration`: which profiles a scheduler has, and how each differs from the default one.

    apiVersion: kubescheduler.config.k8s.io/v1
    kind: KubeSchedulerConfiguration
    profiles:
    - schedulerName: default-scheduler
    - schedulerName: packing
      pluginConfig:
      - name: NodeResourcesFit
        args: {scoringStrategy: {type: MostAllocated}}

What is given is merged into the default profile and checked, with upstream's words. What has to do with processes
(leader election, client connections, parallelism) is read and makes no difference. `percentageOfNodesToScore` makes one
where it is given; where it is not, all nodes are looked at, as upstream does too below a hundred nodes.
Upstream: `apis/config/v1`, `apis/config/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from k8snb.errors import FieldError, duplicate, invalid_value, required
from k8snb.scheduler.arguments import ARGUMENTS, child, filled
from k8snb.scheduler.extender_settings import FIELDS, ExtenderSettings, check, settings
from k8snb.scheduler.merging import Sets, expanded
from k8snb.scheduler.registry import DEFAULT_PROFILE, PLUGINS, Profile, Row, row_of
from k8snb.typing import Object

GROUP, KIND = "kubescheduler.config.k8s.io", "KubeSchedulerConfiguration"
VERSION = f"{GROUP}/v1"
REMOVED = frozenset({"AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"})
"""Plugins that there are no more."""

_FIELDS = frozenset(
    [
        "apiVersion",
        "kind",
        "parallelism",
        "leaderElection",
        "clientConnection",
        "enableProfiling",
        "enableContentionProfiling",
        "percentageOfNodesToScore",
        "podInitialBackoffSeconds",
        "podMaxBackoffSeconds",
        "profiles",
        "extenders",
        "delayCacheUntilActive",
    ]
)
_SCHEME = "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme/scheme.go:30"
_PROFILE_FIELDS = frozenset({"schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"})


class BadConfiguration(ValueError):
    """The configuration cannot be used; the message is the scheduler's."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a scheduler is told when it starts."""

    profiles: tuple[Profile, ...] = (DEFAULT_PROFILE,)
    initial_backoff: float = 1.0
    """Seconds that a pod waits at least after its first failure."""
    max_backoff: float = 10.0
    """The wait doubles from failure to failure, up to so many seconds."""
    extenders: tuple[ExtenderSettings, ...] = ()


def read(given: Configuration | Object | str | None, plugins: Sequence[type[Any]] = ()) -> Configuration:
    """The configuration that an object or a YAML text stands for. Raises `BadConfiguration`.

    `plugins` are classes of the reader's, which the configuration may then enable by name.
    """
    if isinstance(given, Configuration):
        return given
    document = _document(given)
    rows = {row.name: row for row in map(row_of, plugins)}
    _decode(document)
    profiles = document.get("profiles")
    listed = [{"schedulerName": DEFAULT_PROFILE.name}] if profiles is None else profiles
    if len(listed) == 1 and listed[0].get("schedulerName") is None:
        listed = [{"schedulerName": DEFAULT_PROFILE.name, **listed[0]}]
    _refuse(_findings(document, listed))
    percentage = document.get("percentageOfNodesToScore")
    extenders = settings(document.get("extenders") or ())
    unchecked = frozenset(name for each in extenders for name in each.unchecked)
    made = tuple(_without(_profile(each, percentage, rows), unchecked) for each in listed)
    return Configuration(made, *_backoff(document), extenders)


def _document(given: Object | str | None) -> Object:
    if not isinstance(given, str):
        return given or {"apiVersion": VERSION, "kind": KIND}
    try:
        found = yaml.safe_load(given)
    except yaml.YAMLError as error:
        raise BadConfiguration(f"error converting YAML to JSON: yaml: {error}") from None
    if not isinstance(found, Mapping):
        raise BadConfiguration("couldn't get version/kind; json parse error")
    return found


def _decode(document: Object) -> None:
    """Refuse a document that cannot be read at all."""
    version, kind = document.get("apiVersion", ""), document.get("kind", "")
    if kind != KIND or version != VERSION:
        raise BadConfiguration(f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"')
    unknown = sorted(set(document) - _FIELDS)
    for index, profile in enumerate(document.get("profiles") or ()):
        unknown += [f"profiles[{index}].{name}" for name in sorted(set(profile) - _PROFILE_FIELDS)]
        unknown += [f"profiles[{index}].plugins.{name}" for name in Sets.unknown(profile.get("plugins") or {})]
    for index, extender in enumerate(document.get("extenders") or ()):
        unknown += [f"extenders[{index}].{name}" for name in sorted(set(extender) - FIELDS)]
    if unknown:
        told = ", ".join(f'unknown field "{name}"' for name in unknown)
        raise BadConfiguration(f"strict decoding error: {told}")


def _refuse(findings: Iterable[FieldError], where: str = "") -> None:
    """Several findings are one message in brackets, the same one said once."""
    told = list(dict.fromkeys(map(str, findings)))
    if told:
        raise BadConfiguration(where + (told[0] if len(told) == 1 else f"[{', '.join(told)}]"))


def _backoff(document: Object) -> tuple[float, float]:
    return document.get("podInitialBackoffSeconds", 1), document.get("podMaxBackoffSeconds", 10)


# -- checking --------------------------------------------------------------------------------------


def _findings(document: Object, profiles: Sequence[Object]) -> Iterator[FieldError]:
    if document.get("parallelism", 16) <= 0:
        told = "should be an integer value greater than zero"
        yield invalid_value("parallelism", document["parallelism"], told)
    if not profiles:
        yield required("profiles")
    seen: dict[str, int] = {}
    for index, profile in enumerate(profiles):
        path, name = f"profiles[{index}]", profile.get("schedulerName") or ""
        yield from _of_profile(path, name, profile)
        if name in seen:
            yield duplicate(f"{path}.schedulerName", f"profiles[{seen[name]}].schedulerName")
        seen[name] = index
    yield from _one_order(profiles)
    yield from _percentage("percentageOfNodesToScore", document)
    initial, most = _backoff(document)
    if initial <= 0:
        yield invalid_value("podInitialBackoffSeconds", initial, "must be greater than 0")
    if most < initial:
        told = "must be greater than or equal to PodInitialBackoffSeconds"
        yield invalid_value("podMaxBackoffSeconds", most, told)
    yield from check(document.get("extenders") or ())


def _percentage(path: str, given: Object) -> Iterator[FieldError]:
    value = given.get("percentageOfNodesToScore")
    if value is not None and not 0 <= value <= 100:
        yield invalid_value(path, value, "not in valid range [0-100]")


def _of_profile(path: str, name: str, profile: Object) -> Iterator[FieldError]:
    if not name:
        yield required(f"{path}.schedulerName")
    yield from _percentage(f"{path}.percentageOfNodesToScore", profile)
    gone = f'was invalid in version "v1" (KubeSchedulerConfiguration is version "{VERSION}")'
    for point, chosen in (profile.get("plugins") or {}).items():
        for index, each in enumerate(chosen.get("enabled") or ()):
            if each["name"] in REMOVED and point != "multiPoint":
                yield invalid_value(f"{path}.plugins.{point}.enabled[{index}]", each["name"], gone)
    seen: set[str] = set()
    for index, each in enumerate(profile.get("pluginConfig") or ()):
        here, plugin = f"{path}.pluginConfig[{index}]", each["name"]
        if plugin in seen:
            yield duplicate(here, plugin)
        seen.add(plugin)
        known = ARGUMENTS.get(plugin)
        if plugin in REMOVED:
            yield invalid_value(here, plugin, gone)
        elif known is not None and not known.late:
            yield from known.check(child(here, "args"), filled(plugin, each.get("args") or {}))


def _one_order(profiles: Sequence[Object]) -> Iterator[FieldError]:
    """All profiles share one queue, so they have to agree on its order."""
    chosen = [(profile.get("plugins") or {}).get("queueSort") or {} for profile in profiles]
    for index, each in enumerate(chosen):
        if not index and len(each.get("enabled") or ()) > 1:
            path = "profiles[0].plugins.queueSort.Enabled"
            yield invalid_value(path, len(each["enabled"]), "only one queue sort plugin can be enabled")
        if each != chosen[0]:
            yield invalid_value(f"profiles[{index}].plugins.queueSort", each, "must be the same for all profiles")


# -- making ----------------------------------------------------------------------------------------


def _without(profile: Profile, unchecked: frozenset[str]) -> Profile:
    """The profile, if extenders alone count some resources: no plugin does then."""
    if not unchecked:
        return profile
    fit = {**profile.arguments.get("NodeResourcesFit", {}), "ignoredResources": sorted(unchecked)}
    return replace(profile, arguments={**profile.arguments, "NodeResourcesFit": fit})


def _profile(given: Object, percentage: int | None, rows: Mapping[str, Row]) -> Profile:
    """The default profile with what is given merged into it."""
    name = given["schedulerName"]
    arguments = {each["name"]: each.get("args") or {} for each in given.get("pluginConfig") or ()}
    where = f"initializing profiles: creating profile for scheduler name {name}"
    try:
        plugins, points = expanded(Sets(given.get("plugins") or {}), name, {**PLUGINS, **rows})
    except ValueError as error:
        raise BadConfiguration(f"{where}: {error}") from None
    for plugin, _weight in plugins:
        known = ARGUMENTS.get(plugin)
        if known is not None and known.late:
            _refuse(
                known.check("", filled(plugin, arguments.get(plugin) or {})),
                f'{where}: initializing plugin "{plugin}": ',
            )
    own = given.get("percentageOfNodesToScore")
    used = {row: rows[row] for row in rows if row in dict(plugins)}
    return Profile(name, plugins, points, arguments, percentage if own is None else own, used)
