"""The page on coverage says what the tables say, and names tests that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb import coverage
from k8snb.machinery.scheme import Scheme

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("behaviour", coverage.BEHAVIOURS, ids=lambda each: each.name)
def test_a_claim_has_its_tests(behaviour: coverage.Behaviour) -> None:
    assert (ROOT / behaviour.proof).exists()


@pytest.mark.parametrize("behaviour", coverage.BEHAVIOURS, ids=lambda each: each.name)
def test_what_is_not_exact_says_in_what_way(behaviour: coverage.Behaviour) -> None:
    assert bool(behaviour.note) is (behaviour.level != coverage.EXACT)


def test_every_kind_that_is_served_is_listed_once() -> None:
    listed = [(api, row.name) for api, rows in coverage.kinds().tables.items() for row in rows]
    served = {(each.api_version, each.kind) for each in Scheme()}
    assert len(listed) == len(set(listed))
    assert served <= set(listed)
    absent = {
        (api, row.name) for api, rows in coverage.kinds().tables.items() for row in rows if row.level == coverage.ABSENT
    }
    assert set(listed) - served == absent


def test_what_upstream_runs_and_this_cluster_does_not_is_listed_as_absent() -> None:
    tables = coverage.parts().tables
    absent = {area: [row.name for row in rows if row.level == coverage.ABSENT] for area, rows in tables.items()}
    assert absent == {
        "Controllers": ["bootstrap-signer-controller", "token-cleaner-controller"],
        "Scheduler plugins": [],
        "Admission plugins": [],
        "Commands of the built-in kubectl": ["alpha", "completion"],
    }


def test_the_text_and_the_html_say_the_same() -> None:
    table = coverage.parts()
    shown = table._repr_html_()
    assert all(row.name in shown and row.name in str(table) for rows in table.tables.values() for row in rows)
