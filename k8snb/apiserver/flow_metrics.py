"""What `/metrics` says of priority and fairness. Upstream: `apiserver/pkg/util/flowcontrol/metrics/metrics.go`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.flow import Flows
from k8snb.apiserver.levels import Tally, Waits

_LEAD = "apiserver_flowcontrol_"
_OF = "the API Priority and Fairness subsystem"
_INITIAL = "initial stage for a WATCH, any stage otherwise"
_GAUGES: tuple[tuple[str, str, str, Callable[[Tally], int]], ...] = (
    (
        "current_executing_requests",
        "gauge",
        f"[BETA] Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in {_OF}",
        lambda tally: tally.executing,
    ),
    (
        "current_executing_seats",
        "gauge",
        f"[BETA] Concurrency (number of seats) occupied by the currently executing ({_INITIAL}) requests in {_OF}",
        lambda tally: tally.seats,
    ),
    (
        "current_inqueue_requests",
        "gauge",
        f"[BETA] Number of requests currently pending in queues of {_OF}",
        lambda tally: tally.waiting,
    ),
    (
        "dispatched_requests_total",
        "counter",
        "[BETA] Number of requests executed by API Priority and Fairness subsystem",
        lambda tally: tally.dispatched,
    ),
)
_LIMITS = {
    "current_limit_seats": "[ALPHA] current derived number of execution seats available to each priority level",
    "nominal_limit_seats": "[BETA] Nominal number of execution seats configured for each priority level",
}
_REFUSED = "[BETA] Number of requests rejected by API Priority and Fairness subsystem"
_WAITED = "[BETA] Length of time a request spent waiting in its queue"


def flow_lines(flows: Flows) -> Iterator[str]:
    """The lines about flows and levels."""
    tallies = [*flows.tallies()]
    for name, type, about, value in _GAUGES:
        yield from head(_LEAD + name, type, about)
        for labels, tally in tallies:
            yield sample(_LEAD + name, labels, value(tally))
    limits = {name: level.plan.nominal for name, level in sorted(flows.levels().items())}
    for name, about in _LIMITS.items():
        yield from head(_LEAD + name, "gauge", about)
        for level, seats in limits.items():
            yield sample(_LEAD + name, {"priority_level": level}, seats)
    yield from head(f"{_LEAD}rejected_requests_total", "counter", _REFUSED)
    for labels, tally in tallies:
        for reason, number in sorted(tally.refused.items()):
            yield sample(f"{_LEAD}rejected_requests_total", {**labels, "reason": reason}, number)
    yield from head(f"{_LEAD}request_wait_duration_seconds", "histogram", _WAITED)
    for labels, tally in tallies:
        for execute, waits in (("false", tally.left), ("true", tally.served)):
            yield from _histogram({"execute": execute, **labels}, waits)


def _histogram(labels: Mapping[str, str], waits: Waits) -> Iterator[str]:
    """The buckets, sum and count of waits, if there were any."""
    name, counts = f"{_LEAD}request_wait_duration_seconds", [*accumulate(waits.counts)]
    if not counts[-1]:
        return
    for bound, number in zip((*waits.BOUNDS, "+Inf"), counts, strict=True):
        shown = bound if isinstance(bound, str) else f"{bound:g}"
        yield sample(f"{name}_bucket", {**labels, "le": shown}, number)
    yield sample(f"{name}_sum", labels, waits.total)
    yield sample(f"{name}_count", labels, counts[-1])
