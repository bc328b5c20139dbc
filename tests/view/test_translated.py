"""Every word of ours that a stepper or a diagram shows passes through the catalogue; the API's own words do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster, i18n
from k8snb.view.graph import text
from k8snb.view.graphs.plans import PLANS
from k8snb.view.stepper import Stepper
from tests.browser import Visit, needs_chromium
from tests.view.test_stepper_in_browser import PAGE, Reader

TRANSLATED = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[^\W\d_]{2,}")
CUT = re.compile(r"⟦[^⟧]*…|\S*…")
"""What did not fit whole."""

PLAIN = {"Mi", "etcd", "Home", "End", "Esc"}
"""A unit, a program and keys."""
API_WORDS = {"kind", "name", "resourceVersion", "app", "configmap/a created"} | {
    *("attempt", "container", "container id", "image", "namespace", "pod", "pod sandbox id", "uid")
}
"""What is shown under its own name: fields of the API and of the runtime's interface, a label, what kubectl prints."""


@pytest.fixture(autouse=True)
def strange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every sentence stands in brackets."""

    class Strange:
        def gettext(self, message: str) -> str:
            return f"⟦{message}⟧"

    monkeypatch.setattr(i18n, "_catalogue", Strange())


def stories() -> Iterator[Stepper]:
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.kubectl("expose deployment web --port=80")
    cluster.kubectl("run client --image=nginx")
    cluster.advance(60)
    cluster.kubectl("top pods")
    cluster.kubectl("delete pod client")
    cluster.kubectl("scale deployment web --replicas=1")
    cluster.kubectl("run client --image=nginx")
    cluster.settle()
    yield cluster.stepper()
    yield cluster.selection("pods", "app=web")
    yield cluster.calls("client")
    yield cluster.packet("client", "http://web/")
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    yield cluster.applying(manifest)


def left(words: str) -> list[str]:
    """The words outside of brackets; brackets may be nested where a sentence holds another."""
    before = None
    while before != words:
        before, words = words, TRANSLATED.sub(" ", words)
    return WORD.findall(words)


def own_words(story: Stepper) -> Iterator[str]:
    """What a story says in our own words."""
    document = story.document()
    yield from _strings(document["words"])
    for frame in story:
        yield frame.caption
        yield from (name for name, _value in frame.observed)
        yield from (name for name, *_values in frame.compared)
        yield from (label for item in frame.scene.values() for label, _value in item.get("facts", ()))
        yield from (act.verb for act in frame.acts if act.to)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


KEYS = {"Home End", "Esc"}


def test_every_sentence_of_a_stepper_is_translated() -> None:
    bare = {words for story in stories() for words in own_words(story) if left(words) and "⟦" not in words}
    assert bare - KEYS - API_WORDS == set()


@pytest.mark.parametrize("plan", PLANS)
def test_every_sentence_of_a_plan_is_translated_when_it_is_shown(plan: str) -> None:
    said = text(Cluster(nodes=2, seed=1).diagram(plan).graph)
    assert said.partition("\n")[0].startswith("⟦")
    assert said.count("⟦") > 10 if plan != "admission" else "⟦mutating⟧" in said


@pytest.mark.browser
@needs_chromium
def test_the_front_end_has_no_words_of_its_own(browser: Any, tmp_path: Path) -> None:
    seen = """root => [...root.querySelectorAll('section, section *')].flatMap(one => [
        ...(one.matches(':has(> wbr)') ? [one.textContent]
            : [...one.childNodes].filter(node => node.nodeType === 3).map(node => node.data)),
        one.getAttribute('aria-label') ?? '', one.getAttribute('title') ?? '',
        one.getAttribute('aria-valuetext') ?? '', one.getAttribute('aria-roledescription') ?? ''])"""
    for number, story in enumerate(stories()):
        path = tmp_path / f"{number}.html"
        path.write_text(PAGE.format(stepper=story.html()), encoding="utf-8")
        known = set(left(json.dumps(_said(story), ensure_ascii=False)))
        with Visit(browser, path.as_uri()) as visit:
            reader = Reader(visit.page)
            assert sorted(set(_foreign(reader, seen)) - known - PLAIN) == []
            assert visit.troubles == []


def _said(story: Stepper) -> Sequence[Any]:
    document = story.document()
    frames = [[frame.actor, frame.subject, *map(str, frame.read), frame.objects] for frame in story]
    return [document["title"], document["lanes"], document["frames"], list(document["kinds"]), document["ids"], frames]


def _foreign(reader: Reader, seen: str) -> Iterator[str]:
    """Words outside of brackets that are shown in any view, at the beginning, in the middle and at the end."""
    for tab in reader.host.locator("[role=tab]").all():
        tab.click()
        for keys in (("Home",), ("ArrowRight", "ArrowRight", "ArrowRight"), ("End",)):
            reader.press(*keys)
            for words in reader.host.evaluate(f"host => ({seen})(host.shadowRoot)"):
                yield from left(CUT.sub("", TRANSLATED.sub(" ", words)))
