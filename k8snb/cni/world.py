"""What plugins act on: the network of a machine, and the few files in which they remember what they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from k8snb.cni.errors import IO_FAILURE, CNIError

Found = Sequence[Mapping[str, Any]]


class World(Protocol):
    """A machine. Network namespaces are named by their path, the machine's own by nothing."""

    def exists(self, netns: str) -> bool:
        """Whether there is such a namespace."""
        ...

    def ip(self, netns: str, *words: str) -> Found:
        """What `ip -json` with these words says in a namespace; raises Refused."""
        ...

    def sysctl(self, netns: str, name: str, value: str) -> None:
        """Set a knob of the kernel in a namespace."""
        ...

    def iptables(self, *words: str) -> None:
        """Change the packet filter; raises Refused."""
        ...

    def read(self, path: str) -> str | None:
        """What is in a file; None if there is none."""
        ...

    def create(self, path: str, text: str) -> bool:
        """Put this in a new file; False if there is one already."""
        ...

    def write(self, path: str, text: str) -> None:
        """Put this in a file."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file, if there is one."""
        ...

    def names(self, directory: str) -> Sequence[str]:
        """The files in a directory, in order."""
        ...

    def execute(self, plugin: str, environment: Mapping[str, str], stdin: str) -> tuple[str, int]:
        """Run a plugin: what it wrote, and its exit code; raises CNIError if there is none of that name."""
        ...


class Refused(CNIError):
    """The kernel refused; the message is that of `ip`."""

    def __init__(self, message: str) -> None:
        super().__init__(IO_FAILURE, message)


def link(world: World, netns: str, name: str) -> Mapping[str, Any] | None:
    """A network interface, with its addresses; None if there is none."""
    try:
        return next(iter(world.ip(netns, "addr", "show", "dev", name)), None)
    except Refused:
        return None
