"""Which versions fit which constraints: facts out of the tests of the library that helm uses."""

from __future__ import annotations

import pytest

from k8snb.helm.semver import Constraint, SemverError, Version, compatible

FITS = (
    "=2.0 2.0.1|4.1 4.1.0|!=4.1.0 4.1.1|!=4.1-alpha 4.1.0|!=4.1 5.1.0|<11 0.1.0|<=11 11.2.3|<=1.1 1.1.1|"
    ">1.1 4.1.0|>0 1|>0.0.0-0 0.0.0-alpha|>1.2.3-alpha.1 1.3.3-alpha.2|>11.1 11.2.1|>=11.1 11.1.2|"
    ">=0-0 0.0.1-alpha|>=0.0.0-0 3.4.5-beta.1|<0-z 0.0.0-alpha|>=0 0|* 4.5.6|*-0 1.2.3-alpha.1|2.* 2.1.1|"
    "2.1.* 2.1.1|2 2.1.1|~1.2.3 1.2.4|~1.2 1.2.4|~1 1.2.4|~1.2.3-beta.2 1.2.4-beta.2|^1.2.3 1.8.9|"
    "^1.2.0-alpha.0 1.2.1-alpha.1|^1 1.8.9|^0.2.3 0.2.5|^0.0.3 0.0.3|^0.0 0.0.3|^0 0.2.3|~0.0.0 1.2.3|1.x 1.4|"
    "!=4.x 5.1.0|<1.x 0.1.1|<=1.1-a 0.1.0-alpha|>1.1, <2 1.2.1|>1.1 <2 1.2.1|"
    ">= 1.1, <2, != 1.2.3 || >= 3 3.0.0|1.1 - 2 1.1.1|1.5.0 - 4.5 3.7.0|^1.x 1.1.1|~* 2.1.1|"
    "~1.1-alpha 1.1.1-beta|>=1.21-0 1.36.1|>=1.29.0-0 1.36.1-gke.100"
)
DOES_NOT_FIT = (
    "=2.0 1.2.3|!=4.1.0 4.1.0|!=4.1 4.1.1|!=4.1 5.1.0-alpha.1|<11 11.1.0|<1.1 1.1.1|<=11 12.2.3|>1.1 1.1.0|"
    ">0 0.0.1-alpha|>0-0 0.0.1-alpha|>11 11.1.0|>11.1 11.1.1|>=11.1 11.0.2|>=0 0.0.1-alpha|=0 1|"
    "* 1.2.3-alpha.1|2.* 3.4.5|~1.2.3 1.3.4|~1.2.3-beta.2 1.3.4-beta.2|^1.2.3 2.8.9|^1.2.0 1.2.1-alpha.1|"
    "^1.2.0-alpha.2 1.2.0-alpha.1|^0.2 0.5.6|^0.0.3 0.0.4|^0.0.0 1.2.3|<1.x 1.1.1|>1.1, <3 4.3.2|"
    ">=1.1 <2 !=1.2.3 || > 3 3.0.0|1.1-3 4.3.2|^1.2.x-alpha 1.1.1-beta1|~1.1.1-beta 1.1.1-alpha|"
    ">=1.21 1.36.1-gke.100"
)


def pairs(text: str) -> list[tuple[str, str]]:
    return [(part.rpartition(" ")[0], part.rpartition(" ")[2]) for part in text.replace(" || ", " ⏸ ").split("|")]


@pytest.mark.parametrize(("constraint", "version"), pairs(FITS))
def test_a_version_fits(constraint: str, version: str) -> None:
    assert compatible(constraint.replace("⏸", "||"), version)


@pytest.mark.parametrize(("constraint", "version"), pairs(DOES_NOT_FIT))
def test_a_version_does_not_fit(constraint: str, version: str) -> None:
    assert not compatible(constraint.replace("⏸", "||"), version)


@pytest.mark.parametrize("text", [">= bar", "BAR >= 1.2.3", "12.3.4.1234", "12.3.34~ 1.2.3", "foo"])
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(SemverError, match="improper constraint"):
        Constraint.read(text)


def test_versions_come_in_the_order_of_their_keys() -> None:
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1"]
    mixed = sorted(ordered)
    assert mixed != ordered
    assert sorted(mixed, key=lambda text: Version.read(text).sort_key) == ordered
