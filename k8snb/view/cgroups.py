"""The cgroups of a pod as a tree: what the kubelet and the runtime wrote into which file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.kubelet.cgroups import Cgroup

ROOT = "/sys/fs/cgroup"
_WRAP = "overflow-wrap:anywhere"
_IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}")


class CgroupTree:
    """A branch of `/sys/fs/cgroup`, from all pods down to the containers of one."""

    def __init__(self, root: Cgroup) -> None:
        self.root = root

    def __str__(self) -> str:
        return "\n".join([ROOT, *_text(self.root, "")])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = "".join(_row(each, depth) for each, depth in _walk(self.root, 0))
        heads = "".join(
            f'<th style="text-align:start">{name}</th>' for name in (_("directory"), _("for"), _("contents"))
        )
        style = "border-collapse:collapse;font-size:13.5px"
        return (
            f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto"><table style="{style}">'
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def _text(group: Cgroup, indent: str) -> Iterator[str]:
    yield f"{indent}└─ {group.name}  ({group.about})"
    for name, value in group.settings.items():
        yield f"{indent}     {name:<11} {value}"
    for child in group.children:
        yield from _text(child, indent + "   ")


def _walk(group: Cgroup, depth: int) -> Iterator[tuple[Cgroup, int]]:
    yield group, depth
    for child in group.children:
        yield from _walk(child, depth + 1)


def _row(group: Cgroup, depth: int) -> str:
    cell = 'style="vertical-align:top;text-align:start;padding:3px 9px 7px 0"'
    files = "<br>".join(
        f'<code>{name}</code> <span style="white-space:nowrap">{html.escape(value)}</span>'
        for name, value in group.settings.items()
    )
    short = html.escape(_short(group.name))
    name = f'<div style="{_WRAP};padding-inline-start:{depth * 1.1}em"><code>{short}</code></div>'
    lines = f'<div style="{_WRAP}">{files}</div>'
    return f"<tr><td {cell}>{name}</td><td {cell}>{html.escape(group.about)}</td><td {cell}>{lines}</td></tr>"


def _short(name: str) -> str:
    """A name with its identifier cut: the text has it in full."""
    return _IDENTIFIER.sub(lambda found: f"{found[0][:8]}…", name)
