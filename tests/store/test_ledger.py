"""The ledger: every record that is changed, missing, doubled or stale is noticed, and so is a changed head."""

from __future__ import annotations

import random

import pytest

from k8snb.store.ledger import Damaged, Head, Record, Sum, verify


def record(name: str, revision: int = 2, body: bytes = b"{}") -> Record:
    return Record("configmaps", "default", name, revision, 0, b"[]", body)


def head(records: list[Record], revision: int = 9) -> Head:
    total = Sum()
    for each in records:
        total.take(each.digest)
    return Head(revision, len(records), str(total), {"now": 1.5})


ALL = [record("a", 3), record("b", 2), record("c", 9)]


def test_what_is_whole_is_read_in_the_order_of_revisions() -> None:
    kept = verify(Head.decoded(head(ALL).encoded()), [(each, each.digest) for each in ALL])
    assert (kept.records, kept.head) == ([ALL[1], ALL[0], ALL[2]], head(ALL))


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([*ALL[:2]], "it has 2 records and should have 3"),
        ([*ALL, ALL[0]], "record 4 is out of place"),
        ([*ALL[:2], record("c", 8)], "its records are not all of the same moment"),
        ([*ALL[:2], record("c", 10)], "record 3 is out of place"),
    ],
)
def test_records_that_are_not_those_that_were_kept_are_not_believed(records: list[Record], why: str) -> None:
    with pytest.raises(Damaged, match=why):
        verify(head(ALL), [(each, each.digest) for each in records])


def test_no_two_places_of_a_record_can_be_taken_for_each_other() -> None:
    one, other = record("a"), Record("configmaps", "defaulta", "", 2, 0, b"[]", b"{}")
    assert len({one.digest, other.digest, record("a", 3).digest, one._replace(expires=1).digest}) == 4
    assert one._replace(owners=b"", body=b"[]\0{}").digest != one.digest


def test_a_changed_head_is_not_believed() -> None:
    data = head(ALL).encoded()
    for at in range(0, len(data), 7):
        with pytest.raises(Damaged, match="its head does not match its checksum"):
            Head.decoded(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_a_sum_forgets_what_is_given_back_whatever_the_order() -> None:
    lots, digests = random.Random(1), [record(str(number)).digest for number in range(50)]
    total, mixed = Sum(), Sum()
    for each in digests[:30]:
        total.take(each)
    for each in lots.sample(digests, 50):
        mixed.take(each)
    for each in lots.sample(digests[30:], 20):
        mixed.give_back(each)
    assert str(mixed) == str(total) == str(Sum(str(total)))
