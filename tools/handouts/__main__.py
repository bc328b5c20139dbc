"""Handouts for workshops: `make handouts` writes two PDFs a chapter to _build/handouts.

One is for participants and has the exercises without their solutions. The other is for instructors: solutions, and
how many minutes each exercise takes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tools.handouts.pages import Document, chapter, written  # noqa: E402
from tools.handouts.printing import Press, numbers, pages, press  # noqa: E402

BOOK, OUT = ROOT / "_build" / "html", ROOT / "_build" / "handouts"


def chapters() -> dict[str, list[str]]:
    """The chapters of the book with their pages; what is for looking things up is none."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    parts = {part["caption"]: [each["file"] for each in part["chapters"]] for part in toc["parts"]}
    return {name: files for name, files in parts.items() if name != "Reference"}


def styles() -> list[str]:
    """How it looks: code as in the book, everything else for paper."""
    return [(BOOK / "_static" / "pygments.css").read_text(), Path(__file__).with_name("paper.css").read_text()]


def printed(document: Document, paper: Press) -> bytes:
    """The document as a PDF whose table of contents knows its pages."""
    first = paper(written(document, styles(), {}))
    made: bytes = paper(written(document, styles(), numbers(first)))
    return made


def main(wanted: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with press() as paper:
        for title, files in chapters().items():
            name = re.sub(r"\W+", "-", title.lower())
            if wanted and name not in wanted:
                continue
            for suffix, solutions in (("", False), ("-instructor", True)):
                pdf = printed(chapter(BOOK, title, files, solutions=solutions), paper)
                path = OUT / f"{name}{suffix}.pdf"
                path.write_bytes(pdf)
                print(f"{path.relative_to(ROOT)}: {pages(pdf)} pages, {len(pdf) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
