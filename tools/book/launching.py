"""A Sphinx extension: below the title of each page, the places where it runs.

In the reader's own browser it runs if `make lite` has put that edition beside the book, and if a server gives it out:
browsers do not start a kernel from files. A script on the page knows both (`_static/launch.js`). Elsewhere it runs
from the repository, which has one name, in `_config.yml` (`repository: url`); without one there are no such links.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from k8snb.i18n import _

LITE = "lite/lab/index.html?path="
CONTENTS = "Contents.md"
"""The table of contents of the edition for browsers, for those who do not come from one of its pages."""

APART = frozenset({"chapters/reference/testing"})
"""Pages whose cells need what a kernel in the browser does not have, such as the official client."""

SCRIPT, UNSET, SET = "_static/launch.js", "const BUILT = false;", "const BUILT = true;"

_LITE = '<a class="lite" href="{url}" hidden>{words}</a><span class="lite" hidden>{served}</span>'


def links(page: str, repository: str, branch: str) -> list[tuple[str, str]]:
    """Where a page runs from its repository: names and addresses."""
    parts = urlsplit(repository)
    project, file = parts.path.strip("/").removesuffix(".git"), quote(f"{page}.ipynb")
    if not project:
        return []
    if parts.netloc == "github.com":
        return [
            ("Binder", f"https://mybinder.org/v2/gh/{project}/{branch}?urlpath=lab/tree/{file}"),
            ("Colab", f"https://colab.research.google.com/github/{project}/blob/{branch}/{file}"),
            (_("Dev container"), f"https://codespaces.new/{project}?ref={quote(branch, safe='')}"),
        ]
    if parts.netloc == "gitlab.com":
        return [("Binder", f"https://mybinder.org/v2/gl/{quote(project, safe='')}/{branch}?urlpath=lab/tree/{file}")]
    address = quote(repository, safe="")
    return [("Binder", f"https://mybinder.org/v2/git/{address}/{branch}?urlpath=lab/tree/{file}")]


def places(root: Path) -> dict[str, str]:
    """Where the notebook of each page is in the edition for browsers, which shows a folder by the names in it.

    So names there begin with numbers, in the order of the book: `chapters/1-first-app/4-labels.ipynb`.
    """
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    found: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        files = [each["file"] for each in part["chapters"]]
        pages = [page for page in files if page not in APART and (root / f"{page}.ipynb").exists()]
        for place, page in enumerate(pages, 1):
            folder, chapter, name = page.split("/")
            found[page] = f"{folder}/{number}-{chapter}/{place:02}-{name}.ipynb"
    return found


def row(page: str, place: str | None, repository: str, branch: str) -> str:
    """The row of links of a page, as HTML; of one that does not run in the browser, to the contents of the edition."""
    words = _("Run in the browser") if place else _("The notebooks in the browser")
    served = _("Given out by a server, it also runs in the browser: {command}").format(command="<code>make read</code>")
    lite = _LITE.format(url="../" * page.count("/") + LITE + quote(place or CONTENTS), words=words, served=served)
    elsewhere = "".join(f'<a href="{html.escape(url)}">{name}</a>' for name, url in links(page, repository, branch))
    return f'<div class="k8snb-launch" role="group" aria-label="{_("Run this page")}">{lite}{elsewhere}</div>'


def mark(book: Path) -> None:
    """Tell the pages of a built book whether the edition for the browser is beside them."""
    script = book / SCRIPT
    if script.exists() and (book / "lite" / "index.html").exists():
        script.write_text(script.read_text().replace(UNSET, SET))


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this for an extension."""
    app.connect("html-page-context", _written)
    app.connect("build-finished", lambda app, exception: mark(Path(app.outdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _written(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if doctree is not None:
        theme = app.config.html_theme_options
        place = places(Path(app.srcdir)).get(page)
        repository = theme.get("repository_url", "") if (Path(app.srcdir) / f"{page}.ipynb").exists() else ""
        made = row(page, place, repository, theme.get("repository_branch", "") or "main")
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{made}", 1)
