"""As many pods as the load needs: the arithmetic, what holds it back, and whole stories."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.client.client import Client
from k8snb.clock import EPOCH, rfc3339
from k8snb.cluster.cluster import Cluster
from k8snb.controllers.autoscaler.calculator import Calculator
from k8snb.controllers.autoscaler.metrics import Metrics, MetricsError, Sample, Samples
from k8snb.controllers.autoscaler.proposals import amount
from k8snb.controllers.autoscaler.stabilising import Memory, Stamped, decide
from k8snb.controllers.autoscaler.working import Tolerance
from k8snb.machinery.objects import condition
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object
from k8snb.wire import Request, Response, User
from tests.controllers.world import deployment

NOW = EPOCH + 3600


def pod(name: str, *, ready: bool = True, phase: str = "Running", request: str = "100m", age: float = 3000) -> Object:
    container = {"name": "main", "resources": {"requests": {"cpu": request}}}
    changed = rfc3339(NOW - age + 5)
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": changed}]
    status = {"phase": phase, "startTime": rfc3339(NOW - age), "conditions": conditions}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}, "status": status}


def samples(*values: int | None) -> Samples:
    return {f"pod-{at}": Sample(value, NOW, 15.0) for at, value in enumerate(values) if value is not None}


def answer(pods: list[Object], used: Samples, target: int = 50) -> tuple[int, int]:
    found = Calculator(pods, len(pods), Tolerance(), NOW).utilization(used, target, "cpu", "")
    return found.replicas, found.utilization


def well(count: int) -> list[Object]:
    return [pod(f"pod-{at}") for at in range(count)]


@pytest.mark.parametrize(
    ("used", "replicas", "percent"),
    [((100, 100), 4, 100), ((55, 50), 2, 52), ((56, 56), 3, 56), ((10, 10), 1, 10), ((0, 0), 0, 0)],
)
def test_the_number_of_pods_grows_and_shrinks_with_their_use(used: Any, replicas: int, percent: int) -> None:
    assert answer(well(2), samples(*used)) == (replicas, percent)


def test_a_pod_without_metrics_counts_as_idle_upwards_and_as_busy_downwards() -> None:
    assert answer(well(3), samples(100, 100, None)) == (4, 100)
    assert answer(well(3), samples(10, 10, None)) == (3, 10)
    assert answer(well(5), samples(10, 10, 10, 10, None)) == (3, 10)


def test_a_pod_that_is_not_ready_yet_counts_as_idle_upwards_and_not_at_all_downwards() -> None:
    pods = [*well(2), pod("pod-2", phase="Pending")]
    assert answer(pods, samples(100, 100)) == (4, 100)
    assert answer(pods, samples(20, 20)) == (1, 20)


def test_what_a_pod_uses_while_it_starts_is_not_believed() -> None:
    fresh = pod("pod-1", age=10)
    assert answer([pod("pod-0"), fresh], samples(100, 100)) == (2, 100)
    assert answer([pod("pod-0"), pod("pod-1", age=100)], samples(100, 100)) == (4, 100)
    never = pod("pod-1", ready=False, age=3000)
    assert answer([pod("pod-0"), never], samples(100, 300)) == (2, 100)


def test_pods_that_failed_or_leave_do_not_count() -> None:
    leaving = {**pod("pod-1"), "metadata": {"name": "pod-1", "deletionTimestamp": rfc3339(NOW)}}
    pods = [pod("pod-0"), leaving, pod("pod-2", phase="Failed")]
    assert answer(pods, samples(100, 900, 900)) == (2, 100)


def test_without_a_request_there_is_no_percentage() -> None:
    bare = {**pod("pod-0"), "spec": {"containers": [{"name": "main"}]}}
    with pytest.raises(MetricsError, match="missing request for cpu in container main of Pod pod-0"):
        answer([bare], samples(100))


def test_without_pods_or_metrics_there_is_no_answer() -> None:
    with pytest.raises(MetricsError, match="no pods returned by selector"):
        answer([], samples(1))
    with pytest.raises(MetricsError, match="did not receive metrics for targeted pods"):
        answer(well(1), {})


def test_a_value_per_pod_and_one_for_all_pods() -> None:
    calculator = Calculator(well(2), 2, Tolerance(), NOW)
    assert calculator.plain(samples(300, 300), 200).replicas == 3
    assert calculator.total(10_000, 2_000) == 10
    assert calculator.total(2_100, 2_000) == 2
    assert calculator.shared(10_000, 2_000, 2) == (5, 5_000)
    assert Calculator([], 0, Tolerance(), NOW).total(2_500, 1_000) == 3, "from zero"
    assert [amount(value) for value in (150, 2000, 1500)] == ["150m", "2", "1500m"]


def test_a_tolerance_of_its_own_for_each_direction() -> None:
    assert (
        Calculator(well(4), 4, Tolerance(0.0, 0.5), NOW).utilization(samples(70, 70, 70, 70), 50, "cpu", "").replicas
        == 4
    )
    assert (
        Calculator(well(4), 4, Tolerance(0.5, 0.0), NOW).utilization(samples(51, 51, 51, 51), 50, "cpu", "").replicas
        == 5
    )


LIMITS = {"minReplicas": 2, "maxReplicas": 100}


def decided(current: int, wanted: int, memory: Memory | None = None, **spec: Any) -> tuple[int, str, str]:
    found = decide({**LIMITS, **spec}, memory or Memory(), current, wanted, NOW)
    return found.replicas, found.able[0], found.limit[0]


def test_without_behavior_a_workload_at_most_doubles_and_shrinks_after_five_minutes() -> None:
    assert decided(1, 50) == (4, "ReadyForNewScale", "ScaleUpLimit")
    assert decided(10, 50) == (20, "ReadyForNewScale", "ScaleUpLimit")
    assert decided(60, 150) == (100, "ReadyForNewScale", "TooManyReplicas")
    assert decided(10, 1) == (2, "ReadyForNewScale", "TooFewReplicas")
    lately, long_ago = Memory([Stamped(NOW - 299, 8)]), Memory([Stamped(NOW - 301, 8)])
    assert decided(10, 3, lately) == (8, "ScaleDownStabilized", "DesiredWithinRange")
    assert decided(10, 3, long_ago) == (3, "ReadyForNewScale", "DesiredWithinRange")


def behavior(up: Any = None, down: Any = None) -> dict[str, Any]:
    default = {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}], "selectPolicy": "Max"}
    return {"behavior": {"scaleUp": {**default, **(up or {})}, "scaleDown": {**default, **(down or {})}}}


def policy(type: str, value: int, period: int = 60) -> dict[str, Any]:
    return {"type": type, "value": value, "periodSeconds": period}


def test_policies_limit_what_may_change_in_a_period() -> None:
    both = [policy("Pods", 3), policy("Percent", 50)]
    assert decided(10, 50, **behavior({"policies": both})) == (15, "ReadyForNewScale", "ScaleUpLimit")
    least = behavior({"policies": both, "selectPolicy": "Min"})
    assert decided(10, 50, **least) == (13, "ReadyForNewScale", "ScaleUpLimit")
    assert decided(10, 50, Memory(ups=[Stamped(NOW - 30, 2)]), **least)[0] == 11
    assert decided(10, 50, Memory(ups=[Stamped(NOW - 61, 2)]), **least)[0] == 13
    quick = {"stabilizationWindowSeconds": 0}
    assert decided(10, 2, **behavior(down={**quick, "policies": both})) == (5, "ReadyForNewScale", "ScaleDownLimit")
    never = behavior(down={**quick, "selectPolicy": "Disabled"})
    assert decided(10, 2, **never) == (10, "ReadyForNewScale", "ScaleDownLimit")


def test_a_window_holds_growth_back_as_well() -> None:
    rules = behavior({"stabilizationWindowSeconds": 60})
    assert decided(4, 8, Memory([Stamped(NOW - 59, 5)]), **rules) == (5, "ScaleUpStabilized", "DesiredWithinRange")
    assert decided(4, 8, Memory([Stamped(NOW - 61, 5)]), **rules) == (8, "ReadyForNewScale", "DesiredWithinRange")


selections = st.sampled_from(("Max", "Min", "Disabled"))
rules = st.fixed_dictionaries(
    {
        "selectPolicy": selections,
        "stabilizationWindowSeconds": st.integers(0, 300),
        "policies": st.lists(
            st.builds(policy, st.sampled_from(("Pods", "Percent")), st.integers(1, 100), st.integers(1, 120)),
            min_size=1,
            max_size=3,
        ),
    }
)
behaviors = st.none() | st.fixed_dictionaries({"scaleUp": rules, "scaleDown": rules})
loads = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=30)


@given(behaviors, loads)
def test_the_size_stays_within_its_bounds_and_goes_where_the_load_is(found: Any, story: list[Any]) -> None:
    spec = {**LIMITS, "maxReplicas": 20, "behavior": found}
    memory, current, now = Memory(), 2, NOW
    for wanted, seconds in story:
        now += seconds
        before = current
        current = decide(spec, memory, current, wanted, now).replicas
        assert 2 <= current <= 20
        if current != before:
            memory.scaled(before, current, now)
        if found is None:
            assert current <= max(4, 2 * before), "at most doubled"
    disabled = found is not None and "Disabled" in (
        found["scaleUp"]["selectPolicy"],
        found["scaleDown"]["selectPolicy"],
    )
    steady = story[-1][0]
    for _ in range(200):
        now += 121
        after = decide(spec, memory, current, steady, now).replicas
        if after != current:
            memory.scaled(current, after, now)
        current = after
    small = found is not None and any(each["type"] == "Percent" for each in found["scaleUp"]["policies"])
    if not disabled and not small:
        assert current == min(max(steady, 2), 20), "a steady load gets what it asks for"


# -- in a cluster --------------------------------------------------------------------------------------


def autoscaler(*metrics: Object, kind: str = "Deployment", **spec: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "web"}
    body = {"scaleTargetRef": target, "maxReplicas": 6, "metrics": list(metrics), **spec}
    meta = {"name": "web", "namespace": "default"}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": body}


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
WORK = {"metric": {"name": "jobs"}, "target": {"type": "AverageValue", "averageValue": "10"}}


def busy(hpa: Object, replicas: int = 1) -> Cluster:
    """A cluster in which each pod uses a whole core of the half that it asked for."""
    cluster = Cluster(2, seed=1)
    work = {"name": "web", "image": "polinux/stress", "command": ["stress", "--cpu", "1"]}
    container = {**work, "resources": {"requests": {"cpu": "500m"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    cluster.client.create(
        "deployments", {**deployment(), "spec": {**deployment()["spec"], "template": template, "replicas": replicas}}
    )
    cluster.client.create("horizontalpodautoscalers", hpa)
    cluster.settle()
    return cluster


def seen(cluster: Cluster) -> dict[str, tuple[str, str]]:
    hpa = cluster.client.get("horizontalpodautoscalers", "web", "default")
    return {each["type"]: (each["status"], each["reason"]) for each in hpa["status"].get("conditions") or ()}


def said(cluster: Cluster, reason: str) -> list[str]:
    events = cluster.client.list("events", "default", fields=f"reason={reason}")
    return [each["message"] for each in events]


def test_a_busy_workload_grows_step_by_step_to_what_is_allowed() -> None:
    cluster = busy(autoscaler(CPU))
    cluster.advance(90)
    assert cluster.client.get("deployments", "web", "default")["spec"]["replicas"] == 6
    assert seen(cluster) == {
        "AbleToScale": ("True", "ReadyForNewScale"),
        "ScalingActive": ("True", "ValidMetricFound"),
        "ScalingLimited": ("True", "TooManyReplicas"),
    }
    text = "reason: cpu resource utilization (percentage of request) above target"
    assert said(cluster, "SuccessfulRescale") == [f"New size: 4; {text}", f"New size: 6; {text}"]
    hpa = cluster.client.get("horizontalpodautoscalers", "web", "default")
    current = {"averageUtilization": 200, "averageValue": "1"}
    assert hpa["status"]["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]


def test_a_metric_that_nobody_serves_is_told_about_and_others_count_if_they_ask_for_more() -> None:
    cluster = busy(autoscaler({"type": "Pods", "pods": WORK}, CPU))
    cluster.advance(40)
    assert seen(cluster)["ScalingActive"] == ("True", "ValidMetricFound")
    (why, *_) = said(cluster, "FailedGetPodsMetric")
    unknown = "no custom metrics API (custom.metrics.k8s.io) registered"
    assert why == f"unable to get metric jobs: unable to fetch metrics from custom metrics API: {unknown}"
    assert cluster.client.get("deployments", "web", "default")["spec"]["replicas"] == 4


def test_where_no_metric_can_be_had_nothing_is_scaled() -> None:
    external = {
        "type": "External",
        "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "5"}},
    }
    cluster = busy(autoscaler(external))
    cluster.advance(40)
    assert seen(cluster)["ScalingActive"] == ("False", "FailedGetExternalMetric")
    (why, *_) = said(cluster, "FailedComputeMetricsReplicas")
    start = "invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: "
    assert why == start + (
        "unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: "
        "the server could not find the requested resource (get queue.external.metrics.k8s.io)"
    )


def test_a_target_that_is_not_there_is_told_about() -> None:
    cluster = busy(autoscaler(CPU, kind="StatefulSet"))
    cluster.advance(16)
    assert seen(cluster) == {"AbleToScale": ("False", "FailedGetScale")}
    assert said(cluster, "FailedGetScale") == ['statefulsets.apps "web" not found']


def test_a_target_outside_the_bounds_is_brought_back_and_one_that_is_off_stays_off() -> None:
    cluster = busy(autoscaler(CPU), replicas=9)
    cluster.advance(16)
    assert said(cluster, "SuccessfulRescale") == [
        "New size: 6; reason: Current number of replicas above Spec.MaxReplicas"
    ]
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 0}}, "default")
    cluster.advance(30)
    assert seen(cluster)["ScalingActive"] == ("False", "ScalingDisabled")
    assert cluster.client.get("deployments", "web", "default")["spec"]["replicas"] == 0


def test_two_autoscalers_of_the_same_pods_do_nothing() -> None:
    cluster = busy(autoscaler(CPU))
    twin = autoscaler(CPU)
    cluster.client.create("horizontalpodautoscalers", {**twin, "metadata": {**twin["metadata"], "name": "twin"}})
    cluster.advance(60)
    found = condition(cluster.client.get("horizontalpodautoscalers", "twin", "default"), "ScalingActive")
    assert found is not None
    text = "pods by selector app=web are controlled by multiple HPAs: [{twin default} {web default}]"
    assert (found["reason"], found["message"]) == ("AmbiguousSelector", text)


class Adapter:
    """An API server that serves one version of the custom metrics API and the external one, and notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def handle(self, request: Request) -> Response:
        self.asked.append(request.path)
        if "v1beta2" in request.path:
            return Response(404, body=b"404 page not found\n")
        about, at = {"kind": "Pod", "name": "pod-0"}, rfc3339(NOW)
        item = {"describedObject": about, "metricName": "jobs", "timestamp": at, "value": "1500m"}
        return Response(200, {"kind": "MetricValueList", "items": [item, {**item, "value": "2"}]})

    def subscribe(self, request: Request, deliver: Any) -> Any:
        raise NotImplementedError


def test_custom_and_external_metrics_come_from_their_own_apis() -> None:
    adapter = Adapter()
    metrics = Metrics(Client(adapter, Scheme(), User("hpa")))
    about = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}
    assert metrics.pods({"name": "jobs"}, "default", "app=web") == {"pod-0": Sample(2000, NOW, 60.0)}
    assert metrics.of_object({"name": "hits"}, "default", about) == 1500
    assert metrics.external({"name": "queue"}, "default") == 3500
    served = [path for path in adapter.asked if "v1beta2" not in path]
    assert served == [
        "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/%2A/jobs",
        "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/ingresses.networking.k8s.io/main/hits",
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue",
    ]
