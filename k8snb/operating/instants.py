"""The time of day for kopf: what it writes into objects is what the cluster's clock says.

kopf takes durations from its event loop, but asks `datetime` for the moment that it writes down (of an attempt, an
event, a touch). While an `EventLoop` runs, those modules get the loop's time; otherwise nothing changes for them.
"""

from __future__ import annotations

import asyncio
import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

from k8snb.operating.eventloop import EventLoop


class Moment(datetime.datetime):
    """A `datetime` whose now is that of the event loop which runs."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        """The time of the cluster within a turn of it, else the machine's."""
        loop = asyncio._get_running_loop()
        return cls.fromtimestamp(loop.time(), tz) if isinstance(loop, EventLoop) else super().now(tz)


_DATETIME = SimpleNamespace(**{**vars(datetime), "datetime": Moment})


def follow_the_clock(*modules: ModuleType) -> None:
    """Give modules that say `datetime.datetime.now(…)` the time of the event loop."""
    for module in modules:
        module.datetime = _DATETIME  # type: ignore[attr-defined]
