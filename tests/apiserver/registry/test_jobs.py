"""Jobs and CronJobs: their defaults, what is wrong with them, and what may change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.workload_builders import container, template
from tests.apiserver.registry.writing import create, made, refusals, strategy, update, update_refusals

JOBS, CRON_JOBS = strategy("jobs.batch"), strategy("cronjobs.batch")


def pods(**spec: Any) -> dict[str, Any]:
    return {"spec": {"restartPolicy": "Never", "containers": [container()], **spec}}


def job(name: str = "pi", **spec: Any) -> dict[str, Any]:
    body = made("Job", name, spec={"template": pods(), **spec})
    return {**body, "metadata": {**body["metadata"], "uid": "u1"}}


def cron_job(name: str = "hello", **spec: Any) -> dict[str, Any]:
    fields = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pods()}}, **spec}
    return made("CronJob", name, spec=fields)


def test_a_job_selects_its_pods_by_its_own_uid():
    spec = dict(create(JOBS, job())["spec"])
    labels = spec.pop("template")["metadata"]["labels"]
    own = {"batch.kubernetes.io/controller-uid": "u1", "batch.kubernetes.io/job-name": "pi"}
    assert labels == {**own, "controller-uid": "u1", "job-name": "pi"}
    assert spec == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u1"}},
    }


def test_a_job_that_counts_failures_per_index_has_no_limit_of_its_own():
    spec = create(JOBS, job(completionMode="Indexed", completions=3, backoffLimitPerIndex=1))["spec"]
    assert (spec["backoffLimit"], spec["parallelism"]) == (2147483647, 1)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"parallelism": -2}, ["spec.parallelism: Invalid value: -2: must be greater than or equal to 0"]),
        (
            {"template": pods(restartPolicy="Always")},
            ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
        ),
        (
            {"completionMode": "Indexed", "parallelism": 1},
            ["spec.completions: Required value: when completion mode is Indexed"],
        ),
        (
            {"backoffLimitPerIndex": 1},
            ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
        ),
        (
            {"managedBy": "me"},
            ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
        ),
        (
            {"podReplacementPolicy": "Never"},
            [
                'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed",'
                ' "TerminatingOrFailed"'
            ],
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "FailJob"}]}},
            [
                "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                "required"
            ],
        ),
        (
            {
                "podFailurePolicy": {
                    "rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [2, 0]}}]
                }
            },
            [
                "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In "
                "operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered",
            ],
        ),
        (
            {"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{"succeededIndexes": "1,4"}]}},
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1,4": error parsing succeededIndexes: '
                'too large index: "4"'
            ],
        ),
        (
            {"selector": {"matchLabels": {"a": "b"}}},
            [
                'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"u1"}}: '
                "`selector` not auto-generated",
                'spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u1",'
                '"batch.kubernetes.io/job-name":"pi","controller-uid":"u1","job-name":"pi"}: '
                "`selector` does not match template `labels`",
            ],
        ),
    ],
)
def test_a_wrong_job_is_refused(spec, found):
    assert refusals(JOBS, job(**spec)) == found


def test_what_makes_a_jobs_pods_does_not_change():
    old = create(JOBS, job())
    spec = {**old["spec"], "completions": 2, "selector": {"matchLabels": {"batch.kubernetes.io/job-name": "pi"}}}
    assert update_refusals(JOBS, old, spec=spec) == [
        "spec.completions: Invalid value: 2: field is immutable",
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/job-name":"pi"}}: field is immutable',
    ]
    assert update(JOBS, old, spec={**old["spec"], "parallelism": 3})["spec"]["parallelism"] == 3


def test_the_pods_of_a_suspended_job_may_be_sent_elsewhere():
    old = create(JOBS, job(suspend=True))
    moved = {**old["spec"]["template"], "spec": {**old["spec"]["template"]["spec"], "nodeSelector": {"disk": "ssd"}}}
    assert update(JOBS, old, spec={**old["spec"], "template": moved})["spec"]["template"] == moved


def test_an_indexed_job_grows_in_both_numbers_at_once():
    old = create(JOBS, job(completionMode="Indexed", completions=2, parallelism=2))
    assert update_refusals(JOBS, old, spec={**old["spec"], "completions": 3}) == [
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
    ]
    assert update(JOBS, old, spec={**old["spec"], "completions": 3, "parallelism": 3})["spec"]["completions"] == 3


def test_the_status_of_a_finished_job_must_be_whole():
    old = create(JOBS, job())
    done = {**old, "status": {"conditions": [{"type": "Complete", "status": "True"}], "active": 1}}
    assert [str(error) for error in JOBS.validate_status(done, old)] == [
        "status.completionTime: Required value: completionTime is required for Complete jobs",
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true "
        "condition",
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
        "status.startTime: Required value: startTime is required for finished job",
    ]


def test_defaults_of_a_cron_job():
    spec = dict(create(CRON_JOBS, cron_job())["spec"])
    assert spec.pop("jobTemplate")["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    assert spec == {
        "schedule": "* * * * *",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        (
            {"schedule": "TZ=UTC * * * * *"},
            [
                'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone '
                "field instead"
            ],
        ),
        ({"timeZone": "Mars/Base"}, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']),
        ({"timeZone": ""}, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']),
        (
            {"concurrencyPolicy": "Sometimes"},
            ['spec.concurrencyPolicy: Unsupported value: "Sometimes": supported values: "Allow", "Forbid", "Replace"'],
        ),
        (
            {"jobTemplate": {"spec": {"template": template(restartPolicy="Never"), "selector": {}}}},
            ["spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated"],
        ),
    ],
)
def test_a_wrong_cron_job_is_refused(spec, found):
    assert [str(error) for error in CRON_JOBS.validate_create(CRON_JOBS.default(cron_job(**spec)))] == found


def test_a_cron_jobs_name_leaves_room_for_its_jobs():
    assert [str(e) for e in CRON_JOBS.validate_create(CRON_JOBS.default(cron_job("x" * 53)))] == [
        f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters'
    ]
