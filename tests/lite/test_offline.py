"""The edition for browsers once its server is gone: a reader on a train. With `make lite-test`."""

from __future__ import annotations

import os
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.book.conftest import HTML, Silent
from tests.browser import needs_chromium
from tests.lite.pages import NOTEBOOKS, ONE, built
from tests.lite.test_in_browser import PATIENCE, READY, SAYS

NEXT = NOTEBOOKS[NOTEBOOKS.index(ONE) + 1]

WHOLE = """async () => {
  for (let left = 300; left; left--, await new Promise(next => setTimeout(next, 1000))) {
    const [name] = (await caches.keys()).filter(each => each.startsWith('k8snb-'));
    if (name && await (await caches.open(name)).match(new URL('../whole', location.href))) return true;
  }
  return false;
}"""
"""Wait until the service worker has kept the whole edition."""

SUM = "from k8snb import Cluster; print(len(Cluster(nodes=3).client.list('nodes')))"

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    built,
    pytest.mark.skipif("K8SNB_LITE" not in os.environ, reason="the edition is visited by make lite-test"),
]


def test_what_was_visited_once_also_runs_when_there_is_no_network(browser: Any, book: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(HTML)))
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/lite/lab/index.html?path={ONE}"
    page = browser.new_context().new_page()  # a Visit looks at requests before service workers do
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_function(READY, arg=ONE, polling=200)
    assert page.evaluate(WHOLE)
    server.shutdown()
    server.server_close()
    page.goto(url.replace(ONE, "Contents.md"))
    page.locator(".jp-MarkdownViewer").get_by_role("link", name="Deployment", exact=True).click()
    page.wait_for_function(READY, arg=NEXT, polling=200)
    assert page.evaluate(SAYS, SUM) == "3\n"
    page.context.close()
