"""Which process holds a session, and whether that process is still there.

A holder is a machine, a process number, and when that process began (numbers are used again). A machine is more than
its name: thirty laptops of a class may all be called `ubuntu`, and each container counts its processes anew. About
processes of other machines nothing is known; their sessions end by their Leases alone.
"""

from __future__ import annotations

import os
import platform
import uuid
from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def machine() -> str:
    """This machine since it was started, and where in it process numbers count."""
    try:
        marks = [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")]
    except OSError:
        marks = [str(uuid.getnode())]
    return f"{platform.node()}-{sha256(' '.join(marks).encode()).hexdigest()[:12]}"


def holder() -> str:
    """This process, as a Lease names it."""
    return f"{machine()}/{os.getpid()}/{_began(os.getpid())}"


def is_gone(name: str) -> bool:
    """Whether it is certain that a holder's process has ended."""
    host, _slash, rest = name.rpartition("/")[0].rpartition("/")
    began = name.rpartition("/")[2]
    if host != machine() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return _began(int(rest)) != began


def token() -> str:
    """A name that no other session has."""
    return os.urandom(4).hex()


def lots() -> int:
    """A number that nobody can know."""
    return int.from_bytes(os.urandom(16))


def _began(process: int) -> str:
    """When a process began, in the machine's own measure; `0` where the machine does not say."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
    except OSError:
        return "0"
    return "ended" if state == "Z" else fields[18]
