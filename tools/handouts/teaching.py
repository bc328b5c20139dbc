"""What stands in the instructor's edition alone: a plan of each page, minutes, and what lies behind each exercise.

A section takes as long as its words are told and its cells are run, at the pace of the book's own timetables
(`tools/book/agenda.py`). The minutes of an exercise are the catalogue's (`k8snb.lab`), and the mistakes with what the
check says to them are those by which it is proven (`tests/lab/proofs`), so both are as true as the tests. What to say,
to ask and to expect is written down in `notes`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from bs4 import BeautifulSoup, Tag

from k8snb.i18n import _
from tools.book.agenda import CELLS, WORDS

ROOT = Path(__file__).parent.parent.parent
NOTES = Path(__file__).with_name("notes")
PROOFS = ROOT / "tests" / "lab" / "proofs"

_NOT_SHOWN = ("--exercises", "--further-reading")
_FEW_LINES, _MOST_LINES = 5, 16
_BUILT_IN = {"cluster", "display", "print"}


class Section(NamedTuple):
    """A section of a page with the minutes that it takes to show."""

    anchor: str
    title: str
    minutes: int


@cache
def notes(page: str) -> Mapping[str, Any]:
    """What there is to say on a page (`first-app/pod`): `say`, `ask` and `wrong`."""
    chapter, _slash, name = page.partition("/")
    path = NOTES / f"{chapter}.yaml"
    found: Mapping[str, Any] = (yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}).get(name, {})
    return found


def sections(article: Tag) -> list[Section]:
    """The sections of a page but for its exercises, and how long each takes to show."""
    found = []
    for heading in article.select("h2"):
        section = heading.find_parent("section")
        if isinstance(section, Tag) and not str(section["id"]).endswith(_NOT_SHOWN):
            found.append(Section(str(section["id"]), heading.get_text().strip(), _minutes(section)))
    return found


def _minutes(section: Tag) -> int:
    prose = section.select("p, li, td")
    words = sum(len(each.get_text().split()) for each in prose if not each.find_parent(class_=["cell", "story"]))
    return max(1, round(words / WORDS + len(section.select(".cell_input")) / CELLS))


# -- what is added to a page -----------------------------------------------------------------------------


def add_plan(article: Tag, page: str, found: Sequence[Section], exercises: int) -> None:
    """Below the title: how the time goes, what to say, what to ask, and what goes wrong."""
    for each in found:
        heading = article.select_one(f'[id="{each.anchor}"] > h2')
        if heading is not None:
            heading.append(_parsed(minutes(each.minutes)))
    title = article.find("h1")
    assert isinstance(title, Tag)
    title.insert_after(_parsed(_plan(notes(page), found, exercises)))


def minutes(number: int) -> str:
    """How long something takes, beside its heading."""
    return f' <span class="minutes">{_("{minutes} min").format(minutes=number)}</span>'


def _plan(noted: Mapping[str, Any], found: Sequence[Section], exercises: int) -> str:
    shown = sum(each.minutes for each in found)
    rows = "".join(f"<tr><td>{html.escape(each.title)}</td><td>{each.minutes}</td></tr>" for each in found)
    rows += f"<tr><td>{_('Exercises')}</td><td>{exercises}</td></tr>"
    total = f'<tr class="total"><td>{_("Minutes")}</td><td>{shown + exercises}</td></tr>'
    parts = "".join(_list(name, noted.get(key, ())) for name, key in _parts())
    return f'<aside class="plan"><table><tbody>{rows}{total}</tbody></table><div>{parts}</div></aside>'


def _parts() -> Sequence[tuple[str, str]]:
    return ((_("Say"), "say"), (_("Ask, before the cell runs"), "ask"), (_("What goes wrong"), "wrong"))


def _list(name: str, said: Sequence[str]) -> str:
    items = "".join(f"<li>{_marked(each)}</li>" for each in said)
    return f"<p>{name}</p><ul>{items}</ul>" if said else ""


def _marked(text: str) -> str:
    """A line of notes as HTML: what stands in backquotes is code, what stands between asterisks is stressed."""
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", escaped)


def add_behind(section: Tag, page: str, word: str) -> None:
    """At the end of an exercise: another right way, and the usual mistakes with what the check says to them."""
    proof = _proofs(page).get("exercises", {}).get(word)
    if not proof:
        return
    helpers = _defined(f"{_proofs(page).get('start', '')}\n{proof.get('start', '')}")
    another = _code(proof.get("another", ""), helpers, _MOST_LINES)
    told = f"<p>{_('Another right way')}</p>{another}" if another else ""
    rows = "".join(_mistakes(proof.get("mistakes", {}), helpers))
    two = f"<th>{_('Mistake')}</th><th>{_('The check says')}</th>"
    one = f'<th colspan="2">{_("What the check says to the usual mistakes")}</th>'
    head = f"<tr>{two if '<pre>' in rows else one}</tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    section.append(_parsed(f'<aside class="behind">{told}{table}</aside>'))


@cache
def _proofs(page: str) -> Mapping[str, Any]:
    path = PROOFS / f"{page}.yaml"
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _mistakes(mistakes: Mapping[str, str], helpers: frozenset[str]) -> Iterator[str]:
    for hint, text in mistakes.items():
        code = _code(text, helpers, _FEW_LINES)
        first = f"<td>{code}</td><td>" if code else '<td colspan="2">'
        yield f"<tr>{first}… {html.escape(hint)}</td></tr>"


def _defined(text: str) -> frozenset[str]:
    """Names that a proof's own preparations define: with them in it, code says nothing to a reader."""
    return frozenset(re.findall(r"(?m)^(?:def )?([A-Za-z_]\w*)(?: = |\()", text)) - _BUILT_IN


def _code(text: str, helpers: frozenset[str], most: int) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip() and line.strip() != "%%"]
    if not lines or helpers & set(re.findall(r"[A-Za-z_]\w*", text)):
        return ""
    shown = lines if len(lines) <= most else [*lines[: most - 1], "…"]
    return f"<pre>{html.escape(chr(10).join(shown))}</pre>"


def _parsed(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")
