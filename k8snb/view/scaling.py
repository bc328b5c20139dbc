"""An autoscaler at work: load, use and number of pods over time, and one evaluation number by number.

The chart is read from the store's history: what the autoscaler's status said, how many pods its target asked for, and
how many pods of load generators were ready. The evaluation is read from the trace of the controller, which notes every
number that it works with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from k8snb.i18n import _
from k8snb.machinery.objects import labels_of
from k8snb.trace import Sent, Span
from k8snb.typing import Object
from k8snb.view.changes import show
from k8snb.view.chart import Chart, Moment
from k8snb.view.frames import Act, Frame
from k8snb.view.panels import Panels
from k8snb.view.scene import Scene, Snapshot, related, scene
from k8snb.view.stepper import Stepper

AUTOSCALERS, DEPLOYMENTS = "horizontalpodautoscalers.autoscaling", "deployments.apps"
COMPONENT = "horizontal-pod-autoscaler"
LOAD = "load-generator"
"""The value of the label `app` that pods have which make load."""


class Past(Snapshot, Protocol):
    """A snapshot of which one object can be had."""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object as it was, None if there was none."""
        ...


# -- load, use, pods -----------------------------------------------------------------------------------------


def scaling(
    plain: str,
    requests: Iterable[Sent],
    at: Callable[[int], Past],
    *,
    since: int,
    until: int,
    now: float,
    namespace: str = "default",
) -> Panels:
    """What an autoscaler saw and did between two revisions. ValueError if there is none of that name."""
    hpa = at(until).get(AUTOSCALERS, plain, namespace)
    if hpa is None:
        raise ValueError(_("there is no {kind} {name}").format(kind="HorizontalPodAutoscaler", name=plain))
    times = {sent.revision: sent.time for sent in requests if since <= sent.revision <= until and _counts(sent)}
    origin = min(times.values(), default=now)
    rows = [(time - origin, at(revision)) for revision, time in sorted(times.items())]
    rows.append((now - origin, at(until)))
    charts: tuple[tuple[str, str, Callable[[Past], float | None], Mapping[str, float]], ...] = (
        (_("Load: clients that ask about once a second"), _("clients"), lambda then: _clients(then, namespace), {}),
        (
            _("Use of CPU, in percent of what the pods asked for"),
            _("CPU %"),
            lambda then: _use(then.get(AUTOSCALERS, plain, namespace)),
            _target(hpa),
        ),
        (_("Pods that the target asks for"), _("pods"), lambda then: _asked(then, hpa, namespace), _bounds(hpa)),
    )
    drawn = [Chart(title, list(_moments(rows, name, read)), limits=limits) for title, name, read, limits in charts]
    told = [chart for chart in drawn if chart.limits or any(any(each.values.values()) for each in chart.moments)]
    return Panels(_("HorizontalPodAutoscaler {name}").format(name=plain), told)


def _counts(sent: Sent) -> bool:
    """Whether a request may have changed a number of the chart."""
    info = sent.request.info
    if info is None or info.resource is None or sent.code >= 300 or info.verb in ("get", "list", "watch"):
        return False
    return info.resource.group_resource in (AUTOSCALERS, DEPLOYMENTS)


def _moments(rows: Sequence[tuple[float, Past]], name: str, read: Callable[[Past], float | None]) -> Iterator[Moment]:
    for time, then in rows:
        value = read(then)
        if value is not None:
            yield Moment(time, {name: value})


def _clients(then: Past, namespace: str) -> float:
    makers = (each for each in then.list(DEPLOYMENTS, namespace) if labels_of(each).get("app") == LOAD)
    return float(sum((each.get("status") or {}).get("readyReplicas", 0) for each in makers))


def _use(hpa: Object | None) -> float | None:
    metrics = ((hpa or {}).get("status") or {}).get("currentMetrics") or ()
    found = [((each.get("resource") or {}).get("current") or {}).get("averageUtilization") for each in metrics]
    return next((float(each) for each in found if each is not None), None)


def _asked(then: Past, hpa: Object, namespace: str) -> float | None:
    reference = hpa["spec"]["scaleTargetRef"]
    target = then.get(DEPLOYMENTS, reference["name"], namespace) if reference["kind"] == "Deployment" else None
    return None if target is None else float(target["spec"].get("replicas", 1))


def _target(hpa: Object) -> Mapping[str, float]:
    found = [((each.get("resource") or {}).get("target") or {}) for each in hpa["spec"].get("metrics") or ()]
    percents = [each["averageUtilization"] for each in found if each.get("averageUtilization")]
    return {_("target"): float(percents[0])} if percents else {}


def _bounds(hpa: Object) -> Mapping[str, float]:
    spec = hpa["spec"]
    return {_("at most"): float(spec["maxReplicas"]), _("at least"): float(spec.get("minReplicas", 1))}


# -- one evaluation ------------------------------------------------------------------------------------------


def evaluation(
    name: str,
    spans: Iterable[Span],
    at: Callable[[int], Past],
    *,
    until: int,
    namespace: str = "default",
    title: str = "",
) -> Stepper:
    """The last evaluation of an autoscaler that changed a number of pods, or else the last one, as a stepper.

    ValueError if it has not been evaluated yet.
    """
    mine = [span for span in spans if _is_of(span, name, namespace) and span.revision <= until]
    scaled = [span for span in mine if any(_scales(sent) for sent in span.requests)]
    if not mine:
        raise ValueError(_("{name} has not been evaluated yet").format(name=name))
    span = (scaled or mine)[-1]
    return Stepper(title or _("One evaluation of {name}").format(name=name), list(_frames(span, at)))


def _is_of(span: Span, name: str, namespace: str) -> bool:
    known = (span.component, span.key.namespace, span.key.name) == (COMPONENT, namespace, name)
    return known and "asks for" in span.observed


def _scales(sent: Sent) -> bool:
    info = sent.request.info
    return info is not None and info.subresource == "scale" and info.verb == "update"


def _frames(span: Span, at: Callable[[int], Past]) -> Iterator[Frame]:
    shown = _scene(at(span.revision), span)
    seen = {key: show(value) for key, value in span.observed.items()}
    told = [words for words in _steps() if any(key in seen for key in words[1])]
    pods = tuple(key for key in seen if not any(key in keys for _words, keys in told))
    for words, keys in (told[0], (_("ask the metrics API what each pod uses"), pods), *told[1:]):
        values = [(key, seen[key]) for key in keys if key in seen]
        yield Frame(COMPONENT, span.key.name, words, 0.0, span.revision, 0, values, (), shown)
    acts = [Act("update", _object(sent), sent.code, sent.revision) for sent in span.requests if _scales(sent)]
    last = max([sent.revision for sent in span.requests if _scales(sent)], default=span.revision)
    yield Frame(COMPONENT, span.key.name, span.wanted, 0.0, last, 0, (), acts, _scene(at(last), span))


def _scene(then: Past, span: Span) -> Scene:
    """The target of an autoscaler and what hangs from it, and the nodes."""
    hpa = then.get(AUTOSCALERS, span.key.name, span.key.namespace) or {"spec": {}}
    reference = hpa["spec"].get("scaleTargetRef") or {}
    whole = scene(then, span.key.namespace)
    wanted = related([whole], [f"{reference.get('kind')}/{reference.get('name')}"])
    return {key: item for key, item in whole.items() if key in wanted or key.startswith("Node/")}


def _steps() -> Sequence[tuple[str, Sequence[str]]]:
    """What is said of each number, and which numbers that is about."""
    return (
        (_("read the scale of the target: how many pods are asked for?"), ("current",)),
        (_("add up what the pods use that count, in percent of what they asked for"), ("utilization", "average")),
        (_("hold it against the target"), ("ratio",)),
        (_("pods that are not ready count as idle, pods without metrics as whatever is more careful"), ("assumed",)),
        (_("is the difference worth a change?"), ("tolerance",)),
        (_("multiply and round up"), ("asks for",)),
        (_("what did earlier evaluations say? Down, the highest of the window counts"), ("stabilized",)),
        (_("what may be changed at once, and the bounds of the autoscaler"), ("limited", "least", "most")),
        (_("that is how many there shall be"), ("wanted",)),
    )


def _object(sent: Sent) -> str:
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    return f"{info.resource.kind} {info.name} ({info.subresource})"
