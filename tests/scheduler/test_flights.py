"""What happens while pods are out of the queue decides where they go back to.

The cases are facts from `Test_InFlightPods` in `pkg/scheduler/backend/queue/scheduling_queue_test.go` of 1.36, by their
names there, as stories: `try a` takes a pod out and lets its attempt wait, `back a` ends it with an error, `back a foo`
by a plugin, `let a` lets it pass Permit; everything else happens.
"""

from __future__ import annotations

import pytest

from k8snb.clock import VirtualClock
from k8snb.scheduler.framework import SUCCESS, Action, ClusterEvent, Interest
from k8snb.scheduler.plugins.priority_sort import PrioritySort
from k8snb.scheduler.queue import QueuedPod, SchedulingQueue
from tests.scheduler.world import pod

EVENTS = {
    "claim": ClusterEvent("PersistentVolumeClaim", Action.ADD),
    "volume": ClusterEvent("PersistentVolume", Action.ADD),
    "node": ClusterEvent("Node", Action.ADD),
    "pod": ClusterEvent("AssignedPod", Action.ADD),
}


def interest(text: str) -> tuple[str, Interest]:
    """`foo:node` is a plugin that wants to hear of nodes; `foo:node?` is never helped by one."""
    plugin, _, event = text.partition(":")
    resource, actions = EVENTS[event.rstrip("?")]
    return plugin, Interest(resource, actions, (lambda pod, old, new: False) if event.endswith("?") else None)


def tell(story: str, interests: str) -> tuple[str, str, str]:
    """Who is in flight, what was written down, and who stands where in the end."""
    queue = SchedulingQueue(
        VirtualClock(), lambda pod: SUCCESS, PrioritySort().sort_key, map(interest, interests.split()), lambda: None
    )
    flying: dict[str, QueuedPod] = {}
    for name in "abc":
        queue.add(pod(name))
    for words in (each.split() for each in story.split(", ")):
        if words[0] == "try":
            found = queue.pop()
            assert found is not None
            flying[words[1]] = found
            queue.flights.begin(found.info.uid)
        elif words[0] == "back":
            queue.fail(flying[words[1]], tuple(words[2:]))
        elif words[0] == "let":
            queue.flights.end(flying[words[1]].info.uid)
        else:
            queue.move(EVENTS[words[0]], None, pod("other"))
    names = {event: name for name, event in EVENTS.items()}
    there = [f"{each.pod['metadata']['name']} {each.place}" for each in queue.standing() if each.attempts]
    written = " ".join(names[each.event] for each in queue.flights.written)
    return " ".join(uid.rpartition("-")[2] for uid in queue.flights.pods), written, ", ".join(there)


POOL, BACKOFF = "unschedulablePods", "backoffQ"


@pytest.mark.parametrize(
    ("name", "story", "interests", "expected"),
    [
        ("Pod and interested events are registered", "claim, try a, volume, pod", "foo:volume", ("a", "volume", "")),
        ("is enqueued back", "claim, try a, volume, try b, node, back a", "foo:volume foo:node foo:claim",
         ("b", "node", f"a {BACKOFF}")),
        ("All are enqueued back", "claim, try a, volume, try b, node, back a, pod, back b",
         "foo:volume foo:node foo:claim foo:pod", ("", "", f"a {BACKOFF}, b {BACKOFF}")),
        ("One intermediate Pod is enqueued back", "claim, try a, volume, try b, node, try c, pod, back b",
         "foo:volume foo:node foo:pod", ("a c", "volume node pod", f"b {BACKOFF}")),
        ("events before popping Pod are ignored", "node, try a, pod, back a foo", "foo:pod? foo:node",
         ("", "", f"a {POOL}")),
        ("backoff if no failed plugin", "try a, pod, back a", "foo:pod", ("", "", f"a {BACKOFF}")),
        ("no events that can make the pod schedulable", "try a, node, back a foo", "foo:pod", ("", "", f"a {POOL}")),
        ("the failed plugin has a hint fn but it returns Skip", "try a, pod, back a foo", "foo:pod?",
         ("", "", f"a {POOL}")),
        ("the failed plugin has a hint fn and it returns Queue", "try a, pod, back a foo bar", "bar:pod? foo:pod",
         ("", "", f"a {BACKOFF}")),
        ("received while some other pod was in flight", "try a, node, try b, pod, back a, back b foo", "foo:pod",
         ("", "", f"a {BACKOFF}, b {BACKOFF}")),
        ("who passed Permit needs no events", "try a, pod, let a, pod", "foo:pod", ("", "", "")),
    ],
)  # fmt: skip
def test_where_a_pod_goes_back_to(name: str, story: str, interests: str, expected: tuple[str, str, str]) -> None:
    assert tell(story, interests) == expected
