"""What scheduler and kubelets do with daemons, for the tests of DaemonSets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.controllers.daemonset.daemons import node_of
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object
from tests.controllers.world import World, daemonset, template


def run(world: World, ready: Callable[[Object], bool] = lambda pod: True) -> None:
    """New daemons go to their nodes and run, those on their way out end."""
    worked = True
    while worked:
        worked = False
        for pod in world.list("pods"):
            if is_deleting(pod):
                world.client.delete("pods", pod["metadata"]["name"], "default", grace=0)
            elif not pod["spec"].get("nodeName") and world.find("nodes", node_of(pod), "") is not None:
                world.bind(pod, node_of(pod))
                world.post_pod(pod, ready(pod))
            else:
                continue
            worked = True
        world.settle()


def running(nodes: int = 3, **spec: Any) -> World:
    """A world in which the daemons of a DaemonSet run."""
    world = World(nodes=nodes)
    world.create(daemonset(**spec))
    run(world)
    return world


def set_image(world: World, image: str, **spec: Any) -> None:
    change = {"spec": {"template": template(image=image, **spec)}}
    world.client.patch("daemonsets", "web", change, "default", kind="strategic")
    world.settle()


def where(world: World) -> list[str]:
    """The nodes that have a daemon, one entry for each."""
    return sorted(node_of(pod) for pod in world.pods())


def images(world: World) -> dict[str, str]:
    """The version of each node's daemons."""
    found: dict[str, str] = {}
    for pod in world.pods():
        found[node_of(pod)] = found.get(node_of(pod), "") + pod["spec"]["containers"][0]["image"][-1]
    return found
