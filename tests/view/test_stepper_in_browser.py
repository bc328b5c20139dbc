"""The stepper in a real browser: by mouse and by keyboard, in a narrow window, in the dark, and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.view.frames import Frame
from k8snb.view.stepper import Stepper
from tests.browser import Visit, needs_chromium
from tests.view import tape as make

pytestmark = [pytest.mark.browser, needs_chromium]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A stepper</title><style>body{{font-family:sans-serif;max-width:760px;margin:2rem auto;padding:0 12px}}
html[data-theme=dark] body{{background:#14181e;color:#ced6dd}}</style><body><main>{stepper}</main></body></html>"""


@pytest.fixture(scope="module")
def story() -> Stepper:
    return make.rollout().story("Rolling update of web")


@pytest.fixture(scope="module")
def url(story: Stepper, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(PAGE.format(stepper=story.html()), encoding="utf-8")
    return path.as_uri()


class Reader:
    """What a reader sees of a stepper and does with it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.host = page.locator("k8snb-stepper")
        self.section = self.host.locator("section")

    @property
    def step(self) -> int:
        """The number in the corner, counted from 1."""
        return int(self._told("root => root.querySelector('.count').innerText").split("/")[0])

    @property
    def actor(self) -> str:
        return str(self._told("root => root.querySelector('.actor').innerText"))

    @property
    def chips(self) -> dict[str, str]:
        """The pods shown, with the first line of what is said about them."""
        labels = self._told("root => [...root.querySelectorAll('.chip')].map(one => one.getAttribute('aria-label'))")
        return {label.split(", ")[0]: label.split(", ")[1] for label in labels}

    def _told(self, what: str) -> Any:
        """Something about what is inside, asked at once; a locator would look for it again and again."""
        return self.host.evaluate(f"host => ({what})(host.shadowRoot)")

    def press(self, *keys: str) -> None:
        self.section.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, name: str) -> None:
        self.host.get_by_role("button", name=name, exact=True).click()


def pods(story: Stepper, number: int) -> dict[str, str]:
    """What the history says about the pods at a step, counted from 1."""
    scene = story[number - 1].scene
    return {name[4:]: item["word"] for name, item in scene.items() if name.startswith("Pod/")}


def test_a_box_for_what_is_not_there_yet_names_its_kind_and_a_legend_says_what_it_is(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        boxes = visit.page.locator("k8snb-stepper .card.absent")
        assert boxes.all_inner_texts() == ["Deployment", "ReplicaSet", "ReplicaSet"]
        assert visit.page.locator("k8snb-stepper .free").inner_text() == "not in the picture at this step"


def test_the_keyboard_moves_through_the_whole_story(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url, motion="no-preference") as visit:
        reader = Reader(visit.page)
        assert reader.step == 1
        reader.section.focus()
        for number in range(2, len(story) + 1):
            visit.page.keyboard.press("ArrowRight")
            assert (reader.step, reader.actor, reader.chips) == (number, story[number - 1].actor, pods(story, number))
        reader.press("ArrowRight")
        assert reader.step == len(story)
        reader.press("Home", "ArrowDown", "ArrowDown", "ArrowUp")
        assert reader.step == 2
        reader.press("End", "ArrowLeft")
        assert reader.step == len(story) - 1
        assert reader.chips == pods(story, len(story) - 1)
        assert visit.troubles == []


def test_the_buttons_move_and_stop_at_both_ends(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url) as visit:
        reader = Reader(visit.page)
        assert reader.host.get_by_role("button", name="previous step").is_disabled()
        reader.click("next step")
        reader.click("next step")
        reader.click("previous step")
        assert reader.step == 2
        reader.click("last step")
        assert reader.step == len(story)
        assert reader.host.get_by_role("button", name="next step").is_disabled()
        reader.click("first step")
        assert reader.step == 1
        assert visit.troubles == []


def test_the_scrubber_and_the_score_go_anywhere(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url) as visit:
        reader = Reader(visit.page)
        reader.host.locator("input[type=range]").fill("19")
        assert reader.step == 20
        assert reader.chips == pods(story, 20)
        box = reader.host.locator("svg.score").bounding_box()
        visit.page.mouse.click(box["x"] + box["width"] - 1, box["y"] + 5)
        assert reader.step == len(story)
        visit.page.mouse.click(box["x"] + 1, box["y"] + 5)
        assert reader.step == 1


def test_because_leads_to_the_turn_that_caused_this_one(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url) as visit:
        reader = Reader(visit.page)
        number = next(i for i, frame in enumerate(story, 1) if frame.actor == "replicaset-controller")
        reader.host.locator("input[type=range]").fill(str(number - 1))
        reader.host.locator("button.because").click()
        assert reader.actor == "deployment-controller"
        assert any(act.revision == story[number - 1].cause for act in story[reader.step - 1].acts)


def test_space_plays_and_pauses(browser: Any, url: str) -> None:
    with Visit(browser, url, apart=True) as visit:
        visit.page.clock.install()
        visit.page.reload()
        reader = Reader(visit.page)
        reader.press(" ")
        assert reader.host.get_by_role("button", name="pause").count() == 1
        visit.page.clock.run_for(3000)
        assert reader.step == 3
        reader.press(" ")
        visit.page.clock.run_for(5000)
        assert reader.step == 3
        assert reader.host.get_by_role("button", name="play").count() == 1


def test_what_happens_is_spoken(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        reader = Reader(visit.page)
        reader.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
        spoken = reader.host.get_by_role("status").inner_text()
        assert spoken == "Step 5 of 45. deployment-controller: create revision 1 with 3 pods"
        scrubber = reader.host.get_by_role("slider")
        assert scrubber.get_attribute("aria-valuetext") == "Step 5 of 45: deployment-controller"
        assert reader.section.get_attribute("aria-label").startswith("Rolling update of web.")


OUT = """host => [...host.shadowRoot.querySelectorAll("*")]
  .filter(one => /auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1)
  .map(one => `${one.className}: ${one.scrollWidth} of ${one.clientWidth} pixels`)"""


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_sticks_out_at_any_width_in_any_view(browser: Any, story: Stepper, width: int, tmp_path: Path) -> None:
    path = tmp_path / "views.html"
    all_views = Stepper(story.title, story.frames, ("topology", "sequence", "diff", "timeline"))
    path.write_text(PAGE.format(stepper=all_views.html()), encoding="utf-8")
    with Visit(browser, path.as_uri(), width=width) as visit:
        reader = Reader(visit.page)
        reader.press("End")
        assert reader.host.locator(".chip").first.is_visible()
        for tab in reader.host.locator("[role=tab]").all():
            tab.click()
            for key in ("Home", "End"):
                reader.press(key)
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
                assert reader.host.evaluate(OUT) == []


def test_text_has_the_colour_of_the_page_in_light_and_dark(browser: Any, url: str) -> None:
    with Visit(browser, url, scheme="dark") as visit:
        visit.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        title = visit.page.locator("k8snb-stepper .title")
        assert title.evaluate("one => getComputedStyle(one).color") == "rgb(206, 214, 221)"


def test_on_paper_a_stepper_is_a_numbered_list(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url) as visit:
        assert not visit.page.locator("k8snb-stepper > ol").is_visible()
        visit.page.emulate_media(media="print")
        assert visit.page.locator("k8snb-stepper > ol").is_visible()
        assert not visit.page.locator("k8snb-stepper section").is_visible()
        assert visit.page.locator("k8snb-stepper > ol > li").count() == len(story)


def test_without_scripts_a_stepper_is_a_numbered_list(browser: Any, url: str, story: Stepper) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    assert page.locator("k8snb-stepper > ol > li").count() == len(story)
    assert page.locator("k8snb-stepper > ol").is_visible()
    context.close()


def test_two_steppers_on_a_page_do_not_disturb_each_other(browser: Any, story: Stepper, tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    path.write_text(PAGE.format(stepper=story.html() + story.html()), encoding="utf-8")
    with Visit(browser, path.as_uri()) as visit:
        first, second = visit.page.locator("k8snb-stepper").all()
        first.get_by_role("button", name="next step").click()
        assert first.locator(".count").inner_text() == "2 / 45"
        assert second.locator(".count").inner_text() == "1 / 45"
        assert visit.troubles == []


TOPS = """host => { const root = host.shadowRoot, next = root.querySelector("button.next"), tops = new Set();
  const box = selector => root.querySelector(selector).getBoundingClientRect();
  for (;;) { tops.add([box(".stage").top - box("section").top, box(".places").height].map(Math.round).join());
    if (next.disabled) return [...tops]; next.click(); } }"""


@pytest.mark.parametrize("width", [390, 1200])
def test_the_picture_keeps_its_place_and_its_nodes_their_height(browser: Any, url: str, width: int) -> None:
    with Visit(browser, url, width=width) as visit:
        visit.settle()
        assert len(Reader(visit.page).host.evaluate(TOPS)) == 1


NODES = """host => { const root = host.shadowRoot, next = root.querySelector("button.next"), nodes = {};
  const numbers = new Map(), number = node => numbers.get(node) ?? numbers.set(node, numbers.size).get(node);
  for (;;) {
    const note = (name, elements) => (nodes[name] ??= new Set()).add(elements.map(number).join());
    for (const chip of root.querySelectorAll(".chip"))
      note(chip.getAttribute("aria-label").split(",")[0], [chip, chip.firstChild]);
    for (const card of root.querySelectorAll(".card:not(.absent)"))
      note(card.textContent.split(" ")[0], [card, ...card.querySelectorAll(".card-name > *")]);
    if (next.disabled) return Object.entries(nodes).filter(([, all]) => all.size > 1).map(([name]) => name);
    next.click(); } }"""


def test_an_object_is_the_same_element_from_step_to_step_whatever_changes_about_it(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        assert Reader(visit.page).host.evaluate(NODES) == []


HEARD = """menus => new Promise(heard => {
  document.querySelector("main").classList.toggle("show", menus);
  let clicks = 0;
  document.addEventListener("click", () => clicks++, { once: true });
  document.querySelector("k8snb-stepper").shadowRoot.querySelector("button.next").click();
  heard(clicks); })"""


def test_the_page_hears_of_clicks_in_a_stepper_only_while_it_has_a_menu_to_close(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        assert [visit.page.evaluate(HEARD, menus) for menus in (False, True)] == [0, 1]
        assert Reader(visit.page).step == 3


def test_on_a_phone_the_yaml_of_what_was_tapped_is_in_sight_with_it(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "pin.html"
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=3")
    cluster.settle()
    path.write_text(PAGE.format(stepper=cluster.stepper("web").html()), encoding="utf-8")
    with Visit(browser, path.as_uri(), width=360, height=740) as visit:
        reader = Reader(visit.page)
        reader.press("End")
        chip = reader.host.locator(".chip").first
        chip.evaluate("chip => chip.scrollIntoView({ block: 'center' })")
        chip.click()
        seat, yaml = chip.bounding_box(), reader.host.locator(".pinned").bounding_box()
        assert 0 < seat["y"] + seat["height"] <= yaml["y"]
        assert yaml["y"] + yaml["height"] <= 740


def test_a_story_without_views_is_told_in_words(browser: Any, story: Stepper, tmp_path: Path) -> None:
    path = tmp_path / "words.html"
    path.write_text(PAGE.format(stepper=Stepper("In words", story.frames, ()).html()), encoding="utf-8")
    with Visit(browser, path.as_uri()) as visit:
        reader = Reader(visit.page)
        reader.press("ArrowRight")
        assert (reader.step, reader.host.locator(".panels > *").count()) == (2, 0)
        assert visit.troubles == []


def test_what_has_a_place_and_words_but_no_state_is_in_every_view(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.html"
    scenes = ({"Node/a": {}, "Log/a": {"place": "Node/a", "word": f"{number} of 2"}} for number in (1, 2))
    frames = [Frame("etcd", "", "", number, number, scene=scene) for number, scene in enumerate(scenes)]
    path.write_text(PAGE.format(stepper=Stepper("A log", frames, ("topology", "timeline")).html()), encoding="utf-8")
    with Visit(browser, path.as_uri()) as visit:
        host = Reader(visit.page).host
        assert host.locator(".chip .word").all_inner_texts() == ["1 of 2"]
        host.get_by_role("tab", name="Timeline").click()
        assert host.locator(".phase .band").all_inner_texts() == ["1 of 2", "2 of 2"]
        assert visit.troubles == []


def test_what_went_wrong_is_told_in_the_diff_as_well(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "wrong.html"
    frames = [Frame("agent", "", "", 0, 1, error="the packet is dropped", scene={"Node/a": {}})]
    path.write_text(PAGE.format(stepper=Stepper("A packet", frames, ("topology", "diff")).html()), encoding="utf-8")
    with Visit(browser, path.as_uri()) as visit:
        host = Reader(visit.page).host
        host.get_by_role("tab", name="Diff").click()
        assert host.locator(".follows").inner_text() == "Therefore: the packet is dropped"
        assert visit.troubles == []


def test_every_step_can_be_clicked_through_and_its_cost_is_printed(browser: Any, url: str, story: Stepper) -> None:
    with Visit(browser, url) as visit:
        spent = visit.page.evaluate(
            """() => { const root = document.querySelector("k8snb-stepper").shadowRoot;
            const next = root.querySelector("button.next"), times = [];
            while (!next.disabled) { const t = performance.now(); next.click(); root.host.offsetHeight;
              times.push(performance.now() - t); }
            return times.sort((a, b) => a - b); }"""
        )
        print(f"a step takes {spent[len(spent) // 2]:.1f} ms, at worst {spent[-1]:.1f} ms")
        assert len(spent) == len(story) - 1
