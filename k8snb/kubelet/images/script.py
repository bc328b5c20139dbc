"""Running commands: as a container's main process, and for `exec`.

As a main process a command runs on the cluster's clock: where it waits, a timer brings it back. For `exec`
somebody wants the answer at once, so waiting only adds up, and a command that would never end is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from k8snb.kubelet.images.commands import COMMANDS
from k8snb.kubelet.images.commands.system import duration
from k8snb.kubelet.images.program import MEBIBYTE, Cancellable, Image, Killed, Process, Program, Usage
from k8snb.kubelet.images.shell.builtins import BUILTINS
from k8snb.kubelet.images.shell.expander import Leave
from k8snb.kubelet.images.shell.interpreter import Command, Shell
from k8snb.kubelet.images.shell.streams import Buffer, Input, Run, Streams, Wait
from k8snb.kubelet.runtime import ExecResult

EXEC_SECONDS = 3600.0
"""How much virtual time an `exec` may take before it is cut off."""

EXEC_WAITS = 2000
SEGMENTATION_FAULT = 139
"""How a process ends that calls itself without end."""


@lru_cache(maxsize=256)
def commands_of(image: Image) -> dict[str, Command]:
    """The commands that exist in an image."""
    return {**{name: COMMANDS[name] for name in image.commands}, **image.tools}


class Script(Program):
    """A command line of an image that has a shell: `sleep 3600`, `sh -c "…"`."""

    idle = False
    memory = MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._shell = Shell(process, commands_of(process.image), BUILTINS)
        self._running: Run | None = None
        self._wait: Wait | None = None
        self._timer: Cancellable | None = None

    def start(self) -> None:
        process = self.process
        streams = Streams(Input(), process.log, lambda text: process.log(text, "stderr"))
        self._running = self._shell.invoke(list(process.argv), streams)
        self._advance()

    def _advance(self) -> None:
        assert self._running is not None
        try:
            self._wait = wait = next(self._running)
        except StopIteration as stop:
            self.process.exit(int(stop.value))
        except Leave as leave:
            self.process.exit(leave.value)
        except RecursionError:
            self.process.exit(SEGMENTATION_FAULT)
        except Killed:
            self._running = None
        else:
            if wait.seconds is not None:
                self._timer = self.process.after(wait.seconds, self._advance, background=wait.steady)

    def signal(self, name: str) -> None:
        """Handled by a trap, or not at all: the kernel ignores it on behalf of a container's first process."""
        shell = self._shell.innermost
        if shell is None or name not in shell.traps:
            return
        shell.pending.append(name)
        if self._wait is not None and self._wait.interruptible:
            if self._timer is not None:
                self._timer.cancel()
            self._advance()

    def usage(self) -> Usage:
        busy = self._wait is not None and self._wait.busy
        return Usage(1000.0 * (self.process.cpu_limit or 1.0) if busy else 0.0, self.memory)

    @classmethod
    def is_idle(cls, argv: Sequence[str]) -> bool:
        name = argv[0].rpartition("/")[2]
        if name == "sleep" and len(argv) == 2:
            try:
                return duration(argv[1]) is None
            except ValueError:
                return False
        return name == "tail" and argv[-1] == "/dev/null" and "-f" in argv

    @classmethod
    def heeds_signals(cls, argv: Sequence[str]) -> bool:
        return False


def run_now(process: Process, argv: Sequence[str], stdin: str = "", limit: float = EXEC_SECONDS) -> ExecResult:
    """Run a command to its end at once. `seconds` of the result says how long it took in virtual time.

    When it takes longer than `limit` seconds it is cut off, with exit status 124.
    """
    shell = Shell(process, commands_of(process.image), BUILTINS)
    out, err = Buffer(), Buffer()
    running = shell.invoke(list(argv), Streams(Input(stdin), out.write, err.write))
    seconds, waits = 0.0, 0
    code = 124
    try:
        while waits < EXEC_WAITS:
            wait = next(running)
            waits += 1
            if wait.seconds is None or seconds + wait.seconds > limit:
                seconds = limit if wait.seconds is not None else seconds
                break
            seconds += wait.seconds
            pass_time(process, wait.seconds)
    except StopIteration as stop:
        code = int(stop.value)
    except Leave as leave:
        code = leave.value
    except RecursionError:
        code = SEGMENTATION_FAULT
    except Killed:
        code = 137
    return ExecResult(out.take(), err.take(), code, seconds)


def pass_time(process: Process, seconds: float) -> None:
    """Let a process that runs at once see time pass."""
    process.elapsed += seconds
