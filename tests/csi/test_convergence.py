"""Whatever happens to pods, claims and nodes: a disk is on one node at a time, and in the end nothing is left."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.errors import StatusError
from tests.csi.shop import Shop, claim, pod

ACTIONS = ("claim", "unclaim", "pod", "stop pod", "kill pod", "lose node", "find node", "wait")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2)), max_size=16)


def act(shop: Shop, action: str, number: int) -> None:
    """One thing that people do, or that happens to a machine."""
    cluster, node = shop.cluster, f"node-{number % 2 + 1}"
    try:
        if action == "claim":
            cluster.client.create("persistentvolumeclaims", claim(f"c-{number}"))
        elif action == "unclaim":
            cluster.client.delete("persistentvolumeclaims", f"c-{number}", "default")
        elif action == "pod":
            cluster.client.create("pods", pod(f"p-{number}", f"c-{(number + 1) % 3}", f"c-{number}"))
        elif action in ("stop pod", "kill pod"):
            cluster.client.delete("pods", f"p-{number}", "default", grace=0 if action == "kill pod" else None)
        elif action == "lose node":
            cluster.stop_kubelet(node)
        elif action == "find node":
            cluster.start_kubelet(node)
    except StatusError:
        pass
    cluster.advance(400 if action == "wait" else number * 2)


def sound(shop: Shop) -> None:
    """No disk is attached twice; every volume has a disk and a claim of its own."""
    assert all(len(disk.attached) <= 1 for disk in shop.driver.disks.values()), "one node at a time"
    volumes = shop.cluster.client.list("persistentvolumes")
    owners = [each["spec"]["claimRef"]["uid"] for each in volumes]
    assert len(owners) == len(set(owners)), "one volume per claim"
    handles = {each["spec"]["csi"]["volumeHandle"] for each in volumes}
    assert handles <= set(shop.driver.disks), "no volume without a disk"


@given(steps)
def test_disks_are_on_one_node_at_a_time_and_none_is_forgotten(story: list[Any]) -> None:
    shop = Shop(2)
    for action, number in story:
        act(shop, action, number)
        sound(shop)
    for node in ("node-1", "node-2"):
        shop.cluster.start_kubelet(node)
    for resource in ("pods", "persistentvolumeclaims"):
        for each in shop.cluster.client.list(resource, "default"):
            shop.cluster.client.delete(resource, each["metadata"]["name"], "default")
    shop.cluster.advance(500)
    left = [shop.volumes(), shop.attached(), list(shop.driver.disks), shop.cluster.client.list("pods", "default")]
    assert left == [[], [], [], []]
    assert not shop.cluster.server.panics
