"""What one look at a Job counts: its pods by what became of them, those counted before and those that are new.

Pure, but for the fields that the look fills as it goes on. Upstream: `syncJobCtx` in `job_controller.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.controllers.job.backoff import Record
from k8snb.controllers.job.indexes import parse
from k8snb.controllers.job.pods import (
    UNKNOWN,
    failures_of,
    is_failed,
    is_indexed,
    is_terminating,
    is_tracked,
    per_index,
    valid_index,
)
from k8snb.controllers.job.policies import fails_index, verdict_on
from k8snb.controllers.podstate import is_active, is_ready, phase_of
from k8snb.typing import Object


class Look:
    """One look at a Job and its pods; `status` is the status that comes of it."""

    def __init__(self, job: Object, pods: Sequence[Object], record: Record) -> None:
        self.job = job
        self.pods = pods
        self.status: dict[str, Any] = dict(job.get("status") or {})
        uncounted = self.status.get("uncountedTerminatedPods") or {}
        self.uncounted: dict[str, list[str]] = {
            name: list(uncounted.get(name) or ()) for name in ("succeeded", "failed")
        }
        self.active = [pod for pod in pods if is_active(pod)]
        self.ready = sum(map(is_ready, self.active))
        self.terminating = sum(map(is_terminating, pods))
        new_succeeded = self._new("succeeded", lambda pod: phase_of(pod) == "Succeeded")
        new_failed = self._new("failed", lambda pod: is_failed(job, pod))
        counted = [pod for pod in new_failed if verdict_on(job, pod).counts]
        before = self.status.get("succeeded") or 0
        self.succeeded = before + len(new_succeeded) + len(self.uncounted["succeeded"])
        self.failed = (self.status.get("failed") or 0) + len(counted) + len(self.uncounted["failed"])
        self.record = record.after(new_succeeded, new_failed)
        self.finished: Object | None = None
        """The condition by which the Job is over, once it is."""
        self.again: float | None = None
        """In how many seconds to look again."""
        self.before: frozenset[int] = frozenset()
        self.done: frozenset[int] = frozenset()
        self.lost: frozenset[int] | None = None
        """The indexes that had succeeded before, that have by now, and that have failed (if that is counted)."""
        self.delayed: dict[int, Object] = {}
        """The pod of an index that failed last and is kept until its successor has taken over its counts."""
        if is_indexed(job):
            self._count_indexes()

    @property
    def completions(self) -> int | None:
        """How many have to succeed; None if one is enough."""
        found: int | None = self.job["spec"].get("completions")
        return found

    def _new(self, what: str, ended: Callable[[Object], bool]) -> list[Object]:
        """The pods that have ended so and are not counted yet."""
        known = set(self.uncounted[what])
        return [
            pod
            for pod in self.pods
            if is_tracked(pod)
            and pod["metadata"]["uid"] not in known
            and (not is_indexed(self.job) or valid_index(self.job, pod) != UNKNOWN)
            and ended(pod)
        ]

    def _count_indexes(self) -> None:
        completions = self.completions or 0
        self.before = parse(self.status.get("completedIndexes"), completions)
        ended = (pod for pod in self.pods if is_tracked(pod) and phase_of(pod) == "Succeeded")
        self.done = self.before | {valid_index(self.job, pod) for pod in ended} - {UNKNOWN}
        self.succeeded = len(self.done)
        if per_index(self.job):
            failed = (pod for pod in self.pods if fails_index(self.job, pod))
            new = {valid_index(self.job, pod) for pod in failed} - {UNKNOWN}
            self.lost = parse(self.status.get("failedIndexes"), completions) | new
            self._note_delayed(self.lost)

    def _note_delayed(self, lost: frozenset[int]) -> None:
        settled = self.done | lost | {valid_index(self.job, pod) for pod in self.active}
        for pod in self.pods:
            index = valid_index(self.job, pod)
            if index == UNKNOWN or index in settled or not is_failed(self.job, pod):
                continue
            last = self.delayed.get(index)
            if last is None or failures_of(last) <= failures_of(pod):
                self.delayed[index] = pod
