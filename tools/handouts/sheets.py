"""A document as one HTML file for the press: its cover, the table of contents, running heads, and the pages.

On which sheet something stands is known only after it was printed; until then the numbers have the room that they need.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from functools import partial

from k8snb.i18n import _
from tools.handouts.pages import Document, Page

DAY = 360
"""Minutes of work in a day of a workshop, without its breaks."""

_UNKNOWN = "000"


def book() -> str:
    """The title of the book."""
    return _("Kubernetes, taken apart")


def edition(document: Document) -> str:
    """What kind of print this is."""
    return _("Instructor's edition") if document.solutions else _("Handout")


def written(document: Document, styles: Iterable[str], numbers: Mapping[str, int]) -> str:
    """The document as HTML, with the numbers of sheets that are known."""
    sheets = "\n".join(f"<style>{style}</style>" for style in [*styles, _heads(document)])
    name, kind = html.escape(document.title), html.escape(edition(document))
    body = re.sub(r'<span class="at" data-to="([^"]+)"></span>', partial(_at, numbers), document.body)
    return f"""<!doctype html>
<html lang="{document.language}" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{book()}: {name} ({kind})</title>{sheets}</head>
<body>
<header class="cover"><p>{book()}</p><h1>{name}</h1><p class="edition">{kind}</p>
{_contents(document, numbers)}{_about(document)}</header>
{_timings(document)}
<main class="bd-content">{body}</main>
</body></html>"""


def _at(numbers: Mapping[str, int], found: re.Match[str]) -> str:
    number = _("(p. {number})").format(number=numbers.get(found[1], _UNKNOWN))
    return f' <span class="at">{number}</span>'


def _heads(document: Document) -> str:
    """A running head for each page of the book: chapter and concept. The cover has none, which has to be said last."""
    foot = _quoted(f"{book()} · {edition(document)}")
    rules = [f"@page {{ @bottom-left {{ content: {foot} }} @top-left {{ content: {_quoted(document.title)} }} }}"]
    rules += [f"@page {page.name} {{ @top-right {{ content: {_quoted(page.title)} }} }}" for page in document.pages]
    bare = " ".join(f"@{where} {{ content: none }}" for where in ("top-left", "bottom-left", "bottom-right"))
    return "\n".join([*rules, f"@page :first {{ {bare} }}"])


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _contents(document: Document, numbers: Mapping[str, int]) -> str:
    lines = "".join(
        _line(page.name, page.title, numbers, 1) + _line(f"{page.name}--exercises", _("Exercises"), numbers, 2)
        for page in document.pages
    )
    return f'<nav class="contents"><h2>{_("Contents")}</h2><ol>{lines}</ol></nav>'


def _line(anchor: str, title: str, numbers: Mapping[str, int], depth: int) -> str:
    return (
        f'<li class="depth-{depth}"><a href="#{anchor}"><span>{html.escape(title)}</span>'
        f"<i></i><b>{numbers.get(anchor, _UNKNOWN)}</b></a></li>"
    )


def _about(document: Document) -> str:
    if document.solutions:
        text = _(
            "For those who teach. Minutes beside a section are for showing it: saying what matters and running its "
            "cells. Minutes beside an exercise are what somebody takes who has just seen the page. Below each exercise "
            "stand its solution, another right way, and usual mistakes with what the check says to them."
        )
    else:
        text = _(
            "The notebooks run on your machine; this is for reading, and for your notes. Outputs that repeat "
            "themselves or are long are cut here. A check says “{not_yet}” and what it misses, as often as you run it."
        ).format(not_yet=_("Not yet."))
    return f'<p class="about">{text}</p>'


def _timings(document: Document) -> str:
    """For instructors: how long each page and each exercise takes."""
    if not document.solutions:
        return ""
    rows = "".join(_rows(page) for page in document.pages)
    shown, solving = (sum(getattr(page, what) for page in document.pages) for what in ("shown", "solving"))
    total = f'<tr class="total"><td>{_("All of it")}</td><td></td><td>{shown}</td><td>{solving}</td></tr>'
    days = (shown + solving) / DAY
    said = _(
        "{time} of work: {days} days of {hours} hours, breaks not counted. For less time leave out the last exercise "
        "of each page, then the third: the first two practise what the page is about."
    ).format(time=_hours(shown + solving), days=f"{days:.1f}", hours=DAY // 60)
    cells = "".join(f"<th>{word}</th>" for word in (_("Page"), _("Exercise"), _("Show"), _("Solve")))
    head = f"<tr>{cells}</tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}{total}</tbody></table>"
    return f'<section class="timings"><h2>{_("Time")}</h2><p>{said}</p>{table}</section>'


def _rows(page: Page) -> str:
    whole = f"<td>{html.escape(page.title)}</td><td></td><td>{page.shown}</td><td>{page.solving}</td>"
    each = (f"<td></td><td>{html.escape(one.title)}</td><td></td><td>{one.minutes}</td>" for one in page.exercises)
    return f'<tr class="page">{whole}</tr>' + "".join(f"<tr>{cells}</tr>" for cells in each)


def _hours(minutes: int) -> str:
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=f"{minutes % 60:02}")
