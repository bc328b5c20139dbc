"""Whatever happens to a Job's pods: never too many at once, each is counted exactly once, and the Job ends."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.job.pods import INDEX, is_tracked
from k8snb.controllers.podstate import has_ended, is_active
from k8snb.machinery.objects import annotations_of, is_deleting
from k8snb.typing import Object
from tests.controllers.jobs import conditions, end, indexed, job, play, remove_leaving, running
from tests.controllers.world import World

ACTIONS = ("run", "succeed", "fail", "delete", "kill", "leave", "suspend", "resume", "scale", "turn", "wait")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=25)
kinds = st.sampled_from(
    (
        job(completions=4, parallelism=2, backoffLimit=50),
        job(completions=4, parallelism=3, backoffLimit=50, podReplacementPolicy="Failed"),
        indexed(4, backoffLimit=50),
        indexed(4, backoffLimitPerIndex=50),
        job(parallelism=2, completions=3, backoffLimit=1),
    )
)


class Ledger:
    """Every pod that there ever was, and how it ended."""

    def __init__(self, world: World) -> None:
        self._stream = world.client.watch("pods", "default")
        self.seen: dict[str, Object] = {}
        self.succeeded: dict[str, Object] = {}
        """Those that succeeded while the Job still wanted them."""

    def look(self) -> None:
        while (event := self._stream.next()) is not None:
            pod = event["object"]
            self.seen[pod["metadata"]["uid"]] = pod
            if is_tracked(pod) and pod["status"].get("phase") == "Succeeded":
                self.succeeded[pod["metadata"]["uid"]] = pod

    def indexes(self) -> set[str]:
        """The indexes of which a pod has succeeded."""
        return {annotations_of(each)[INDEX] for each in self.succeeded.values() if INDEX in annotations_of(each)}


def act(world: World, action: str, number: int) -> None:
    """One thing that people or nodes do; what takes pods away is waited for: one that ends then is not counted."""
    if action in ("suspend", "resume"):
        world.patch("jobs", "work", {"spec": {"suspend": action == "suspend"}})
    elif action == "scale" and world.get("jobs", "work")["spec"].get("completionMode") != "Indexed":
        world.patch("jobs", "work", {"spec": {"parallelism": number}})
    elif action == "turn":
        world.loop.turn()
    elif action == "wait":
        world.advance(number * 10)
    elif pods := world.list("pods"):
        act_on(world, action, pods[number % len(pods)])


def act_on(world: World, action: str, chosen: Object) -> None:
    name = chosen["metadata"]["name"]
    bound = bool(chosen["spec"].get("nodeName"))
    if action in ("delete", "kill"):
        world.client.delete("pods", name, "default", grace=0 if action == "kill" else None)
    elif action == "run" and not bound and not is_deleting(chosen):
        world.bind(chosen)
        world.post_pod(chosen)
    elif action in ("succeed", "fail") and bound and not has_ended(chosen):
        end(world, chosen, int(action == "fail"))
    elif action == "leave" and is_deleting(chosen):
        remove_leaving(world)


@given(steps, kinds)
def test_pods_are_never_too_many_and_each_is_counted_once(story: list[Any], kind: Object) -> None:
    world = World(nodes=1)
    world.create(kind)
    ledger = Ledger(world)
    most = kind["spec"]["parallelism"]
    for action, number in story:
        act(world, action, number)
        ledger.look()
        spec = world.get("jobs", "work")["spec"]
        most = max(most, spec["parallelism"])
        assert sum(map(is_active, world.list("pods"))) <= most, "never more than the largest parallelism so far"
    world.client.patch("jobs", "work", {"spec": {"suspend": False}}, "default")
    if kind["spec"].get("completionMode") != "Indexed":
        world.client.patch("jobs", "work", {"spec": {"parallelism": 2}}, "default")
    for _ in range(10):
        play(world)
        world.advance(700)
        ledger.look()
        if conditions(world) and not running(world):
            break
    check(world, ledger, kind)


def check(world: World, ledger: Ledger, kind: Object) -> None:
    status = world.get("jobs", "work")["status"]
    over = set(conditions(world)) - {"Suspended"}
    assert over in ({"SuccessCriteriaMet", "Complete"}, {"FailureTarget", "Failed"})
    assert status["uncountedTerminatedPods"] == {}
    assert not any(map(is_tracked, world.list("pods"))), "nobody keeps the finalizer"
    assert {name: status.get(name, 0) for name in ("active", "ready", "terminating")} == {
        "active": 0,
        "ready": 0,
        "terminating": 0,
    }
    succeeded, failed = status.get("succeeded", 0), status.get("failed", 0)
    assert succeeded + failed <= len(ledger.seen)
    if kind["spec"].get("completionMode") == "Indexed":
        assert succeeded == len(ledger.indexes())
    else:
        assert succeeded == len(ledger.succeeded), "each success is counted once"
    if "Complete" in over:
        assert succeeded >= kind["spec"]["completions"]
    else:
        assert failed > kind["spec"].get("backoffLimit", 50)
