"""A cluster with an object of every kind."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.edge.fuzzing.examples import new_cluster


@pytest.fixture
def cluster() -> Cluster:
    return new_cluster()
