"""Terms, objectives and links of the book fit its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8snb.book.chart import chart
from k8snb.book.contents import Contents
from k8snb.book.links import NEAREST, Links
from k8snb.book.objectives import exams, line, objectives, pages
from k8snb.book.terms import Term, Terms, terms

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def contents() -> Contents:
    return Contents(ROOT)


def test_terms_are_in_the_order_of_the_alphabet_and_each_is_a_sentence() -> None:
    names = [term.name for term in terms().all]
    assert names == sorted(names, key=str.lower)
    assert [term.name for term in terms().all if not re.fullmatch(r"[A-Z].*\.", term.means)] == []


def test_every_term_is_used_on_the_page_that_defines_it(contents: Contents) -> None:
    def used(term: Term) -> bool:
        return any(piece.term == term for piece in Terms([term]).pieces(contents.text(term.page)))

    assert [term.name for term in terms().all if term.page not in contents.pages or not used(term)] == []


def test_a_term_is_found_as_a_word_of_its_own_in_the_singular_and_the_plural() -> None:
    found = terms().pieces("Pods on nodes; a Service, services, kubelet-like, network namespaces and `pod`s.")
    assert [(piece.text, piece.term.name) for piece in found if piece.term] == [
        ("Pods", "pod"),
        ("nodes", "node"),
        ("Service", "Service"),
    ]


def test_words_that_mean_something_else_on_a_page_are_no_terms_there() -> None:
    text = "The field selector of operators; a DNS label and a label."

    def named(page: str) -> list[str]:
        return [piece.term.name for piece in terms().pieces(text, page) if piece.term]

    assert (named("first-app/pod"), named("architecture/scheduler")) == (["operator", "label"], ["label"])
    assert {page for term in terms().all for page in term.not_on} <= set(Contents(ROOT).pages)


def test_every_page_of_a_concept_serves_objectives_that_the_curricula_have(contents: Contents) -> None:
    assert set(pages()) == set(contents.pages)
    assert {name for names in pages().values() for name in names} <= set(objectives())
    assert all(pages().values())


def test_the_domains_of_an_exam_add_up_to_all_of_it() -> None:
    for exam in exams():
        assert (
            sum(weight for _domain, weight in {(o.domain, o.weight) for o in objectives().values() if o.exam == exam})
            == 100
        )


def test_an_exam_line_has_the_domain_its_weight_and_the_topics() -> None:
    assert line("workloads/autoscaling").replace("\N{NO-BREAK SPACE}", "~") == (
        "CKA Workloads & Scheduling (15~%): autoscaling; CKA Troubleshooting (30~%): use of resources"
    )


def test_pages_of_the_same_title_are_told_apart(contents: Contents) -> None:
    assert [contents.name(page) for page in ("first-app/pod", "production/capstone", "workloads/capstone")] == [
        "Pod",
        "Capstone: into production",
        "Capstone: an application that runs itself",
    ]


def test_every_page_is_near_to_some_and_the_map_leads_to_all(contents: Contents) -> None:
    links = Links(contents, terms())
    assert {len(near) for near in links.nearest.values()} == {NEAREST}
    drawn = chart(contents, links, lambda page: f"{page}.html")
    assert [page for page in contents.pages if f'href="{page}.html"' not in drawn] == []
