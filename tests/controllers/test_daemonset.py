"""One pod on every node that should have one, and on no other."""

from __future__ import annotations

from k8snb.controllers.daemonset.managing import Backoff
from k8snb.machinery.objects import labels_of
from tests.controllers.daemons import images, run, running, set_image, where
from tests.controllers.world import World, daemonset, pod, template

ROLLING = "RollingUpdate"


def test_every_node_gets_a_daemon_tied_to_it_that_tolerates_a_node_in_trouble() -> None:
    world = World(nodes=2)
    world.create(daemonset())
    assert where(world) == ["node-1", "node-2"]
    (one, _) = world.pods()
    assert labels_of(one)["pod-template-generation"] == "1"
    (revision,) = world.list("controllerrevisions")
    assert revision["metadata"]["name"] == f"web-{labels_of(one)['controller-revision-hash']}"
    found = one["spec"]["tolerations"]
    tolerated = [(each["key"].removeprefix("node.kubernetes.io/"), each["effect"]) for each in found]
    assert tolerated == [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ]
    assert len(world.events("SuccessfulCreate")) == 2


def test_the_status_counts_nodes() -> None:
    world = running(2)
    world.post_pod(world.pods()[0], ready=False)
    world.settle()
    assert world.get("daemonsets", "web")["status"] == {
        "currentNumberScheduled": 2,
        "desiredNumberScheduled": 2,
        "numberAvailable": 1,
        "numberMisscheduled": 0,
        "numberReady": 1,
        "numberUnavailable": 1,
        "observedGeneration": 1,
        "updatedNumberScheduled": 2,
    }


def test_a_node_that_comes_gets_a_daemon_and_a_node_that_no_longer_fits_loses_it() -> None:
    world = running(1, template=template(nodeSelector={"disk": "ssd"}))
    assert where(world) == []
    world.add_node("fast", {"disk": "ssd"})
    assert where(world) == ["fast"]
    run(world)
    world.client.patch("nodes", "fast", {"metadata": {"labels": {"disk": "hdd"}}})
    world.settle()
    run(world)
    assert where(world) == []


def test_a_taint_keeps_daemons_off_and_only_no_execute_drives_them_away() -> None:
    world = running(2)
    taint = {"key": "maintenance", "value": "yes", "effect": "NoSchedule"}
    world.client.patch("nodes", "node-1", {"spec": {"taints": [taint]}})
    world.settle()
    assert where(world) == ["node-1", "node-2"]
    status = world.get("daemonsets", "web")["status"]
    assert (status["desiredNumberScheduled"], status["numberMisscheduled"]) == (1, 1)
    world.client.patch("nodes", "node-1", {"spec": {"taints": [{**taint, "effect": "NoExecute"}]}})
    world.settle()
    run(world)
    assert where(world) == ["node-2"]


def test_a_rollout_replaces_as_many_as_may_be_down_and_waits_for_the_new_ones() -> None:
    world = running(3)
    set_image(world, "nginx:2")
    assert len(images(world)) == 2
    run(world, ready=lambda pod: pod["spec"]["containers"][0]["image"] != "nginx:2")
    assert sorted(images(world).values()) == ["1", "1", "2"]
    for each in world.pods():
        world.post_pod(each)
    world.settle()
    run(world)
    assert sorted(images(world).values()) == ["2", "2", "2"]


def test_daemons_that_are_down_anyway_are_replaced_at_once() -> None:
    world = running(3)
    for each in world.pods():
        world.post_pod(each, ready=False)
    world.settle()
    set_image(world, "nginx:2")
    run(world, ready=lambda pod: False)
    assert sorted(images(world).values()) == ["2", "2", "2"]


def test_with_surge_the_new_daemon_comes_before_the_old_one_goes() -> None:
    strategy = {"type": ROLLING, "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    world = running(2, updateStrategy=strategy)
    set_image(world, "nginx:2")
    assert sorted("".join(sorted(each)) for each in images(world).values()) == ["1", "12"]
    run(world)
    assert images(world) == {"node-1": "2", "node-2": "2"}


def test_under_on_delete_a_daemon_is_updated_when_somebody_deletes_it() -> None:
    world = running(2, updateStrategy={"type": "OnDelete"})
    set_image(world, "nginx:2")
    run(world)
    assert images(world) == {"node-1": "1", "node-2": "1"}
    (first, _) = world.pods()
    world.delete("pods", first["metadata"]["name"])
    run(world)
    assert sorted(images(world).values()) == ["1", "2"]


def test_a_daemon_that_failed_is_replaced_the_next_time_after_a_while() -> None:
    world = running(1)
    for _ in range(3):
        (one,) = world.pods()
        world.post_pod(one, ready=False, phase="Failed")
        world.settle()
        run(world)
    assert world.events("FailedDaemonPod")[0].startswith("Found failed daemon pod default/web-")
    assert int(world.clock.now()) % 60 == 1 + 2, "one second after the first failure, two after the second"


def test_the_wait_doubles_from_a_second_to_a_quarter_of_an_hour() -> None:
    backoff, now, waits = Backoff(), 0.0, list[float]()
    for _ in range(12):
        assert backoff.wait(("uid", 1, "node"), now) == 0
        waits.append(backoff.wait(("uid", 1, "node"), now))
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_template_that_comes_back_gets_the_highest_number_and_old_ones_are_forgotten() -> None:
    world = running(1, revisionHistoryLimit=1)
    for image in ("nginx:2", "nginx:3", "nginx:1"):
        set_image(world, image)
        run(world)
    revisions = world.list("controllerrevisions")
    kept = {r["revision"]: r["data"]["spec"]["template"]["spec"]["containers"][0]["image"] for r in revisions}
    assert kept == {3: "nginx:3", 4: "nginx:1"}


def test_of_two_daemons_on_one_node_the_younger_goes() -> None:
    world = running(1)
    (first,) = world.pods()
    world.advance(1)
    labels = labels_of(first)
    stray = pod("stray", nodeName="node-1")
    world.create({**stray, "metadata": {**stray["metadata"], "labels": labels}})
    run(world)
    assert [each["metadata"]["uid"] for each in world.pods()] == [first["metadata"]["uid"]]


def test_a_daemon_that_never_got_to_its_node_goes_with_the_node() -> None:
    world = World(nodes=1)
    world.create(daemonset())
    world.client.delete("nodes", "node-1")
    world.settle()
    assert world.list("pods") == []
    assert world.get("daemonsets", "web")["status"]["desiredNumberScheduled"] == 0
