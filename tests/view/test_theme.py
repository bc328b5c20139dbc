"""The palette is legible on light and dark pages, and no kind or state looks like another by colour alone."""

from __future__ import annotations

import re

import pytest

from k8snb.machinery.scheme import ROWS
from k8snb.view import theme

BACKGROUNDS = ("#ffffff", "#f5f5f5", theme.DARK_BACKGROUND, "#111111")


@pytest.mark.parametrize("name", theme.HUES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_hue_stands_out_from_light_and_dark_pages(name: str, background: str) -> None:
    assert theme.contrast(theme.hue(name), background) >= 3


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_kind_has_a_glyph_of_its_own_and_a_hue_of_the_palette() -> None:
    glyphs = [look.glyph for kind, look in theme.KINDS.items() if kind not in ("User", "Volume")]
    assert len(set(glyphs)) == len(glyphs)
    assert {look.hue for look in theme.KINDS.values()} <= set(theme.HUES)


@pytest.mark.parametrize("look", [*theme.KINDS.values(), theme.UNKNOWN])
def test_a_glyph_is_path_data_and_nothing_else(look: theme.Look) -> None:
    assert re.fullmatch(r"[MmLlHhVvCcSsAaZz0-9., -]+", look.glyph)


def test_a_kind_without_a_row_has_a_look() -> None:
    assert theme.look("Gizmo") == theme.UNKNOWN


def test_actors_generations_and_states_use_the_palette() -> None:
    used = {*theme.ACTORS.values(), *theme.GENERATIONS, *(state.hue for state in theme.STATES.values())}
    assert used <= set(theme.HUES)
    assert theme.actor_hue("kubelet node-2") == theme.actor_hue("kubelet")
    assert theme.actor_hue("somebody") == "slate"
    assert theme.generation_hue(1) == theme.generation_hue(7) != theme.generation_hue(2)


def test_components_of_one_story_differ_in_their_hue_and_the_well_known_keep_theirs() -> None:
    lanes = ["job-controller", "you", "kubelet", "scheduler", "csi-attacher", "somebody", "else"]
    hues = theme.actor_hues(lanes)
    assert len(set(hues.values())) == len(lanes)
    assert (hues["you"], hues["scheduler"], hues["somebody"]) == ("pink", "amber", "slate")


def test_where_there_are_more_components_than_hues_some_share_their_own() -> None:
    hues = theme.actor_hues(theme.ACTORS)
    assert set(hues.values()) == set(theme.HUES)
    assert hues["kube-apiserver"] == theme.actor_hue("kube-apiserver")


def test_states_of_one_hue_differ_in_their_mark() -> None:
    assert len({(state.hue, state.mark) for state in theme.STATES.values()}) == len(theme.STATES)


PAGES = (("#ffffff", "#323232"), (theme.DARK_BACKGROUND, "#ced6dd"))
"""The book's two themes: background and text."""


@pytest.mark.parametrize(("page", "_text"), PAGES)
@pytest.mark.parametrize("name", theme.HUES)
def test_a_glyph_stands_out_from_the_tint_of_its_own_box(name: str, page: str, _text: str) -> None:
    hue = theme.hue(name)
    assert theme.contrast(hue, theme.mixed(hue, page, theme.TINT)) >= 3


@pytest.mark.parametrize(("page", "_text"), PAGES)
@pytest.mark.parametrize("state", theme.STATES.values(), ids=theme.STATES)
def test_a_mark_stands_out_from_the_box_of_every_hue(state: theme.State, page: str, _text: str) -> None:
    for name in theme.HUES:
        box = theme.mixed(theme.hue(name), page, theme.TINT)
        assert theme.contrast(theme.hue(state.hue), box) >= 3, name


@pytest.mark.parametrize(("page", "text"), PAGES)
@pytest.mark.parametrize("name", theme.HUES)
def test_words_are_legible_in_every_box_quiet_ones_too(name: str, page: str, text: str) -> None:
    within = theme.mixed(theme.hue(name), theme.mixed(theme.hue(name), page, theme.GROUND), theme.TINT)
    assert theme.contrast(theme.mixed(text, within, theme.QUIET), within) >= 4.5


def test_every_kind_that_is_served_has_a_glyph() -> None:
    stored = {row.kind for row in ROWS if "list" in row.verbs}
    assert stored - theme.KINDS.keys() == set()
