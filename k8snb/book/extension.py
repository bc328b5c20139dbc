"""For Sphinx: links from terms to their pages, what exams ask for, and the pages that are made of tables.

In every page the first mention of a term that another page defines becomes a link there, and below the title of a
concept stands what it is good for in exams. Three directives write what is computed: `concept-map`, `terms`,
`exam-objectives`. A page that is not in the table of contents yet is not linked to. Long words in
code may go on in the next line after a dot and within CamelCase, so that they fit on a phone, and a number stays with
its unit.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from k8snb.book.chart import chart
from k8snb.book.contents import FOLDER, Contents
from k8snb.book.links import Links
from k8snb.book.objectives import exams, line, objectives, practised
from k8snb.book.terms import Term, terms
from k8snb.i18n import _

_CODE = re.compile(r'<span class="pre">([^<]+)</span>')
_JOINT = re.compile(r"(?<=\w[./:=,-])(?=\w)|(?<=\]\.)(?=\w)|(?<=[a-z0-9]_)(?=[a-z])|(?<=[a-z]{3})(?=[A-Z][a-z])")
"""Where a long name, path or image may be broken."""
_WHOLE = 20
"""Words of no more letters are not broken."""

_BESIDE = 36
"""Letters that a line of a table has room for on a phone."""

_AMOUNT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|[KMG]iB)(?!\w))")
"""What is between a number and its unit."""

OBJECTIVES = "chapters/reference/objectives"
_PLAIN = (nodes.paragraph,)
_MADE = "made"
"""The class of what tables write; links in it are theirs."""

_CLOSED = (
    nodes.title,
    nodes.literal,
    nodes.literal_block,
    nodes.reference,
    nodes.raw,
    addnodes.pending_xref,
    nodes.target,
    nodes.thead,
)


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this for an extension."""
    app.add_directive("concept-map", ConceptMap)
    app.add_directive("terms", Glossary)
    app.add_directive("exam-objectives", ExamObjectives)
    app.connect("doctree-read", _read)
    app.connect("html-page-context", _written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _written(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "body" in context:
        context["body"] = _CODE.sub(_breaking, context["body"])


def _breaking(code: re.Match[str]) -> str:
    """A word in code; if it is long its parts, apart by nothing that is seen or copied."""
    parts = _JOINT.split(code[1]) if _is_long(code[1]) else [code[1]]
    return "<wbr>".join(f'<span class="{"pre long" if _is_long(part) else "pre"}">{part}</span>' for part in parts)


def _is_long(word: str) -> bool:
    return len(html.unescape(word)) > _WHOLE


def _contents(env: Any) -> Contents:
    return Contents(Path(env.srcdir))


# -- on every page ----------------------------------------------------------------------------------------


def _read(app: Any, doctree: nodes.document) -> None:
    name = str(app.env.docname)
    known = set(_contents(app.env).pages)
    page = name.removeprefix(FOLDER)
    _link_terms(doctree, page, known)
    told = line(page) if page in known else ""
    sections = list(doctree.findall(nodes.section))
    if told and sections:
        at = min(2, len(sections[0]))
        sections[0].insert(at, _exams(told))
    for table in doctree.findall(nodes.table):
        if not _is_narrow(table):
            _say_columns(table)
    for text in [each for each in doctree.findall(nodes.Text) if _AMOUNT.search(each)]:
        if not isinstance(text.parent, nodes.literal | nodes.literal_block | nodes.raw):
            text.parent.replace(text, nodes.Text(_AMOUNT.sub("\N{NO-BREAK SPACE}", text)))


def _is_narrow(table: nodes.table) -> bool:
    """Whether a phone has room for its columns side by side."""
    rows = [[len(entry.astext()) for entry in row.children] for row in table.findall(nodes.row)]
    widths = [max(column) for column in zip(*rows, strict=False)]
    return bool(sum(widths) <= _BESIDE)


def _say_columns(table: nodes.table) -> None:
    """Write the head of its column into each cell, which is shown where a phone stacks the cells of a row.

    In a table of two columns the first says what the second is about: their heads are told once, above them.
    """
    table["classes"].append("stacks")
    heads = [entry.astext() for head in table.findall(nodes.thead) for entry in head.findall(nodes.entry)]
    if len(heads) < 3:
        return
    table["classes"].append("told")
    for body in table.findall(nodes.tbody):
        for row in body.findall(nodes.row):
            for head, entry in zip(heads[1:], row.children[1:], strict=False):
                if head and entry.children and entry.astext() not in ("", "–"):
                    entry[0].insert(0, nodes.inline("", head, classes=["column"]))


def _link_terms(doctree: nodes.document, page: str, known: set[str]) -> None:
    """Make a link of the first mention of every term that another page defines."""
    seen: set[str] = set()
    for text in list(doctree.findall(nodes.Text)):
        if not _is_prose(text):
            continue
        made: list[nodes.Node] = []
        for piece in terms().pieces(str(text), page):
            term = piece.term
            if term is None or term.page == page or term.page not in known or term.page in seen:
                made.append(nodes.Text(piece.text))
            else:
                seen.add(term.page)
                made.append(_link(piece.text, term))
        if any(not isinstance(each, nodes.Text) for each in made):
            text.parent.replace(text, made)


def _is_prose(text: nodes.Text) -> bool:
    above: Any = text.parent
    inside = False
    while above is not None and not isinstance(above, nodes.section | nodes.document):
        if isinstance(above, _CLOSED) or _MADE in above.get("classes", ()):
            return False
        inside = inside or isinstance(above, _PLAIN)
        above = above.parent
    return inside


def _link(text: str, term: Term) -> nodes.Node:
    return _to(f"{FOLDER}{term.page}", text)


def _to(page: str, text: str) -> addnodes.pending_xref:
    options = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refexplicit": True, "refwarn": True}
    return addnodes.pending_xref("", nodes.inline("", text), **options)


def _exams(told: str) -> nodes.paragraph:
    found = nodes.paragraph(classes=["exams"])
    found += [_to(OBJECTIVES, _("For exams")), nodes.Text(f": {told}.")]
    return found


# -- pages made of tables -----------------------------------------------------------------------------------


class _Made(SphinxDirective):
    """A directive that stands for MyST which it writes itself."""

    has_content = False

    def written(self) -> Iterator[str]:
        """The lines."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        holder = nodes.container(classes=[_MADE])
        self.state.nested_parse(StringList(list(self.written()), self.env.docname), 0, holder)
        return [holder]


class Glossary(_Made):
    """The terms of the book, in the order of the alphabet."""

    def written(self) -> Iterator[str]:
        contents = _contents(self.env)
        known = set(contents.pages)
        for term in terms().all:
            there = f" {{doc}}`{contents.title(term.page)} </{FOLDER}{term.page}>`" if term.page in known else ""
            yield from (term.name, f": {term.means}{there}", "")


class ExamObjectives(_Made):
    """For each exam a table of its domains, what they ask for, and where it is practised."""

    def written(self) -> Iterator[str]:
        contents = _contents(self.env)
        known = set(contents.pages)
        for exam, name in exams().items():
            yield from (f"**{exam}** · {name}", "", f"| {_('Domain')} | {_('Topic')} | {_('Pages')} |", "|---|---|---|")
            before = ""
            for key, each in objectives().items():
                if each.exam != exam:
                    continue
                links = [
                    f"{{doc}}`{contents.name(page)} </{FOLDER}{page}>`" for page in practised(key) if page in known
                ]
                domain = f"{each.domain}, {each.weight}\N{NO-BREAK SPACE}%"
                yield f"| {'' if domain == before else domain} | {each.topic} | {', '.join(links) or '–'} |"
                before = domain
            yield ""


class ConceptMap(_Made):
    """The map of the concepts, and the same as a list."""

    def run(self) -> list[nodes.Node]:
        builder, here = self.env.app.builder, self.env.docname
        contents = _contents(self.env)
        links = Links(contents, terms())

        def address(page: str) -> str:
            return str(builder.get_relative_uri(here, f"{FOLDER}{page}"))

        drawn = [nodes.raw("", chart(contents, links, address), format="html")] if builder.format == "html" else []
        listed = nodes.container(classes=["concept-list"])
        self.state.nested_parse(StringList(list(self._list(contents, links)), here), 0, listed)
        return [*drawn, listed]

    def _list(self, contents: Contents, links: Links) -> Iterator[str]:
        def named(page: str) -> str:
            return f"{{doc}}`{contents.name(page)} </{FOLDER}{page}>`"

        for chapter in contents.chapters:
            yield from (f"- {chapter.title}", "")
            for page in chapter.pages:
                yield f"  - {named(page)} → {', '.join(map(named, links.nearest[page]))}"
            yield ""
