"""Pods that run to the end, until enough have succeeded or too many have failed."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.clock import parse_time
from k8snb.controllers.job.backoff import Record, remaining
from k8snb.controllers.job.indexes import first_missing, parse, text_of
from k8snb.controllers.job.pods import FINALIZER, index_of
from k8snb.machinery.objects import annotations_of, controller_of, is_deleting, labels_of
from k8snb.typing import Object
from tests.controllers.jobs import conditions, counts, end, indexed, job, play, remove_leaving, running, start
from tests.controllers.world import World, pod

COMPLETE = {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}


def world_with(*jobs: Object) -> World:
    world = World(nodes=1)
    for each in jobs:
        world.create(each)
    start(world)
    return world


def failed(reason: str) -> dict[str, str]:
    return {"FailureTarget": reason, "Failed": reason}


def test_as_many_pods_run_as_allowed_and_no_more_than_are_needed() -> None:
    world = world_with(job(completions=5, parallelism=3))
    seen: list[int] = []
    for _ in range(5):
        seen.append(len(running(world)))
        end(world, running(world)[0])
        start(world)
    assert seen == [3, 3, 3, 2, 1]
    assert conditions(world) == COMPLETE
    assert counts(world) == {"succeeded": 5}
    assert world.events("Completed") == ["Job completed"]


def test_a_pod_is_counted_when_its_finalizer_is_gone() -> None:
    world = world_with(job())
    (one,) = world.pods()
    assert one["metadata"]["finalizers"] == [FINALIZER]
    end(world, one)
    assert "finalizers" not in world.pods()[0]["metadata"]
    status = world.get("jobs", "work")["status"]
    assert status["uncountedTerminatedPods"] == {}
    assert status["completionTime"] == status["conditions"][-1]["lastTransitionTime"]


def test_a_queue_of_work_is_done_when_one_pod_succeeds_and_the_rest_have_ended() -> None:
    world = world_with(job(parallelism=2, completions=None))
    world.delete("jobs", "work", propagation="Background")
    remove_leaving(world)
    template = job()["spec"]["template"]
    world.create({**job(), "spec": {"template": template, "parallelism": 2}})
    start(world)
    first, second = running(world)
    end(world, first)
    assert len(running(world)) == 1
    assert conditions(world) == {}
    end(world, second)
    assert conditions(world) == COMPLETE


def test_after_a_failure_the_next_pod_waits_ten_seconds_then_twenty() -> None:
    world = world_with(job(backoffLimit=2))
    waits: list[int] = []
    for _ in range(3):
        ended = int(world.clock.now())
        end(world, running(world)[0], 1)
        waits += [int(parse_time(each["metadata"]["creationTimestamp"])) - ended for each in running(world)]
        start(world)
    assert waits == [10, 20]
    assert conditions(world) == failed("BackoffLimitExceeded")
    assert world.events("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]
    assert counts(world) == {"failed": 3}


def test_when_a_job_fails_what_runs_is_deleted_and_counts_as_failed() -> None:
    world = world_with(job(parallelism=3, completions=3, backoffLimit=0))
    end(world, running(world)[0], 1)
    assert conditions(world) == {"FailureTarget": "BackoffLimitExceeded"}
    assert counts(world)["terminating"] == 2
    remove_leaving(world)
    assert conditions(world) == failed("BackoffLimitExceeded")
    assert counts(world) == {"failed": 3}


def test_each_pod_of_an_indexed_job_knows_its_index() -> None:
    world = world_with(indexed(3))
    pods = running(world)
    assert [labels_of(each)["batch.kubernetes.io/job-completion-index"] for each in pods] == ["0", "1", "2"]
    (first, *_) = pods
    assert first["metadata"]["generateName"] == "work-0-"
    assert first["spec"]["hostname"] == "work-0"
    (variable,) = first["spec"]["containers"][0]["env"]
    path = "metadata.labels['batch.kubernetes.io/job-completion-index']"
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}
    assert variable == {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
    end(world, pods[2])
    end(world, pods[0])
    assert world.get("jobs", "work")["status"]["completedIndexes"] == "0,2"


def test_an_index_that_failed_is_done_again_and_the_others_are_not() -> None:
    world = world_with(indexed(3))
    play(world, lambda each: 1 if index_of(each) == 1 and counts(world).get("failed", 0) < 1 else 0)
    assert conditions(world) == COMPLETE
    assert counts(world) == {"succeeded": 3, "failed": 1}


def test_with_a_limit_per_index_one_index_fails_and_the_others_go_on() -> None:
    world = world_with(indexed(3, backoffLimitPerIndex=1))
    play(world, lambda each: int(index_of(each) == 1))
    assert conditions(world) == failed("FailedIndexes")
    status = world.get("jobs", "work")["status"]
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2", "1")
    tries = [annotations_of(each) for each in world.pods() if index_of(each) == 1]
    counted = sorted(each["batch.kubernetes.io/job-index-failure-count"] for each in tries)
    assert counted == ["0", "1"]


def test_too_many_failed_indexes_end_the_job() -> None:
    world = world_with(indexed(3, backoffLimitPerIndex=0, maxFailedIndexes=0))
    end(world, running(world)[0], 1)
    remove_leaving(world)
    assert conditions(world) == failed("MaxFailedIndexesExceeded")


def rule(action: str, code: int = 42) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": "In", "values": [code]}}


def test_a_failure_policy_ends_the_job_at_once_with_a_message_that_says_why() -> None:
    world = world_with(job(podFailurePolicy={"rules": [rule("FailJob")]}))
    (one,) = running(world)
    end(world, one, 42)
    assert conditions(world) == failed("PodFailurePolicy")
    name = one["metadata"]["name"]
    text = f"Container main for pod default/{name} failed with exit code 42 matching FailJob rule at index 0"
    assert world.events("PodFailurePolicy") == [text]


def test_a_failure_that_is_ignored_does_not_count_and_the_pod_is_replaced() -> None:
    pattern = {"type": "DisruptionTarget", "status": "True"}
    policy = {"rules": [{"action": "Ignore", "onPodConditions": [pattern]}]}
    world = world_with(job(backoffLimit=0, podFailurePolicy=policy))
    end(world, running(world)[0], 1, conditions=[{**pattern, "reason": "EvictionByEvictionAPI"}])
    assert counts(world) == {"active": 1}
    start(world)
    end(world, running(world)[0], 1)
    assert conditions(world) == failed("BackoffLimitExceeded")


def test_a_failure_policy_may_give_up_one_index() -> None:
    policy = {"rules": [rule("FailIndex"), rule("Count", 1)]}
    world = world_with(indexed(2, backoffLimitPerIndex=5, podFailurePolicy=policy))
    play(world, lambda each: 42 * (index_of(each) == 0))
    assert world.get("jobs", "work")["status"]["failedIndexes"] == "0"
    assert counts(world) == {"succeeded": 1, "failed": 1}


@pytest.mark.parametrize(
    ("rules", "done"),
    [
        ([{"succeededIndexes": "0"}], [0]),
        ([{"succeededCount": 2}], [1, 2]),
        ([{"succeededIndexes": "1-2", "succeededCount": 1}], [2]),
        ([{"succeededIndexes": "0,1"}], [0, 1]),
    ],
)
def test_a_success_policy_ends_the_job_when_a_rule_is_met(rules: Any, done: list[int]) -> None:
    world = world_with(indexed(3, successPolicy={"rules": rules}))
    pods = running(world)
    for index in done:
        assert conditions(world) == {}
        end(world, pods[index])
    assert conditions(world) == {"SuccessCriteriaMet": "SuccessPolicy"}
    remove_leaving(world)
    assert conditions(world) == {"SuccessCriteriaMet": "SuccessPolicy", "Complete": "SuccessPolicy"}
    assert counts(world) == {"succeeded": len(done)}


def test_a_job_that_takes_too_long_fails() -> None:
    world = World(nodes=1)
    world.create(job(activeDeadlineSeconds=30))
    world.advance(28)
    assert conditions(world) == {}
    world.advance(2)
    remove_leaving(world)
    assert conditions(world) == failed("DeadlineExceeded")
    assert world.events("DeadlineExceeded") == ["Job was active longer than specified deadline"]


def test_a_suspended_job_has_no_pods_and_starts_its_clock_anew_when_it_goes_on() -> None:
    world = world_with(job(parallelism=2, completions=2))
    world.patch("jobs", "work", {"spec": {"suspend": True}})
    remove_leaving(world)
    assert running(world) == []
    assert conditions(world) == {"Suspended": "JobSuspended"}
    assert counts(world) == {}, "pods that were taken away are no failures"
    world.advance(100)
    world.patch("jobs", "work", {"spec": {"suspend": False}})
    assert len(running(world)) == 2
    assert conditions(world) == {}
    assert [*world.events("Suspended"), *world.events("Resumed")] == ["Job suspended", "Job resumed"]
    play(world)
    assert conditions(world) == COMPLETE


@pytest.mark.parametrize(("policy", "while_leaving"), [("TerminatingOrFailed", 1), ("Failed", 0)])
def test_a_pod_on_its_way_out_is_replaced_now_or_when_it_has_ended(policy: str, while_leaving: int) -> None:
    world = world_with(job(podReplacementPolicy=policy))
    world.delete("pods", running(world)[0]["metadata"]["name"])
    world.advance(11)
    assert len(running(world)) == while_leaving
    remove_leaving(world)
    world.advance(11)
    assert len(running(world)) == 1


def test_restarts_within_a_pod_count_where_it_restarts() -> None:
    template = {"spec": {**job()["spec"]["template"]["spec"], "restartPolicy": "OnFailure"}}
    world = world_with(job(backoffLimit=2, template=template))
    (one,) = running(world)
    main = {"name": "main", "image": "busybox", "imageID": "", "ready": True, "restartCount": 2}
    one = world.get("pods", one["metadata"]["name"])
    world.client.update_status("pods", {**one, "status": {**one["status"], "containerStatuses": [main]}})
    world.settle()
    remove_leaving(world)
    assert conditions(world) == failed("BackoffLimitExceeded")


def test_a_job_of_another_manager_is_left_alone() -> None:
    world = world_with(job(managedBy="example.com/queue"))
    assert world.pods() == []
    assert world.get("jobs", "work")["status"] == {}


def test_a_job_that_is_over_is_deleted_when_its_time_has_passed() -> None:
    world = world_with(job(ttlSecondsAfterFinished=60))
    end(world, running(world)[0])
    world.advance(55)
    assert world.find("jobs", "work") is not None
    world.advance(10)
    assert world.find("jobs", "work") is None
    assert world.list("pods") == []


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_no_finalizer_outlives_the_job(propagation: str) -> None:
    world = world_with(job(parallelism=2, completions=2))
    end(world, running(world)[0])
    world.delete("jobs", "work", propagation=propagation)
    remove_leaving(world)
    assert world.find("jobs", "work") is None
    left = world.list("pods")
    assert [each["metadata"].get("finalizers") for each in left] == ([None, None] if propagation == "Orphan" else [])
    assert not any(map(is_deleting, left))


def test_pods_that_the_selector_matches_are_adopted_with_a_finalizer() -> None:
    world = World(nodes=1)
    stray = pod("stray", app="work", restartPolicy="Never")
    world.create(stray)
    template = {**job()["spec"]["template"], "metadata": {"labels": {"app": "work"}}}
    selector = {"matchLabels": {"app": "work"}}
    world.create(job(manualSelector=True, selector=selector, template=template))
    (taken,) = world.pods()
    owner = controller_of(taken)
    assert owner is not None
    assert (owner["kind"], taken["metadata"]["finalizers"]) == ("Job", [FINALIZER])


@pytest.mark.parametrize(("text", "indexes"), [("", []), ("3", [3]), ("0,2-4", [0, 2, 3, 4]), ("8-20", [8, 9])])
def test_indexes_are_read_as_they_are_written(text: str, indexes: list[int]) -> None:
    assert sorted(parse(text, 10)) == indexes


def test_two_indexes_in_a_row_are_a_list_and_three_a_range() -> None:
    assert text_of([7, 0, 1, 3, 4, 5]) == "0,1,3-5,7"
    assert first_missing(frozenset({0, 2}), 3, 5) == [1, 3, 4]


def test_the_wait_doubles_up_to_ten_minutes_and_a_success_ends_it() -> None:
    assert [remaining(failures, 0, 0) for failures in (0, 1, 2, 3, 7, 99)] == [0, 10, 20, 40, 600, 600]
    ended = {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}}
    assert Record(3, 5.0).after([ended], []) == Record()
