"""Counting each pod of a Job exactly once.

A pod carries a finalizer from birth. When it has ended, its UID is first written down in the Job's status
(`uncountedTerminatedPods`), then the finalizer is taken away, and only then is the pod added to the count and its UID
struck off. Whatever is interrupted between these steps can be taken up again, and no pod is counted twice or never.
Upstream: `trackJobStatusAndRemoveFinalizers` in `job_controller.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.controllers.job.deciding import COMPLETE, FAILED, SUCCESS_MET, job_condition
from k8snb.controllers.job.indexes import text_of
from k8snb.controllers.job.look import Look
from k8snb.controllers.job.managing import Hands
from k8snb.controllers.job.pods import UNKNOWN, is_failed, is_indexed, is_tracked, valid_index
from k8snb.controllers.job.policies import verdict_on
from k8snb.controllers.podstate import phase_of
from k8snb.errors import StatusError
from k8snb.machinery.objects import is_deleting, is_true, with_condition
from k8snb.typing import Object

MOST_UNCOUNTED = 500
Write = Callable[[Look], None]
"""Writes the status of a look."""


class Tracker:
    """Counts the pods of one look, and says when the Job is over."""

    def __init__(self, look: Look, hands: Hands, write: Write, now: float) -> None:
        self._look = look
        self._hands = hands
        self._write = write
        self._now = now
        self._tracked = {pod["metadata"]["uid"] for pod in look.pods if is_tracked(pod)}
        self._changed = False
        self.over: Object | None = None
        """The Job's last condition, if it is over now."""

    def track(self, *, changed: bool) -> None:
        """Write the status, in two steps where pods are counted. Raises `StatusError`."""
        look = self._look
        self._changed = changed
        self._strike_off()
        ended, all_of_them = self._ended()
        if is_indexed(look.job):
            self._write_indexes()
        last = self._interim()
        self._put_uncounted()
        if self._changed:
            self._write(look)
            self._changed = False
        errors = self._untrack(ended)
        self._strike_off()
        if errors:
            if self._changed:
                self._put_uncounted()
                self._write(look)
            raise errors[0]
        if last is not None and all_of_them and not self._waiting():
            self._finish(last)
        if self._changed:
            self._put_uncounted()
            self._write(look)

    def _strike_off(self) -> None:
        """Count those whose finalizer is gone."""
        look = self._look
        for name, uids in look.uncounted.items():
            left = [uid for uid in uids if uid in self._tracked]
            if len(left) != len(uids):
                look.status[name] = (look.status.get(name) or 0) + len(uids) - len(left)
                look.uncounted[name] = left
                self._changed = True

    def _ended(self) -> tuple[list[Object], bool]:
        """The pods to count now, noted by UID, and whether these are all."""
        look = self._look
        ended: list[Object] = []
        new_indexes = 0
        pods = sorted(look.pods, key=lambda pod: valid_index(look.job, pod)) if is_indexed(look.job) else look.pods
        for pod in pods:
            if not is_tracked(pod) or not self._may_go(pod):
                continue
            ended.append(pod)
            new_indexes += self._note(pod)
            if new_indexes + sum(map(len, look.uncounted.values())) >= MOST_UNCOUNTED:
                return ended, False
        return ended, True

    def _may_go(self, pod: Object) -> bool:
        """Whether the pod's finalizer is not needed any more."""
        look = self._look
        if is_deleting(look.job) or look.finished is not None or phase_of(pod) == "Succeeded":
            return True
        if not is_failed(look.job, pod):
            return False
        kept = look.delayed.get(valid_index(look.job, pod))
        return kept is None or kept["metadata"]["uid"] != pod["metadata"]["uid"]

    def _note(self, pod: Object) -> int:
        """Note that the pod is to be counted; 1 if it completes an index."""
        look, uid, index = self._look, pod["metadata"]["uid"], valid_index(self._look.job, pod)
        indexed = is_indexed(look.job)
        if phase_of(pod) == "Succeeded" and uid not in look.uncounted["failed"]:
            if indexed:
                new = index != UNKNOWN and index not in look.before
                self._changed |= new
                return int(new)
            if uid not in look.uncounted["succeeded"]:
                self._add("succeeded", uid)
        elif is_failed(look.job, pod) or (look.finished is not None and not self._succeeds):
            counts = uid not in look.uncounted["failed"] and (not indexed or index != UNKNOWN)
            if counts and verdict_on(look.job, pod).counts:
                self._add("failed", uid)
        return 0

    @property
    def _succeeds(self) -> bool:
        return self._look.finished is not None and self._look.finished["type"] == SUCCESS_MET

    def _add(self, name: str, uid: str) -> None:
        self._look.uncounted[name].append(uid)
        self._changed = True

    def _write_indexes(self) -> None:
        look, completed = self._look, text_of(self._look.done)
        self._changed |= completed != (look.status.get("completedIndexes") or "")
        self._set("succeeded", len(look.done) or None)
        self._set("completedIndexes", completed or None)
        if look.lost is not None:
            self._changed |= look.status.get("failedIndexes") != text_of(look.lost)
            look.status["failedIndexes"] = text_of(look.lost)

    def _set(self, name: str, value: Any) -> None:
        if value is None:
            self._look.status.pop(name, None)
        else:
            self._look.status[name] = value

    def _interim(self) -> Object | None:
        """Note what ends the Job; the condition that will be its last."""
        look, found = self._look, self._look.finished
        if found is None:
            return None
        if not is_true({"status": look.status}, found["type"]):
            look.status["conditions"] = [*(look.status.get("conditions") or ()), found]
            self._changed = True
        last = COMPLETE if found["type"] == SUCCESS_MET else FAILED
        return job_condition(last, found.get("reason", ""), found.get("message", ""), self._now)

    def _put_uncounted(self) -> None:
        self._look.status["uncountedTerminatedPods"] = {k: v for k, v in self._look.uncounted.items() if v}

    def _untrack(self, pods: Sequence[Object]) -> list[StatusError]:
        errors: list[StatusError] = []
        for pod in pods:
            error = self._hands.untrack(self._look.job, pod)
            if error is None:
                self._tracked.discard(pod["metadata"]["uid"])
            else:
                errors.append(error)
        return errors

    def _waiting(self) -> bool:
        """Whether pods are still to be counted or to end."""
        return any(self._look.uncounted.values()) or self._look.terminating > 0

    def _finish(self, last: Object) -> None:
        look = self._look
        look.status["conditions"] = with_condition(look.status.get("conditions") or (), last)
        if last["type"] == COMPLETE:
            look.status["completionTime"] = last["lastTransitionTime"]
        self._changed = True
        self.over = last
