from __future__ import annotations

from collections.abc import Sequence

from k8snb.controllers.podgc import PodGCController
from k8snb.controllers.settings import Settings
from k8snb.controllers.table import CONTROLLERS, user_of
from k8snb.typing import Object
from tests.controllers.world import World, config_map, pod, replicaset


def owned_by(*owners: Object, block: bool = False) -> Sequence[Object]:
    """References to config maps."""
    shared = {"apiVersion": "v1", "kind": "ConfigMap", "blockOwnerDeletion": block}
    return [{**shared, "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]} for o in owners]


def names(world: World) -> list[str]:
    return [
        each["metadata"]["name"] for each in world.list("configmaps") if each["metadata"]["name"] != "kube-root-ca.crt"
    ]


def family(block: bool = False) -> World:
    """A parent, a child and a grandchild."""
    world = World()
    parent = world.create(config_map("parent"))
    child = world.create(config_map("child", owners=owned_by(parent, block=block)))
    world.create(config_map("grandchild", owners=owned_by(child, block=block)))
    return world


def test_what_belongs_to_a_deleted_object_follows_it() -> None:
    world = family()
    world.delete("configmaps", "parent", propagation="Background")
    assert names(world) == []


def test_in_the_foreground_the_owner_goes_last() -> None:
    world = family(block=True)
    world.patch("configmaps", "grandchild", {"metadata": {"finalizers": ["example.com/hold"]}})
    world.delete("configmaps", "parent", propagation="Foreground")
    assert names(world) == ["child", "grandchild", "parent"]
    assert world.get("configmaps", "parent")["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert world.get("configmaps", "child")["metadata"]["finalizers"] == ["foregroundDeletion"]
    world.patch("configmaps", "grandchild", {"metadata": {"finalizers": None}})
    assert names(world) == []


def test_a_dependent_that_does_not_block_is_not_waited_for() -> None:
    world = World()
    parent = world.create(config_map("parent"))
    world.create(config_map("child", owners=owned_by(parent), finalizers=["example.com/hold"]))
    world.delete("configmaps", "parent", propagation="Foreground")
    assert names(world) == ["child"]


def test_orphans_lose_their_owner_and_stay() -> None:
    world = family()
    world.delete("configmaps", "parent", propagation="Orphan")
    assert names(world) == ["child", "grandchild"]
    assert "ownerReferences" not in world.get("configmaps", "child")["metadata"]


def test_an_object_with_two_owners_stays_until_the_second_goes() -> None:
    world = World()
    owners = [world.create(config_map("one")), world.create(config_map("two"))]
    world.create(config_map("child", owners=owned_by(*owners)))
    world.delete("configmaps", "one")
    references = world.get("configmaps", "child")["metadata"]["ownerReferences"]
    assert [each["name"] for each in references] == ["two"]
    world.delete("configmaps", "two")
    assert names(world) == []


def test_an_object_whose_owner_never_existed_goes() -> None:
    world = World()
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-4000-8000-000000000000"}}
    world.create(config_map("child", owners=owned_by(ghost)))
    assert names(world) == []


def test_an_owner_in_another_namespace_is_none_and_an_event_says_so() -> None:
    world = World()
    world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    parent = world.create(config_map("parent"))
    child = config_map("child", owners=owned_by(parent))
    world.create({**child, "metadata": {**child["metadata"], "namespace": "other"}})
    assert names(world) == ["parent"]
    said = [(each["type"], each["reason"], each["message"]) for each in world.list("events", "other")]
    uid = parent["metadata"]["uid"]
    shown = f"[v1/ConfigMap, namespace: other, name: parent, uid: {uid}]"
    assert said == [("Warning", "OwnerRefInvalidNamespace", f'ownerRef {shown} does not exist in namespace "other"')]


def test_an_owner_of_the_same_name_but_another_uid_is_not_the_owner() -> None:
    world = World()
    parent = world.create(config_map("parent"))
    world.delete("configmaps", "parent")
    world.create(config_map("parent"))
    world.create(config_map("child", owners=owned_by(parent)))
    assert names(world) == ["parent"]


def test_owners_in_a_circle_can_be_deleted() -> None:
    world = World()
    one = world.create(config_map("one"))
    two = world.create(config_map("two", owners=owned_by(one, block=True)))
    world.patch("configmaps", "one", {"metadata": {"ownerReferences": list(owned_by(two, block=True))}})
    world.delete("configmaps", "one", propagation="Foreground")
    assert names(world) == []


def test_a_replicaset_deleted_in_the_foreground_waits_for_its_pods() -> None:
    world = World(nodes=1)
    world.create(replicaset())
    world.run_pods()
    world.delete("replicasets", "web", propagation="Foreground")
    assert "deletionTimestamp" in world.get("replicasets", "web")["metadata"]
    assert world.pods() == []
    world.run_pods()
    assert world.find("replicasets", "web") is None


def test_the_oldest_ended_pods_go_when_there_are_too_many() -> None:
    world = World(PodGCController, settings=Settings(terminated_pod_gc_threshold=2))
    world.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    )
    for number in range(4):
        world.create(pod(f"job-{number}"))
        world.post_pod(world.get("pods", f"job-{number}"), ready=False, phase="Succeeded")
        world.advance(1)
    world.advance(25)
    assert [each["metadata"]["name"] for each in world.list("pods")] == ["job-2", "job-3"]


def test_a_pod_on_its_way_out_that_never_got_a_node_is_collected() -> None:
    world = World()
    held = pod()
    world.create({**held, "metadata": {**held["metadata"], "finalizers": ["example.com/hold"]}})
    world.delete("pods", "web")
    world.advance(25)
    assert world.get("pods", "web")["status"]["phase"] == "Failed"


def test_every_controller_is_listed_once_and_has_a_user() -> None:
    listed = [each.name for each in CONTROLLERS]
    assert len(set(listed)) == len(listed)
    assert all(listed)
    assert user_of(CONTROLLERS[0]) == "system:serviceaccount:kube-system:service-account-controller"


def test_two_clusters_with_the_same_seed_live_the_same_life() -> None:
    def story() -> list[tuple[int, str]]:
        world = World(nodes=2, seed=7)
        world.create(replicaset(replicas=4))
        world.run_pods()
        world.patch("replicasets", "web", {"spec": {"replicas": 1}})
        world.delete("replicasets", "web")
        return [(sent.revision, repr(sent)) for sent in world.trace.requests]

    assert story() == story()
