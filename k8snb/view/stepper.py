"""A story under a scrubber, wherever the page is read.

One front end (`stepper.js`, one function that draws into an element) has two hosts. A notebook with a kernel gets
an `anywidget`, so that Python knows which step the reader looks at. Everything else gets a custom element that
carries its frames with it and asks nobody for anything: it works in a static page, offline and from a file. Where
scripts do not run and on paper, its content remains: all frames as a numbered list. And there is always the text.

The HTML is the same on every run: it contains no generated ids.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, overload

from k8snb.view import theme
from k8snb.view.frames import Frame, details, document, text, when

STATIC = "K8SNB_STATIC"
"""An environment variable: where it is set, nobody is going to click while the kernel lives (a book is built)."""

ELEMENT = "k8snb-stepper"


class Stepper:
    """Frames with a title. Display it in a notebook, iterate over it, take a frame by its index, a part by a slice."""

    def __init__(self, title: str, frames: Sequence[Frame]) -> None:
        self.title = title
        self.frames = tuple(frames)
        self._widget: Any = None

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> Stepper: ...

    def __getitem__(self, index: int | slice) -> Frame | Stepper:
        return Stepper(self.title, self.frames[index]) if isinstance(index, slice) else self.frames[index]

    def __str__(self) -> str:
        return text(self.title, self.frames)

    def __repr__(self) -> str:
        return f"<Stepper {self.title!r}: {len(self)} frames>"

    @property
    def index(self) -> int:
        """Which frame the reader looks at, counted from 0; 0 as long as no live widget shows it."""
        return int(self._widget.index) if self._widget is not None else 0

    def document(self) -> dict[str, Any]:
        """The story as the front end reads it."""
        return document(self.title, self.frames)

    def html(self) -> str:
        """The self-contained custom element, with the numbered list inside it."""
        data = json.dumps(self.document(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f'<{ELEMENT} class="k8snb-view">{_listing(self.title, self.frames)}'
            f'<script type="application/json">{data}</script></{ELEMENT}><script>{element_script()}</script>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | tuple[Any, Any]:
        bundle: dict[str, Any] = {"text/plain": str(self), "text/html": self.html()}
        live = self._live()
        if live is None:
            return bundle
        data, metadata = live
        return {**data, **bundle}, metadata

    def _live(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The bundle of the live widget; None where there can be none."""
        if os.environ.get(STATIC):
            return None
        try:
            from k8snb.view.widget import StepperWidget
        except ImportError:
            return None
        if self._widget is None:
            self._widget = StepperWidget(story=self.document())
        bundle = self._widget._repr_mimebundle_()
        if bundle is None:
            return None
        return bundle if isinstance(bundle, tuple) else (bundle, {})


def _listing(title: str, frames: Sequence[Frame]) -> str:
    """All frames as a numbered list: for paper, and where no script runs."""
    return f"<p><strong>{html.escape(title)}</strong></p><ol>{''.join(_entry(frame) for frame in frames)}</ol>"


def _entry(frame: Frame) -> str:
    head = html.escape(f"{frame.actor} · {when(frame.time)} · @{frame.revision}")
    body = html.escape("\n".join(details(frame)))
    return f"<li><strong>{head}</strong><pre>{body}</pre></li>"


@cache
def script() -> str:
    """The front end as an ES module, its style sheet within it."""
    source = _read("stepper.js")
    return source.replace('"__CSS__"', json.dumps(_squeezed(_read("stepper.css")), ensure_ascii=False))


@cache
def element_script() -> str:
    """The same front end as a classic script that defines the custom element, once per page."""
    code = script().replace("export default", "const stepper =").replace("</", "<\\/")
    return f'(()=>{{if(customElements.get("{ELEMENT}"))return;\n{code}\nstepper.define("{ELEMENT}");}})();'


def _read(name: str) -> str:
    source = resources.files("k8snb.view").joinpath(name).read_text(encoding="utf-8")
    return source.replace("/*__PALETTE__*/", theme.properties())


def _squeezed(css: str) -> str:
    """The style sheet without indentation, as it is carried in every output."""
    return " ".join(line.strip() for line in css.splitlines() if line.strip() and not line.strip().startswith("/*"))
