"""gzip as Go writes it."""

from __future__ import annotations

import gzip

from k8snb.helm.gzipping import gzipped


def test_records_and_archives_begin_as_those_of_helm_and_not_as_this_python_has_it() -> None:
    packed = gzipped(b"apiVersion: v2\n")
    assert packed[:10] == bytes.fromhex("1f8b08000000000002ff")
    assert gzip.decompress(packed) == b"apiVersion: v2\n"
