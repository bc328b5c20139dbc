"""Charts of one time, one below the other: for numbers that belong together and have not the same unit.

Each panel is a picture with a scale of its own; the text is one table of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.view.chart import Chart, Moment, table
from k8snb.view.svg import framed


class Panels:
    """Several charts over the same moments."""

    def __init__(self, title: str, charts: Sequence[Chart]) -> None:
        self.title = title
        self.charts = charts

    def __str__(self) -> str:
        rows: dict[float, Mapping[str, float]] = {}
        for chart in self.charts:
            for moment in chart.moments:
                rows[moment.time] = {**rows.get(moment.time, {}), **moment.values}
        last: Mapping[str, float] = {}
        moments: list[Moment] = []
        for time in sorted(rows):
            last = {**last, **rows[time]}
            moments.append(Moment(time, last))
        limits = {name: value for chart in self.charts for name, value in chart.limits.items()}
        return table(Chart(self.title, moments, limits=limits))

    def __repr__(self) -> str:
        return f"<Panels {self.title!r}: {len(self.charts)} charts>"

    def html(self) -> str:
        """All pictures, one below the other."""
        names = [name for chart in self.charts for name in chart.names]
        return framed("".join(f"<div>{chart.svg(names)}</div>" for chart in self.charts))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": self.html()}
