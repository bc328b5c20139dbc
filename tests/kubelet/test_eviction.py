"""A kubelet ends pods before its machine runs out of memory or disk."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster, NodeSpec
from k8snb.kubelet.thresholds import DISK, MEMORY, EvictionSettings, Observed, Watch

MI = 1024 * 1024


class Machine:
    """One node with 2 GiB, of which the machine itself takes 384 MiB, and pods that use what their name is told."""

    def __init__(self, **spec: Any) -> None:
        self.cluster = Cluster(nodes=[NodeSpec("node-1", **{"memory": "2Gi", **spec})], seed=1)
        self.client = self.cluster.client

    def pod(self, name: str, uses: str, requests: str = "", **spec: Any) -> None:
        resources = {"resources": {"requests": {"memory": requests}}} if requests else {}
        command = ["stress", "--vm", "1", "--vm-bytes", uses]
        container = {"name": "c", "image": "polinux/stress", "command": command, **resources}
        made = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container], **spec},
        }
        self.client.create("pods", made, "default")
        self.cluster.settle()

    def phases(self) -> dict[str, str]:
        """The phase of every pod, or why it failed."""
        found = self.client.list("pods", "default")
        return {p["metadata"]["name"]: p["status"].get("reason") or p["status"]["phase"] for p in found}

    def condition(self, type: str = "MemoryPressure") -> str:
        conditions = self.client.get("nodes", "node-1")["status"]["conditions"]
        return next(f"{each['status']} {each['reason']}" for each in conditions if each["type"] == type)

    def taints(self) -> list[str]:
        return [each["key"] for each in self.client.get("nodes", "node-1")["spec"].get("taints") or ()]

    def events(self, reason: str) -> list[str]:
        return [each["message"] for each in self.client.list("events") if each["reason"] == reason]


@pytest.fixture
def machine() -> Machine:
    machine = Machine()
    machine.pod("modest", "300M", "400Mi")
    machine.pod("greedy", "700M", "100Mi")
    machine.pod("small", "100M")
    machine.cluster.advance(20)
    return machine


def test_who_is_furthest_above_its_request_goes_first_and_the_others_stay(machine: Machine) -> None:
    assert machine.phases() == dict.fromkeys(("modest", "greedy", "small"), "Running")
    machine.pod("last", "500M", "500Mi")
    machine.cluster.advance(12)
    assert machine.phases() == {"modest": "Running", "greedy": "Evicted", "small": "Running", "last": "Running"}
    message = (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. "
        "Container c was using 701Mi, request is 100Mi, has larger consumption of memory. "
    )
    pod = machine.client.get("pods", "greedy", "default")
    assert (pod["status"]["phase"], pod["status"]["message"]) == ("Failed", message)
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")  # `stress` does not hear the first signal
    first = pod["status"]["conditions"][0]
    assert [first[name] for name in ("type", "status", "reason", "message")] == [
        "DisruptionTarget",
        "True",
        "TerminationByKubelet",
        message,
    ]
    assert machine.events("Evicted") == [message]
    assert machine.events("EvictionThresholdMet") == ["Attempting to reclaim memory"]


def test_the_node_says_so_and_gets_nothing_new_until_it_has_been_well_for_five_minutes(machine: Machine) -> None:
    machine.pod("last", "500M", "500Mi")
    machine.cluster.advance(12)
    assert machine.condition() == "True KubeletHasInsufficientMemory"
    assert machine.taints() == ["node.kubernetes.io/memory-pressure"]
    assert machine.events("NodeHasInsufficientMemory") == ["Node node-1 status is now: NodeHasInsufficientMemory"]
    machine.cluster.advance(280)
    assert machine.taints() == ["node.kubernetes.io/memory-pressure"]
    machine.cluster.advance(40)
    assert (machine.condition(), machine.taints()) == ("False KubeletHasSufficientMemory", [])


def test_priority_comes_before_the_amount_and_critical_pods_are_spared() -> None:
    machine = Machine()
    machine.pod("critical", "800M", priorityClassName="system-node-critical")
    machine.client.create(
        "priorityclasses", {"apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": "high"}, "value": 1000}
    )
    machine.pod("important", "400M", priorityClassName="high")
    machine.pod("any", "380M")
    machine.cluster.advance(12)
    assert machine.phases() == {"critical": "Running", "important": "Running", "any": "Evicted"}


def test_best_effort_is_turned_away_while_memory_is_short(machine: Machine) -> None:
    machine.pod("last", "500M", "500Mi")
    machine.cluster.advance(12)
    machine.pod("late", "10M", nodeName="node-1")
    machine.pod("asked", "10M", "20Mi", nodeName="node-1")
    assert (machine.phases()["late"], machine.phases()["asked"]) == ("Evicted", "Running")
    message = machine.client.get("pods", "late", "default")["status"]["message"]
    assert message == "Pod was rejected: The node had condition: [MemoryPressure]. "
    box = {"name": "c", "image": "registry.k8s.io/pause:3.10"}
    machine.cluster.put_manifest("node-1", {"metadata": {"name": "own"}, "spec": {"containers": [box]}})
    machine.cluster.settle()
    assert machine.phases()["own-node-1"] == "Running", "static pods are admitted all the same"


def test_a_soft_threshold_waits_and_gives_time_to_end(machine: Machine) -> None:
    machine.cluster.configure_kubelet(
        "node-1",
        evictionSoft={"memory.available": "600Mi"},
        evictionSoftGracePeriod={"memory.available": 60},
        evictionMaxPodGracePeriod=20,
    )
    machine.cluster.advance(55)
    assert (machine.condition()[:4], machine.phases()["greedy"]) == ("True", "Running")
    machine.cluster.advance(40)
    assert machine.phases() == {"modest": "Running", "greedy": "Evicted", "small": "Running"}


def test_files_fill_a_disk() -> None:
    machine = Machine(memory="32Gi", storage="10Mi")
    machine.cluster.kubectl("run writer --image=busybox -- sleep 3600")
    machine.cluster.settle()
    machine.cluster.kubectl("exec writer -- dd if=/dev/zero of=/tmp/much bs=1M count=10")
    machine.cluster.advance(12)
    assert machine.phases() == {"writer": "Evicted"}
    assert machine.condition("DiskPressure") == "True KubeletHasDiskPressure"
    assert machine.events("Evicted")[0].startswith("The node was low on resource: ephemeral-storage. ")


def test_a_process_that_grows_makes_a_large_machine_look() -> None:
    machine = Machine(memory="8Gi")
    machine.cluster.kubectl("run quiet --image=nginx")
    machine.cluster.settle()
    assert machine.cluster.kubelets["node-1"].eviction is None
    machine.pod("huge", "7750M")
    machine.cluster.advance(12)
    assert machine.phases() == {"quiet": "Running", "huge": "Evicted"}


def test_what_a_kubelet_sees_can_be_looked_at(machine: Machine) -> None:
    assert repr(machine.cluster.pressure("node-1")).splitlines() == [
        "node-1: no pressure reported",
        "  ✓ memory.available (hard): free 561Mi of 2Gi, threshold 100Mi",
        "  ✓ nodefs.available (hard): free 100Gi of 100Gi, threshold 10Gi",
        "   1  default/greedy  uses     701Mi, requests     100Mi, priority 0",
        "   2  default/small   uses     101Mi, requests         0, priority 0",
        "   3  default/modest  uses     301Mi, requests     400Mi, priority 0",
    ]


def test_settings_are_checked(machine: Machine) -> None:
    with pytest.raises(ValueError, match="unknown eviction signal humour"):
        machine.cluster.configure_kubelet("node-1", evictionHard={"humour": "1"})
    with pytest.raises(ValueError, match="grace period must be specified for the soft eviction threshold"):
        machine.cluster.configure_kubelet("node-1", evictionSoft={"memory.available": "1Gi"})


# -- thresholds --------------------------------------------------------------------------------------------


def watch(**settings: Any) -> Watch:
    return Watch(EvictionSettings(**{"evictionHard": {"memory.available": "100Mi"}, **settings}))


def due(found: Watch, free: int, now: float) -> bool:
    return bool(found.look({MEMORY: Observed(free * MI, 1000 * MI)}, now))


def test_what_was_short_counts_as_short_until_the_minimum_is_reclaimed() -> None:
    found = watch(evictionMinimumReclaim={"memory.available": "50Mi"})
    assert [due(found, free, now) for now, free in enumerate((110, 90, 110, 149, 150, 110))] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_soft_threshold_starts_anew_when_it_was_left_in_between() -> None:
    found = watch(
        evictionHard={}, evictionSoft={"memory.available": "20%"}, evictionSoftGracePeriod={"memory.available": 30}
    )
    times = ((0, 150), (20, 150), (29, 210), (40, 150), (60, 150), (70, 150))
    assert [due(found, free, now) for now, free in times] == [False, False, False, False, False, True]


def test_memory_is_seen_to_before_disk() -> None:
    found = watch(evictionHard={"nodefs.available": "10%", "memory.available": "100Mi"})
    short = {MEMORY: Observed(1, 1000 * MI), DISK: Observed(1, 1000 * MI)}
    assert [each.signal for each in found.look(short, 0)] == [MEMORY, DISK]
