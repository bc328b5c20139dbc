"""What the tests of Gateway API share."""

from __future__ import annotations

import pytest

from tests.ingress.gateways import Ways


@pytest.fixture(scope="package")
def ways() -> Ways:
    return Ways()
