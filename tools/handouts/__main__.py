"""Handouts for workshops: `make handouts` writes two PDFs a chapter to _build/handouts.

One is for participants and has the exercises without their solutions. The other is for instructors: solutions, what to
say, what goes wrong, and how many minutes everything takes. Names of chapters, which are those of their folders
(`first-app`), print those alone; `--ready` before them only looks whether there are such, and something to print with.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from k8snb.i18n import use_language  # noqa: E402
from tools.handouts.pages import chapter, language  # noqa: E402
from tools.handouts.printing import Press, pages, press, settled, sheets  # noqa: E402
from tools.handouts.sheets import written  # noqa: E402
from tools.handouts.withholding import leaks  # noqa: E402

BOOK, OUT = ROOT / "_build" / "html", ROOT / "_build" / "handouts"


def chapters() -> dict[str, list[str]]:
    """The chapters of the book with their pages; what is for looking things up is none."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    parts = {part["caption"]: [each["file"] for each in part["chapters"]] for part in toc["parts"]}
    return {name: files for name, files in parts.items() if name != "Reference"}


def styles() -> list[str]:
    """How it looks: code as in the book, everything else for paper."""
    return [(BOOK / "_static" / "pygments.css").read_text(), Path(__file__).with_name("paper.css").read_text()]


def chosen(wanted: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    """The title and the pages of these chapters, by the names of their folders; of all if none is named."""
    known = {files[0].split("/")[1]: (title, files) for title, files in chapters().items()}
    if unknown := set(wanted) - known.keys():
        raise SystemExit(f"There is no chapter {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return {name: known[name] for name in wanted or known}


def main(wanted: Sequence[str]) -> None:
    """Print these chapters; all of them if none is named."""
    if not (BOOK / "index.html").exists():
        raise SystemExit("The book is not built yet: make book")
    OUT.mkdir(parents=True, exist_ok=True)
    with press() as paper:
        for name, (title, files) in chosen(wanted).items():
            for suffix, solutions in (("", False), ("-instructor", True)):
                began, path = time.monotonic(), OUT / f"{name}{suffix}.pdf"
                pdf = printed(title, files, paper, solutions=solutions)
                path.write_bytes(pdf)
                said = f"{pages(pdf)} pages, {len(pdf):,} bytes, {time.monotonic() - began:.0f} s"
                print(f"{path.relative_to(ROOT)}: {said}", flush=True)


def printed(title: str, files: Sequence[str], paper: Press, *, solutions: bool) -> bytes:
    """A chapter's print; one for participants is read once more, for what should not stand there."""
    use_language(language(BOOK / f"{files[0]}.html"))
    document = chapter(BOOK, title, files, solutions=solutions)
    pdf = settled(partial(written, document, styles()), paper)
    if not solutions and (found := leaks("\n".join(sheets(pdf)), files)):
        raise SystemExit(f"The handout of {title} gives solutions away: {found}")
    return pdf


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ready"]:
        chosen(sys.argv[2:])
        with press():
            pass
    else:
        main(sys.argv[1:])
