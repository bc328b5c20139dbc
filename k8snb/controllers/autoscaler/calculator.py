"""How many pods a metric asks for: the number there is, times use over target.

Not every pod counts. One that is on its way out or failed does not at all. One that is not ready, or of which nothing
is known, is assumed to use whatever makes the answer the more careful one: nothing if there should be more pods, all
that it asked for if there should be fewer. A change of less than a tenth is none. Pure. Upstream:
`replica_calculator.go`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from k8snb.clock import parse_time
from k8snb.controllers.autoscaler.metrics import MetricsError, Sample, Samples
from k8snb.controllers.autoscaler.working import IN_SILENCE, Groups, Tolerance, Working
from k8snb.controllers.podstate import is_ready, phase_of, ready_condition
from k8snb.machinery import quantity
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

INITIALIZATION_SECONDS = 300.0
"""For how long after its start a pod may use more CPU than it will later."""
READINESS_SECONDS = 30.0
"""How soon after its start a pod that was not ready then is taken never to have been ready."""
NO_PODS = "no pods returned by selector while calculating replica count"


class Answer(NamedTuple):
    """How many pods there should be, and what is used: in percent of the requests, and in thousandths per pod."""

    replicas: int
    utilization: int
    average: int


def group(pods: Sequence[Object], samples: Mapping[str, Sample], resource: str, now: float) -> Groups:
    """Sort pods by how they count."""
    ready, unready, missing, ignored = 0, set[str](), set[str](), set[str]()
    for pod in pods:
        name: str = pod["metadata"]["name"]
        sample = samples.get(name)
        if is_deleting(pod) or phase_of(pod) == "Failed":
            ignored.add(name)
        elif phase_of(pod) == "Pending":
            unready.add(name)
        elif sample is None:
            missing.add(name)
        elif resource == "cpu" and _is_starting(pod, sample, now):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _is_starting(pod: Object, sample: Sample, now: float) -> bool:
    """Whether what the pod uses of the CPU says nothing yet about what it will use."""
    condition, began = ready_condition(pod), (pod.get("status") or {}).get("startTime")
    if condition is None or not began:
        return True
    is_false = condition["status"] == "False"
    changed = parse_time(condition["lastTransitionTime"]) if condition.get("lastTransitionTime") else 0.0
    if parse_time(began) + INITIALIZATION_SECONDS > now:
        return is_false or sample.at < changed + sample.window
    return is_false and parse_time(began) + READINESS_SECONDS > changed


def requests_of(pods: Sequence[Object], container: str, resource: str) -> dict[str, int]:
    """What each pod asked for, in thousandths. Raises `MetricsError` where a container did not say."""
    found: dict[str, int] = {}
    for pod in pods:
        spec, name = pod["spec"], pod["metadata"]["name"]
        sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
        total = 0
        for each in (*spec["containers"], *sidecars):
            if container and each["name"] != container:
                continue
            text = ((each.get("resources") or {}).get("requests") or {}).get(resource)
            if text is None:
                raise MetricsError(f"missing request for {resource} in container {each['name']} of Pod {name}")
            total += quantity.milli(text)
        found[name] = total
    return found


class Calculator:
    """The answers for one workload: its pods, and how many are asked for now."""

    def __init__(
        self, pods: Sequence[Object], current: int, tolerance: Tolerance, now: float, working: Working = IN_SILENCE
    ) -> None:
        self._pods = pods
        self._current = current
        self._tolerance = tolerance
        self._now = now
        self._working = working

    def utilization(self, samples: Samples, target: int, resource: str, container: str) -> Answer:
        """By use in percent of what the pods asked for. Raises `MetricsError`."""
        groups, samples = self._counted(samples, resource)
        requests = requests_of(self._pods, container, resource)
        ratio, percent, average = _utilization(samples, requests, target)
        self._working.used({name: (each.value, requests.get(name)) for name, each in samples.items()}, groups)
        self._working.utilization(sum(each.value for each in samples.values()), percent, ratio, target)
        full = max(100, target)
        assumed = {name: requests[name] * full // 100 for name in groups.missing}
        adjusted = self._adjusted(groups, samples, ratio, assumed)
        if adjusted is None:
            return Answer(self._near(ratio, groups.ready), percent, average)
        new, with_assumed, _average = _utilization(adjusted, requests, target)
        self._working.assumed(f"{with_assumed} %", new)
        return Answer(self._careful(ratio, new, len(adjusted)), percent, average)

    def plain(self, samples: Samples, target: int, resource: str = "") -> Answer:
        """By use per pod in thousandths. Raises `MetricsError`."""
        groups, samples = self._counted(samples, resource)
        ratio, average = _usage(samples, target)
        self._working.used({name: (each.value, None) for name, each in samples.items()}, groups)
        self._working.average(average, ratio, target)
        adjusted = self._adjusted(groups, samples, ratio, dict.fromkeys(groups.missing, target))
        if adjusted is None:
            return Answer(self._near(ratio, groups.ready), 0, average)
        new, with_assumed = _usage(adjusted, target)
        self._working.assumed(f"{with_assumed}m", new)
        return Answer(self._careful(ratio, new, len(adjusted)), 0, average)

    def _counted(self, samples: Samples, resource: str) -> tuple[Groups, Samples]:
        if not self._pods:
            raise MetricsError(NO_PODS)
        groups = group(self._pods, samples, resource, self._now)
        left = {k: v for k, v in samples.items() if k not in groups.ignored and k not in groups.unready}
        if not left:
            raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
        return groups, left

    def _near(self, ratio: float, ready: int) -> int:
        covered = self._tolerance.covers(ratio)
        replicas = self._current if covered else math.ceil(ratio * ready)
        self._working.answer(ratio, ready, replicas, self._tolerance, within=covered)
        return replicas

    @staticmethod
    def _adjusted(groups: Groups, samples: Samples, ratio: float, assumed: Mapping[str, int]) -> Samples | None:
        """The samples with those that are assumed; None where nothing has to be."""
        with_unready = bool(groups.unready) and ratio > 1.0
        if not with_unready and not groups.missing:
            return None
        added: Samples = {}
        if ratio < 1.0:
            added |= {name: Sample(value) for name, value in assumed.items()}
        elif ratio > 1.0:
            added |= dict.fromkeys(groups.missing, Sample(0))
        if with_unready:
            added |= dict.fromkeys(groups.unready, Sample(0))
        return samples | added

    def _careful(self, ratio: float, new: float, count: int) -> int:
        """What the assumed samples come to, unless they would turn the direction round."""
        within = self._tolerance.covers(new) or (ratio < 1.0 < new) or (new < 1.0 < ratio)
        replicas = self._current if within else math.ceil(new * count)
        if not within and ((new < 1.0 and replicas > self._current) or (new > 1.0 and replicas < self._current)):
            replicas = self._current
        self._working.answer(new, count, replicas, self._tolerance, within=within)
        return replicas

    def total(self, used: int, target: int) -> int:
        """By one value for all pods together. Raises `MetricsError`."""
        ratio = used / target
        if not self._current:
            return math.ceil(ratio)
        if self._tolerance.covers(ratio):
            return self._current
        if not self._pods:
            raise MetricsError(f"unable to calculate ready pods: {NO_PODS}")
        return math.ceil(ratio * sum(phase_of(pod) == "Running" and is_ready(pod) for pod in self._pods))

    def shared(self, used: int, target: int, exist: int) -> tuple[int, int]:
        """By one value that all pods share: how many there should be, and the share of each that exists."""
        replicas = exist
        ratio = used / (target * exist) if exist else math.inf
        if not self._tolerance.covers(ratio):
            replicas = math.ceil(used / target)
        return replicas, math.ceil(used / exist) if exist else 0


def _utilization(samples: Samples, requests: Mapping[str, int], target: int) -> tuple[float, int, int]:
    """Use over target, use in percent of the requests, and use per pod."""
    known = [name for name in samples if name in requests]
    asked = sum(requests[name] for name in known)
    if not asked:
        raise MetricsError("no metrics returned matched known pods")
    used = sum(samples[name].value for name in known)
    percent = used * 100 // asked
    return percent / target, percent, used // len(known)


def _usage(samples: Samples, target: int) -> tuple[float, int]:
    """Use over target, and use per pod."""
    average = sum(sample.value for sample in samples.values()) // len(samples)
    return average / target, average
