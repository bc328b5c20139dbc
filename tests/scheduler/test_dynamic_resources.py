"""Pods wait for their claims, go where their devices are, and get them on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from k8snb.machinery.objects import with_meta
from k8snb.scheduler.diagnosis import FitError
from k8snb.scheduler.framework import SUCCESS, Status
from k8snb.scheduler.plugins.dynamic_resources import DynamicResources
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object
from tests.scheduler.cluster import ControlPlane
from tests.scheduler.devices import claim, device_class, said, slices
from tests.scheduler.world import World, node, pod

CLASS = device_class("a")
NODES = [node("n1"), node("n2")]


def using(*claims: str, name: str = "p", **spec: Any) -> Object:
    """A pod that uses these claims."""
    return pod(name, resourceClaims=[{"name": each, "resourceClaimName": each} for each in claims], **spec)


def from_template(generated: str = "", **parts: Any) -> Object:
    """A pod with a claim from a template; `generated` is the one that was made."""
    made = [{"name": "gpu", "resourceClaimName": generated}] if generated else []
    wanted = [{"name": "gpu", "resourceClaimTemplateName": "t"}]
    return pod(resourceClaims=wanted, status={"phase": "Pending", "resourceClaimStatuses": made}, **parts)


def world(*objects: Object) -> World:
    return World(NODES, storage=[CLASS, *objects])


def why(where: World, what: Object) -> str:
    with pytest.raises(FitError) as caught:
        where.choose(what)
    return str(caught.value)


DELETING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("what", "claims", "told"),
    [
        (pod(), [], ""),
        (using("c"), [claim("r:a")], ""),
        (using("c"), [], 'could not find v1.ResourceClaim "default/c"'),
        (from_template(), [claim("r:a")], 'pod "default/p": ResourceClaim not created yet'),
        (from_template("c"), [claim("r:a", owner=pod())], ""),
        (from_template("c"), [claim("r:a")],
         "ResourceClaim default/c was not created for pod default/p (pod is not owner)"),
        (from_template("c"), [with_meta(claim("r:a", owner=pod()), **DELETING)], 'resourceclaim "c" is being deleted'),
    ],
)  # fmt: skip
def test_a_pod_enters_the_queue_when_its_claims_are_there(what: Object, claims: Sequence[Object], told: str) -> None:
    assert world(*claims).framework.pre_enqueue(what).message == told


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ([], "0/2 nodes are available: 2 cannot allocate all claims."),
        ([*slices("a/p@n1 d1"), claim("r:a", "o", "a/p/d1@n1")],
         "0/2 nodes are available: 2 cannot allocate all claims."),
        ([claim("r:x", "c")], "0/2 nodes are available: request r: device class x does not exist."),
        ([claim("r:[s:a|t:x]", "c")], "0/2 nodes are available: request r/t: device class x does not exist."),
        ([claim("r:a", "c", "a/p/d1@gone")],
         "0/2 nodes are available: 2 resourceclaim not available on the node."),
    ],
)  # fmt: skip
def test_a_pod_is_told_what_its_claims_lack(objects: list[Object], told: str) -> None:
    known = objects if any(each["metadata"]["name"] == "c" for each in objects) else [*objects, claim("r:a", "c")]
    assert why(world(*known), using("c")) == told


def test_a_pod_goes_where_its_devices_are() -> None:
    there = world(*slices("a/p@n2 d1"), claim("r:a"))
    assert there.choose(using("c")) == "n2"
    assert world(claim("r:a", has="a/p/d1@n2")).choose(using("c")) == "n2"


def test_earlier_alternatives_make_better_nodes() -> None:
    there = world(*slices("b/p@n1 d1", "a/q@n2 d1"), device_class("b"), claim("r:[s:a|t:b]"))
    assert there.choose(using("c")) == "n2"


def test_a_broken_selector_ends_the_attempt() -> None:
    there = world(*slices("a/p@n1 d1"), claim("r:a{device.attributes['a'].nope}"))
    with pytest.raises(Exception, match='running "DynamicResources" filter plugin: claim default/c: selector #0'):
        there.choose(using("c"))


def placed(there: World, what: Object) -> None:
    info = PodInfo(what)
    assert there.cycle.place(info, there.cycle.choose(info)) is SUCCESS


def test_devices_are_written_before_the_pod_is_bound() -> None:
    there = world(*slices("a/p@n1 d1"), claim("r:a"))
    placed(there, using("c"))
    assert there.api.said == [("nominate", "p", "n1"), ("reserve", "c", "p"), ("bind", "p", "n1")]


def test_devices_that_were_just_given_are_not_given_again() -> None:
    there = world(*slices("a/p@n1 d1"), claim("r:a"), claim("r:a", "d"))
    placed(there, using("c"))
    assert why(there, using("d", name="q")) == "0/2 nodes are available: 2 cannot allocate all claims."


@pytest.mark.parametrize(
    ("users", "told", "done"),
    [
        ([], "deallocation of ResourceClaim completed", [("deallocate", "c")]),
        (["p"], "deallocation of ResourceClaim completed", [("deallocate", "c")]),
        (["q"], "still not schedulable", []),
        (["p", "q"], "still not schedulable", []),
    ],
)
def test_a_claim_on_the_wrong_node_is_given_back_if_nobody_else_uses_it(
    users: list[str], told: str, done: list[tuple[str, str]]
) -> None:
    there = world(claim("r:a", has="a/p/d1@gone", users=users))
    with pytest.raises(FitError) as caught:
        there.choose(using("c"))
    state = caught.value.state
    assert state is not None
    _node, status = there.framework.plugins["DynamicResources"].post_filter(state, using("c"), caught.value.diagnosis)
    assert status == Status.unschedulable(told, plugin="DynamicResources")
    assert there.api.said == done


def plugin(*claims: Object) -> DynamicResources:
    found = world(*claims).framework.plugins["DynamicResources"]
    assert isinstance(found, DynamicResources)
    return found


@pytest.mark.parametrize(
    ("name", "what", "claims", "old", "new", "worth"),
    [
        ("skip-deletes-of-others", using("c"), [claim("r:a")], None, claim("r:a", "d"), False),
        ("queue-on-add", using("c"), [claim("r:a")], None, claim("r:a"), True),
        ("skip-while-one-is-missing", using("c", "d"), [claim("r:a")], None, claim("r:a"), False),
        ("backoff-wrong-old-object", using("c"), [claim("r:a")], claim("r:a"), claim("r:a", has="a/p/d@n"), True),
        ("skip-unrelated-claim", using("c"), [claim("r:a")], claim("r:a", "d"), claim("r:a", "d", "a/p/d@n"), False),
        ("structured-claim-deallocate", using("c"), [claim("r:a")], claim("r:a", "d", "a/p/d@n"),
         claim("r:a", "d"), True),
        ("nop", using("c"), [claim("r:a")], claim("r:a"), claim("r:a"), False),
    ],
)  # fmt: skip
def test_claims_that_change_may_let_a_pod_fit(
    name: str, what: Object, claims: list[Object], old: Object | None, new: Object, worth: bool
) -> None:
    hint = next(each.hint for each in plugin(*claims).interests if each.resource == "ResourceClaim")
    assert hint is not None
    assert hint(what, old, new) is worth


def test_a_pod_is_tried_when_its_claim_is_known() -> None:
    hint = next(each.hint for each in plugin(claim("r:a", owner=pod())).interests if each.resource == "TargetPod")
    assert hint is not None
    assert [hint(pod(), None, new) for new in (from_template(), from_template("c"))] == [False, True]


# -- with an API server --------------------------------------------------------------------------------


def control_plane(*objects: Object) -> ControlPlane:
    found = ControlPlane(NODES)
    for each in (CLASS, *objects):
        put(found, each)
    found.settle()
    return found


def put(there: ControlPlane, obj: Object) -> None:
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("uid", "resourceVersion")}
    plural = f"{obj['kind'].lower()}{'es' if obj['kind'] == 'DeviceClass' else 's'}.resource.k8s.io"
    there.client.create(plural, {**obj, "metadata": meta})


def get(there: ControlPlane, name: str = "c") -> Object:
    return there.client.get("resourceclaims.resource.k8s.io", name, "default")


def test_the_claim_says_what_it_got_and_for_whom() -> None:
    there = control_plane(*slices("a/p@n2 d1"), claim("r:a"))
    there.create(using("c"))
    there.settle()
    assert there.node_of("p") == "n2"
    found = get(there)
    assert said(found) == "r=a/p/d1 @n2"
    assert [each["name"] for each in found["status"]["reservedFor"]] == ["p"]
    assert found["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]


def test_a_claim_is_shared_by_pods_on_one_node() -> None:
    there = control_plane(*slices("a/p@n2 d1"), claim("r:a"))
    there.create(using("c"))
    there.create(using("c", name="q"))
    there.settle()
    assert (there.node_of("p"), there.node_of("q")) == ("n2", "n2")
    assert [each["name"] for each in get(there)["status"]["reservedFor"]] == ["p", "q"]


def test_a_pod_waits_for_devices_and_is_tried_when_some_come() -> None:
    there = control_plane(claim("r:a"))
    there.create(using("c"))
    there.settle()
    unhelpful = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    told = f"0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, {unhelpful}"
    assert there.why("p") == f"Unschedulable: {told}"
    put(there, slices("a/p@n1 d1")[0])
    there.advance(2)
    assert there.node_of("p") == "n1"


def test_a_pod_whose_claim_is_missing_does_not_enter_the_queue() -> None:
    there = control_plane(*slices("a/p@n1 d1"))
    there.create(using("c"))
    there.settle()
    assert [(each.place, each.plugins) for each in there.scheduler.waiting()] == [("gated", ("DynamicResources",))]
    assert there.why("p") == ""
    put(there, claim("r:a"))
    there.settle()
    assert there.node_of("p") == "n1"


def test_a_pod_waits_on_its_node_until_its_devices_are_ready() -> None:
    there = control_plane(*slices("a/p@n1 d1(until Attached)"), claim("r:a"))
    there.create(using("c"))
    there.settle()
    assert there.node_of("p") == ""
    assert [each["message"] for each in there.events("p", "BindingConditionsPending")] == [
        "waiting for binding conditions for device on node n1"
    ]
    ready = {"type": "Attached", "status": "True", "reason": "Done", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    device = {"driver": "a", "pool": "p", "device": "d1", "conditions": [{**ready, "message": ""}]}
    found = get(there)
    there.client.update_status(
        "resourceclaims.resource.k8s.io", {**found, "status": {**found["status"], "devices": [device]}}
    )
    there.settle()
    assert there.node_of("p") == "n1"


def test_devices_that_are_never_ready_are_given_back() -> None:
    there = control_plane(*slices("a/p@n1 d1(until Attached)"), claim("r:a"))
    there.create(using("c"))
    there.advance(600.5)
    assert there.why("p") == 'SchedulerError: running PreBind plugin "DynamicResources": device binding timeout'
    assert "reservedFor" not in get(there)["status"]
    there.advance(1)
    assert "deallocation of ResourceClaim completed" in there.why("p")
    assert get(there)["status"]["allocation"]["allocationTimestamp"] == "2026-01-01T00:10:01Z"
