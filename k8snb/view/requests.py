"""A command beside the requests that it sends: one row each, with what it carried and what came back.

    requests_view("get pods", run(cluster, "get pods"))

The rows are `<details>` elements, so a static page can be opened up as well as a live one. The text says the same:
method, address and answer of each request, and the bodies below it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any, Protocol

from k8snb.i18n import _
from k8snb.view.theme import hue

LONGEST = 2000
"""Longer bodies are cut."""

_HUES = {"GET": "blue", "POST": "green", "PUT": "amber", "PATCH": "amber", "DELETE": "red"}
_WRAP = "white-space:normal;overflow-wrap:anywhere"
_PRINTED = "white-space:pre;max-height:20em;overflow:auto;margin:.3em 0 .6em"
_PRE = "white-space:pre-wrap;overflow-wrap:anywhere;max-height:20em;overflow:auto;margin:.3em 0 .6em;padding:.5em .7em"
_BESIDE = "float:inline-end;margin-inline-start:1em;white-space:nowrap"
_EDGE = "border-top:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:.15em 0"
_HANGS = 4
"""So many letters further in goes on what is too long for a line of a body."""


class Sent(Protocol):
    """A request and its answer."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def code(self) -> int: ...
    @property
    def response(self) -> str: ...


class Outcome(Protocol):
    """What a command printed and sent."""

    @property
    def text(self) -> str: ...
    @property
    def requests(self) -> Sequence[Sent]: ...


class RequestsView:
    """A command, what it printed, and the requests that it sent."""

    def __init__(self, command: str, outcome: Outcome) -> None:
        self.command = command
        self.printed = outcome.text
        self.requests = tuple(outcome.requests)

    def __str__(self) -> str:
        lines = [f"$ kubectl {self.command}", *self.printed.splitlines()]
        for number, sent in enumerate(self.requests, 1):
            lines += ["", f"{number}. {sent.method} {sent.url} → {sent.code}"]
            lines += [f"     {line}" for name, body in _bodies(sent) for line in (f"{name}:", *body.splitlines())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def html(self) -> str:
        """The same as HTML; it takes the colours of the page."""
        rows = "".join(_row(sent) for sent in self.requests)
        printed = html.escape(f"$ kubectl {self.command}\n{self.printed}")
        heads = f'<div><strong style="{_BESIDE}">{_("Answer")}</strong><strong>{_("Request")}</strong></div>'
        return (
            f'<div class="k8snb-view"><pre tabindex="0" style="{_PRINTED}">{printed}</pre>'
            f"{heads if rows else ''}{rows}</div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": self.html()}


def requests_view(command: str, outcome: Outcome) -> RequestsView:
    """The command beside its requests."""
    return RequestsView(command.removeprefix("kubectl ").strip(), outcome)


def _bodies(sent: Sent) -> list[tuple[str, str]]:
    """What the two messages carry, where they carry anything."""
    asked = f"{_('sent')} ({sent.content_type})" if sent.content_type else _("sent")
    found = ((asked, _readable(sent.body)), (_("received"), _readable(sent.response)))
    return [(name, body) for name, body in found if body]


def _readable(body: str) -> str:
    """JSON spread over lines, other text as it is; cut where it is long."""
    try:
        body = json.dumps(_essence(json.loads(body)), indent=2, ensure_ascii=False)
    except ValueError:
        body = body.strip()
    return body if len(body) <= LONGEST else body[:LONGEST] + "…"


def _essence(body: Any) -> Any:
    """A body without what only machines read: a table's cells alone, an object without its managed fields."""
    if not isinstance(body, dict):
        return body
    if body.get("kind") == "Table":
        columns = ", ".join(each["name"] for each in body.get("columnDefinitions") or ())
        rows = [", ".join(map(str, each["cells"])) for each in body.get("rows") or ()]
        return {"kind": "Table", "columns": columns, "rows": rows}
    meta = body.get("metadata")
    if isinstance(meta, dict) and "managedFields" in meta:
        body = {**body, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}
    return body


def _row(sent: Sent) -> str:
    address = re.sub(r"(?<=[/?])|(?=&amp;)", "<wbr>", html.escape(sent.url))
    edging = f"border-bottom:3px solid {hue(_HUES.get(sent.method, 'slate'))}"
    title = f'<strong style="{edging}">{html.escape(sent.method)}</strong> <code style="{_WRAP}">{address}</code>'
    mark = "✓" if sent.code < 400 else "✗"
    line = f'<span style="{_BESIDE}">{mark} {sent.code}</span>{title}'
    inside = "".join(
        f'<div>{html.escape(name)}</div><pre tabindex="0" style="{_PRE}">{"".join(map(_line, body.splitlines()))}</pre>'
        for name, body in _bodies(sent)
    )
    cell = f'<details><summary style="{_WRAP}">{line}</summary>{inside}</details>' if inside else line
    return f'<div style="{_EDGE}">{cell}</div>'


def _line(text: str) -> str:
    """A line of a body. What is too long for it goes on further in than it began, and is copied as it was."""
    inwards = len(text) - len(text.lstrip()) + _HANGS
    hanging = f"display:block;padding-inline-start:{inwards}ch;text-indent:-{inwards}ch"
    return f'<span style="{hanging}">{html.escape(text)}</span>'
