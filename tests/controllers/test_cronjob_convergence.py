"""Whatever happens to a CronJob and its Jobs: no time gets two, Forbid means one at a time, the last time counts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.job.deciding import is_over
from k8snb.machinery.objects import is_deleting
from tests.controllers.jobs import end, remove_leaving, start
from tests.controllers.jobs import running as running_pods
from tests.controllers.test_cronjob import MINUTE, cron_job, jobs, status
from tests.controllers.world import World

ACTIONS = ("minute", "seconds", "succeed", "fail", "lose", "suspend", "resume", "schedule", "policy", "turn")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=20)
POLICIES = ("Forbid", "Replace", "Allow")


def act(world: World, action: str, number: int) -> None:
    """One thing that people or nodes do, or time that passes."""
    if action in ("minute", "seconds"):
        world.advance(60 * number if action == "minute" else 7 * number)
    elif action in ("suspend", "resume"):
        patch(world, suspend=action == "suspend")
    elif action == "schedule":
        patch(world, schedule=("* * * * *", "*/2 * * * *", "*/5 * * * *")[number % 3])
    elif action == "turn":
        world.loop.turn()
    elif action == "lose" and (found := world.list("jobs")):
        name = found[number % len(found)]["metadata"]["name"]
        world.client.delete("jobs", name, "default", propagation="Background")
    elif action in ("succeed", "fail"):
        start(world)
        for each in running_pods(world)[: number + 1]:
            end(world, each, int(action == "fail"))
        remove_leaving(world)


def patch(world: World, **spec: Any) -> None:
    world.client.patch("cronjobs", "tick", {"spec": spec}, "default")


@given(steps, st.sampled_from(POLICIES))
def test_no_time_gets_two_jobs_and_under_forbid_one_runs_at_a_time(story: list[Any], policy: str) -> None:
    world = World(nodes=1)
    world.create(cron_job(concurrencyPolicy=policy))
    stream = world.client.watch("jobs", "default")
    names: dict[str, str] = {}
    lost: set[str] = set()
    for action, number in story:
        act(world, action, number)
        while (event := stream.next()) is not None:
            meta = event["object"]["metadata"]
            lost |= {meta["name"]} if event["type"] == "DELETED" else set()
            known = names.setdefault(meta["name"], meta["uid"])
            assert known == meta["uid"] or meta["name"] in lost, "one Job for a time, unless it was lost"
        living = [each for each in world.list("jobs") if not is_over(each) and not is_deleting(each)]
        if policy != "Allow":
            assert len(living) <= 1, "at most one runs"
    patch(world, suspend=False, schedule="* * * * *")
    world.settle()
    for _ in range(6):
        world.advance(60)
        act(world, "succeed", 9)
    now = (int(world.clock.now()) // 60) - MINUTE
    assert max(jobs(world)) in (now, now - 1), "the last time got its Job"
    running = {each["metadata"]["name"] for each in world.list("jobs") if not is_over(each)}
    assert {each["name"] for each in status(world).get("active") or ()} == running, "who is listed runs, and all are"
    succeeded = [each for each in world.list("jobs") if is_over(each)]
    assert len(succeeded) <= 3 + 1, "the history keeps three that succeeded and one that failed"
