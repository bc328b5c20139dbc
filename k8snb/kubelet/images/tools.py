"""Programs that run and end, or strain the machine: perl, curl as a main process, stress."""

from __future__ import annotations

import re
from itertools import pairwise

from k8snb.kubelet.images.commands.system import duration
from k8snb.kubelet.images.program import MEBIBYTE, Killed, Process, Program, Usage

PI_SECONDS = 5.0
"""How long perl takes to compute 2,000 digits of π."""
_SIZES = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def digits_of_pi(count: int) -> str:
    """π to `count` significant digits, the last of them rounded, as `bpi` does (Machin's formula)."""
    unit = 10 ** (count + 10)

    def arctangent(x: int) -> int:
        term: int = unit // x
        total = term
        n, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total

    digits = str(((16 * arctangent(5) - 4 * arctangent(239)) // 10**10 + 5) // 10)
    return f"{digits[0]}.{digits[1:]}" if count > 1 else digits


class Perl(Program):
    """`perl -Mbignum=bpi -wle "print bpi(2000)"`, and prints of plain text."""

    idle = False

    def start(self) -> None:
        text = " ".join(self.process.argv[1:])
        match = re.search(r"bpi\((\d+)\)", text)
        if match:
            self.process.after(PI_SECONDS, lambda: self._finish(digits_of_pi(int(match.group(1)))), background=False)
            return
        printed = re.search(r"""print\s*\(?\s*["'](.*?)["']""", text)
        self._finish((printed.group(1) if printed else "").removesuffix("\\n"))

    def _finish(self, text: str) -> None:
        self.process.log(f"{text}\n")
        self.process.exit(0)

    def usage(self) -> Usage:
        return Usage(1000.0, 10 * MEBIBYTE)


class Stress(Program):
    """`stress`: workers that use CPU or memory until killed, or for a time."""

    idle = False

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._workers = 0
        self._bytes = MEBIBYTE

    def start(self) -> None:
        argv = list(self.process.argv)
        values = {name: value for name, value in pairwise(argv) if name.startswith("-")}
        self._workers = int(values.get("--cpu", values.get("-c", "0")))
        memories = int(values.get("--vm", values.get("-m", "0")))
        match = re.fullmatch(r"(\d+)([BKMG]?)", values.get("--vm-bytes", "256M"))
        size = int(match.group(1)) * _SIZES[match.group(2)] if match else 0
        said = f"dispatching hogs: {self._workers} cpu, 0 io, {memories} vm, 0 hdd"
        self.process.log(f"stress: info: [1] {said}\n")
        self._bytes += memories * size
        try:
            self.process.allocate(self._bytes)
        except Killed:
            return
        seconds = duration(values["--timeout"]) if "--timeout" in values else None
        if seconds is not None:
            self.process.after(seconds, self._finish)

    def signal(self, name: str) -> None:
        """It handles none, and what a container's first process does not handle is ignored: only KILL ends it."""

    def _finish(self) -> None:
        self.process.log("stress: info: [1] successful run completed\n")
        self.process.exit(0)

    def usage(self) -> Usage:
        limit = self.process.cpu_limit or 8.0
        return Usage(1000.0 * min(self._workers, limit), self._bytes)
