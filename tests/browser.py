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
    # Each window would begin with two pages that nobody sees, for what the address bar suggests, which take longer than
    # most pages of tests. Of Playwright's own such list, which this replaces, what concerns pages is repeated.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,MediaRouter,OptimizationHints,PaintHolding,PreconnectToSearch",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

LOCAL = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser for as long as the block lasts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        browser.new_context().new_page()
        yield browser
        browser.close()


class Visit:
    """One page, and what went wrong on it: script errors, and requests to other hosts (which are refused).

    All visits are made in the first window of a browser, one after the other, since opening one takes longer than most
    pages. What would stay behind in it, such as a clock that stands still, is done `apart`, in a window of its own.
    The reader wants no `motion` unless that is looked at: it would be drawn sixty times a second.
    """

    def __init__(
        self,
        browser: Any,
        url: str,
        *,
        width: int = 1200,
        height: int = 900,
        scheme: str = "light",
        scripts: bool = True,
        motion: str = "reduce",
        apart: bool = False,
    ) -> None:
        self.troubles: list[str] = []
        self.apart = apart or not scripts
        context = browser.new_context(java_script_enabled=scripts) if self.apart else browser.contexts[0]
        self.page = context.new_page() if self.apart else context.pages[0]
        self.page.set_default_timeout(120_000)
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme, reduced_motion=motion, media="null")
        self._heard = {"pageerror": self._failed, "console": self._said, "request": self._asked}
        for event, hear in self._heard.items():
            self.page.on(event, hear)
        self.page.goto(url)

    def settle(self) -> None:
        """Wait until the fonts are there and the page's scripts have nothing left to do, ten seconds at the most.

        Not Playwright's "networkidle": it may wait for ever for a request that the browser answered from its memory.
        Nor do fonts and idleness come for certain on a busy machine, and nothing else would ever end the wait.
        """
        self.page.evaluate("""() => Promise.race([
            document.fonts.ready.then(() => new Promise(next => setTimeout(next, 300)))
                .then(() => new Promise(idle => requestIdleCallback(idle, { timeout: 2_000 }))),
            new Promise(late => setTimeout(late, 10_000))])""")

    def turn(self, scheme: str) -> None:
        """Make it light or dark, as the reader's system does at dusk; a page of the book says which it is."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)

    def unfold(self) -> None:
        """Show what the reader can fold, such as solutions."""
        self.page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")

    def _failed(self, error: Any) -> None:
        self.troubles.append(f"script: {error}")

    def _said(self, message: Any) -> None:
        icon = message.location["url"].endswith("/favicon.ico")  # which the window asks for, not the page
        if message.type == "error" and not icon:
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(LOCAL):
            self.troubles.append(f"request: {request.url}")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        if self.apart:
            self.page.context.close()
            return
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)
        self.page.evaluate("() => { try { localStorage.clear(); sessionStorage.clear(); } catch { } }")
        self.page.goto("about:blank")
