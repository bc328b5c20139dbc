"""How long a Job waits before it makes the next pod after one has failed: 10 seconds, doubled by each failure.

A success starts the count anew. Pure. Upstream: `pkg/controller/job/backoff_utils.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.controllers.job.pods import ended_at, failures_of
from k8snb.typing import Object

FIRST_SECONDS = 10.0
MOST_SECONDS = 600.0


class Record(NamedTuple):
    """Failures since the last success, and when the last of them was."""

    failures: int = 0
    last: float = 0.0

    def after(self, succeeded: Sequence[Object], failed: Sequence[Object]) -> Record:
        """The record when these pods have ended too."""
        times = sorted(ended_at(pod) for pod in failed)
        if not succeeded:
            return Record(self.failures + len(times), times[-1]) if times else self
        success = max(ended_at(pod) for pod in succeeded)
        later = [time for time in times if time > success]
        return Record(len(later), later[-1] if later else 0.0)

    def remaining(self, now: float) -> float:
        """For how many seconds to wait yet."""
        return remaining(self.failures, self.last, now)


def remaining(failures: int, last: float, now: float) -> float:
    """For how many seconds to wait yet after so many failures, the last of them at `last`."""
    if not failures:
        return 0.0
    delay = min(FIRST_SECONDS * 2.0 ** min(failures - 1, 30), MOST_SECONDS)
    return max(0.0, delay - (now - last))


def remaining_of_index(pod: Object | None, now: float) -> float:
    """The same for an index, by the pod of it that failed last."""
    return 0.0 if pod is None else remaining(failures_of(pod) + 1, ended_at(pod), now)
