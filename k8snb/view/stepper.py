"""A story under a scrubber, wherever the page is read.

One front end (`front/`, whose files make one module) has two hosts. A notebook with a kernel gets
an `anywidget`, so that Python knows which step the reader looks at. Everything else gets a custom element that
carries its frames with it and asks nobody for anything: it works in a static page, offline and from a file. Where
scripts do not run and on paper, its content remains: all frames as a numbered list. And there is always the text.

The HTML is the same on every run: it contains no generated ids.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Protocol, overload

from k8snb.view import theme
from k8snb.view.frames import Frame, details, document, text, when
from k8snb.view.packing import packed, written
from k8snb.view.still import stills

STATIC = "K8SNB_STATIC"
"""An environment variable: where it is set, nobody is going to click while the kernel lives (a book is built)."""

ELEMENT = "k8snb-stepper"

CARRIES = "data-k8snb-stepper"
"""Marks the script in a page, so that whoever puts pages together can leave out the second (`pages`)."""

_PARTS = (
    *("base", "objects", "score", "words", "picture", "sequence", "compare", "timeline"),
    *("pinned", "actions", "mount", "hosts"),
)
"""The front end, in the order in which its files make one module (`front/*.js`)."""

_STYLES = ("stepper", "views")


class Playing(Protocol):
    """The cluster behind a stepper that is looked at while its kernel lives."""

    said: str

    @property
    def story(self) -> Stepper: ...

    @property
    def other(self) -> Stepper | None: ...

    def act(self, message: Mapping[str, Any]) -> None: ...

    def compared(self) -> list[list[str]]: ...


class Stepper:
    """Frames with a title. Display it in a notebook, iterate over it, take a frame by its index, a part by a slice."""

    def __init__(self, title: str, frames: Sequence[Frame], views: Sequence[str] = ("topology",)) -> None:
        self.title = title
        self.frames = tuple(frames)
        self.views = tuple(views)
        """Which views share the scrubber: topology, sequence, diff, timeline."""
        self.playing: Playing | None = None
        """The cluster that a reader with a kernel may break, rewind and fork from here."""
        self._widget: Any = None

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> Stepper: ...

    def __getitem__(self, index: int | slice) -> Frame | Stepper:
        return Stepper(self.title, self.frames[index], self.views) if isinstance(index, slice) else self.frames[index]

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
        return {**document(self.title, self.frames), "views": list(self.views)}

    def written(self) -> str:
        """The story as it is carried in a page: JSON in which repetitions are said once."""
        return written(packed(self.document())).replace("<", "\\u003c")

    def html(self) -> str:
        """The self-contained custom element, with the numbered list inside it."""
        return (
            f'<{ELEMENT} class="k8snb-view">{_listing(self.title, self.frames)}'
            f'<script type="application/json">{self.written()}</script></{ELEMENT}>'
            f"<script {CARRIES}>{element_script()}</script>"
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
            self._widget = StepperWidget(self, self.playing)
        bundle = self._widget._repr_mimebundle_()
        if bundle is None:
            return None
        return bundle if isinstance(bundle, tuple) else (bundle, {})


def _listing(title: str, frames: Sequence[Frame]) -> str:
    """All frames as a numbered list, and a picture of how it ended: for paper, and where no script runs."""
    entries = "".join(_entry(frame) for frame in frames)
    end = f"<figure>{stills(frames[-1].scene)}</figure>" if frames else ""
    return f"<p><strong>{html.escape(title)}</strong></p><ol>{entries}</ol>{end}"


def _entry(frame: Frame) -> str:
    revision = [f"@{frame.revision}"] if frame.revision else []
    head = html.escape(" · ".join([frame.actor, when(frame.time), *revision]))
    body = html.escape("\n".join(map(_set_in, details(frame))))
    return f"<li><strong>{head}</strong><pre>{body}</pre></li>"


def _set_in(line: str) -> str:
    """A line that hangs from the one before, no further in than narrow columns bear.

    It hangs by spaces that do not break: behind others a field that is longer than the column would begin a new line.
    """
    return "\N{NO-BREAK SPACE}" * 3 + line.lstrip() if line.startswith("    ") else line


@cache
def script() -> str:
    """The front end as an ES module, its style sheet within it."""
    source = "\n".join(_read(f"{name}.js") for name in _PARTS)
    style = _squeezed("\n".join(_read(f"{name}.css") for name in _STYLES))
    return _squeezed(source, "// ", "\n").replace('"__CSS__"', json.dumps(style, ensure_ascii=False))


@cache
def element_script() -> str:
    """The same front end as a classic script that defines the custom element, once per page."""
    code = script().replace("export default", "const stepper =").replace("</", "<\\/")
    return f'(()=>{{if(customElements.get("{ELEMENT}"))return;\n{code}\nstepper.define("{ELEMENT}");}})();'


def _read(name: str) -> str:
    source = resources.files("k8snb.view").joinpath("front", name).read_text(encoding="utf-8")
    return source.replace("/*__PALETTE__*/", theme.properties())


def _squeezed(source: str, comment: str = "/*", between: str = " ") -> str:
    """A source without indentation and without lines that are comments, as it is carried in every output."""
    lines = (line.strip() for line in source.splitlines())
    return between.join(line for line in lines if line and not line.startswith((comment, "/**", "* ", "*/")))
