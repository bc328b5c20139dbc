"""Tables that fit on a phone, or say that they do not."""

from __future__ import annotations

import re

from k8snb.view.grid import Cell, Grid


def classes(grid: Grid) -> list[str]:
    return re.findall(r'<table class="([\w ]+)"', grid._repr_html_())


def test_what_is_too_wide_for_a_phone_carries_its_heads_in_its_cells() -> None:
    row = [Cell("default/index"), Cell("unschedulablePods"), Cell("NodeResourcesFit"), Cell("AssignedPodDelete")]
    wide = Grid("The queue", ("pod", "where", "turned away by", "tried again after", "attempts"), [[*row, Cell("1")]])
    assert classes(wide) == ["cards"]
    assert wide._repr_html_().count('<span class="column"') == 4
    told = Grid("What it says", ("claim", "value"), [[Cell("aud"), Cell("x" * 80)]])
    assert (classes(told), 'class="column"' in told._repr_html_()) == (["cards"], False)  # the first says what it is
    small = Grid("Two", ("pod", "where"), [row[:2]])
    assert (classes(small), 'class="column"' in small._repr_html_()) == ([], False)


def test_brief_cells_stand_beside_each_other_on_a_phone_too() -> None:
    row = [Cell("NodeResourcesBalancedAllocation ×1"), *[Cell("✓ 300", "0 → 100 ×3")] * 4]
    assert classes(Grid("A decision", ("plugin", *(f"node-{n}" for n in range(4))), [row])) == ["cards beside"]


def test_a_wide_matrix_of_marks_stays_one() -> None:
    verbs = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
    matrix = Grid("Who can", ("Who", *verbs), [[Cell("User jane"), *[Cell("✓")] * len(verbs)]])
    assert (classes(matrix), 'class="column"' in matrix._repr_html_()) == (["marks"], False)


def test_a_mark_in_a_note_stays_with_its_word() -> None:
    assert (
        "was\N{NO-BREAK SPACE}✓</span>"
        in Grid("Who may", ("who", "db"), [[Cell("a"), Cell("✗", "was ✓")]])._repr_html_()
    )


def test_a_title_breaks_where_a_long_expression_has_a_joint() -> None:
    assert "<strong>rate(<wbr>http_<wbr>requests_<wbr>total[1m])</strong>" in (
        Grid("rate(http_requests_total[1m])", ("value",), [[Cell("1")]])._repr_html_()
    )


def test_a_row_that_says_one_thing_has_the_width_of_the_table() -> None:
    rows = [[Cell("2 bindings that name others"), Cell(""), Cell("")], [Cell("read-pods"), Cell("get: pods"), Cell("")]]
    table = Grid("May jane?", ("Binding", "Rule", "Answer"), rows)._repr_html_()
    assert re.findall(r"<tr><th scope=\"row\"( colspan=\"\d\")?", table) == [' colspan="3"', ""]
