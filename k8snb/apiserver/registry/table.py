"""Which strategy a kind has: storage bucket (`pods`, `deployments.apps`) → a maker of its strategy.

Each family lists its own kinds; a kind that none lists has the plain `Strategy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import apps, pods
from k8snb.apiserver.registry.strategy import Strategy

STRATEGIES: Mapping[str, Callable[[], Strategy]] = {
    **pods.STRATEGIES,
    **apps.STRATEGIES,
}


def strategy_for(bucket: str) -> Strategy:
    """A new strategy for the kind stored in that bucket."""
    return STRATEGIES.get(bucket, Strategy)()
