"""A page with many steppers carries the front end once, whoever puts it together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snb.view.pages import Page, once_per_notebook
from k8snb.view.stepper import CARRIES, element_script
from tests.browser import Visit, needs_chromium
from tests.view import tape as make
from tests.view.test_stepper_in_browser import PAGE

STORY = make.rollout(1).story("A rollout")


def notebook(*outputs: str) -> Any:
    nbformat = pytest.importorskip("nbformat")
    shown = [nbformat.v4.new_output("execute_result", {"text/html": html, "text/plain": "text"}) for html in outputs]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("story", outputs=[each]) for each in shown])


def test_the_first_stepper_of_a_page_brings_the_script_and_the_others_their_stories() -> None:
    page = Page()
    first, second = page.part(STORY.html()), page.part(STORY.html())
    assert first == STORY.html()
    assert STORY.html() == f"{second}<script {CARRIES}>{element_script()}</script>"


def test_every_output_alone_has_all_that_it_needs() -> None:
    left = notebook(STORY.html(), STORY.html())
    left.cells[0].outputs = []
    made, _resources = once_per_notebook(left, {})
    assert CARRIES in made.cells[1].outputs[0]["data"]["text/html"]


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("cleared", [False, True])
def test_a_notebook_that_nbconvert_made_a_page_of_can_be_stepped(browser: Any, tmp_path: Path, cleared: bool) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    source = notebook(STORY.html(), STORY.html())
    if cleared:
        source.cells[0].outputs = []
    exporter = nbconvert.HTMLExporter(template_name="basic", preprocessors=["k8snb.view.pages.once_per_notebook"])
    body, _resources = exporter.from_notebook_node(source)
    assert body.count(f"<script {CARRIES}") == 1
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(stepper=body), encoding="utf-8")
    with Visit(browser, path.as_uri()) as visit:
        for stepper in visit.page.locator("k8snb-stepper").all():
            stepper.get_by_role("button", name="next step").click()
            assert stepper.locator(".count").inner_text() == f"2 / {len(STORY)}"
        assert visit.page.locator("k8snb-stepper").count() == 2 - cleared
        assert visit.troubles == []
