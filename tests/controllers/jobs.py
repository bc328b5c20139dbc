"""Jobs in one line, and what nodes do with their pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.controllers.podstate import has_ended
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object
from tests.controllers.world import World


def job(name: str = "work", **spec: Any) -> Object:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template, **spec}}


def indexed(completions: int = 3, **spec: Any) -> Object:
    return job(completions=completions, parallelism=completions, completionMode="Indexed", **spec)


def running(world: World) -> list[Object]:
    """The pods that have not ended, in the order of their names."""
    pods = [each for each in world.pods() if not has_ended(each)]
    return sorted(pods, key=lambda each: str(each["metadata"]["name"]))


def start(world: World) -> None:
    """Every pod without a node gets one and runs."""
    for each in running(world):
        if not each["spec"].get("nodeName"):
            world.bind(each)
            world.post_pod(each)
    world.settle()


def end(world: World, pod: Object, code: int = 0, **status: Any) -> None:
    """The pod's container exits."""
    found = world.find("pods", pod["metadata"]["name"])
    if found is None:
        return
    pod = found
    terminated = {"exitCode": code, "finishedAt": world.clock.timestamp(), "reason": "Error" if code else "Completed"}
    main = {"name": "main", "image": "busybox", "imageID": "", "ready": False, "restartCount": 0}
    phase = "Failed" if code else "Succeeded"
    conditions = [*(pod["status"].get("conditions") or ()), *status.pop("conditions", ())]
    new = {**pod["status"], "phase": phase, "conditions": conditions, **status}
    new["containerStatuses"] = [{**main, "state": {"terminated": terminated}}]
    world.client.update_status("pods", {**pod, "status": new})
    world.settle()


def play(world: World, code: Callable[[Object], int] = lambda pod: 0, rounds: int = 50) -> None:
    """Pods run and exit with the code that is said, until there are none."""
    for _ in range(rounds):
        start(world)
        left = running(world)
        for each in left:
            end(world, each, code(each))
        remove_leaving(world)
        if not left:
            return


def remove_leaving(world: World) -> None:
    """What was asked to go is gone."""
    for each in world.list("pods"):
        if is_deleting(each) and not has_ended(each):
            end(world, each, 137)
    for each in world.list("pods"):
        if is_deleting(each):
            world.client.delete("pods", each["metadata"]["name"], "default", grace=0)
    world.settle()


def conditions(world: World, name: str = "work") -> dict[str, str]:
    """The true conditions of a Job and their reasons, in order."""
    found = world.get("jobs", name)["status"].get("conditions") or []
    return {each["type"]: each.get("reason", "") for each in found if each["status"] == "True"}


def counts(world: World, name: str = "work") -> dict[str, int]:
    """The counters of a Job that are not zero."""
    status = world.get("jobs", name)["status"]
    counters = ("active", "ready", "terminating", "succeeded", "failed")
    return {counter: status[counter] for counter in counters if status.get(counter)}
