"""The built book, a browser to look at it, and at the end a table of the pages that were run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.book.conftest import book, site

__all__ = ["book", "site"]

_rows = pytest.StashKey[list[tuple[str, float, float, bool]]]()


@pytest.fixture
def ran(pytestconfig: pytest.Config) -> Callable[[str, float, float, bool], None]:
    """Note a page that has run: seconds until its kernel was there, seconds for its cells, and whether it is equal."""
    return lambda *row: pytestconfig.stash.setdefault(_rows, []).append(row)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(_rows, [])
    if not rows:
        return
    terminalreporter.section("pages in the browser")
    terminalreporter.line(f"{'page':44} {'kernel':>8} {'cells':>8}  outputs")
    for page, kernel, cells, equal in rows:
        verdict = "equal" if equal else "NOT equal"
        terminalreporter.line(f"{page:44} {kernel:6.1f} s {cells:6.1f} s  {verdict}")
    equal = sum(row[3] for row in rows)
    terminalreporter.line(f"{equal} of {len(rows)} equal, {sum(row[1] + row[2] for row in rows):.0f} s")
