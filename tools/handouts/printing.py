"""A document on paper: printed by Chromium, twice, because only the first print says on which page things stand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def press() -> Iterator[Callable[[str], bytes]]:
    """Something that makes A4 pages of HTML; it asks nobody for anything."""
    from playwright.sync_api import sync_playwright

    chromium = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if chromium is None:
        raise SystemExit("make handouts needs Chromium, which prints them.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(offline=True, java_script_enabled=False)

        def printed(html: str) -> bytes:
            page = context.new_page()
            page.set_content(html)
            made: bytes = page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            page.close()
            return made

        yield printed
        browser.close()


def numbers(pdf: bytes) -> dict[str, int]:
    """On which page each anchor stands to which something in the document points."""
    objects = {int(n): body for n, body in re.findall(rb"(?m)^(\d+) 0 obj\n?(.*?)\bendobj", pdf, re.DOTALL)}
    root = next(n for n, body in objects.items() if b"/Type /Pages" in body and b"/Parent" not in body)
    order = {page: number for number, page in enumerate(_leaves(objects, root), 1)}
    found = re.findall(rb"/([^\s/\[\]<>()]+) \[(\d+) 0 R /XYZ", pdf)
    return {_name(name): order[int(page)] for name, page in found if int(page) in order}


def _leaves(objects: dict[int, bytes], node: int) -> Iterator[int]:
    """The pages below a node of the tree of pages, in order."""
    body = objects[node]
    if b"/Type /Pages" not in body:
        yield node
        return
    kids = re.search(rb"/Kids \[(.*?)\]", body, re.DOTALL)
    for kid in re.findall(rb"(\d+) 0 R", kids[1] if kids else b""):
        yield from _leaves(objects, int(kid))


def _name(written: bytes) -> str:
    return re.sub(rb"#([0-9a-fA-F]{2})", lambda code: bytes([int(code[1], 16)]), written).decode("utf-8", "replace")


def pages(pdf: bytes) -> int:
    """How many pages a print has."""
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


Press = Callable[[str], Any]
