"""`tar`, as much of it as `kubectl cp` needs: an archive to the standard output, or from the standard input.

Files hold text here, so an archive is text, too: the headers are ASCII and the sizes count the bytes of UTF-8.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import NamedTuple

from k8snb.kubelet.images.filesystem import MISSING, FileError
from k8snb.kubelet.images.shell.interpreter import Command, Invocation


class Wording(NamedTuple):
    """How a `tar` says what is wrong, and its exit code then."""

    leading: str
    missing: str
    failed: str
    no_folder: str
    code: int


BUSYBOX = Wording(
    "removing leading '/' from member names",
    "{}: " + MISSING,
    "error exit delayed from previous errors",
    "can't change directory to '{}': " + MISSING,
    1,
)
GNU = Wording(
    "Removing leading `/' from member names",
    "{}: Cannot stat: " + MISSING,
    "Exiting with failure status due to previous errors",
    "{}: Cannot open: " + MISSING + "\ntar: Error is not recoverable: exiting now",
    2,
)


def _wording(call: Invocation) -> Wording:
    return BUSYBOX if call.process.image.shell == "busybox" else GNU


def tar(call: Invocation) -> int:
    """`tar cf - PATH…` and `tar xmf - -C DIRECTORY`."""
    letters = call.argv[1].lstrip("-") if len(call.argv) > 1 else ""
    words = list(call.argv[2:])
    if "f" in letters and words[:1] == ["-"]:
        words.pop(0)
    folder = call.shell.path(".")
    if "-C" in words[:-1]:
        at = words.index("-C")
        folder = call.shell.path(words[at + 1])
        del words[at : at + 2]
    if "x" in letters:
        return _extract(call, folder)
    if "c" in letters:
        return _create(call, folder, words)
    return call.fail("must specify one of -c, -x, -t", 1)


def _create(call: Invocation, folder: str, words: list[str]) -> int:
    buffer, said = io.BytesIO(), _wording(call)
    code = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for word in words:
            if word.startswith("/"):
                call.streams.err(f"tar: {said.leading}\n")
            path = posixpath.normpath(posixpath.join(folder, word))
            if not call.process.files.exists(path):
                code = call.fail(said.missing.format(word), said.code)
                continue
            _add(call, archive, path, word.lstrip("/") or ".")
    if code:
        call.fail(said.failed)
    call.streams.out(buffer.getvalue().decode())
    return code


def _add(call: Invocation, archive: tarfile.TarFile, path: str, name: str) -> None:
    files = call.process.files
    entry = tarfile.TarInfo(name)
    if files.is_directory(path):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
        for child in files.list(path):
            _add(call, archive, posixpath.join(path, child), posixpath.join(name, child))
        return
    content = files.read(path).encode()
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _extract(call: Invocation, folder: str) -> int:
    files = call.process.files
    content = call.streams.input.read().encode()
    if not files.is_directory(folder):
        said = _wording(call)
        return call.fail(said.no_folder.format(folder), said.code)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for entry in archive:
                path = posixpath.normpath(posixpath.join(folder, entry.name.lstrip("/")))
                if entry.isdir():
                    files.make_directory(path, parents=True)
                    continue
                files.make_directory(posixpath.dirname(path), parents=True)
                source = archive.extractfile(entry)
                files.write(path, source.read().decode("utf-8", "replace") if source is not None else "")
    except FileError as error:
        return call.fail(f"can't open '{error.path}': {error.why}")
    except tarfile.TarError:
        return call.fail("short read")
    return 0


COMMANDS: dict[str, Command] = {"tar": tar}
