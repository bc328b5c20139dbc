"""Bringing raw scores to the range from 0 to 100. Upstream: `framework/plugins/helper/normalize_score.go`."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.framework import MAX_NODE_SCORE


def scaled(scores: Sequence[int], *, reverse: bool = False) -> Sequence[int]:
    """The largest becomes 100 and the others what they are of it; `reverse` turns small into good."""
    largest = max(scores, default=0)
    if largest == 0:
        return [MAX_NODE_SCORE] * len(scores) if reverse else scores
    found = [MAX_NODE_SCORE * score // largest for score in scores]
    return [MAX_NODE_SCORE - score for score in found] if reverse else found
