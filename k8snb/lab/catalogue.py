"""All exercises of the book, in its order.

Which module has the exercises of a page is the one thing that is listed here; the exercises themselves are found in it.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, overload

from k8snb.i18n import _
from k8snb.lab.exercise import Exercise

MODULES = {
    "first-app/pod": "first_app",
    "first-app/runtime": "runtimes",
    "first-app/node": "nodes",
    "first-app/labels": "labels",
    "first-app/deployment": "first_app",
    "first-app/service": "services",
    "first-app/namespace": "namespaces",
    "first-app/kubectl": "commands",
    "production/configuration": "configuration",
    "production/storage": "storage",
    "production/ingress": "ingress",
    "production/helm": "releases",
    "production/capstone": "production",
    "workloads/statefulset": "stateful",
    "workloads/daemonset": "daemons",
    "workloads/job": "jobs",
    "workloads/autoscaling": "scaling",
    "workloads/control-loop": "loops",
    "workloads/capstone": "workloads",
    "architecture/control-plane": "control_plane",
    "architecture/api-server": "api_server",
    "architecture/etcd": "etcd",
    "architecture/scheduler": "scheduling",
    "architecture/kubelet": "kubelets",
    "architecture/kube-proxy": "proxies",
    "architecture/cni": "wires",
    "architecture/csi": "drivers",
    "ecosystem/service-account": "accounts",
    "ecosystem/rbac": "rbac",
    "ecosystem/network-policy": "policies",
    "ecosystem/operator": "operators",
    "ecosystem/prometheus": "monitored",
}
"""Pages in the order of the book, and the modules of this package that have their checks."""


class Exercises(Sequence[Exercise[Any]]):
    """Exercises in the order of the book; a table where they are shown."""

    def __init__(self, found: Sequence[Exercise[Any]]) -> None:
        self._found = tuple(found)

    @overload
    def __getitem__(self, index: int) -> Exercise[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Exercises: ...
    def __getitem__(self, index: int | slice) -> Exercise[Any] | Exercises:
        return self._found[index] if isinstance(index, int) else Exercises(self._found[index])

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        rows = list(_rows(self))
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        lines = [f"{name:{widths[0]}}  {title:{widths[1]}}  {minutes}" for name, title, minutes in rows]
        return "\n".join([_said(self), *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{name}</code></td><td>{html.escape(title)}</td><td>{minutes}</td></tr>"
            for name, title, minutes in _rows(self)
        )
        return f'<div class="k8snb-view"><p style="margin:0">{_said(self)}</p><table>{rows}</table></div>'


def exercises(where: str = "") -> Exercises:
    """The exercises of the book, of a chapter (`first-app`) or of a page (`first-app/labels`)."""
    pages = [page for page in MODULES if not where or page == where or page.startswith(f"{where}/")]
    return Exercises([each for page in pages for each in _of(page)])


def _of(page: str) -> Iterator[Exercise[Any]]:
    module = import_module(f"k8snb.lab.{MODULES[page]}")
    for found in dict.fromkeys(each for each in vars(module).values() if isinstance(each, Exercise)):
        if found.page == page:
            yield found


def _rows(shown: Exercises) -> Iterator[tuple[str, str, str]]:
    for each in shown:
        yield each.name, _(each.title), _("{minutes} min").format(minutes=each.minutes)


def _said(shown: Exercises) -> str:
    total = sum(each.minutes for each in shown)
    return _("{count} exercises, {minutes} minutes").format(count=len(shown), minutes=total)
