"""Python's cycle collector, asked to look seldom while a cluster runs.

What a cluster makes stays, for the most part, and forms no cycles. At its usual pace the collector goes through all of
it again and again, which takes a quarter of the time and finds next to nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 50)
"""After how many new objects the youngest are looked at, and how much more seldom older ones."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Within this the collector looks seldom, unless it was told to look less often still, or not at all."""
    before = gc.get_threshold()
    if not 0 < before[0] < SELDOM[0]:
        yield
        return
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
