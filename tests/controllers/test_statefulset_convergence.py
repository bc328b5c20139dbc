"""Whatever happens to a StatefulSet, in whatever order: its invariants hold on the way, and in the end all is well."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from k8snb.client.queue import MAX_DELAY
from k8snb.controllers.history import REVISION_LABEL
from k8snb.controllers.podstate import has_ended, is_ready
from k8snb.controllers.statefulset.identity import ordinal_of, ordinals_of, replicas_of
from k8snb.machinery.objects import controller_of, is_deleting, labels_of
from k8snb.typing import Object
from tests.controllers.storage import claim
from tests.controllers.world import World, pod, statefulset, template

ACTIONS = (
    "scale",
    "image",
    "partition",
    "start",
    "delete",
    "kill",
    "fail",
    "ready",
    "unready",
    "run",
    "relabel",
    "stray",
)
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5), st.booleans()), max_size=20)
policies = st.sampled_from(("OrderedReady", "Parallel"))
CLAIM = {**claim("data"), "metadata": {"name": "data"}}


def patch(world: World, **spec: Any) -> None:
    world.client.patch("statefulsets", "web", {"spec": spec}, "default", kind="strategic")


def act(world: World, action: str, number: int) -> None:
    """One thing that people or nodes do."""
    if action == "scale":
        patch(world, replicas=number)
    elif action == "image":
        patch(world, template=template(image=f"nginx:{number % 3}"))
    elif action == "partition":
        patch(world, updateStrategy={"rollingUpdate": {"partition": number}})
    elif action == "start":
        patch(world, ordinals={"start": number % 3})
    elif action == "stray" and world.find("pods", f"web-{number}") is None:
        disk = f"data-web-{number}"
        if world.find("persistentvolumeclaims", disk) is None:  # a pod without its disk would get no node
            world.client.create("persistentvolumeclaims", claim(disk))
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": disk}}]
        world.client.create("pods", pod(f"web-{number}", volumes=volumes))
    else:
        pods = world.list("pods")
        if pods:
            act_on(world, action, pods[number % len(pods)])


def act_on(world: World, action: str, chosen: Object) -> None:
    name = chosen["metadata"]["name"]
    bound, gone = bool(chosen["spec"].get("nodeName")), is_deleting(chosen)
    if action in ("delete", "kill"):
        world.client.delete("pods", name, "default", grace=0 if action == "kill" else None)
    elif action == "relabel" and not gone:
        world.client.patch("pods", name, {"metadata": {"labels": {"app": "other"}}}, "default")
    elif action == "run" and gone:
        world.client.delete("pods", name, "default", grace=0)
    elif action == "run" and not bound:
        world.bind(chosen)
        world.post_pod(chosen)
    elif action == "fail" and bound:
        world.post_pod(chosen, ready=False, phase="Failed")
    elif action in ("ready", "unready") and bound and not has_ended(chosen):
        world.post_pod(chosen, ready=action == "ready")


class Watcher:
    """Follows the pods and checks each thing that the controller does to them when it happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stream = world.client.watch("pods", "default")
        self._pods: dict[str, Object] = {}

    def look(self, *, ordered: bool) -> None:
        """Take in what has happened; with `ordered`, all of it was done by a controller under OrderedReady."""
        sts = self._world.get("statefulsets", "web")
        while (event := self._stream.next()) is not None:
            new, name = event["object"], event["object"]["metadata"]["name"]
            old = self._pods.get(name)
            if ordered and old is None and controller_of(new) is not None:
                self._made(sts, new)
            if (
                ordered
                and old is not None
                and not is_deleting(old)
                and (event["type"] == "DELETED" or is_deleting(new))
            ):
                self._taken(sts, old)
            self._pods[name] = new
            if event["type"] == "DELETED":
                del self._pods[name]

    def _mine(self) -> list[Object]:
        return [each for each in self._pods.values() if controller_of(each) is not None]

    def _made(self, sts: Object, made: Object) -> None:
        before = [n for n in ordinals_of(sts) if n < ordinal_of(made)]
        well = {ordinal_of(each) for each in self._mine() if is_ready(each) and not is_deleting(each)}
        assert well.issuperset(before), "a pod is made when all before it are ready"

    def _taken(self, sts: Object, taken: Object) -> None:
        if has_ended(taken):
            return
        mine = self._mine()
        assert not any(is_deleting(each) for each in mine), "one at a time"
        if ordinal_of(taken) not in ordinals_of(sts):
            others = [ordinal_of(each) for each in mine if ordinal_of(each) not in ordinals_of(sts)]
            assert ordinal_of(taken) == max(others), "the highest of those that are too many goes first"
        well = {ordinal_of(each) for each in mine if is_ready(each)} | {ordinal_of(taken)}
        assert well.issuperset(ordinals_of(sts)), "nothing is taken away while one is down"


def recover(world: World) -> None:
    """Every node works again, whoever is broken is mended, and nobody else's pods take up the names."""
    world.settle()
    for each in world.list("pods", labels="app=other"):
        world.client.delete("pods", each["metadata"]["name"], "default", grace=0)
    world.advance(MAX_DELAY)
    for _ in range(40):
        world.settle()
        before = world.store.revision
        for each in world.list("pods"):
            if each["spec"].get("nodeName") and not is_deleting(each) and not has_ended(each) and not is_ready(each):
                world.post_pod(each)
        world.settle()
        world.run_pods()
        if world.store.revision == before:
            return


@example([("partition", 3, False), ("stray", 2, False)], "OrderedReady")
@example([("stray", 3, False), ("stray", 4, False)], "OrderedReady")
@given(steps, policies)
def test_pods_come_and_go_in_order_and_end_up_as_the_set_says(story: list[Any], policy: str) -> None:
    world = World(nodes=1)
    world.create(statefulset(podManagementPolicy=policy, volumeClaimTemplates=[CLAIM]))
    watcher = Watcher(world)
    hasty = False
    for action, number, pause in story:
        act(world, action, number)
        watcher.look(ordered=False)
        if pause:
            world.settle()
            watcher.look(ordered=policy == "OrderedReady" and not hasty)
        hasty = not pause
    recover(world)
    sts = world.get("statefulsets", "web")
    mine = [each for each in world.list("pods") if controller_of(each) is not None]
    assert {each["metadata"]["name"] for each in mine} == {f"web-{number}" for number in ordinals_of(sts)}
    status, partition = sts["status"], sts["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
    revisions = {
        labels_of(each).get(REVISION_LABEL) for each in mine if ordinal_of(each) - ordinals_of(sts).start >= partition
    }
    assert revisions <= {status["updateRevision"]}
    counters = [status.get(name, 0) for name in ("replicas", "readyReplicas", "availableReplicas")]
    assert counters == [replicas_of(sts)] * 3
    assert status["observedGeneration"] == sts["metadata"]["generation"]
    claims = [each["metadata"]["name"] for each in world.list("persistentvolumeclaims")]
    wanted = {volume["persistentVolumeClaim"]["claimName"] for each in mine for volume in claimed(each)}
    assert wanted == {f"data-{each['metadata']['name']}" for each in mine}, "one claim for each pod's volume"
    assert wanted.issubset(claims)


def claimed(pod: Object) -> list[Object]:
    return [volume for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]
