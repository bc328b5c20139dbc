"""A cell goes on where a live cluster cannot follow, and says what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from k8snb import NeedsEmbedded, StatusError
from k8snb.errors import not_found
from k8snb.live.leavingout import NAME, Leaving, leave_out, restore
from k8snb.machinery.scheme import Scheme
from tests.live.pages import NO_HISTORY

PODS = Scheme().find("pods")


def embedded() -> Any:
    raise NeedsEmbedded("needs the embedded cluster: fork")


def refused() -> Any:
    assert PODS is not None
    raise not_found(PODS, "web")


@pytest.fixture(scope="module")
def shell() -> Any:
    return InteractiveShell(config=NO_HISTORY)


@pytest.fixture
def cell(shell: Any) -> Any:
    """Runs a cell; its notes, the value of its last line, and the error that remains."""
    leave_out(shell)
    shell.user_ns |= {"embedded": embedded, "refused": refused, NAME: Leaving(lambda note: None)}

    def run(source: str) -> tuple[list[str], Any, str]:
        shell.user_ns[NAME].notes.clear()
        done = shell.run_cell(source, silent=True)
        error = done.error_in_exec
        return shell.user_ns[NAME].notes, done.result, type(error).__name__ if error else ""

    yield run
    restore(shell)


def test_the_rest_of_a_cell_runs(cell: Any, shell: Any) -> None:
    notes, _result, error = cell("a = 1\nembedded()\nb = 2\nc = a + b")
    assert (notes, shell.user_ns["c"], error) == (["needs the embedded cluster: fork"], 3, "")


def test_what_needs_what_was_left_out_is_left_out_as_well(cell: Any) -> None:
    notes, _result, error = cell(
        "twin, other = embedded(), 1\ntwin.advance(5)\nf'{twin}'\nother + 1\n[x for x in twin]"
    )
    assert notes == [
        "needs the embedded cluster: fork",
        *["left out: it needs twin, which is not there"] * 2,
        "left out: it needs other, which is not there",
        "left out: it needs twin, which is not there",
    ]
    assert error == ""


def test_a_refusal_is_told_in_the_clusters_words(cell: Any) -> None:
    assert cell("x = refused()") == (['the cluster refuses: pods "web" not found'], None, "")


def test_a_cluster_that_is_not_as_the_page_expects_is_told_so_and_a_mistake_is_an_error(cell: Any) -> None:
    told = "left out: this cluster is not as the page expects (IndexError: list index out of range)"
    assert cell("[][0]") == ([told], None, "")
    assert cell("nobody") == ([], None, "NameError")
    assert cell("embedded()\nnobody")[2] == ""
    assert cell("embedded()\n1 / 0")[2] == "ZeroDivisionError"


def test_values_names_and_blocks_are_those_of_the_cell(cell: Any, shell: Any) -> None:
    source = (
        "import math\ndef twice(x):\n    return 2 * x\nfor n in range(3):\n    total = twice(n)\n(m := 5)\ntotal + m"
    )
    assert cell(source) == ([], None, "")
    assert (shell.user_ns["total"], shell.user_ns["m"]) == (4, 5)
    assert cell("%timeit -n1 -r1 pass")[2] == ""


def test_on_the_embedded_cluster_cells_run_as_they_are_written(cell: Any, shell: Any) -> None:
    restore(shell)
    with pytest.raises(StatusError):
        refused()
    assert cell("refused()\n1") == ([], None, "StatusError")
