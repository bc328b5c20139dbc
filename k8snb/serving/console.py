"""Commands for a served cluster, a line each: what no client of the API can do, because it happens to machines.

stop etcd-2          kill a process of the control plane
start etcd-2         start it again
etcdctl …, etcdutl … ask and change etcd, as `cluster.etcdctl` does
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from k8snb.i18n import _

if TYPE_CHECKING:
    from k8snb.cluster.cluster import Cluster

_CHUNK = 65_536


def answer(cluster: Cluster, line: str) -> str:
    """What a command prints."""
    verb, _space, rest = line.strip().partition(" ")
    try:
        if verb in ("stop", "start"):
            (cluster.stop if verb == "stop" else cluster.start)(rest.strip())
            return ""
        if verb in ("etcdctl", "etcdutl"):
            return (cluster.etcdctl if verb == "etcdctl" else cluster.etcdutl)(rest)
    except ValueError as error:
        return f"{error}\n"
    return _("commands are: stop NAME, start NAME, etcdctl …, etcdutl …") + "\n" if verb else ""


def listen_to(cluster: Cluster, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
    """Read commands from the standard input, print what they print, and call `then` after each."""

    begun = b""

    def ready() -> None:
        nonlocal begun
        data = os.read(sys.stdin.fileno(), _CHUNK)
        if not data:
            loop.remove_reader(sys.stdin)
        *lines, begun = (begun + data).split(b"\n")
        for line in lines:
            sys.stdout.write(answer(cluster, line.decode(errors="replace")))
            sys.stdout.flush()
        then()

    loop.add_reader(sys.stdin, ready)
