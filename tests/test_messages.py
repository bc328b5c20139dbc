"""Every sentence that readers see is in the catalogue that translators work from."""

from __future__ import annotations

import ast
from pathlib import Path

from babel.messages.pofile import read_po

from k8snb import i18n
from k8snb.view.frames import words

ROOT = Path(__file__).parent.parent / "k8snb"


def sentences() -> set[str]:
    """The first argument of every call of `_` in the package."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}: a sentence is a literal"
                found.add(node.args[0].value)
    return found


def test_the_catalogue_is_complete() -> None:
    with (ROOT / "locale" / "k8snb.pot").open("rb") as template:
        known = {message.id for message in read_po(template)}
    assert sentences() <= known, "make messages"


def test_without_a_translation_a_reader_gets_english() -> None:
    i18n.use_language("tlh")
    assert words()["play"] == "play"
    i18n.use_language("en")
