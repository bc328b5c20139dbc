"""What the kernel in the browser has on top of the one it comes from.

`lite/boot.mjs` calls it: once when Python is there, and once when the kernel has nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def mend() -> None:
    """Let outputs name errors as other kernels do, by their class instead of by what Python prints of it."""
    from pyodide_kernel.interpreter import Interpreter

    def shown(shell: Any, kind: type[BaseException], error: object, lines: Sequence[str]) -> None:
        shell._last_traceback = {"ename": kind.__name__, "evalue": str(error), "traceback": lines}

    Interpreter._showtraceback = shown


def warm_up() -> None:
    """Import what a page needs and make what all clusters share, while the reader reads."""
    from k8snb import Cluster

    Cluster().settle()
