"""Columns line up as Go's tabwriter lines them up."""

from __future__ import annotations

from k8snb.kubectl.tabwriter import TabWriter, align


def test_a_column_is_as_wide_as_its_widest_cell_and_the_padding() -> None:
    assert align("a\tb\nlonger\tc\n") == "a       b\nlonger  c\n"


def test_what_follows_the_last_tab_belongs_to_no_column() -> None:
    assert align("a\tvery long indeed\nb\tx\n") == "a  very long indeed\nb  x\n"


def test_a_line_without_tabs_cuts_the_columns_above_from_those_below() -> None:
    assert align("a\tb\nTitle:\nlonger\tc\n") == "a  b\nTitle:\nlonger  c\n"


def test_a_line_with_fewer_cells_ends_a_column() -> None:
    assert align("a\tb\tc\nd\te\nlonger\tf\tg\n") == "a       b  c\nd       e\nlonger  f  g\n"


def test_empty_cells_keep_their_width() -> None:
    assert align("a\t\tb\nc\td\te\n") == "a     b\nc  d  e\n"


def test_a_column_is_never_narrower_than_the_minimum() -> None:
    assert align("a\tb\n", minimum=6, padding=3) == "a     b\n"


def test_widths_are_remembered_from_one_flush_to_the_next() -> None:
    writer = TabWriter()
    writer.row(["NAME", "READY"])
    writer.row(["a-long-name", "1/1"])
    assert writer.flush() == "NAME          READY\na-long-name   1/1\n"
    writer.row(["b", "0/1"])
    assert writer.flush() == "b             0/1\n"


def test_characters_are_counted_not_bytes() -> None:
    assert align("ä\tb\nxy\tc\n") == "ä   b\nxy  c\n"
