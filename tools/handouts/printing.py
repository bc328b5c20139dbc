"""A document on paper: printed by Chromium, again and again until its table of contents is right.

Only a print says on which sheet things stand. Its numbers go into the next one, which usually is the last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pypdf import PdfReader

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MISSING = (
    "make handouts prints with Chromium, and there is none here: no "
    f"{', '.join(NAMES)} on the PATH. Install one (Debian: apt install chromium; or "
    ".venv/bin/playwright install chromium), or say where it is: make handouts CHROMIUM=/path/to/chromium"
)
NO_PROGRAM = "make handouts is to print with {path} (CHROMIUM), and that is no program"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    # Else each window begins with two pages that nobody sees, for what the address bar suggests.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)
_MOST_PRINTS = 4

Press = Callable[[str], bytes]
Written = Callable[[Mapping[str, int]], str]


def chromium(playwright: Any = None) -> str | None:
    """Where a Chromium is: the one that was named, one on the PATH, or the one that Playwright has fetched."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and playwright is not None:
        fetched: str = playwright.chromium.executable_path
        return shutil.which(fetched)
    return found


@contextmanager
def press() -> Iterator[Press]:
    """Something that makes A4 sheets of HTML; it asks nobody for anything."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = chromium(playwright)
        if path is None:
            named = os.environ.get("CHROMIUM")
            raise SystemExit(NO_PROGRAM.format(path=named) if named else MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        context = browser.new_context(offline=True, java_script_enabled=False, color_scheme="light")

        def printed(html: str) -> bytes:
            page = context.new_page()
            page.set_default_timeout(300_000)
            page.set_content(html)
            made: bytes = page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            page.close()
            return made

        yield printed
        browser.close()


def settled(write: Written, paper: Press) -> bytes:
    """The print of a document whose numbers are those of the sheets on which things stand."""
    known: Mapping[str, int] = {}
    for _again in range(_MOST_PRINTS):
        pdf = paper(write(known))
        found = numbers(pdf)
        if found == known:
            break
        known = found
    return pdf


def numbers(pdf: bytes) -> dict[str, int]:
    """On which sheet each anchor stands to which something in the document points."""
    reader = PdfReader(BytesIO(pdf))
    return {
        name.removeprefix("/"): number + 1
        for name, there in reader.named_destinations.items()
        if (number := reader.get_destination_page_number(there)) is not None
    }


def pages(pdf: bytes) -> int:
    """How many sheets there are."""
    return len(PdfReader(BytesIO(pdf)).pages)


def sheets(pdf: bytes) -> list[str]:
    """The text of each sheet."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
