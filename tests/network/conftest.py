"""What the network's tests share."""

from __future__ import annotations

import pytest

from tests.network.town import Town


@pytest.fixture
def town() -> Town:
    return Town()
