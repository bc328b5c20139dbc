"""`ls`, as busybox and GNU print it.

Sizes of directories are those of a usual file system, owners are root, and a time is that of the content where somebody
keeps it (volumes that a kubelet fills), else the first of January.
"""

from __future__ import annotations

import posixpath
import stat
from datetime import UTC, datetime
from typing import NamedTuple

from k8snb.kubelet.images.commands.files import split
from k8snb.kubelet.images.filesystem import MISSING, Filesystem
from k8snb.kubelet.images.shell.interpreter import Command, Invocation

_BLOCK = 4096


class Entry(NamedTuple):
    """What `ls -l` says of a file or directory."""

    mode: str
    links: int
    size: int
    when: str
    name: str
    target: str

    @property
    def shown(self) -> str:
        """The name, with where a link leads."""
        return f"{self.name} -> {self.target}" if self.target else self.name

    @property
    def blocks(self) -> int:
        """Kilobytes on disk."""
        return 0 if self.target else -(-self.size // _BLOCK) * (_BLOCK // 1024)


def ls(call: Invocation) -> int:
    letters, names = split(call)
    code = 0
    files = call.process.files
    for index, name in enumerate(names or ["."]):
        path = posixpath.normpath(call.shell.path(name))
        if files.is_file(path) or (files.link(path) and "l" in letters and not name.endswith("/")) or "d" in letters:
            _print(call, letters, [(path, name)])
        elif not files.is_directory(path):
            busybox = call.process.image.shell == "busybox"
            code = call.fail(f"{name}: {MISSING}" if busybox else f"cannot access '{name}': {MISSING}", 1)
        else:
            if len(names) > 1:
                call.streams.out("\n" * bool(index) + f"{name}:\n")
            _print(call, letters, _content(files, path, letters), total=True)
    return code


def _content(files: Filesystem, path: str, letters: str) -> list[tuple[str, str]]:
    hidden = "a" in letters or "A" in letters
    names = [name for name in files.list(path) if hidden or not name.startswith(".")]
    own = [(path, "."), (posixpath.dirname(path), "..")] if "a" in letters else []
    return [*own, *((posixpath.join(path, name), name) for name in names)]


def _print(call: Invocation, letters: str, found: list[tuple[str, str]], *, total: bool = False) -> None:
    if "l" not in letters:
        call.streams.out("".join(f"{name}\n" for _, name in found))
        return
    entries = [_entry(call.process.files, path, name) for path, name in found]
    if total:
        call.streams.out(f"total {sum(entry.blocks for entry in entries)}\n")
    if call.process.image.shell == "busybox":
        lines = [f"{e.mode} {e.links:>4} root     root     {e.size:>9} {e.when} {e.shown}\n" for e in entries]
    else:
        wide = max((len(str(e.size)) for e in entries), default=0)
        lines = [f"{e.mode} {e.links} root root {e.size:>{wide}} {e.when} {e.shown}\n" for e in entries]
    call.streams.out("".join(lines))


def _entry(files: Filesystem, path: str, name: str) -> Entry:
    volume, inner, _ = files.place(path)
    changed = volume.changed_at
    when = datetime.fromtimestamp(changed, UTC).strftime("%b %e %H:%M") if changed is not None else "Jan  1 00:00"
    target = "" if name in {".", ".."} else files.link(path)
    if target:
        return Entry("lrwxrwxrwx", 1, len(target), when, name, target)
    if not files.is_directory(path):
        size = len(files.read(path).encode())
        return Entry(stat.filemode(stat.S_IFREG | volume.mode(inner)), 1, size, when, name, "")
    inside = [posixpath.join(path, each) for each in files.list(path)]
    below = sum(1 for each in inside if files.is_directory(each) and not files.link(each))
    return Entry(stat.filemode(stat.S_IFDIR | volume.mode(inner)), 2 + below, _BLOCK, when, name, "")


COMMANDS: dict[str, Command] = {"ls": ls}
