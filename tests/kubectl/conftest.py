"""A cluster to type at, and somebody who types."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8snb import Cluster
from k8snb.kubectl import Output, run

Typed = Callable[..., Output]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3, seed=1)


@pytest.fixture
def kubectl(cluster: Cluster) -> Typed:
    """Types a command and says what came of it."""
    return lambda command, stdin="": run(cluster, command, stdin)
