"""The exercises of the page on Jobs: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import jobs
from k8snb.lab.verdict import Verdict
from tests.lab.repairs import missing

RULES = {
    "timeZone": "Europe/Zurich",
    "concurrencyPolicy": "Forbid",
    "startingDeadlineSeconds": 600,
    "successfulJobsHistoryLimit": 7,
}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3, seed=1)


def render(cluster: Cluster, seconds: float = 120, **spec: Any) -> Verdict:
    template = {
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "c", "image": "busybox", "command": ["sleep", "10"]}],
        }
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "render"}, "spec": {"template": template}}
    cluster.client.create("jobs.batch", {**job, "spec": {"template": template, **spec}}, "default")
    cluster.settle(seconds)
    return jobs.check_render(cluster)


def backup(cluster: Cluster, schedule: str, **rules: Any) -> Verdict:
    cluster.kubectl(f"create cronjob backup --image=busybox --schedule='{schedule}' -- sleep 60")
    cluster.client.patch("cronjobs.batch", "backup", {"spec": rules}, "default")
    return jobs.check_backup(cluster)


def test_pods_without_numbers_do_not_know_their_frames(cluster: Cluster) -> None:
    assert missing(render(cluster, completions=10, parallelism=5)).endswith("completionMode is NonIndexed")


def test_work_that_has_only_begun_is_not_done(cluster: Cluster) -> None:
    verdict = render(cluster, 5, completions=10, parallelism=5, completionMode="Indexed")
    assert missing(verdict).startswith("all pieces are done: completedIndexes is not set")


def test_ten_frames_are_done_five_at_a_time(cluster: Cluster) -> None:
    assert render(cluster, completions=10, parallelism=5, completionMode="Indexed")


@pytest.mark.parametrize("schedule", ["30 2 * * *", "30 02 * * *", "30 2 */1 1-12 0-6"])
def test_a_schedule_counts_by_what_it_means(cluster: Cluster, schedule: str) -> None:
    assert backup(cluster, schedule, **RULES)


def test_half_past_two_is_not_two_past_thirty(cluster: Cluster) -> None:
    assert missing(backup(cluster, "2 2 * * *", **RULES)).endswith("schedule is 2 2 * * *")


@pytest.mark.parametrize(("rule", "seen"), [("timeZone", "not set"), ("startingDeadlineSeconds", "not set")])
def test_every_rule_is_asked_for(cluster: Cluster, rule: str, seen: str) -> None:
    rules = {name: value for name, value in RULES.items() if name != rule}
    assert missing(backup(cluster, "30 2 * * *", **rules)).endswith(f"{rule} is {seen}")
