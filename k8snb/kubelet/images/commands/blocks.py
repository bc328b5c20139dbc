"""`dd`: blocks from a file or a device to another place.

The devices that never end (`/dev/zero`, `/dev/urandom`) exist here only: what they give is one block that is said again
and again, so a file of a gigabyte takes the memory of a megabyte. Random bytes are ASCII, because files hold text here,
and the same in every run. Copying takes virtual time at the speed of a disk.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from k8snb.kubelet.images.filesystem import MISSING, FileError
from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run, Wait, to_file

BYTES_PER_SECOND = 1_000_000_000
MOST_BYTES = 64 * 1024**3
"""The room on a node's disk; whoever wants to write more finds it full."""
_PIECE = 1024**2
_UNITS = {
    "": 1, "c": 1, "w": 2, "b": 512, "k": 1024, "K": 1024, "kB": 1000, "KB": 1000, "KiB": 1024, "M": 1024**2,
    "MB": 1000**2, "MiB": 1024**2, "G": 1024**3, "GB": 1000**3, "GiB": 1024**3,
}  # fmt: skip
_NUMBERS = ("bs", "ibs", "obs", "count", "skip", "seek")
_OPERANDS = (*_NUMBERS, "if", "of", "conv", "status", "iflag", "oflag")


def endless(device: str, length: int) -> str | None:
    """So much of what a device that never ends gives; None if the name is no such device's."""
    if device == "/dev/zero":
        return "\0" * length
    if device in {"/dev/random", "/dev/urandom"}:
        return hashlib.shake_128(b"k8snb").digest(length).translate(_ASCII).decode("ascii")
    return None


_ASCII = bytes(byte & 0x7F for byte in range(256))


def number(text: str) -> int | None:
    """A count of bytes as `dd` and `head` read it (`512`, `4k`, `1M`); None if it is none."""
    match = re.fullmatch(r"(\d+)([a-zA-Z]*)", text)
    if match is None or match.group(2) not in _UNITS:
        return None
    return int(match.group(1)) * _UNITS[match.group(2)]


class _Asked(NamedTuple):
    """The operands."""

    source: str
    target: str
    block: int
    blocks: int | None
    skip: int
    seek: int
    truncate: bool
    quiet: bool


def dd(call: Invocation) -> Run:
    """`dd if=FILE of=FILE bs=N count=N skip=N seek=N conv=notrunc status=none`."""
    asked = _asked(call)
    if isinstance(asked, str):
        return call.fail(asked)
    try:
        pieces, size = _source(call, asked)
        if size is None:
            return (yield from _for_ever(call, asked))
        yield from _copy(call, asked, pieces, size)
    except FileError as error:
        verb = "can't open" if call.process.image.shell == "busybox" else "failed to open"
        return call.fail(f"{verb} '{error.path}': {error.why}")
    if not asked.quiet:
        call.streams.err(_report(size, asked.block, busybox=call.process.image.shell == "busybox"))
    return 0


def _asked(call: Invocation) -> _Asked | str:
    """The operands, or what is wrong with them."""
    given: dict[str, str] = {}
    for word in call.argv[1:]:
        name, equals, value = word.partition("=")
        if not equals or name not in _OPERANDS:
            return f"unrecognized operand '{word}'"
        given[name] = value
    numbers = {name: number(given[name]) for name in _NUMBERS if name in given}
    wrong = [given[name] for name, value in numbers.items() if value is None]
    if wrong:
        return f"invalid number '{wrong[0]}'"
    block = numbers.get("bs") or numbers.get("ibs") or 512
    skip, seek = numbers.get("skip") or 0, numbers.get("seek") or 0
    truncate = "notrunc" not in given.get("conv", "").split(",")
    quiet = given.get("status") == "none"
    return _Asked(given.get("if", ""), given.get("of", ""), block, numbers.get("count"), skip, seek, truncate, quiet)


def _source(call: Invocation, asked: _Asked) -> tuple[Iterator[str], int | None]:
    """What is read, in pieces, and how much it is: None if there is no end to it."""
    wanted = None if asked.blocks is None else asked.blocks * asked.block
    if endless(asked.source, 0) is not None:
        return _repeated(asked.source, wanted or 0), wanted
    path = call.shell.path(asked.source)
    if asked.source and not call.process.files.exists(path):
        raise FileError(MISSING, asked.source)
    text = call.process.files.read(path) if asked.source else call.streams.input.read()
    start = asked.skip * asked.block
    text = text[start : None if wanted is None else start + wanted]
    return iter([text]), len(text.encode())


def _repeated(device: str, size: int) -> Iterator[str]:
    piece = endless(device, min(size, _PIECE)) or ""
    for _ in range(size // len(piece) if piece else 0):
        yield piece
    if piece and size % len(piece):
        yield piece[: size % len(piece)]


def _copy(call: Invocation, asked: _Asked, pieces: Iterator[str], size: int) -> Run:
    files = call.process.files
    if size > MOST_BYTES and asked.target not in {"", "/dev/null"}:
        raise FileError("No space left on device", asked.target)
    write = call.streams.out
    if asked.target:
        path = call.shell.path(asked.target)
        kept = files.read(path) if files.is_file(path) else ""
        start = asked.seek * asked.block
        write = to_file(files, path, append=False)
        write(kept[:start].ljust(start, "\0"))
        for piece in pieces:
            write(piece)
        if not asked.truncate:
            write(kept[start + size :])
    else:
        for piece in pieces:
            write(piece)
    yield Wait(size / BYTES_PER_SECOND, busy=True)
    return 0


def _for_ever(call: Invocation, asked: _Asked) -> Run:
    """Without a count from a device without an end: into nothing for ever, into a file until the disk is full."""
    if asked.target in {"", "/dev/null"}:
        yield Wait(None, busy=True)
        return 0
    call.process.files.write(call.shell.path(asked.target), "")
    yield Wait(MOST_BYTES / BYTES_PER_SECOND, busy=True)
    return call.fail(f"error writing '{asked.target}': No space left on device")


def _report(size: int, block: int, *, busybox: bool) -> str:
    """What `dd` says at its end, in the words of either kind."""
    records = f"{size // block}+{int(size % block > 0)}"
    seconds = size / BYTES_PER_SECOND
    if busybox:
        copied, speed = f"{size} bytes ({_binary(size)})", "953.7MB/s"
        took = f"{seconds:.6f} seconds"
    else:
        sizes = [part for part in (_decimal(size), _scaled(size, 1024, ("KiB", "MiB", "GiB"))) if part]
        copied, speed = f"{size} bytes" + (f" ({', '.join(sizes)})" if sizes else ""), "1.0 GB/s"
        took = f"{seconds:.6g} s"
    return f"{records} records in\n{records} records out\n{copied} copied, {took}, {speed}\n"


def _binary(size: int) -> str:
    for unit, name in ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:.1f}{name}"
    return f"{size}B"


def _decimal(size: int) -> str:
    return _scaled(size, 1000, ("kB", "MB", "GB"))


def _scaled(size: int, base: int, names: tuple[str, ...]) -> str:
    """`42 MB`, `4.1 kB`: two digits; empty below the first unit."""
    for power in range(len(names), 0, -1):
        if size >= base**power:
            value = size / base**power
            return f"{value:.1f} {names[power - 1]}" if value < 10 else f"{round(value)} {names[power - 1]}"
    return ""


COMMANDS: dict[str, Command] = {"dd": dd}
