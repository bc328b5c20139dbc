"""`etcdctl get`, for looking at what the cluster's database holds.

    %etcdctl get /registry/secrets/default/login | hexdump -C
    %etcdctl get /registry/secrets/ --prefix --keys-only

What is read is what lies in the store, not what the API server makes of it: no permissions, no decryption.
`hexdump -C` is the one program behind a pipe that is understood. Bytes that are no characters are shown as dots.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from k8snb.apiserver.rawstore import RawStore
from k8snb.i18n import _

_WIDTH = 16
_FLAGS = frozenset(("--prefix", "--keys-only", "--print-value-only", "--count-only"))


def run(store: RawStore, line: str) -> str:
    """What a command prints."""
    command, _pipe, behind = line.partition("|")
    words = shlex.split(command)
    flags = {word for word in words if word.startswith("--")}
    names = [word for word in words if word not in flags]
    if names[:1] != ["get"] or len(names) != 2 or flags - _FLAGS:
        return (
            _("Usage: etcdctl get KEY [--prefix] [--keys-only] [--print-value-only] [--count-only] [| hexdump -C]")
            + "\n"
        )
    found = [key for key, _event in store.items(names[1]) if "--prefix" in flags or key == names[1]]
    if "--count-only" in flags:
        return f"{len(found)}\n"
    printed = b"".join(_lines(store, found, flags))
    return hexdump(printed) if behind.split()[:1] == ["hexdump"] else _readable(printed)


def _lines(store: RawStore, keys: list[str], flags: set[str]) -> Iterator[bytes]:
    for key in keys:
        if "--print-value-only" not in flags:
            yield key.encode() + b"\n"
        yield (b"" if "--keys-only" in flags else store.get(key) or b"") + b"\n"


def _readable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 or byte == 10 else "." for byte in data)


def hexdump(data: bytes) -> str:
    """Sixteen bytes a line: where, in hexadecimal, and as text; lines that repeat the one before are one star."""
    lines: list[str] = []
    last = b""
    for at in range(0, len(data), _WIDTH):
        row = data[at : at + _WIDTH]
        if row == last:
            lines += [] if lines[-1] == "*" else ["*"]
            continue
        last = row
        halves = " ".join(f"{byte:02x}" for byte in row[:8]), " ".join(f"{byte:02x}" for byte in row[8:])
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:08x}  {halves[0]:<23}  {halves[1]:<23}  |{text}|")
    return "".join(f"{line}\n" for line in [*lines, f"{len(data):08x}"])
