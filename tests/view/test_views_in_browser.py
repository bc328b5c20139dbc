"""The views of a stepper in a real browser, held against the history of the cluster at every step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8snb import Cluster
from k8snb.view.stepper import Stepper
from tests.browser import Visit, needs_chromium
from tests.view.test_stepper_in_browser import PAGE, Reader

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2, seed=1)
    made.kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    made.kubectl("expose deployment web --port=80")
    made.settle()
    return made


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Stepper:
    before = cluster.revision
    cluster.kubectl("set image deployment/web nginx=nginx:1.28")
    cluster.settle()
    return cluster.stepper("Rolling update of web", since=before)


@pytest.fixture(scope="module")
def url(story: Stepper, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(PAGE.format(stepper=story.html()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def reader(browser: Any, url: str) -> Iterator[Reader]:
    with Visit(browser, url) as visit:
        yield Reader(visit.page)
        assert visit.troubles == []


def texts(reader: Reader, selector: str) -> list[str]:
    return [text.strip() for text in reader.host.locator(selector).all_inner_texts()]


def read(text: str) -> Any:
    """What stands in a YAML, all of it as words."""
    return yaml.load(text, yaml.CBaseLoader)


def plain(obj: Any) -> Any:
    """An object as `kubectl get -o yaml` shows it."""
    meta = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": meta}


def phases(story: Stepper, pod: str) -> list[str]:
    """The words for a pod's states, one for each stretch of time in which it had that."""
    end = story[-1].time
    found: list[tuple[float, str]] = []
    for frame in story:
        word = frame.scene[pod]["word"] if pod in frame.scene else ""
        if not found or found[-1][1] != word:
            found.append((frame.time, word))
    ends = [*(time for time, _word in found[1:]), end]
    return [word for (start, word), stop in zip(found, ends, strict=True) if word and (stop > start or start == end)]


def test_a_pinned_object_is_read_as_it_was_at_every_step(reader: Reader, cluster: Cluster, story: Stepper) -> None:
    pod = next(name for name in story[-1].scene if name.startswith("Pod/"))
    reader.press("End")
    reader.host.locator(".chip", has_text=pod[-5:]).click()
    for number in range(len(story), 0, -1):
        revision = story[number - 1].revision
        name = pod.removeprefix("Pod/")
        was = next((p for p in cluster.at(revision).list("pods", "default") if p["metadata"]["name"] == name), None)
        shown = read("".join(reader.host.locator(".pinned code").all_inner_texts()))
        assert shown == (read(yaml.dump(plain(was), Dumper=yaml.CDumper)) if was else None)
        reader.press("ArrowLeft")


def test_what_changed_in_the_pinned_object_is_marked(reader: Reader, story: Stepper) -> None:
    reader.host.get_by_role("button", name="read the YAML of Deployment web").click()
    assert "spec:" in texts(reader, ".pinned code")[0]
    reader.press("Home")
    marked = texts(reader, ".pinned ins")
    assert any("image: nginx:1.28" in line for line in marked) or "new at this step" in texts(reader, ".pinned .when")
    reader.press("n")
    changed = story[reader.step - 1]
    assert "Deployment/web" in changed.touched
    assert any("resourceVersion" in line for line in texts(reader, ".pinned ins"))
    reader.press("p", "Escape")
    assert reader.host.locator(".pinned").is_hidden()


def test_the_sequence_shows_every_request_and_what_it_was_caused_by(reader: Reader, story: Stepper) -> None:
    reader.host.get_by_role("tab", name="Sequence").click()
    for frame in story:
        told = reader.host.locator(".turn.now title").evaluate_all("all => all.map(one => one.textContent)")
        expected = [f"hears of @{frame.cause}"] if frame.cause else []
        for act in frame.acts:
            expected.append(f"event {act.note}" if act.note else f"{act.verb} {act.object}")
            expected.append(f"@{act.revision}")
        assert told == expected
        reader.press("ArrowRight")
    thoughts = dict(zip(texts(reader, ".thoughts dt"), texts(reader, ".thoughts dd"), strict=True))
    latest = {frame.actor: frame.caption for frame in story if frame.caption}
    assert {name: thought.rsplit("step", 1)[0].strip() for name, thought in thoughts.items()} == latest


def test_words_of_several_lines_have_one_middle_on_a_phone(browser: Any, url: str) -> None:
    lines = "all => all.map(words => [...words.querySelectorAll('tspan')].map(line => line.getAttribute('x')))"
    with Visit(browser, url, width=360) as visit:
        reader = Reader(visit.page)
        reader.host.get_by_role("tab", name="Sequence").click()
        middles = reader.host.locator(".turn text").evaluate_all(lines)
        assert {len(set(each)) for each in middles if len(each) > 1} == {1}


def test_upright_names_keep_the_tail_by_which_they_differ(browser: Any, tmp_path: Path) -> None:
    made = Cluster(nodes=1, seed=1)
    made.add_driver("disks.example.com")
    made.kubectl("apply -f manifests/architecture/csi.yaml")
    made.settle()
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(stepper=made.mounting("pvc/ledger").html()), encoding="utf-8")
    with Visit(browser, page.as_uri(), width=360) as visit:
        reader = Reader(visit.page)
        reader.host.get_by_role("tab", name="Sequence").click()
        assert {"driver-controller", "driver-node node-1"} < set(texts(reader, ".column span"))


def test_the_diff_puts_observed_and_desired_side_by_side(reader: Reader, story: Stepper) -> None:
    reader.host.get_by_role("tab", name="Diff").click()
    for frame in story:
        cells = reader.host.locator(".compare tbody tr:not(.part)").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        compared = [[name, one, "≠" if one != other else "=", other] for name, one, other in frame.compared]
        known = {name for name, *_ in frame.compared}
        seen = [[name, value, "", ""] for name, value in frame.observed if name not in known]
        changed = [
            [change.path, change.before or "∅", "≠", change.after or "∅"]
            for act in frame.acts
            for change in act.changes[:6]
        ]
        assert cells == [*compared, *seen, *changed]
        assert texts(reader, ".compare .none") == ([] if cells else ["Nothing is compared in this step."])
        reader.press("ArrowRight")


def test_nothing_below_a_stepper_moves_while_it_is_stepped(browser: Any, url: str) -> None:
    heights = """stepper => {
        const range = stepper.shadowRoot.querySelector("input[type=range]");
        const found = new Set();
        for (range.value = 0; ; range.stepUp()) {
            range.dispatchEvent(new Event("input"));
            found.add(Math.round(stepper.getBoundingClientRect().height));
            if (range.value === range.max) return [...found];
        }
    }"""
    for width in (360, 1200):
        with Visit(browser, url, width=width) as visit:
            reader = Reader(visit.page)
            for view in ("Topology", "Sequence", "Diff", "Timeline"):
                reader.host.get_by_role("tab", name=view).click()
                assert (view, width, len(reader.host.evaluate(heights))) == (view, width, 1)


def test_a_story_that_begins_with_its_diff_gives_it_the_same_room(
    browser: Any, url: str, story: Stepper, tmp_path: Path
) -> None:
    other = tmp_path / "page.html"
    other.write_text(PAGE.format(stepper=Stepper(story.title, story.frames, ("diff", "topology")).html()), "utf-8")
    rooms = []
    for address in (url, other.as_uri()):
        with Visit(browser, address) as visit:
            host = Reader(visit.page).host
            host.get_by_role("tab", name="Diff").click()
            tall = host.locator(".window").evaluate_all("all => all.map(one => one.offsetHeight)")
            host.get_by_role("tab", name="Topology").click()
            rooms.append([*tall, host.locator(".words").evaluate("words => words.offsetHeight")])
    assert rooms[0] == rooms[1]
    assert min(rooms[1]) > 20


def test_the_timeline_has_a_band_for_every_state_a_pod_was_in(reader: Reader, story: Stepper) -> None:
    reader.host.get_by_role("tab", name="Timeline").click()
    pods = list(dict.fromkeys(name for frame in story for name in frame.scene if name.startswith("Pod/")))
    said = [text.replace("\n", "") for text in texts(reader, ".phase .label")]
    labels = [text for text in said if text.startswith("web-") and "·" not in text]
    assert labels == [name.removeprefix("Pod/") for name in pods]
    for number, pod in enumerate(pods):
        row = reader.host.locator(".phase").nth(number)
        assert [text.strip() for text in row.locator(".band").all_inner_texts()] == phases(story, pod)
    reader.press("End")
    assert reader.host.locator(".cursor").get_attribute("x1") == "100%"


def test_a_key_goes_to_the_next_turn_of_the_same_component(reader: Reader, story: Stepper) -> None:
    reader.press("ArrowRight", ".")
    actor = story[1].actor
    assert reader.step == 1 + next(i for i in range(2, len(story)) if story[i].actor == actor)
    reader.press(",")
    assert reader.step == 2


def test_a_question_mark_shows_the_keys_and_hides_them(reader: Reader) -> None:
    reader.press("?")
    assert reader.host.locator(".keys").is_visible()
    reader.press("?")
    assert reader.host.locator(".keys").is_hidden()


def test_the_speed_can_be_changed(reader: Reader) -> None:
    reader.press("+", "+")
    assert texts(reader, "button.pace") == ["4×"]
    reader.press("-")
    assert texts(reader, "button.pace") == ["2×"]


def test_an_address_leads_to_a_step(browser: Any, url: str) -> None:
    with Visit(browser, f"{url}#step=12") as visit:
        reader = Reader(visit.page)
        assert reader.step == 12
        reader.press("ArrowRight")
        reader.click("link to this step")
        assert visit.page.evaluate("location.hash") == "#step=13"
        visit.page.evaluate("location.hash = '#step=3'")
        reader.host.get_by_text("3 / ").wait_for()
        assert visit.troubles == []


def test_tabs_are_turned_by_arrow_keys(reader: Reader) -> None:
    reader.host.get_by_role("tab", name="Topology").focus()
    reader.page.keyboard.press("ArrowRight")
    assert texts(reader, "[role=tab][aria-selected=true]") == ["Sequence"]
    assert reader.step == 1


def test_arrows_lead_from_owners_to_their_pods(reader: Reader, story: Stepper) -> None:
    pods = [item for name, item in story[0].scene.items() if name.startswith("Pod/")]
    assert reader.host.locator(".links .owns").count() == len(pods)
    assert reader.host.locator(".links .lists").count() == sum(len(item.get("in", ())) for item in pods)
