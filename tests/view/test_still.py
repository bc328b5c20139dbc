"""The still picture of a scene: it shows what the stepper shows, says it in words, and fits what it writes."""

from __future__ import annotations

import re

from k8snb import Cluster
from k8snb.view.still import alternative, still, stills


def scene_of(command: str) -> dict[str, dict[str, object]]:
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl(command)
    cluster.settle()
    return dict(cluster.stepper()[-1].scene)  # type: ignore[arg-type]


def test_a_still_says_every_object_of_the_scene_in_words() -> None:
    scene = scene_of("create deployment web --image=nginx --replicas=2")
    said = alternative(scene).split("; ")
    assert len(said) == len(scene)
    assert said[0] == "Deployment web: wanted 2, have 2, updated 2, ready 2"
    assert f'aria-label="In the end: {said[0]};' in still(scene)


def test_a_still_draws_every_pod_on_its_node_with_its_mark() -> None:
    scene = scene_of("create deployment web --image=nginx --replicas=3")
    pods = [name.rpartition("-")[2] for name in scene if name.startswith("Pod/")]
    words = re.findall(r">([^<>]+)</text>", still(scene))
    assert [word for word in words if word.endswith("  Running")] == [
        f"{pod}  Running" for pod in sorted_by_node(scene, pods)
    ]
    assert words.count("●") == 3


def sorted_by_node(scene: dict[str, dict[str, object]], pods: list[str]) -> list[str]:
    places = {
        name.rpartition("-")[2]: str(item.get("place")) for name, item in scene.items() if name.startswith("Pod/")
    }
    return sorted(pods, key=lambda pod: (places[pod], pods.index(pod)))


def test_facts_that_do_not_fit_go_on_below_and_wide_letters_take_more_room() -> None:
    plain, chinese = (
        re.findall(r"<text[^>]*>([^<>]+)</text>", still({"Deployment/web": {"facts": [["image", letter * 90]]}}))
        for letter in "x很"
    )
    assert [len(line) for line in plain] == [15, 5, 38, 38, 14]
    assert "".join(chinese[1:]).replace(" ", "") == "image" + "很" * 90
    assert len(chinese) > len(plain)


def test_a_fact_stays_in_one_line() -> None:
    facts = [[label, "3"] for label in ("wanted", "have", "updated", "ready")]
    words = re.findall(r"<text[^>]*>([^<>]+)</text>", still({"Deployment/web": {"facts": facts}}))
    assert words[1:] == ["wanted 3 · have 3 · updated 3", "ready 3"]


def test_the_word_of_a_pod_that_does_not_fit_is_cut() -> None:
    pod = {"place": "Node/node-1", "state": "failing", "word": "CreateContainerConfigError", "parent": "ReplicaSet/web"}
    assert ">x7k2p  CreateContainerCon…</text>" in still({"Pod/web-x7k2p": pod})


def test_a_pod_is_called_as_its_owner_does_not_say_and_never_by_a_number_alone() -> None:
    owners = {"shop-web": "", "web-x7k2p": "ReplicaSet/web", "db-0": "StatefulSet/db", "my-app-67c684444b-x7k2p": ""}
    pods = {f"Pod/{name}": {"place": "Node/node-1", "parent": owner} for name, owner in owners.items()}
    words = re.findall(r"<text[^>]*>([^<>]+)</text>", still(pods))
    assert [word.strip() for word in words if word[-2:] == "  "][-4:] == ["shop-web", "x7k2p", "db-0", "my-app-…-x7k2p"]


def test_nothing_to_show_is_no_picture() -> None:
    assert still({}) == ""


def test_a_phone_gets_its_own_picture_in_which_nodes_stand_below_the_cards_and_nothing_is_said_twice() -> None:
    scene = scene_of("create deployment web --image=nginx --replicas=3")
    wide, narrow = re.findall(r"<svg .*?</svg>", stills(scene), re.DOTALL)
    assert [re.findall(r'width="(\d+)"', each)[0] for each in (wide, narrow)] == ["714", "324"]
    assert ("aria-label" in wide, 'aria-hidden="true"' in narrow) == (True, True)
    said = [sorted(re.findall(r"[^\s·]+", " ".join(re.findall(r">([^<>]+)</text>", each)))) for each in (wide, narrow)]
    assert said[0] == said[1]
    assert stills({}) == ""
