"""What the pods of a story used over its time: the measurements that somebody took, put together by app.

Nobody stores what pods use. But whoever asked (an autoscaler every fifteen seconds, `kubectl top`) left the answer in
the trace, and a story shows those: added up for everything under one root, beside what the pods request, which is what
an autoscaler holds it against.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from k8snb.machinery import quantity
from k8snb.trace import Measured
from k8snb.typing import Object
from k8snb.view.frames import Frame, Used
from k8snb.view.scene import Scene

Use: TypeAlias = Callable[[Sequence[Frame]], list[list[Used]]]


def using(measured: Iterable[Measured], namespace: str) -> Use:
    """Sorts the measurements of a namespace to frames (whose times are still those of the clock)."""
    own = [each for each in measured if each.namespace == namespace]
    return lambda frames: list(_sorted(frames, own)) if own else [[] for _frame in frames]


def _sorted(frames: Sequence[Frame], measured: Sequence[Measured]) -> Iterator[list[Used]]:
    origin = frames[0].time if frames else 0.0
    start = bisect_left(measured, origin, key=_time)
    for frame in frames:
        end = bisect_right(measured, frame.time, key=_time)
        yield list(_added(measured[start:end], frame, origin))
        start = max(start, end)


def _time(each: Measured) -> float:
    return each.time


def _added(measured: Sequence[Measured], frame: Frame, origin: float) -> Iterator[Used]:
    """The measurements of each moment, added up by app; pods that the picture does not show are no part of it."""
    for time, moment in groupby(measured, key=_time):
        apps: dict[str, dict[str, Measured]] = {}
        for each in moment:
            name = f"Pod/{each.pod}"
            if name in frame.scene:
                apps.setdefault(root(frame.scene, name), {})[name] = each
        for app, pods in apps.items():
            asked = [_requests(frame.objects.get(name, {})) for name in pods]
            cpu, memory = sum(each.cpu for each in pods.values()), sum(each.memory for each in pods.values())
            requested = sum(each[0] for each in asked), sum(each[1] for each in asked)
            yield Used(time - origin, app, len(pods), cpu, requested[0], memory, requested[1])


def root(scene: Scene, name: str) -> str:
    """What stands above an object, and above that, as far as the picture shows it."""
    while (parent := scene[name].get("parent", "")) in scene:
        name = parent
    return name


def _requests(pod: Object) -> tuple[int, int]:
    """What the containers of a pod request: millicores and bytes."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    asked = [(each.get("resources") or {}).get("requests") or {} for each in containers]
    cpu = sum(quantity.milli(str(each.get("cpu", "0"))) for each in asked)
    return cpu, sum(quantity.value(str(each.get("memory", "0"))) for each in asked)
