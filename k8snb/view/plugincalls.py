"""What was said between a node's runtime and its CNI plugins about a pod: environment, document in, document out."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from typing import Any

from k8snb.cni.runtime import Exchange
from k8snb.i18n import _

_WRAP = "white-space:pre-wrap;overflow-wrap:anywhere;max-height:20em;overflow:auto;margin:.2em 0 .6em"
_HEAD = "font-size:13.5px;opacity:.8"
_SHORT = 76


class PluginCalls:
    """The calls of plugins for one pod, oldest first."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.exchanges = tuple(exchanges)

    def __len__(self) -> int:
        return len(self.exchanges)

    def __getitem__(self, number: int) -> Exchange:
        return self.exchanges[number]

    def __str__(self) -> str:
        return "\n".join(line for number, each in enumerate(self.exchanges, 1) for line in _lines(number, each))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<div class="k8snb-view">{"".join(_entry(n, each) for n, each in enumerate(self.exchanges, 1))}</div>'


def _title(number: int, each: Exchange) -> str:
    return f"{number}. {each.plugin} {each.command} → {each.code}"


def _lines(number: int, each: Exchange) -> Iterator[str]:
    yield _title(number, each)
    yield from (f"   {key}={_cut(value)}" for key, value in each.environment.items() if key != "CNI_COMMAND")
    yield f"   ⇢ {_compact(each.stdin)}"
    if each.stdout:
        yield f"   ⇠ {_compact(each.stdout)}"


def _cut(value: str) -> str:
    return value if len(value) <= _SHORT else f"{value[:60]}…"


def _compact(text: str) -> str:
    """A document in one line; what came before is only mentioned."""
    document = json.loads(text)
    if isinstance(document, dict) and "prevResult" in document:
        document = {**document, "prevResult": "…"}
    return json.dumps(document)


def _entry(number: int, each: Exchange) -> str:
    variables = "\n".join(f"{key}={value}" for key, value in each.environment.items())
    parts: Sequence[tuple[str, Any]] = (
        (_("environment"), variables),
        (f"⇢ {_('standard input')}", each.stdin),
        (f"⇠ {_('standard output')}", each.stdout or _("nothing")),
    )
    body = "".join(
        f'<div style="{_HEAD}">{name}</div><pre tabindex="0" style="{_WRAP}">{html.escape(text)}</pre>'
        for name, text in parts
    )
    opened = " open" if number == 1 else ""
    return f"<details{opened}><summary><strong>{_title(number, each)}</strong></summary>{body}</details>"
