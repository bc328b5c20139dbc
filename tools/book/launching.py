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

LITE = "lite/lab/index.html?path="
SCRIPT, UNSET, SET = "_static/launch.js", "const BUILT = false;", "const BUILT = true;"

_LITE = (
    '<a class="lite" href="{url}" hidden>Run in the browser</a>'
    '<span class="lite" hidden>Given out by a server, it also runs in the browser: <code>make read</code></span>'
)


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
            ("Dev container", f"https://codespaces.new/{project}?ref={quote(branch, safe='')}"),
        ]
    if parts.netloc == "gitlab.com":
        return [("Binder", f"https://mybinder.org/v2/gl/{quote(project, safe='')}/{branch}?urlpath=lab/tree/{file}")]
    address = quote(repository, safe="")
    return [("Binder", f"https://mybinder.org/v2/git/{address}/{branch}?urlpath=lab/tree/{file}")]


def row(page: str, repository: str, branch: str) -> str:
    """The row of links of a page, as HTML."""
    lite = _LITE.format(url="../" * page.count("/") + LITE + quote(f"{page}.ipynb"))
    elsewhere = "".join(f'<a href="{html.escape(url)}">{name}</a>' for name, url in links(page, repository, branch))
    return f'<div class="k8snb-launch" role="group" aria-label="Run this page">{lite}{elsewhere}</div>'


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
    if doctree is not None and app.env.doc2path(page).endswith(".ipynb"):
        theme = app.config.html_theme_options
        made = row(page, theme.get("repository_url", ""), theme.get("repository_branch", "") or "main")
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{made}", 1)
