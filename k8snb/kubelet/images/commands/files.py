"""Commands on files and directories."""

from __future__ import annotations

import posixpath
import re

from k8snb.kubelet.images.commands.blocks import endless, number
from k8snb.kubelet.images.filesystem import MISSING, FileError
from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run, Wait

FOLLOW_SECONDS = 1.0
"""How often `tail -f` looks whether its file has grown."""


def split(call: Invocation) -> tuple[str, list[str]]:
    """The letters of a command's short options, and its other words."""
    letters = ""
    words: list[str] = []
    for word in call.argv[1:]:
        if word.startswith("-") and len(word) > 1 and not words:
            letters += word.lstrip("-")
        else:
            words.append(word)
    return letters, words


def texts(call: Invocation, names: list[str]) -> tuple[list[tuple[str, str]], int]:
    """Name and content of each file (standard input without names), complaining of those that cannot be read."""
    if not names:
        return [("-", call.streams.input.read())], 0
    found: list[tuple[str, str]] = []
    code = 0
    for name in names:
        try:
            found.append((name, call.streams.input.read() if name == "-" else _read(call, name)))
        except FileError as error:
            code = 1
            _complain(call, name, error)
    return found, code


def _read(call: Invocation, name: str) -> str:
    special = _special(call, name)
    return special if special is not None else call.process.files.read(call.shell.path(name))


def _special(call: Invocation, name: str) -> str | None:
    if name == "/proc/uptime":
        return f"{call.process.now:.2f} 0.00\n"
    if name == "/proc/1/cmdline":
        return "\0".join(call.process.argv) + "\0"
    return None


def _complain(call: Invocation, name: str, error: FileError) -> None:
    if call.process.image.shell == "busybox":
        read = error.why == "Is a directory"
        message = f"read error: {error.why}" if read else f"can't open '{name}': {error.why}"
    else:
        message = f"{name}: {error.why}"
    call.fail(message)


def cat(call: Invocation) -> int:
    _, names = split(call)
    found, code = texts(call, names)
    for _, text in found:
        call.streams.out(text)
    return code


def head(call: Invocation) -> int:
    match = re.search(r"(?:^| )(?:-c|--bytes)[ =]?(\d+\w*)", " ".join(call.argv[1:]))
    if match:
        return _first_bytes(call, number(match.group(1)) or 0)
    count, names = _count(call)
    found, code = texts(call, names)
    for _, text in found:
        call.streams.out("".join(text.splitlines(keepends=True)[:count]))
    return code


def _first_bytes(call: Invocation, size: int) -> int:
    """`head -c`, also of the devices that never end."""
    _, names = _count(call)
    device = endless(names[0], size) if len(names) == 1 else None
    if device is not None:
        call.streams.out(device)
        return 0
    found, code = texts(call, names)
    for _, text in found:
        call.streams.out(text.encode()[:size].decode(errors="replace"))
    return code


def _count(call: Invocation) -> tuple[int, list[str]]:
    """The number of lines (`-n 5`, `-n5`, `-5`) and the names."""
    words = [word for word in call.argv[1:] if word not in {"-f", "-F", "-q"}]
    count = 10
    names: list[str] = []
    while words:
        word = words.pop(0)
        if word in {"-n", "-c", "--lines"} and words:
            count = _whole(words.pop(0))
        elif word.startswith("-") and word.lstrip("-nc+").isdigit():
            count = _whole(word.lstrip("-nc"))
        elif not word.startswith("-"):
            names.append(word)
    return count, names


def _whole(text: str) -> int:
    """A count; `+1` means from the first line, which is all of them."""
    if text.startswith("+"):
        return 10**9
    return int(text) if text.isdigit() else 10


def tail(call: Invocation) -> Run:
    follow = any(word in {"-f", "-F"} or (word.startswith("-") and "f" in word.lower()) for word in call.argv[1:])
    count, names = _count(call)
    if names == ["/dev/zero"]:
        call.process.allocate(1 << 60)
        return 137
    found, code = texts(call, names) if not follow or not names else ([], 0)
    for _, text in found:
        lines = text.splitlines(keepends=True)
        call.streams.out("".join(lines[-count:] if count else []))
    if not follow:
        return code
    if names == ["/dev/null"] or not names:
        yield Wait(None)
    return (yield from _follow(call, names[0], count))


def _follow(call: Invocation, name: str, count: int) -> Run:
    path = call.shell.path(name)
    files = call.process.files
    if not files.is_file(path) and "F" not in "".join(call.argv[1:-1]):
        return call.fail(f"can't open '{name}': {MISSING}") if call.process.image.shell == "busybox" else 1
    seen = -1
    while True:
        text = files.read(path) if files.is_file(path) else ""
        if seen < 0:
            lines = text.splitlines(keepends=True)
            call.streams.out("".join(lines[-count:] if count else []))
        elif len(text) != seen:
            call.streams.out(text[seen:] if len(text) > seen else text)
        seen = len(text) if files.is_file(path) or seen >= 0 else -1
        yield Wait(FOLLOW_SECONDS, steady=True)


def touch(call: Invocation) -> int:
    for name in split(call)[1]:
        path = call.shell.path(name)
        if not call.process.files.exists(path):
            call.process.files.write(path, "")
    return 0


def remove(call: Invocation) -> int:
    letters, names = split(call)
    code = 0
    for name in names:
        try:
            call.process.files.remove(call.shell.path(name), recursive="r" in letters or "R" in letters)
        except FileError as error:
            if "f" not in letters or error.why != MISSING:
                code = call.fail(f"can't remove '{name}': {error.why}")
    return code


def make_directory(call: Invocation) -> int:
    letters, names = split(call)
    code = 0
    for name in names:
        try:
            call.process.files.make_directory(call.shell.path(name), parents="p" in letters)
        except FileError as error:
            code = call.fail(f"can't create directory '{name}': {error.why}")
    return code


def copy(call: Invocation) -> int:
    """`cp` and `mv`."""
    _, names = split(call)
    if len(names) < 2:
        return call.fail("missing file operand")
    files = call.process.files
    target = posixpath.normpath(call.shell.path(names[-1]))
    for name in names[:-1]:
        source = posixpath.normpath(call.shell.path(name))
        if not files.exists(source):
            return call.fail(f"can't stat '{name}': {MISSING}")
        into = posixpath.join(target, posixpath.basename(source)) if files.is_directory(target) else target
        _copy(call, source, into)
        if call.argv[0].endswith("mv"):
            files.remove(source, recursive=True)
    return 0


def _copy(call: Invocation, source: str, target: str) -> None:
    files = call.process.files
    if files.is_file(source):
        files.write(target, files.read(source))
        return
    files.make_directory(target, parents=True)
    for name in files.list(source):
        _copy(call, posixpath.join(source, name), posixpath.join(target, name))


def find(call: Invocation) -> int:
    words = list(call.argv[1:])
    start = words.pop(0) if words and not words[0].startswith("-") else "."
    wanted = words[words.index("-type") + 1] if "-type" in words[:-1] else ""
    files = call.process.files

    def walk(path: str, shown: str) -> None:
        linked = bool(files.link(path))
        directory = files.is_directory(path) and not linked
        if not wanted or wanted == ("l" if linked else "d" if directory else "f"):
            call.streams.out(f"{shown}\n")
        for name in files.list(path) if directory else ():
            walk(posixpath.join(path, name), f"{shown.rstrip('/')}/{name}")

    path = posixpath.normpath(call.shell.path(start))
    if not files.exists(path):
        return call.fail(f"{start}: {MISSING}")
    walk(path, start)
    return 0


def name_part(call: Invocation) -> int:
    """`basename` and `dirname`."""
    path = call.argv[1] if len(call.argv) > 1 else ""
    if call.argv[0].endswith("dirname"):
        call.streams.out(f"{posixpath.dirname(path) or '.'}\n")
    else:
        base = posixpath.basename(path.rstrip("/"))
        call.streams.out(f"{base.removesuffix(call.argv[2]) if len(call.argv) > 2 else base}\n")
    return 0


def nothing(call: Invocation) -> int:
    """`chmod`, `chown`, `sync`, `mount`: accepted, without effect here."""
    return 0


COMMANDS: dict[str, Command] = {
    "basename": name_part, "cat": cat, "chmod": nothing, "chown": nothing, "cp": copy, "dirname": name_part,
    "find": find, "head": head, "ln": nothing, "mkdir": make_directory, "mv": copy, "rm": remove,
    "sync": nothing, "tail": tail, "touch": touch,
}  # fmt: skip
