"""Links on paper: nobody can click them, so each says where it leads.

To another page of the chapter: the number of the sheet, if the author made the link. To another chapter: nothing, the
name is enough. To the world: the address itself, behind the entry in a list of further reading, else as a numbered note
at the end of the page.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from bs4 import BeautifulSoup, Tag

from k8snb.i18n import _

READING = "further-reading"
_MEANT = ".std-doc, .std-ref, .xref"
"""What Sphinx writes into links that an author has made. Those of terms are the book's own, and too many for paper."""


def on_paper(article: Tag, page: str, chapter: Mapping[str, str]) -> None:
    """Rewrite the links of a page; `chapter` has the anchor of each page that is printed with it."""
    notes: list[str] = []
    for link in article.select("a[href]"):
        if link.find_parent("svg"):
            continue
        target = str(link["href"])
        if target.startswith("#"):
            _shown_within(link, f"{chapter[page]}--{target[1:]}")
        elif target.startswith("http"):
            _written_out(link, target, notes)
        else:
            file, _hash, anchor = target.partition("#")
            other = posixpath.normpath(posixpath.join(posixpath.dirname(page), file.removesuffix(".html")))
            if other in chapter and link.select_one(_MEANT):
                _shown_within(link, f"{chapter[other]}--{anchor}" if anchor else chapter[other])
            else:
                link.unwrap()
    if notes:
        items = "".join(f"<li>{note}</li>" for note in notes)
        told = f'<section class="addresses"><p>{_("Addresses")}</p><ol>{items}</ol></section>'
        article.append(BeautifulSoup(told, "html.parser"))


def _shown_within(link: Tag, anchor: str) -> None:
    link["href"] = f"#{anchor}"
    link.insert_after(BeautifulSoup(f'<span class="at" data-to="{anchor}"></span>', "html.parser"))


def _written_out(link: Tag, address: str, notes: list[str]) -> None:
    plain = address.removeprefix("https://").removeprefix("http://").removesuffix("/")
    if link.get_text().strip().rstrip("/") in {address.rstrip("/"), plain}:
        return
    section = link.find_parent("section")
    if isinstance(section, Tag) and READING in str(section.get("id", "")):
        link.insert_after(BeautifulSoup(f' <span class="address">{plain}</span>', "html.parser"))
        return
    if plain not in notes:
        notes.append(plain)
    link.insert_after(BeautifulSoup(f"<sup>{notes.index(plain) + 1}</sup>", "html.parser"))
