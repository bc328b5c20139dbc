"""Every story comes out as it is written down, to the last reconcile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.script import HERE, play

SCENARIOS = sorted(HERE.glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_story_is_as_written(path: Path) -> None:
    text = path.read_text()
    assert play(text) == text, "python -m tests.scenarios"
