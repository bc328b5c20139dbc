"""The scheduling queue as a table: where each pod waits, since when, why and for what."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.i18n import _
from k8snb.machinery.durations import go_duration
from k8snb.scheduler.standing import ACTIVE, ANY, BACKOFF, GATED, PERMIT, Standing
from k8snb.view.grid import Cell, Grid

_HUES = {ACTIVE: "green", BACKOFF: "amber", GATED: "slate", PERMIT: "blue"}


class QueueView:
    """The pods that wait, as `pods`."""

    def __init__(self, pods: Sequence[Standing], now: float) -> None:
        self.pods = pods
        self._now = now

    def grid(self) -> Grid:
        """The table."""
        heads = (_("pod"), _("where"), _("attempts"), _("since"), _("turned away by"), _("tried again after"))
        title = _("The scheduling queue: {count} pods wait").format(count=len(self.pods))
        return Grid(title, heads, [self._row(each) for each in self.pods])

    def _row(self, each: Standing) -> list[Cell]:
        meta = each.pod["metadata"]
        left = each.until - self._now
        time = _("at the latest in {time}") if each.events else _("{time}")
        later = time.format(time=go_duration(round(left))) if left > 0 else ""
        return [
            Cell(f"{meta['namespace']}/{meta['name']}"),
            Cell(each.place, hue=_HUES.get(each.place, "red")),
            Cell(str(each.attempts)),
            Cell(go_duration(round(self._now - each.since))),
            Cell(", ".join(each.plugins)),
            Cell(
                ", ".join(filter(None, (*(_("any change") if event == ANY else event for event in each.events), later)))
            ),
        ]

    def __str__(self) -> str:
        return str(self.grid())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()
