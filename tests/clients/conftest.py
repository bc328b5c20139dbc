"""One served cluster for the clients that nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb.testing import served


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with served(1, speed=20) as path:
        yield path
