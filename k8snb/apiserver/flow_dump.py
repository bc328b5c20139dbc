"""`/debug/api_priority_and_fairness/…`: levels, queues and waiting requests as they are at the moment.

Upstream: `apiserver/pkg/util/flowcontrol/apf_controller_debug.go`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from k8snb.apiserver.flow import Flows
from k8snb.apiserver.levels import LATE
from k8snb.clock import rfc3339_micro
from k8snb.wire import Request, Response

Row = Sequence[str]

_LEAD = "/debug/api_priority_and_fairness/"
_LEVELS = (
    *("PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests"),
    *("DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"),
)
_QUEUES = (
    *("PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR"),
    *("InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"),
)
_REQUESTS = (
    *("PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime"),
    *("InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"),
)
_NARROWEST = 8
_NEVER = "0001-01-01T00:00:00Z"


def serve(request: Request, flows: Flows) -> Response | None:
    """Answer a request for one of the tables; None if it is for something else."""
    make = _TABLES.get(request.path.removeprefix(_LEAD)) if request.path.startswith(_LEAD) else None
    if make is None or request.method not in ("GET", "HEAD"):
        return None
    return Response(200, body=_aligned([*make(flows)]).encode(), content_type="text/plain; charset=utf-8")


def _levels(flows: Flows) -> Iterator[Row]:
    yield _LEVELS
    dispatched, refused, late = Counter[str](), Counter[str](), Counter[str]()
    for labels, tally in flows.tallies():
        name = labels["priority_level"]
        dispatched[name] += tally.dispatched
        refused[name] += sum(tally.refused.values())
        late[name] += tally.refused.get(LATE, 0)
    for name, level in sorted(flows.levels().items()):
        waiting, executing = level.waiting(), level.executing
        active = sum(1 for queue in level.queues.values() if queue.waiting)
        numbers = (waiting, executing, dispatched[name], refused[name], late[name], 0)
        idle = "false" if waiting or executing else "true"
        yield (name, str(active), idle, "false", *map(str, numbers))


def _queues(flows: Flows) -> Iterator[Row]:
    yield _QUEUES
    for name, level in sorted(flows.levels().items()):
        for index in range(level.plan.queues):
            queue = level.queues.get(index)
            if queue is None:
                yield (name, str(index), "0", "0", "0", _seat_seconds(0), "0", "0", _seat_seconds(0))
                continue
            seats = sum(each.seats for each in queue.waiting)
            held = (len(queue.waiting), queue.executing, queue.seats)
            work = _seat_seconds(sum(each.work for each in queue.waiting))
            yield (name, str(index), *map(str, held), _seat_seconds(queue.next), str(seats), str(seats), work)


def _requests(flows: Flows) -> Iterator[Row]:
    yield _REQUESTS
    for name, level in sorted(flows.levels().items()):
        for index, queue in sorted(level.queues.items()):
            for place, each in enumerate(queue.waiting):
                schema, _, mark = each.flow.partition("\0")
                arrived = rfc3339_micro(each.arrived)
                yield (name, schema, str(index), str(place), mark, arrived, str(each.seats), "0", "0s", _NEVER)


_TABLES: dict[str, Callable[[Flows], Iterator[Row]]] = {
    "dump_priority_levels": _levels,
    "dump_queues": _queues,
    "dump_requests": _requests,
}


def _seat_seconds(value: float) -> str:
    return f"{value:.8f}ss"


def _aligned(rows: Sequence[Row]) -> str:
    """The rows with a comma behind each cell but the last, lined up."""
    widths = [max(_NARROWEST, *(len(row[at]) + 2 for row in rows)) for at in range(len(rows[0]) - 1)]
    lines = (
        "".join(f"{cell},".ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1] for row in rows
    )
    return "".join(f"{line}\n" for line in lines)
