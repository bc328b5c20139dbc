"""A stepper carries its whole story in every form: text, data, and HTML that needs nothing else."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser

import pytest

from k8snb import Cluster
from k8snb.view import stepper as module
from k8snb.view.stepper import STATIC, Stepper
from tests.view import tape as make


def test_a_bundle_has_text_and_html_and_no_live_widget_while_a_book_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATIC, "1")
    story = make.rollout(1).story()
    assert story._repr_mimebundle_() == {"text/plain": str(story), "text/html": story.html()}


def test_with_a_kernel_the_bundle_also_has_the_live_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anywidget")
    monkeypatch.delenv(STATIC, raising=False)
    story = make.rollout(1).story()
    data, _ = story._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= data.keys()
    assert story.index == 0
    story._widget.index = 3
    assert story.index == 3


def test_the_data_unfolds_to_the_scenes_of_the_frames() -> None:
    story = make.rollout().story()
    scene: dict[str, object] = {}
    for frame, data in zip(story, story.document()["frames"], strict=True):
        for name in data.get("gone", ()):
            del scene[name]
        scene |= data.get("set", {})
        assert scene == frame.scene


def test_a_frame_points_at_the_frame_that_caused_it() -> None:
    story = make.rollout().story()
    frames = story.document()["frames"]
    caused = [(data, story[data["from"]]) for data in frames if "from" in data]
    assert len(caused) > 20
    assert all(any(act.revision == data["cause"] for act in origin.acts) for data, origin in caused)


def test_without_scripts_every_frame_is_in_a_numbered_list() -> None:
    story = make.rollout(1).story("A & B <i>")
    html = story.html()
    listing = html[html.index("<ol>") : html.index("</ol>")]
    assert listing.count("<li>") == len(story)
    assert "A &amp; B &lt;i&gt;" in html


def test_in_the_list_a_field_hangs_by_spaces_at_which_no_line_is_broken() -> None:
    html = make.rollout(1).story().html()
    listing = html[html.index("<ol>") : html.index("</ol>")]
    assert "\n\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}status." in listing
    assert "\n " not in listing


def test_the_html_is_well_formed_and_asks_no_other_host() -> None:
    html = make.rollout().story("</script><b>").html()
    assert "</script><b>" not in html
    found = re.findall(r"https?://[^\s\"'`]+", html)
    assert set(found) <= {"http://www.w3.org/2000/svg"}
    assert 'id="' not in html

    class Check(HTMLParser):
        stack: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    check = Check()
    check.feed(html)
    assert check.stack == []
    data = html.split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["title"] == "</script><b>"


def test_a_rollout_of_fifty_pods_stays_small() -> None:
    cluster = Cluster(nodes=5, seed=1)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=50")
    cluster.settle()
    before = cluster.revision
    cluster.kubectl("set image deployment/web nginx=nginx:1.28")
    cluster.settle()
    story = cluster.stepper(since=before)[:100]
    size = len(story.written().encode())
    print(f"{len(story)} frames of a rollout of 50 pods, with every object whole: {size / 1000:.0f} kB")
    assert len(story) == 100
    assert size < 150_000


def test_the_front_end_is_small() -> None:
    size = len(gzip.compress(module.element_script().encode()))
    print(f"front end: {size / 1000:.1f} kB gzipped")
    assert size < 40_000


def test_an_empty_story_is_no_error() -> None:
    story = Stepper("Nothing", [])
    assert str(story) == "Nothing · 0 steps"
    assert "<ol></ol>" in story.html()
