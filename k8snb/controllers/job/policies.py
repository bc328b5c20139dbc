"""The rules that a Job may have for its pods' failures, and for when it has succeeded.

The first rule that matches decides. Pure. Upstream: `pod_failure_policy.go`, `success_policy.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from k8snb.controllers.job.indexes import parse
from k8snb.controllers.job.pods import FAILURES, IGNORED_FAILURES, count_in, is_failed
from k8snb.typing import Object


class Verdict(NamedTuple):
    """What becomes of a failed pod: the action of the rule that matched, and why the Job fails if it does."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether it counts as a failure."""
        return self.action != "Ignore"


def verdict_on(job: Object, pod: Object) -> Verdict:
    """What the Job's failure policy says of a pod that failed."""
    policy = job["spec"].get("podFailurePolicy") or {}
    for number, rule in enumerate(policy.get("rules") or ()):
        found = next(_matches(rule, pod), None)
        if found is not None:
            action = rule["action"]
            text = f"{found} matching {action} rule at index {number}"
            return Verdict(action, text if action == "FailJob" else "")
    return Verdict()


def _matches(rule: Object, pod: Object) -> Iterator[str]:
    """What of the pod the rule matches, in words."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    codes = rule.get("onExitCodes")
    if codes is None:
        for pattern_of in status.get("conditions") or ():
            for pattern in rule.get("onPodConditions") or ():
                if (pattern["type"], pattern.get("status", "True")) == (pattern_of["type"], pattern_of["status"]):
                    yield f"Pod {name} has condition {pattern_of['type']}"
        return
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        code = ((container.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
        if not code or codes.get("containerName") not in (None, container["name"]):
            continue
        if (code in codes["values"]) == (codes["operator"] == "In"):
            yield f"Container {container['name']} for pod {name} failed with exit code {code}"


def fails_index(job: Object, pod: Object) -> bool:
    """Whether with this pod its index has failed for good."""
    if not is_failed(job, pod):
        return False
    verdict = verdict_on(job, pod)
    if verdict.action == "FailIndex":
        return True
    return verdict.counts and count_in(pod, FAILURES) >= int(job["spec"]["backoffLimitPerIndex"])


def next_counts(job: Object, replaced: Object | None) -> tuple[int, int]:
    """The failures of an index, counted and ignored, for the pod that replaces a failed one."""
    if replaced is None:
        return 0, 0
    counted, ignored = count_in(replaced, FAILURES), count_in(replaced, IGNORED_FAILURES)
    return (counted + 1, ignored) if verdict_on(job, replaced).counts else (counted, ignored + 1)


def success_message(job: Object, succeeded: frozenset[int]) -> str:
    """Which rule of the success policy is met; empty if none is."""
    policy = job["spec"].get("successPolicy")
    if policy is None or not succeeded:
        return ""
    completions = int(job["spec"]["completions"])
    for number, rule in enumerate(policy.get("rules") or ()):
        text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        wanted = parse(text, completions) if text is not None else None
        done = succeeded if wanted is None else succeeded & wanted
        if count is None:
            count = len(wanted) if wanted is not None else completions
        if len(done) >= count:
            return f"Matched rules at index {number}"
    return ""
