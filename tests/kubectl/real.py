"""The real kubectl, asking a cluster that this process serves.

Both kubectls must see the same server, so the cluster is served from the test itself, on its virtual clock: while
the real one runs, time moves on in small steps, so that whatever it waits for comes.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

from k8snb import Cluster
from k8snb.apiserver.listener import listen
from k8snb.serving.credentials import FreshKeys
from k8snb.serving.kubeconfig import kubeconfig
from k8snb.serving.served import Served

VERSION = "v1.33."
"""Messages differ between versions. The built-in kubectl speaks like 1.36; what is known to differ is in `_NORMAL`."""
TOKEN = "t" * 32
LOOK_SECONDS = 0.02
STEP_SECONDS = 0.5
PATIENCE_SECONDS = 60


@cache
def binary() -> str:
    """The path of a kubectl of that version; empty where there is none."""
    plain = shutil.which("kubectl")
    beside = f"{Path(plain).resolve()}.1.33" if plain else ""
    for path in (shutil.which("kubectl.1.33"), beside, plain):
        if path and Path(path).exists() and VERSION in _version(path):
            return path
    return ""


def _version(path: str) -> str:
    return subprocess.run([path, "version", "--client"], capture_output=True, text=True, check=False).stdout


Printed = tuple[str, str, int]
"""Standard output, error output, exit status."""


class RealKubectl:
    """Runs commands of the real kubectl against a cluster of this process."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._loop = asyncio.new_event_loop()
        keys = FreshKeys()
        served = Served(cluster, TOKEN)
        self._server = self._loop.run_until_complete(listen(served, 0, keys.context()))
        port = self._server.sockets[0].getsockname()[1]
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(f"https://127.0.0.1:{port}", keys.certificate, TOKEN))
        self._environment = {**os.environ, "KUBECONFIG": str(config), "KUBECACHEDIR": str(folder), "HOME": str(folder)}

    def close(self) -> None:
        self._server.close()
        self._loop.close()

    def run(self, command: str, stdin: str = "", editor: str = "false") -> Printed:
        """Run a command; `editor` is what `kubectl edit` opens."""
        self._environment["KUBE_EDITOR"] = editor
        return self._loop.run_until_complete(self._run(command, stdin))

    async def _run(self, command: str, stdin: str) -> Printed:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            binary(), *shlex.split(command), env=self._environment, stdin=pipe, stdout=pipe, stderr=pipe
        )
        outcome = asyncio.ensure_future(process.communicate(stdin.encode()))
        deadline = self._loop.time() + PATIENCE_SECONDS
        while not outcome.done():
            assert self._loop.time() < deadline, command
            await asyncio.wait([outcome], timeout=LOOK_SECONDS)
            self._cluster.advance(STEP_SECONDS)
        out, err = outcome.result()
        return out.decode(), err.decode(), process.returncode or 0


_NORMAL = (
    (r"(LIVE|MERGED)-\d+", r"\1"),  # before hashes, for which some of these numbers could be taken
    (r"(?<=[\s(])(<invalid>|\d+[smhdy](\d+[smhd])?)(?=\s|\)|$)", "<age>"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", "<time>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
    (r'(resourceVersion"?: ?)"\d+"', r"\1<version>"),
    (r"\b10\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"\b3[0-2]\d{3}\b", "<node port>"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-<hash>-<id>"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{8,10}\b", "-<hash>"),
    (r"\bkubectl\.1\.33\b", "kubectl"),
    (r"(theirs|ours)\b", "<namespace>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000", "<time>"),
    # What kubectl says since 1.34, or does not say any more.
    (r"(?<=deleted) from \S+ namespace\b", ""),
    (r"^Flag --cpu-percent has been deprecated, .*\n", ""),
    (r"^ *creationTimestamp: null\n|^ *\"creationTimestamp\": null,\n|,\n *\"creationTimestamp\": null(?=\n)", ""),
    (r',"creationTimestamp":null(?=})|"creationTimestamp":null,?', ""),
    (r"  +", "  "),
    (r" +$", ""),
)


def normal(text: str) -> str:
    """The text without what the clock and the lots decide: times, names, addresses."""
    for pattern, replacement in _NORMAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
