"""Handouts for workshops: `make handouts` writes two PDFs a chapter to _build/handouts.

One is for participants and has the exercises without their solutions. The other is for instructors: solutions, what to
say, what goes wrong, and how many minutes everything takes. Names of chapters (`first-app`) print those alone;
`--ready` only looks whether there is something to print with.
"""

from __future__ import annotations

import re
import sys
import time
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tools.handouts.pages import chapter  # noqa: E402
from tools.handouts.printing import press, settled, sheets  # noqa: E402
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


def main(wanted: list[str]) -> None:
    if not (BOOK / "index.html").exists():
        raise SystemExit("The book is not built yet: make book")
    OUT.mkdir(parents=True, exist_ok=True)
    with press() as paper:
        for title, files in chapters().items():
            name = re.sub(r"\W+", "-", title.lower())
            if wanted and name not in wanted:
                continue
            for suffix, solutions in (("", False), ("-instructor", True)):
                began = time.monotonic()
                document = chapter(BOOK, title, files, solutions=solutions)
                pdf = settled(partial(written, document, styles()), paper)
                text = sheets(pdf)
                if not solutions and (found := leaks("\n".join(text), files)):
                    raise SystemExit(f"{name}.pdf gives solutions away: {found}")
                path = OUT / f"{name}{suffix}.pdf"
                path.write_bytes(pdf)
                took = time.monotonic() - began
                print(f"{path.relative_to(ROOT)}: {len(text)} pages, {len(pdf):,} bytes, {took:.0f} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--ready"]:
        with press():
            pass
    else:
        main(sys.argv[1:])
