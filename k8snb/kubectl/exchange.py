"""One request and its answer, as data: what a command sent, for a page that shows it beside the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from k8snb.machinery.jsontext import json_text
from k8snb.wire import Response


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer to it. Names of headers are lower-case; `at` is the cluster's time.

    `body` and `response` are what the two messages carry; that of a watch, which has no end, is empty.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    answer: Response
    at: float = 0.0

    @property
    def url(self) -> str:
        """The path with its query, as Go orders and writes it."""
        return self.path + ("?" + urlencode(sorted(self.query.items())) if self.query else "")

    @property
    def content_type(self) -> str:
        """What kind of body was sent; empty without one."""
        return self.headers.get("content-type", "")

    @property
    def code(self) -> int:
        """The status code of the answer."""
        return self.answer.code

    @property
    def response(self) -> str:
        """The answer's body as text."""
        if self.answer.stream is not None:
            return ""
        if self.answer.object is not None:
            return json_text(self.answer.object, ordered=False) + "\n"
        return self.answer.body.decode(errors="replace")

    def __str__(self) -> str:
        return f"{self.method} {self.url} → {self.code}"
