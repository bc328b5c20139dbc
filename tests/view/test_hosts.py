"""An output where others than a browser's parser put it on a page: what editors do with the HTML of an output."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import Visit, needs_chromium
from tests.view import tape as make

pytestmark = [pytest.mark.browser, needs_chromium]

STORY = make.rollout(1).story("A rollout")

WEBVIEW = """<!doctype html><html lang="en"><head><title>Outputs</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';
style-src 'unsafe-inline'; img-src https: data:; font-src https:; connect-src https:; child-src https: data:"></head>
<body><div id="container"></div></body></html>"""
"""The page of VS Code's outputs where `notebook.experimental.enableCsp` is set; else nothing is forbidden there."""

IN_AN_EDITOR = """html => {
  const output = document.createElement("div");
  output.innerHTML = html;
  document.getElementById("container").append(output);
  for (const inert of [...output.getElementsByTagName("script")]) {
    const script = document.createElement("script");
    script.text = inert.innerText;
    for (const name of ["type", "src", "nonce", "noModule", "async"])
      if (inert[name] || inert.getAttribute(name)) script.setAttribute(name, inert[name] || inert.getAttribute(name));
    output.append(script);
    script.remove();
  }
}"""
"""VS Code's renderer of `text/html`: an output is made before it is on the page, and its scripts, which do not run as
they are set, are each put there anew (`extensions/notebook-renderers/src/index.ts`)."""


def test_in_vs_code_without_a_widget_the_html_can_be_stepped_and_asks_nobody(browser: Any) -> None:
    with Visit(browser, "about:blank") as visit:
        visit.page.set_content(WEBVIEW)
        for output in (STORY.html(), STORY.html()):
            visit.page.evaluate(IN_AN_EDITOR, output)
        for stepper in visit.page.locator("k8snb-stepper").all():
            stepper.get_by_role("button", name="next step").click()
            assert stepper.locator(".count").inner_text() == f"2 / {len(STORY)}"
        assert visit.troubles == []


def test_where_no_script_may_run_the_numbered_list_is_shown(browser: Any) -> None:
    with Visit(browser, "about:blank") as visit:
        shown: Any = visit.page.evaluate(
            "html => { document.body.innerHTML = html; return document.body.querySelectorAll('ol > li').length; }",
            STORY.html(),
        )
        assert shown == len(STORY)
        assert visit.page.locator("ol > li").first.is_visible()
