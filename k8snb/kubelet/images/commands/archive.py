"""`tar`, as much of it as `kubectl cp` needs: an archive to the standard output, or from the standard input.

Files hold text here, so an archive is text, too: the headers are ASCII and the sizes count the bytes of UTF-8.
"""

from __future__ import annotations

import io
import posixpath
import tarfile

from k8snb.kubelet.images.filesystem import MISSING, FileError
from k8snb.kubelet.images.shell.interpreter import Command, Invocation


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
    buffer = io.BytesIO()
    code = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for word in words:
            if word.startswith("/"):
                call.streams.err("tar: removing leading '/' from member names\n")
            path = posixpath.normpath(posixpath.join(folder, word))
            if not call.process.files.exists(path):
                call.fail(f"{word}: {MISSING}")
                code = 1
                continue
            _add(call, archive, path, word.lstrip("/") or ".")
    if code:
        call.fail("error exit delayed from previous errors")
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
        return call.fail(f"can't change directory to '{folder}': {MISSING}")
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
