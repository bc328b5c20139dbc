"""Whatever is made and deleted, in whatever order: no volume has two claims, no claim has somebody else's volume."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.serviceaccount import ServiceAccountController
from k8snb.controllers.volumes.controller import PersistentVolumeController
from k8snb.controllers.volumes.protection import PVCProtectionController, PVProtectionController
from k8snb.errors import StatusError
from k8snb.machinery.objects import is_deleting
from k8snb.machinery.volumes import is_bound
from tests.controllers.storage import claim, mounting, volume
from tests.controllers.world import World, pod

ACTIONS = ("claim", "volume", "ask for one", "unclaim", "remove", "force", "use", "unuse", "free", "retain", "label")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 4), st.booleans()), max_size=25)
SIZES = ("1Gi", "2Gi", "3Gi", "5Gi", "8Gi")
CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"


def act(world: World, action: str, number: int) -> None:
    """One thing that somebody does; what the API refuses is not done."""
    name, client = f"{number}", world.client
    try:
        if action == "claim":
            client.create(CLAIMS, claim(f"c-{name}", SIZES[(number * 3) % 5], storageClassName=""))
        elif action == "ask for one":
            asked = claim(f"c-{name}", "1Gi", storageClassName="", volumeName=f"v-{(number + 1) % 5}")
            client.create(CLAIMS, asked)
        elif action == "volume":
            client.create(VOLUMES, volume(f"v-{name}", SIZES[number], persistentVolumeReclaimPolicy="Delete"))
        elif action == "retain":
            client.patch(VOLUMES, f"v-{name}", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        elif action == "free":
            client.patch(VOLUMES, f"v-{name}", {"spec": {"claimRef": None}})
        elif action == "label":
            client.patch(VOLUMES, f"v-{name}", {"metadata": {"labels": {"a": name}}})
        elif action == "unclaim":
            client.delete(CLAIMS, f"c-{name}", "default")
        elif action == "force":
            client.patch(CLAIMS, f"c-{name}", {"metadata": {"finalizers": None}}, "default")
        elif action == "remove":
            client.delete(VOLUMES, f"v-{name}")
        elif action == "use":
            client.create("pods", pod(f"p-{name}", node="node-1", volumes=mounting(f"c-{name}")))
        else:
            client.delete("pods", f"p-{name}", "default", grace=0)
    except StatusError:
        return


class Watcher:
    """Looks at every version of every claim and volume: what is bound stays bound to the same."""

    def __init__(self, world: World) -> None:
        self._streams = [world.client.watch(CLAIMS, "default"), world.client.watch(VOLUMES)]
        self._of: dict[str, str] = {}

    def look(self) -> None:
        """Take in what has happened."""
        for stream in self._streams:
            while (event := stream.next()) is not None:
                obj = event["object"]
                if obj["kind"] == "PersistentVolumeClaim" and is_bound(obj):
                    uid, name = obj["metadata"]["uid"], obj["spec"]["volumeName"]
                    assert self._of.setdefault(uid, name) == name, "a bound claim never gets another volume"


def consistent(world: World) -> None:
    """Both sides agree, and nobody shares."""
    volumes = {each["metadata"]["name"]: each for each in world.list(VOLUMES, "")}
    held: dict[str, str] = {}
    for each in world.list(CLAIMS):
        if each["status"]["phase"] != "Bound":
            continue
        name, uid = each["spec"]["volumeName"], each["metadata"]["uid"]
        reference = volumes[name]["spec"]["claimRef"]
        assert reference["uid"] == uid, "a bound claim has a volume that knows it"
        assert held.setdefault(name, uid) == uid, "one claim per volume"
    for name, each in volumes.items():
        if each["status"]["phase"] == "Bound":
            assert name in held, "a bound volume has a claim"


@given(steps)
def test_whatever_is_made_and_deleted_claims_and_volumes_stay_in_pairs(story: list[Any]) -> None:
    kinds = (ServiceAccountController, PersistentVolumeController, PVCProtectionController, PVProtectionController)
    world = World(*kinds, nodes=1)
    watcher = Watcher(world)
    for action, number, pause in story:
        act(world, action, number)
        if pause:
            world.settle()
        watcher.look()
    world.advance(20)
    watcher.look()
    consistent(world)
    for each in world.list("pods"):
        world.client.delete("pods", each["metadata"]["name"], "default", grace=0)
    world.advance(20)
    assert [each for each in world.list(CLAIMS) if is_deleting(each)] == [], "nothing keeps a claim that is not used"
    consistent(world)
