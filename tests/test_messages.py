"""Every sentence that readers see is in the template that translators work from."""

from __future__ import annotations

import pytest
from babel.messages.pofile import read_po

from k8snb import i18n
from k8snb.view.frames import words
from tools.messages import TEMPLATE, sentences


@pytest.fixture(scope="module")
def found() -> set[str]:
    """The sentences of the whole package."""
    return {*sentences()}


def test_the_template_is_complete(found: set[str]) -> None:
    with TEMPLATE.open("rb") as template:
        known = {message.id for message in read_po(template) if message.id}
    assert found - known == set(), "make messages"


def test_sentences_are_found_wherever_they_stand(found: set[str]) -> None:
    assert {"Step {i} of {n}", "no node yet", "What happened"} <= found


def test_without_a_translation_a_reader_gets_english() -> None:
    i18n.use_language("tlh")
    assert words()["play"] == "play"
    i18n.use_language("en")
