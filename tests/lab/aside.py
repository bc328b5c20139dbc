"""A process beside the tests in which proofs are tried, page by page.

A fork copies the books of all the memory that a process has. One that has read all tests has four times as much as one
that has read what proofs need.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from functools import partial
from typing import Any

from tests.lab.proving import ROOT, doubts, outcome, told


class Aside:
    """That process, for as long as somebody asks."""

    def __enter__(self) -> Aside:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        return self

    def __exit__(self, *_raised: object) -> None:
        self._process.communicate()

    def doubts(self, page: str, word: str) -> list[str]:
        """What speaks against an exercise, as it is found there."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        print(json.dumps([page, word]), file=asked, flush=True)
        found: list[str] = outcome(json.loads(answered.readline()))
        return found


def answer() -> None:
    """Answer line by line what is asked line by line."""
    gc.freeze()
    page = ""
    for line in sys.stdin:
        asked: Any = json.loads(line)
        if asked[0] != page:
            page = asked[0]
            gc.collect()  # the cluster of the page before
        print(json.dumps(told(partial(doubts, *asked))), flush=True)


if __name__ == "__main__":
    answer()
