"""Certificate requests are cleared away once nobody needs them."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.apiserver.access.test_certificates import CSRS, approved, csr

HOUR = 3600


def left_after(hours: float, decision: str = "") -> bool:
    """Whether a request is still there some time after it was decided on, if it was."""
    cluster = Cluster(nodes=0)
    stored = cluster.client.create(CSRS, csr())
    if decision:
        cluster.client.update(CSRS, approved(stored, decision), subresource="approval")
    cluster.advance(hours * HOUR)
    return cluster.client.find(CSRS, "jane") is not None


@pytest.mark.parametrize(
    ("decision", "hours"), [("Approved", 1), ("Denied", 1), ("", 24)], ids=["signed", "denied", "undecided"]
)
def test_a_request_is_kept_for_a_while_and_gone_a_round_later_that_is(decision: str, hours: int) -> None:
    assert (left_after(hours - 0.5, decision), left_after(hours + 1.5, decision)) == (True, False)
