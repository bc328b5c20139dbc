"""A Chromium that reaches nobody: for tests that look at pages as a reader does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

LOCAL = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser for as long as the block lasts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """One page, and what went wrong on it: script errors, and requests to other hosts (which are refused)."""

    def __init__(
        self,
        browser: Any,
        url: str,
        *,
        width: int = 1200,
        height: int = 900,
        scheme: str = "light",
        scripts: bool = True,
    ) -> None:
        self.troubles: list[str] = []
        viewport = {"width": width, "height": height}
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("console", self._said)
        self.context.route("**/*", self._asked)
        self.page.goto(url)

    def settle(self) -> None:
        """Wait until the fonts are there and the page's scripts have nothing left to do, ten seconds at the most.

        Not Playwright's "networkidle": it may wait for ever for a request that the browser answered from its memory.
        Nor do fonts and idleness come for certain on a busy machine, and nothing else would ever end the wait.
        """
        self.page.evaluate("""() => Promise.race([
            document.fonts.ready.then(() => new Promise(idle => setTimeout(() => requestIdleCallback(idle), 300))),
            new Promise(late => setTimeout(late, 10_000))])""")

    def turn(self, scheme: str) -> None:
        """Make it light or dark, as the reader's system does at dusk; a page of the book says which it is."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)

    def unfold(self) -> None:
        """Show what the reader can fold, such as solutions."""
        self.page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _asked(self, route: Any) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            self.troubles.append(f"request: {route.request.url}")
            route.abort()

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
