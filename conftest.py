"""What every test shares: the settings of the property tests, how a chapter's outputs are compared, what goes first,
and how often Python looks for cycles.

A chapter is committed with the text of its outputs alone, because text is what people review and what no
version of Graphviz or of a browser changes. So notebooks are compared by their text, strictly; pictures
carry the same facts and have tests of their own in `tests/view`.
"""

from __future__ import annotations

import gc
import os
from typing import Any

import hypothesis

pytest_plugins = ["tests.book.running"]

hypothesis.settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=1_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("K8SNB_PROPERTIES", "quick"))

os.environ["K8SNB_STATIC"] = "1"  # kernels that tests start make no live widgets
os.environ |= {"GOGC": "off", "GOMEMLIMIT": "512MiB"}  # a kubectl is over before it would pay to collect

_PICTURES = ("text/html", "image/svg+xml", "application/javascript", "application/vnd.jupyter.widget-view+json")

_FIRST = (
    "tests/book/",
    "chapters/",
    "tests/metrics/",
    "tests/kubectl/",
    "tests/edge/",
    "tests/view/",
    "tests/clients/",
    "tests/lab/test_proofs",
)
"""Where modules take long: they come first, so that all processes have something to do until the end."""


def pytest_collection_modifyitems(items: list[Any]) -> None:
    items.sort(key=lambda item: next((n for n, place in enumerate(_FIRST) if item.nodeid.startswith(place)), 99))


def pytest_collection_finish() -> None:
    """What was collected stays to the end; to look through it for cycles again and again takes a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_collectstart(collector: Any) -> None:
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += _PICTURES
