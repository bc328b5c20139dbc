"""Ending a process by SIGKILL at a given line of the code under test, so that no moment is left to chance."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import FrameType, ModuleType
from typing import Any


def cut_at_each_line(module: ModuleType, do: Callable[[int], object], every: int = 1) -> Iterator[int]:
    """Do something in processes of their own, which are killed when they have run 1, 2, 3 … lines of a module.

    Those are many: `every` is how many further the next one gets.

    `do` gets that number; it is given to the caller, too, when the process is dead, until one gets to its end.
    """
    for lines in count(1, every):
        pid = os.fork()
        if pid == 0:
            _run(do, lines, module)
        ended = os.waitpid(pid, 0)[1]
        yield lines
        if not os.WIFSIGNALED(ended):
            assert os.waitstatus_to_exitcode(ended) == 0
            return


def _run(do: Callable[[int], object], lines: int, module: ModuleType) -> None:
    try:
        _end_after(lines, module)
        do(lines)
        os._exit(0)
    finally:
        os._exit(1)


def _end_after(lines: int, module: ModuleType) -> None:
    left = lines

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != module.__file__:
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
