"""Pages with many steppers: the front end is carried once, by the first.

An output of a notebook cannot know what else is on its page: the one before it may have been cleared, or shown in
another tab. So each carries all that it needs. Whoever puts outputs together to a page does know; then the first
stepper brings the script and the others only their stories. For a Sphinx book this module is an extension; for
nbconvert `once_per_notebook` is a preprocessor (`--HTMLExporter.preprocessors=k8snb.view.pages.once_per_notebook`).
"""

from __future__ import annotations

import re
from typing import Any

from k8snb.view.stepper import CARRIES

_SCRIPT = re.compile(rf"<script {CARRIES}(?:=" ")?>.*?</script>", re.DOTALL)


class Page:
    """Takes the parts of one page in order, and leaves the script in the first that has it."""

    def __init__(self) -> None:
        self._carried = False

    def part(self, html: str) -> str:
        """The HTML without scripts that the page has already."""
        return _SCRIPT.sub(self._first, html)

    def _first(self, found: re.Match[str]) -> str:
        keep, self._carried = not self._carried, True
        return found[0] if keep else ""


def once_per_notebook(notebook: Any, resources: Any) -> tuple[Any, Any]:
    """Leave the front end in the first output of a notebook that has it; for nbconvert."""
    page = Page()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = page.part("".join(data["text/html"]))
    return notebook, resources


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this for an extension."""
    app.connect("html-page-context", _written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _written(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "body" in context:
        context["body"] = Page().part(context["body"])
