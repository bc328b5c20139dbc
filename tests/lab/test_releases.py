"""The folder in which the page on helm works."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb.lab import releases

SHOP = Path(__file__).parent.parent.parent / "charts" / "shop"


def test_a_workshop_has_a_copy_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SHOP)
    copy = releases.workshop(SHOP)
    assert copy == Path("shop")
    assert (copy / "Chart.yaml").read_text() == (SHOP / "Chart.yaml").read_text()
    assert Path.cwd() not in SHOP.parents
