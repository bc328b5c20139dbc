from __future__ import annotations

from k8snb.controllers.namespacestatus import CONDITIONS, Remains
from k8snb.controllers.rootca import ABOUT
from k8snb.typing import Object
from tests.controllers.world import World, config_map, deployment, pod

NOW = "2026-01-01T00:00:00Z"


def namespace(name: str = "team") -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def conditions(world: World, name: str = "team") -> dict[str, tuple[str, str, str]]:
    found = world.client.get("namespaces", name)["status"]["conditions"]
    return {each["type"]: (each["status"], each["reason"], each["message"]) for each in found}


def test_a_new_namespace_gets_an_account_and_the_root_certificate() -> None:
    world = World()
    world.create(namespace())
    assert [each["metadata"]["name"] for each in world.list("serviceaccounts", "team")] == ["default"]
    (published,) = world.list("configmaps", "team")
    assert published["metadata"]["name"] == "kube-root-ca.crt"
    assert published["metadata"]["annotations"] == {"kubernetes.io/description": ABOUT}
    assert list(published["data"]) == ["ca.crt"]


def test_what_every_namespace_has_comes_back() -> None:
    world = World()
    world.delete("serviceaccounts", "default")
    world.delete("configmaps", "kube-root-ca.crt")
    world.patch("configmaps", "kube-root-ca.crt", {"data": {"ca.crt": "forged"}})
    assert world.find("serviceaccounts", "default") is not None
    assert world.get("configmaps", "kube-root-ca.crt")["data"] == {"ca.crt": ""}


def test_a_deleted_namespace_takes_its_contents_with_it() -> None:
    world = World()
    world.create(namespace())
    world.create(config_map("a", "team"))
    web = deployment()
    world.create({**web, "metadata": {**web["metadata"], "namespace": "team"}})
    world.delete("namespaces", "team", "")
    assert world.client.find("namespaces", "team") is None
    assert world.list("pods", "team") == []
    assert world.list("configmaps", "team") == []
    assert world.list("replicasets", "team") == []


def test_pods_go_before_everything_else() -> None:
    world = World(nodes=1)
    world.create(namespace())
    world.create(config_map("needed", "team"))
    held = world.create(pod(namespace="team"))
    world.bind(held)
    world.settle()
    world.client.delete("namespaces", "team")
    while world.loop.turn():
        pass
    assert world.find("configmaps", "needed", "team") is not None
    assert conditions(world)["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: pods. has 1 resource instances",
    )
    world.client.delete("pods", "web", "team", grace=0)
    world.settle()
    assert world.client.find("namespaces", "team") is None


def test_a_finalizer_holds_a_namespace_and_its_conditions_say_so() -> None:
    world = World()
    world.create(namespace())
    world.create(config_map("held", "team", finalizers=["example.com/hold"]))
    world.client.delete("namespaces", "team")
    while world.loop.turn():
        pass
    assert world.client.get("namespaces", "team")["status"]["phase"] == "Terminating"
    assert conditions(world) == {
        "NamespaceDeletionDiscoveryFailure": (
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        "NamespaceContentRemaining": (
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: configmaps. has 1 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
        ),
    }
    world.patch("configmaps", "held", {"metadata": {"finalizers": None}}, "team")
    assert world.client.find("namespaces", "team") is None


def test_nothing_new_is_made_in_a_namespace_that_goes() -> None:
    world = World()
    world.create(namespace())
    world.create(config_map("held", "team", finalizers=["example.com/hold"]))
    world.client.delete("namespaces", "team")
    world.advance(1)
    assert world.list("serviceaccounts", "team") == []


def test_failures_are_told_and_transition_times_move_only_with_the_status() -> None:
    remains = Remains(failures=["b", "a"])
    first = remains.conditions([], NOW)
    told = next(each for each in first if each["type"] == "NamespaceDeletionContentFailure")
    assert told["message"] == "Failed to delete all resource types, 2 remaining: a, b"
    assert [each["type"] for each in first] == list(CONDITIONS)
    later = Remains().conditions(first, "2026-01-01T00:00:09Z")
    assert [each["lastTransitionTime"][-2] for each in later] == ["0", "0", "9", "0", "0"]
