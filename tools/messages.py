"""Collect the sentences that readers see into the gettext template: `python tools/messages.py`.

Sentences are the literals handed to `_`, wherever they stand (in f-strings too), and the descriptions in tables that
are handed to `_` when they are shown. The API's messages are not among them: they are never translated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

ROOT = Path(__file__).parent.parent
PLACES = ("k8snb", "tools/book", "tools/handouts")
TEMPLATE = ROOT / "k8snb" / "locale" / "k8snb.pot"
TABLES = {
    "Verb": (1,),
    "_b": (1, 4),
    "Transition": (0, 1, 2, 4),
    "ExtensionPoint": (2,),
    "exercise": (1,),
    "Right": (2,),
    "Reason": (0,),
}
"""Rows of tables that hold sentences, and at which places among their arguments."""

OBSERVED = "saw"
"""The method by which parts of the cluster note what they observed: its keywords are words for readers."""


def sentences() -> dict[str, list[str]]:
    """Every sentence, with the files in which it stands."""
    found: dict[str, list[str]] = {}
    for path in sorted(each for place in PLACES for each in (ROOT / place).rglob("*.py")):
        for sentence in _spoken(ast.parse(path.read_text(encoding="utf-8"))):
            places = found.setdefault(sentence, [])
            place = path.relative_to(ROOT).as_posix()
            if place not in places:
                places.append(place)
    return found


def _spoken(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == OBSERVED:
            yield from (keyword.arg.replace("_", " ") for keyword in node.keywords if keyword.arg)
        if not isinstance(node.func, ast.Name):
            continue
        places = (0,) if node.func.id == "_" else TABLES.get(node.func.id, ())
        for argument in (node.args[place] for place in places if place < len(node.args)):
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def write() -> None:
    """Write the template, sorted, so that it changes only when a sentence does."""
    catalog = Catalog(project="k8snb", header_comment="")
    for sentence, places in sorted(sentences().items()):
        catalog.add(sentence, locations=[(place, None) for place in places])
    with TEMPLATE.open("wb") as file:
        write_po(file, catalog, omit_header=True, width=110)


if __name__ == "__main__":
    write()
