"""What a server tells of its own requests: how many, with what answer, and how long they took.

Names are those that Prometheus' client libraries and its best practices use.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.exposition import head, sample
from k8snb.packet import HTTPResponse

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The buckets of a histogram, in seconds: the default of the client libraries."""


class Requests:
    """Counts the requests of one process."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], float] = {}
        self._buckets = [0.0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def count(self, method: str, path: str, answer: HTTPResponse) -> None:
        """Count one request."""
        key = (str(answer.status), method, path)
        self._counts[key] = self._counts.get(key, 0.0) + 1
        self._seconds += answer.seconds
        for place, bound in enumerate((*BOUNDS, float("inf"))):
            self._buckets[place] += answer.seconds <= bound

    def exposed(self) -> str:
        """All of it in the text format."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from head("http_requests_total", "counter", "Requests by answer, method and path.")
        for (code, method, path), number in self._counts.items():
            yield sample("http_requests_total", {"code": code, "method": method, "path": path}, number)
        name = "http_request_duration_seconds"
        yield from head(name, "histogram", "How long requests took.")
        for bound, number in zip([*map(str, BOUNDS), "+Inf"], self._buckets, strict=True):
            yield sample(f"{name}_bucket", {"le": bound}, number)
        yield sample(f"{name}_sum", {}, self._seconds)
        yield sample(f"{name}_count", {}, self._buckets[-1])
