"""Bytes for people: as text with dots, and as `hexdump -C` prints them."""

from __future__ import annotations

_WIDTH = 16


def readable(data: bytes) -> str:
    """Bytes as text; what is no character is a dot."""
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
