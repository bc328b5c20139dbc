"""What plugins can be told in a configuration (`pluginConfig`): the defaults, and what is wrong with what is given.

Every kind of arguments is a row of `ARGUMENTS`. A plugin reads its arguments with all defaults filled in, so it never
asks whether something was given. Upstream: `apis/config/v1/defaults.go`, `validation/validation_pluginargs.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery.validation import validate_label_name
from k8snb.typing import Object

STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
MOST_CUSTOM_SCORE = 10
"""The highest score in a shape; scores are stretched to 100."""

_CPU_AND_MEMORY = ({"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1})
_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"})

Findings = Iterator[FieldError]


def no_findings(path: str, arguments: Object) -> Findings:
    """Everything is right."""
    return iter(())


class Arguments(NamedTuple):
    """The arguments of one plugin: what they are without being given, and how they are checked.

    Upstream checks most when the configuration is read, and some only when the plugin is made (`late`).
    """

    defaults: Mapping[str, Any]
    check: Callable[[str, Object], Findings] = no_findings
    late: bool = False


def child(path: str, name: str) -> str:
    """The path of a field within another; upstream begins some at the plugin's arguments."""
    return f"{path}.{name}" if path else name


# -- one plugin after the other --------------------------------------------------------------------


def _preemption(path: str, given: Object) -> Findings:
    percent, least = given["minCandidateNodesPercentage"], given["minCandidateNodesAbsolute"]
    of_percent, of_least = child(path, "minCandidateNodesPercentage"), child(path, "minCandidateNodesAbsolute")
    if not 0 <= percent <= 100:
        yield invalid_value(of_percent, percent, "not in valid range [0, 100]")
    if least < 0:
        yield invalid_value(of_least, least, "not in valid range [0, inf)")
    if not percent and not least:
        yield invalid_value(of_percent, 0, "cannot be zero at the same time as minCandidateNodesAbsolute")
        yield invalid_value(of_least, 0, "cannot be zero at the same time as minCandidateNodesPercentage")


def _pod_affinity(path: str, given: Object) -> Findings:
    weight = given["hardPodAffinityWeight"]
    if not 0 <= weight <= 100:
        yield invalid_value(child(path, "hardPodAffinityWeight"), weight, "not in valid range [0, 100]")


def _node_affinity(path: str, given: Object) -> Findings:
    added, path = given.get("addedAffinity") or {}, child(path, "addedAffinity")
    needed = added.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    here = child(path, "requiredDuringSchedulingIgnoredDuringExecution")
    for index, term in enumerate(needed.get("nodeSelectorTerms") or ()):
        yield from _term(f"{here}.nodeSelectorTerms[{index}]", term)
    here = child(path, "preferredDuringSchedulingIgnoredDuringExecution")
    for index, each in enumerate(added.get("preferredDuringSchedulingIgnoredDuringExecution") or ()):
        yield from _term(f"{here}[{index}]", each.get("preference") or {})


def _term(path: str, term: Object) -> Findings:
    for index, each in enumerate(term.get("matchExpressions") or ()):
        here, operator = f"{path}.matchExpressions[{index}]", each.get("operator")
        if operator not in _OPERATORS:
            yield not_supported(f"{here}.operator", operator or "", sorted(_OPERATORS))
        elif operator == "In" and not each.get("values"):
            yield required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        yield from validate_label_name(each.get("key") or "", f"{here}.key")


def _spread(path: str, given: Object) -> Findings:
    kind, constraints = given["defaultingType"], given["defaultConstraints"]
    if kind not in ("System", "List"):
        yield not_supported(child(path, "defaultingType"), kind, ("System", "List"))
    elif kind == "System" and constraints:
        yield invalid_value(child(path, "defaultingType"), kind, "when .defaultConstraints are not empty")
    for index, each in enumerate(constraints):
        here = f"{child(path, 'defaultConstraints')}[{index}]"
        yield from _constraint(here, each)
        pair = each.get("topologyKey"), each.get("whenUnsatisfiable")
        if any(pair == (other.get("topologyKey"), other.get("whenUnsatisfiable")) for other in constraints[:index]):
            yield duplicate(here, f"{{{pair[0]}, {pair[1]}}}")


def _constraint(path: str, given: Object) -> Findings:
    if given.get("maxSkew", 0) <= 0:
        yield invalid_value(f"{path}.maxSkew", given.get("maxSkew", 0), "not in valid range (0, inf)")
    key, action = given.get("topologyKey") or "", given.get("whenUnsatisfiable") or ""
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    else:
        yield from validate_label_name(key, f"{path}.topologyKey")
    if not action:
        yield required(f"{path}.whenUnsatisfiable", "can not be empty")
    elif action not in _ACTIONS:
        yield not_supported(f"{path}.whenUnsatisfiable", action, _ACTIONS)
    if given.get("labelSelector") is not None:
        told = "constraint must not define a selector, as they deduced for each pod"
        yield field_forbidden(f"{path}.labelSelector", told)


def _balance(path: str, given: Object) -> Findings:
    seen: set[str] = set()
    for index, each in enumerate(given["resources"]):
        here = f"{child(path, 'resources')}[{index}]"
        if each["name"] in seen:
            yield duplicate(f"{here}.name", each["name"])
        seen.add(each["name"])
        if each.get("weight") != 1:
            yield invalid_value(f"{here}.weight", each.get("weight"), "must be 1")


def _fit(path: str, given: Object) -> Findings:
    for index, name in enumerate(given["ignoredResources"]):
        yield from validate_label_name(name, f"{child(path, 'ignoredResources')}[{index}]")
    for index, group in enumerate(given["ignoredResourceGroups"]):
        here = f"{child(path, 'ignoredResourceGroups')}[{index}]"
        if "/" in group:
            yield invalid_value(here, group, "resource group name can't contain '/'")
        yield from validate_label_name(group, here)
    strategy, here = given["scoringStrategy"], child(path, "scoringStrategy")
    if strategy["type"] not in STRATEGIES:
        yield not_supported(f"{here}.type", strategy["type"], STRATEGIES)
    for index, each in enumerate(strategy["resources"]):
        if not 0 < each["weight"] <= 100:
            told = f"resource weight of {each['name']} not in valid range (0, 100]"
            yield invalid_value(f"{here}.resources[{index}].weight", each["weight"], told)
    yield from _ratio(f"{here}.requestedToCapacityRatio", strategy)


def _ratio(path: str, strategy: Object) -> Findings:
    ratio = strategy.get("requestedToCapacityRatio")
    if strategy["type"] != "RequestedToCapacityRatio":
        if ratio is not None:
            yield field_forbidden(path, "must be nil when type is not RequestedToCapacityRatio")
    elif ratio is None:
        yield required(path, "must be specified when type is RequestedToCapacityRatio")
    else:
        yield from _shape(f"{path}.shape", ratio.get("shape") or ())


def _shape(path: str, shape: Sequence[Object]) -> Findings:
    if not shape:
        yield required(path, "at least one point must be specified")
    use = [point.get("utilization", 0) for point in shape]
    fallen = next((index for index in range(1, len(use)) if use[index - 1] >= use[index]), None)
    if fallen is not None:
        yield invalid_value(f"{path}[{fallen}].utilization", use[fallen], "values must be sorted in increasing order")
    for index, point in enumerate(shape):
        for name, most in (("utilization", 100), ("score", MOST_CUSTOM_SCORE)):
            value = point.get(name, 0)
            if not 0 <= value <= most:
                yield invalid_value(f"{path}[{index}].{name}", value, f"not in valid range [0, {most}]")


def _binding(path: str, given: Object) -> Findings:
    if given["bindTimeoutSeconds"] < 0:
        told = "invalid BindTimeoutSeconds, should not be a negative value"
        yield invalid_value(child(path, "bindTimeoutSeconds"), given["bindTimeoutSeconds"], told)


ARGUMENTS: Mapping[str, Arguments] = {
    "DefaultPreemption": Arguments({"minCandidateNodesPercentage": 10, "minCandidateNodesAbsolute": 100}, _preemption),
    "DynamicResources": Arguments({"filterTimeout": "10s", "bindingTimeout": "10m0s"}),
    "InterPodAffinity": Arguments(
        {"hardPodAffinityWeight": 1, "ignorePreferredTermsOfExistingPods": False}, _pod_affinity
    ),
    "NodeAffinity": Arguments({"addedAffinity": None}, _node_affinity),
    "NodeResourcesBalancedAllocation": Arguments({"resources": _CPU_AND_MEMORY}, _balance),
    "NodeResourcesFit": Arguments(
        {
            "ignoredResources": (),
            "ignoredResourceGroups": (),
            "scoringStrategy": {"type": "LeastAllocated", "resources": _CPU_AND_MEMORY},
        },
        _fit,
        late=True,
    ),
    "PodTopologySpread": Arguments({"defaultConstraints": (), "defaultingType": "System"}, _spread),
    "VolumeBinding": Arguments({"bindTimeoutSeconds": 600}, _binding),
}


def filled(name: str, given: Object) -> Object:
    """A plugin's arguments with the defaults of what is not given."""
    known = ARGUMENTS.get(name)
    if known is None:
        return given
    meant = {key: value for key, value in given.items() if value is not None}
    found = {**known.defaults, **meant}
    if name == "NodeResourcesFit":
        found["scoringStrategy"] = _strategy(found["scoringStrategy"])
    elif name == "NodeResourcesBalancedAllocation":
        found["resources"] = _weighted(found["resources"] or _CPU_AND_MEMORY)
    return found


def _strategy(given: Object) -> Object:
    """A strategy without resources is about CPU and memory, and a resource without a weight weighs 1."""
    named = given.get("resources") or _CPU_AND_MEMORY
    return {"type": "LeastAllocated", **given, "resources": _weighted(named)}


def _weighted(resources: Sequence[Object]) -> tuple[Object, ...]:
    return tuple({**each, "weight": each.get("weight") or 1} for each in resources)
