"""What `/metrics` says of priority and fairness. Upstream: `apiserver/pkg/util/flowcontrol/metrics/metrics.go`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.flow import Flows
from k8snb.apiserver.lending import Limits
from k8snb.apiserver.levels import Level, Tally, Waits

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
_PERIOD = "over last adjustment period, of"
_LIMITS: tuple[tuple[str, str, Callable[[Level, Limits], float]], ...] = (
    (
        "current_limit_seats",
        "[ALPHA] current derived number of execution seats available to each priority level",
        lambda level, limits: level.current,
    ),
    (
        "demand_seats_average",
        f"[ALPHA] Time-weighted average, {_PERIOD} demand_seats",
        lambda level, limits: level.demand.last.average,
    ),
    (
        "demand_seats_high_watermark",
        f"[ALPHA] High watermark, {_PERIOD} demand_seats",
        lambda level, limits: level.demand.last.most,
    ),
    (
        "demand_seats_smoothed",
        "[ALPHA] Smoothed seat demands",
        lambda level, limits: level.demand.smoothed,
    ),
    (
        "demand_seats_stdev",
        f"[ALPHA] Time-weighted standard deviation, {_PERIOD} demand_seats",
        lambda level, limits: level.demand.last.deviation,
    ),
    (
        "lower_limit_seats",
        "[ALPHA] Configured lower bound on number of execution seats available to each priority level",
        lambda level, limits: limits.lowest,
    ),
    (
        "nominal_limit_seats",
        "[BETA] Nominal number of execution seats configured for each priority level",
        lambda level, limits: limits.nominal,
    ),
    (
        "upper_limit_seats",
        "[ALPHA] Configured upper bound on number of execution seats available to each priority level",
        lambda level, limits: limits.highest,
    ),
)
_FAIR = "[ALPHA] Fair fraction of server's concurrency to allocate to each priority level that can use it"
_REFUSED = "[BETA] Number of requests rejected by API Priority and Fairness subsystem"
_WAITED = "[BETA] Length of time a request spent waiting in its queue"


def flow_lines(flows: Flows) -> Iterator[str]:
    """The lines about flows and levels."""
    tallies = [*flows.tallies()]
    for name, type, about, value in _GAUGES:
        yield from head(_LEAD + name, type, about)
        for labels, tally in tallies:
            yield sample(_LEAD + name, labels, value(tally))
    levels, limits = sorted(flows.levels().items()), flows.lending.limits()
    for name, about, seats in _LIMITS:
        yield from head(_LEAD + name, "gauge", about)
        for of, level in levels:
            yield sample(_LEAD + name, {"priority_level": of}, seats(level, limits[of]))
    yield from head(f"{_LEAD}seat_fair_frac", "gauge", _FAIR)
    yield sample(f"{_LEAD}seat_fair_frac", {}, flows.lending.fair)
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
