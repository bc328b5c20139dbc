"""The edition for browsers once its server is gone: a reader on a train. With `make lite-test`."""

from __future__ import annotations

import os
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.book.conftest import HTML, Silent
from tests.browser import Visit, needs_chromium
from tests.lite.pages import ONE, built
from tests.lite.test_in_browser import OPENED, PATIENCE

WHOLE = """async () => {
  const [name] = (await caches.keys()).filter(each => each.startsWith('k8snb-'));
  return Boolean(name && await (await caches.open(name)).match(new URL('../whole', location.href)));
}"""
"""The service worker has kept the whole edition."""

SUM = """async () => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  const said = [];
  const asked = sessionContext.session.kernel.requestExecute({
    code: "from k8snb import Cluster; print(len(Cluster(nodes=3).client.list('nodes')))",
  });
  asked.onIOPub = message => said.push(message.content.text ?? '');
  await asked.done;
  return said.join('');
}"""

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
    with Visit(browser, url) as visit:
        visit.page.set_default_timeout(PATIENCE)
        visit.page.wait_for_function(OPENED, polling=200)
        visit.page.wait_for_function(WHOLE, polling=1000)
        server.shutdown()
        server.server_close()
        visit.page.goto(url.replace(ONE, "Contents.md"))
        visit.page.get_by_role("link", name="Deployment", exact=True).click()
        visit.page.wait_for_function(OPENED, polling=200)
        assert visit.page.evaluate(SUM) == "3\n"
