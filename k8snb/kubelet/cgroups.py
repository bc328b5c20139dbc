"""The control groups that requests and limits become: what the kernel is told of a pod. Pure functions.

The kubelet keeps a tree of cgroups (version 2): one for all pods, one for each quality of service below Guaranteed, one
per pod; the runtime adds one per container. Requests become *weights*, by which the kernel shares out CPU time when it
is scarce; limits become *maxima*. Who makes a node of the tree, and how its name is written, is the cgroup driver's
matter: with `systemd` every node is a unit of systemd's, with `cgroupfs` a directory that is made by hand.

Upstream: `pkg/kubelet/cm/helpers_linux.go`, `cgroup_manager_linux.go`, `qos_container_manager_linux.go`; the conversion
of shares to weights is that of `opencontainers/cgroups` (runc 1.3.2 and later).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8snb.machinery import quantity
from k8snb.typing import Object

PERIOD = 100_000
"""Microseconds in which a CPU limit may be used up."""

LEAST_QUOTA = 1_000
LEAST_SHARES = 2
MOST_SHARES = 262_144

DRIVERS = ("systemd", "cgroupfs")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One node of the tree: its directory, what it is for, and what is written into its files."""

    name: str
    about: str
    settings: Mapping[str, str]
    children: tuple[Cgroup, ...] = ()


def shares(milli: int) -> int:
    """The CPU shares of a request in thousandths of a core."""
    return max(LEAST_SHARES, milli * 1024 // 1000) if milli else LEAST_SHARES


def weight(cpu_shares: int) -> int:
    """`cpu.weight` for so many shares: 2 → 1, 1024 → 100, 262144 → 10000, and a smooth curve between."""
    if cpu_shares <= LEAST_SHARES:
        return 1
    if cpu_shares >= MOST_SHARES:
        return 10_000
    log = math.log2(cpu_shares)
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))


def quota(milli: int) -> str:
    """`cpu.max` for a limit in thousandths of a core: microseconds of CPU time in each period."""
    return f"{max(milli * PERIOD // 1000, LEAST_QUOTA)} {PERIOD}" if milli else f"max {PERIOD}"


def tree(pod: Object, allocatable: Mapping[str, str], neighbours: Iterable[Object], driver: str = "systemd") -> Cgroup:
    """The branch of a node's tree that leads to the pod's containers; ValueError for an unknown driver.

    `neighbours` are all pods of the node: what the Burstable ones ask for together decides the weight of their class.
    """
    if driver not in DRIVERS:
        raise ValueError(f"{driver} is not a cgroup driver: {', '.join(DRIVERS)}")
    quality = _quality(pod)
    of_pod = _pod(pod, quality, driver)
    milli = quantity.milli(allocatable.get("cpu", "0"))
    memory = quantity.value(allocatable.get("memory", "0"))
    top = {"cpu.weight": str(weight(shares(milli))), "memory.max": str(memory) if memory else "max"}
    if quality == "Guaranteed":
        return Cgroup(_name(driver), "all pods", top, (of_pod,))
    together = sum(_requested(each) for each in neighbours if _quality(each) == "Burstable")
    of_class = weight(shares(together)) if quality == "Burstable" else 1
    between = Cgroup(_name(driver, quality.lower()), quality, {"cpu.weight": str(of_class)}, (of_pod,))
    return Cgroup(_name(driver), "all pods", top, (between,))


def _pod(pod: Object, quality: str, driver: str) -> Cgroup:
    containers = pod["spec"]["containers"]
    settings = {
        "cpu.weight": str(weight(shares(_requested(pod)))),
        "cpu.max": quota(_sum_of_limits(containers, "cpu")),
        "memory.max": _bytes(_sum_of_limits(containers, "memory")),
    }
    parts = ["pod" + pod["metadata"]["uid"]]
    if quality != "Guaranteed":
        parts.insert(0, quality.lower())
    ids = {
        each["name"]: each.get("containerID", "") for each in (pod.get("status") or {}).get("containerStatuses") or ()
    }
    below = tuple(_container(each, ids.get(each["name"], ""), driver) for each in containers)
    return Cgroup(_name(driver, *parts), f"pod {pod['metadata']['name']}", settings, below)


def _container(container: Object, container_id: str, driver: str) -> Cgroup:
    settings = {
        "cpu.weight": str(weight(shares(_amount(container, "requests", "cpu")))),
        "cpu.max": quota(_amount(container, "limits", "cpu")),
        "memory.max": _bytes(_amount(container, "limits", "memory")),
    }
    short = container_id.rpartition("/")[2]
    name = f"cri-containerd-{short}.scope" if driver == "systemd" else short
    return Cgroup(name, f"container {container['name']}", settings)


def _quality(pod: Object) -> str:
    return str((pod.get("status") or {}).get("qosClass", "BestEffort"))


def _requested(pod: Object) -> int:
    """The CPU that a pod's containers ask for together, in thousandths of a core."""
    return sum(_amount(each, "requests", "cpu") for each in pod["spec"]["containers"])


def _name(driver: str, *parts: str) -> str:
    """A directory of the tree: systemd's units repeat their ancestors and have no dashes of their own."""
    if driver == "systemd":
        return "-".join(["kubepods", *(part.replace("-", "_") for part in parts)]) + ".slice"
    return parts[-1] if parts else "kubepods"


def _amount(container: Object, part: str, resource: str) -> int:
    """A request or limit: thousandths of a core, or bytes; 0 if there is none."""
    given: Mapping[str, Any] = (container.get("resources") or {}).get(part) or {}
    text = given.get(resource, "0")
    return quantity.milli(text) if resource == "cpu" else quantity.value(text)


def _sum_of_limits(containers: Any, resource: str) -> int:
    """The sum of limits if every container has one, else 0: a pod has a limit only if all its parts do."""
    amounts = [_amount(each, "limits", resource) for each in containers]
    return sum(amounts) if all(amounts) else 0


def _bytes(amount: int) -> str:
    return str(amount) if amount else "max"
