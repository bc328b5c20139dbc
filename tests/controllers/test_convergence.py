"""Whatever happens from outside, in whatever order: in the end things are as they should be."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.deployment.status import is_complete
from k8snb.controllers.podstate import is_active, is_ready
from k8snb.controllers.replicaset_status import COUNTERS
from k8snb.machinery.objects import annotations_of, condition, controller_of, is_deleting, labels_of
from k8snb.typing import Object
from tests.controllers.world import (
    World,
    config_map,
    deployment,
    pod,
    replicaset,
    replicationcontroller,
    service,
    template,
)

ACTIONS = ("scale", "delete", "kill", "fail", "ready", "unready", "relabel", "return", "stray", "run", "end", "turn")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9)), max_size=25)


def act(world: World, action: str, number: int, sets: str = "replicasets") -> None:
    """One thing that people or nodes do; `number` says to whom, or how much."""
    pods = world.list("pods")
    chosen = pods[number % len(pods)] if pods else None
    if action == "scale":
        world.client.patch(sets, "web", {"spec": {"replicas": number % 6}}, "default")
    elif action == "stray":
        _create_once(world, f"stray-{number}")
    elif action == "turn":
        world.loop.turn()
    elif chosen is not None:
        _act_on(world, action, chosen)


def _create_once(world: World, name: str) -> None:
    if world.find("pods", name) is None:
        world.client.create("pods", pod(name))


def _act_on(world: World, action: str, chosen: Object) -> None:
    name = chosen["metadata"]["name"]
    bound = bool(chosen["spec"].get("nodeName"))
    if action in ("delete", "kill"):
        world.client.delete("pods", name, "default", grace=0 if action == "kill" else None)
    elif action in ("relabel", "return"):
        app = "other" if action == "relabel" else "web"
        world.client.patch("pods", name, {"metadata": {"labels": {"app": app}}}, "default")
    elif action == "run" and not bound and not is_deleting(chosen):
        world.bind(chosen)
        world.post_pod(chosen)
    elif action == "end" and is_deleting(chosen):
        world.client.delete("pods", name, "default", grace=0)
    elif action == "fail" and bound:
        world.post_pod(chosen, ready=False, phase="Failed")
    elif action in ("ready", "unready") and bound and chosen["status"]["phase"] == "Running":
        world.post_pod(chosen, ready=action == "ready")


def expected_counters(rs: Object, pods: list[Object]) -> dict[str, int]:
    """The counters as they follow from the pods, the long way round."""
    mine = [each for each in pods if (owner := controller_of(each)) is not None and owner["name"] == "web"]
    active = [each for each in mine if is_active(each)]
    ready = sum(map(is_ready, active))
    leaving = [
        each for each in mine if is_deleting(each) and each["status"].get("phase") not in ("Failed", "Succeeded")
    ]
    return dict(zip(COUNTERS, (len(active), len(active), ready, ready, len(leaving)), strict=True))


def expected_endpoints(pods: list[Object]) -> dict[str, tuple[bool, bool]]:
    """Which pods should stand behind the Service: whether each is ready, and whether it is on its way out."""
    behind = [each for each in pods if labels_of(each).get("app") == "web" and each["status"].get("podIP")]
    living = [each for each in behind if each["status"]["phase"] not in ("Failed", "Succeeded")]
    return {p["metadata"]["name"]: (is_ready(p) and not is_deleting(p), is_deleting(p)) for p in living}


def found_endpoints(world: World) -> dict[str, tuple[bool, bool]]:
    slices = world.list("endpointslices", labels="kubernetes.io/service-name=web")
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or ()]
    found = {e["targetRef"]["name"]: (e["conditions"]["ready"], e["conditions"]["terminating"]) for e in endpoints}
    assert len(found) == len(endpoints), "no pod is there twice"
    return found


@given(steps, st.sampled_from((replicaset(), replicationcontroller())))
def test_a_replicaset_or_its_older_kind_and_a_service_end_up_as_they_should_be(story: list[Any], made: Object) -> None:
    world, sets = World(nodes=1), f"{made['kind'].lower()}s"
    world.create(made)
    world.create(service())
    for action, number in story:
        act(world, action, number, sets)
    world.settle()
    pods = world.list("pods")
    rs = world.get(sets, "web")
    counters = {name: rs["status"].get(name, 0) for name in COUNTERS}
    expected = expected_counters(rs, pods)
    if sets == "replicationcontrollers":  # it does not say how many are leaving
        expected["terminatingReplicas"] = 0
    assert counters == expected
    assert counters["replicas"] == rs["spec"]["replicas"]
    assert rs["status"]["observedGeneration"] == rs["metadata"]["generation"]
    controlled = [each for each in pods if is_active(each) and controller_of(each) is not None]
    assert all(labels_of(each)["app"] == "web" for each in controlled), "who does not match is released"
    matching = [each for each in pods if is_active(each) and labels_of(each)["app"] == "web"]
    assert all(controller_of(each) is not None for each in matching), "who matches is adopted"
    assert found_endpoints(world) == expected_endpoints(pods)
    subsets = world.get("endpoints", "web").get("subsets") or []
    ready = sorted(address["targetRef"]["name"] for subset in subsets for address in subset.get("addresses") or ())
    assert ready == sorted(name for name, (is_on, _) in expected_endpoints(pods).items() if is_on)


CHANGES = ("scale", "image", "pause", "resume", "ready", "unready", "kill", "run", "turn", "wait")
changes = st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 5)), max_size=25)


def change(world: World, action: str, number: int) -> None:
    """One thing that happens to a Deployment."""
    if action == "scale":
        world.client.patch("deployments", "web", {"spec": {"replicas": number}}, "default")
    elif action == "image":
        spec = {"template": template(image=f"nginx:{number}")}
        world.client.patch("deployments", "web", {"spec": spec}, "default", kind="strategic")
    elif action in ("pause", "resume"):
        world.client.patch("deployments", "web", {"spec": {"paused": action == "pause"}}, "default")
    elif action == "wait":
        world.advance(number * 100)
    else:
        act(world, action, number)


@given(changes, st.sampled_from(("RollingUpdate", "Recreate")))
def test_a_deployment_ends_up_with_the_pods_of_its_last_template(story: list[Any], strategy: str) -> None:
    world = World(nodes=1)
    world.create(deployment(strategy={"type": strategy}))
    for action, number in story:
        change(world, action, number)
    world.client.patch("deployments", "web", {"spec": {"paused": None}}, "default")
    world.settle()
    for each in world.pods():
        if each["spec"].get("nodeName"):
            world.post_pod(each)
    world.settle()
    world.run_pods()
    wanted = world.get("deployments", "web")
    images = [each["spec"]["containers"][0]["image"] for each in world.pods()]
    assert images == [wanted["spec"]["template"]["spec"]["containers"][0]["image"]] * wanted["spec"]["replicas"]
    assert is_complete(wanted, wanted["status"])
    found = condition(wanted, "Progressing")
    assert found is None or found["reason"] in ("NewReplicaSetAvailable", "DeploymentResumed")
    sets = [rs for rs in world.list("replicasets") if rs["spec"]["replicas"]]
    assert len(sets) == min(wanted["spec"]["replicas"], 1)
    revisions = [annotations_of(rs)["deployment.kubernetes.io/revision"] for rs in sets]
    assert revisions in ([], [annotations_of(wanted)["deployment.kubernetes.io/revision"]])


POLICIES = ("Background", "Foreground", "Orphan")
family = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 9), max_size=2)), min_size=1, max_size=8)
deletions = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(POLICIES), st.booleans()), max_size=8)


@given(family, deletions)
def test_no_object_outlives_its_last_owner_unless_it_was_orphaned(members: list[Any], story: list[Any]) -> None:
    world = World()
    made: list[Object] = []
    for number, (block, parents) in enumerate(members):
        uids = dict.fromkeys(made[parent % len(made)]["metadata"]["uid"] for parent in parents if made)
        owners = [each["metadata"] for each in made if each["metadata"]["uid"] in uids]
        shared = {"apiVersion": "v1", "kind": "ConfigMap", "blockOwnerDeletion": block}
        references = [{**shared, "name": owner["name"], "uid": owner["uid"]} for owner in owners]
        made.append(world.client.create("configmaps", config_map(f"member-{number}", owners=references)))
    for number, policy, pause in story:
        name = f"member-{number % len(made)}"
        if world.find("configmaps", name) is not None:
            world.client.delete("configmaps", name, "default", propagation=policy)
        if pause:
            world.settle()
    world.settle()
    left = world.list("configmaps")
    living = {each["metadata"]["uid"] for each in left}
    assert not any(map(is_deleting, left)), "nobody waits for ever"
    for each in left:
        references = each["metadata"].get("ownerReferences") or []
        assert all(reference["uid"] in living for reference in references)
