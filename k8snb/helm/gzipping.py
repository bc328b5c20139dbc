"""gzip as Go writes it, so that records and archives are the same bytes with every Python.

Python's own writes into the header which system it runs on, or does not, as its version and its zlib see fit.
"""

from __future__ import annotations

import struct
import zlib

HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
"""Deflated, at no time, as well as possible, on an unknown system."""


def gzipped(content: bytes) -> bytes:
    """The content, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    return HEADER + packed + struct.pack("<LL", zlib.crc32(content), len(content) & 0xFFFFFFFF)
