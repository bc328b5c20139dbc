"""Built pages as files that somebody opens: they are as alive as where they are served.

The same script does it on every page, so the first page of each part is opened, and the one that has every view.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.book.reading import step_through
from tests.book.test_pages import TOC
from tests.browser import Visit, needs_chromium

OPENED = [TOC["root"], *(part["chapters"][0]["file"] for part in TOC["parts"])]


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("page", OPENED)
def test_every_stepper_can_be_stepped_in_a_file(browser: Any, book: Path, page: str) -> None:
    with Visit(browser, (book / f"{page}.html").as_uri(), scheme="dark", motion="no-preference") as visit:
        visit.unfold()
        step_through(visit)
        assert visit.troubles == []
