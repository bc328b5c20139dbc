"""What each metric of an autoscaler proposes, and what comes of all of them: the highest.

A metric that cannot be had is left out; but if others would then have pods taken away, nothing is done. Upstream:
`computeReplicasForMetrics` in `horizontal.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8snb.controllers.autoscaler.calculator import Calculator
from k8snb.controllers.autoscaler.metrics import Metrics, MetricsError
from k8snb.machinery.quantity import DECIMAL_SI, NANO, Quantity, milli
from k8snb.typing import Object

NO_TARGET = (
    "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
)


class Failure(NamedTuple):
    """Why a metric proposes nothing: the reason, what went wrong, and the same with the metric's name."""

    reason: str
    why: str
    error: str


class Proposal(NamedTuple):
    """How many pods a metric asks for, what it is called, and what the status says of it."""

    replicas: int
    name: str
    status: Object


class Outcome(NamedTuple):
    """What all metrics together ask for (None if that cannot be told), and which of them had no answer."""

    replicas: int | None
    name: str
    statuses: list[Object]
    failures: list[Failure]
    error: str


def amount(value: int) -> str:
    """So many thousandths, as the API shows them."""
    return str(Quantity(value * NANO // 1000, DECIMAL_SI))


class Proposer:
    """Asks for the metrics of one autoscaler."""

    def __init__(self, metrics: Metrics, calculator: Calculator, namespace: str, selector: str, exist: int) -> None:
        self._metrics = metrics
        self._calculator = calculator
        self._namespace = namespace
        self._selector = selector
        self._exist = exist

    def propose(self, specs: Sequence[Object], current: int) -> Outcome:
        """What all metrics together ask for."""
        best: Proposal | None = None
        statuses: list[Object] = []
        failures: list[Failure] = []
        for spec in specs:
            found = self._one(spec)
            if isinstance(found, Failure):
                failures.append(found)
                statuses.append({"type": ""})
                continue
            statuses.append(found.status)
            if best is None or found.replicas > best.replicas:
                best = found
        error = ""
        if failures:
            shares = f"{len(failures)} invalid out of {len(specs)}"
            error = f"invalid metrics ({shares}), first error is: {failures[0].error}"
        if best is None or (failures and best.replicas < current):
            return Outcome(None, "", statuses, failures, error)
        return Outcome(best.replicas, best.name, statuses, failures, error)

    def _one(self, spec: Object) -> Proposal | Failure:
        kinds: dict[str, tuple[str, str, Callable[[Object], Proposal], str]] = {
            "Resource": ("resource", "FailedGetResourceMetric", self._resource, "{name} resource"),
            "ContainerResource": (
                "containerResource",
                "FailedGetContainerResourceMetric",
                self._resource,
                "{name} container",
            ),
            "Pods": ("pods", "FailedGetPodsMetric", self._pods, "pods"),
            "Object": ("object", "FailedGetObjectMetric", self._object, "object"),
            "External": ("external", "FailedGetExternalMetric", self._external, "{name} external"),
        }
        key, reason, ask, words = kinds[spec["type"]]
        source = spec[key]
        try:
            found = ask(source)
        except MetricsError as error:
            name = source.get("name") or (source.get("metric") or {}).get("name", "")
            text = f"failed to get {words.format(name=name)} metric value: {error}"
            return Failure(reason, str(error), text)
        return found._replace(status={"type": spec["type"], key: found.status})

    def _resource(self, source: Object) -> Proposal:
        name, container, target = source["name"], source.get("container") or "", source["target"]
        word = "usage" if target.get("averageValue") is not None else "utilization"
        if word == "utilization" and target.get("averageUtilization") is None:
            raise MetricsError(NO_TARGET)
        try:
            samples = self._samples(name, container)
            if word == "usage":
                answer = self._calculator.plain(samples, milli(target["averageValue"]), name)
            else:
                answer = self._calculator.utilization(samples, target["averageUtilization"], name, container)
        except MetricsError as error:
            raise MetricsError(f"failed to get {name} {word}: {error}") from error
        current: dict[str, Any] = {"averageValue": amount(answer.average)}
        if word == "utilization":
            current["averageUtilization"] = answer.utilization
        shown = {"name": name, **({"container": container} if container else {}), "current": current}
        what = f"{name} container resource" if container else f"{name} resource"
        suffix = " utilization (percentage of request)" if word == "utilization" else ""
        return Proposal(answer.replicas, what + suffix, shown)

    def _samples(self, name: str, container: str) -> Any:
        try:
            return self._metrics.resource(name, self._namespace, self._selector, container)
        except MetricsError as error:
            raise MetricsError(f"unable to get metrics for resource {name}: {error}") from error

    def _pods(self, source: Object) -> Proposal:
        metric, target = source["metric"], milli(source["target"]["averageValue"])
        try:
            samples = self._metrics.pods(metric, self._namespace, self._selector)
        except MetricsError as error:
            raise MetricsError(f"unable to get metric {metric['name']}: {error}") from error
        answer = self._calculator.plain(samples, target)
        shown = {"metric": metric, "current": {"averageValue": amount(answer.average)}}
        return Proposal(answer.replicas, f"pods metric {metric['name']}", shown)

    def _object(self, source: Object) -> Proposal:
        metric, about, target = source["metric"], source["describedObject"], source["target"]
        try:
            used = self._metrics.of_object(metric, self._namespace, about)
        except MetricsError as error:
            where = f"{about['kind']} {self._namespace}/{about['name']}"
            raise MetricsError(f"unable to get metric {metric['name']}: {error} on {where}") from error
        shown = {"metric": metric, "describedObject": about}
        return self._single(target, used, f"{about['kind']} metric {metric['name']}", shown)

    def _external(self, source: Object) -> Proposal:
        metric, target = source["metric"], source["target"]
        try:
            used = self._metrics.external(metric, self._namespace)
        except MetricsError as error:
            where = f"{self._namespace}/{metric['name']}"
            raise MetricsError(f"unable to get external metric {where}/{_go_selector(metric)}: {error}") from error
        name = f"external metric {metric['name']}({_go_selector(metric)})"
        return self._single(target, used, name, {"metric": metric})

    def _single(self, target: Object, used: int, name: str, shown: Object) -> Proposal:
        """A value that stands for all pods, or is shared among them."""
        if target.get("averageValue") is not None:
            replicas, share = self._calculator.shared(used, milli(target["averageValue"]), self._exist)
            return Proposal(replicas, name, {**shown, "current": {"averageValue": amount(share)}})
        replicas = self._calculator.total(used, milli(target["value"]))
        return Proposal(replicas, name, {**shown, "current": {"value": amount(used)}})


def _go_selector(metric: Object) -> str:
    """A selector as Go prints a pointer to it (`%+v`)."""
    selector = metric.get("selector")
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    rules = "".join(
        f"LabelSelectorRequirement{{Key:{each['key']},Operator:{each['operator']},Values:[{_spaced(each)}],}},"
        for each in selector.get("matchExpressions") or ()
    )
    parts = f"MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{rules}}},"
    return f"&LabelSelector{{{parts}}}"


def _spaced(rule: Object) -> str:
    return " ".join(rule.get("values") or ())
