"""Many who watch what many write: with the long setting, 200 watchers and 50 writers for two minutes."""

from __future__ import annotations

import os

from k8snb.bench.soak import watch

LONG = os.environ.get("K8SNB_PROPERTIES") == "long"


def test_no_event_is_lost_out_of_order_or_seen_twice() -> None:
    found = watch(200, 50, 120) if LONG else watch(8, 4, 1)
    assert found.writes > found.writers
    assert found.sound, str(found)
