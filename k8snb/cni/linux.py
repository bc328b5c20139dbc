"""A real machine, by the `ip` command and its files: what makes executables of the plugins.

    python -m k8snb cni --install /opt/cni/bin

writes a small program for each plugin into a directory, as runtimes look for them. A plugin that is delegated to is
whatever program of that name is in `CNI_PATH`, ours or not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from k8snb.cni.errors import INVALID_ENVIRONMENT, CNIError
from k8snb.cni.plugins import PLUGINS
from k8snb.cni.protocol import run
from k8snb.cni.world import Refused


class Linux:
    """The machine on which this process runs."""

    def exists(self, netns: str) -> bool:
        """Whether there is such a namespace."""
        return not netns or Path(netns).exists()

    def ip(self, netns: str, *words: str) -> Sequence[Mapping[str, Any]]:
        """What `ip -json` with these words says in a namespace; raises Refused."""
        inside = ["nsenter", f"--net={netns}"] if netns else []
        printed = self._run(*inside, "ip", "-json", *words)
        found: Sequence[Mapping[str, Any]] = json.loads(printed or "[]") if "show" in words else []
        return found

    def _run(self, *words: str) -> str:
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Refused(f"{words[0]}: {error.strerror}") from None
        if done.returncode:
            raise Refused(done.stderr.strip() or f"{words[0]}: exit status {done.returncode}")
        return done.stdout

    def sysctl(self, netns: str, name: str, value: str) -> None:
        """Set a knob of the kernel in a namespace."""
        path = f"/proc/sys/{name.replace('.', '/')}"
        if netns:
            self._run("nsenter", f"--net={netns}", "sh", "-c", f"echo {int(value)} > {path}")
        elif Path(path).read_text("utf-8").strip() != value:
            Path(path).write_text(value, "utf-8")

    def iptables(self, *words: str) -> None:
        """Change the packet filter; raises Refused."""
        self._run("iptables", "-w", *words)

    def read(self, path: str) -> str | None:
        """What is in a file; None if there is none."""
        found = Path(path)
        return found.read_bytes().decode() if found.is_file() else None

    def create(self, path: str, text: str) -> bool:
        """Put this in a new file; False if there is one already."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with Path(path).open("xb") as file:
                file.write(text.encode())
        except FileExistsError:
            return False
        return True

    def write(self, path: str, text: str) -> None:
        """Put this in a file."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(text.encode())

    def remove(self, path: str) -> None:
        """Delete a file, if there is one."""
        Path(path).unlink(missing_ok=True)

    def names(self, directory: str) -> Sequence[str]:
        """The files in a directory, in order."""
        return sorted(each.name for each in Path(directory).iterdir()) if Path(directory).is_dir() else []

    def execute(self, plugin: str, environment: Mapping[str, str], stdin: str) -> tuple[str, int]:
        """Run a program in `CNI_PATH`; raises CNIError if there is none of that name."""
        places = [Path(each) / plugin for each in environment.get("CNI_PATH", "").split(":") if each]
        found = next((each for each in places if each.is_file()), None)
        if found is None:
            looked = environment.get("CNI_PATH", "")
            raise CNIError(INVALID_ENVIRONMENT, f'failed to find plugin "{plugin}" in path [{looked}]')
        whole = {**os.environ, **environment}
        done = subprocess.run([found], input=stdin, env=whole, capture_output=True, text=True, check=False)
        return done.stdout, done.returncode


def main(plugin: str) -> int:
    """Be a plugin: environment and standard input in, standard output and exit code out."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("CNI_")}
    stdin = "" if sys.stdin.isatty() else sys.stdin.read()
    answer = run(PLUGINS[plugin], environment, stdin, Linux())
    sys.stdout.write(answer.stdout)
    return answer.code


def install(directory: Path) -> list[Path]:
    """Write a program for each plugin into a directory; returns them."""
    directory.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[2]
    written = []
    for name in PLUGINS:
        path = directory / name
        lines = ("#!/bin/sh", f'export PYTHONPATH="{root}"', f'exec "{sys.executable}" -m k8snb.cni {name}', "")
        path.write_text("\n".join(lines), "utf-8")
        path.chmod(0o755)
        written.append(path)
    return written
