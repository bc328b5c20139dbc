"""The exercises of the page on the kubelet: each verdict names the step that is missing."""

from __future__ import annotations

from k8snb import Cluster, NodeSpec
from k8snb.lab import kubelets
from k8snb.lab.verdict import Verdict

SLOW = """{apiVersion: v1, kind: Pod, metadata: {name: sluggish}, spec: {containers: [{name: c, image: "busybox:1.36",
  command: [sh, -c, "sleep 20; touch /tmp/up; sleep 9999"], MORE
  livenessProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 2, failureThreshold: 2}}]}}"""
STARTUP = "startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 2, failureThreshold: COUNT},"


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def slow(text: str) -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("apply -f -", text)
    cluster.advance(60)
    return cluster


def test_a_slow_starter_needs_a_patient_startup_probe_and_keeps_its_strict_liveness_probe() -> None:
    check = kubelets.check_slow_starter
    assert missing(check(slow(SLOW.replace("MORE", "")))) == "it has a startup probe: it has none"
    lenient = SLOW.replace("MORE", "").replace("failureThreshold: 2", "failureThreshold: 20")
    assert missing(check(slow(lenient))).startswith("its liveness probe is as strict as before: livenessProbe is ")
    hasty = slow(SLOW.replace("MORE", STARTUP.replace("COUNT", "3")))
    assert missing(check(hasty)).startswith("it was not restarted: the number of its restarts is ")
    assert check(slow(SLOW.replace("MORE", STARTUP.replace("COUNT", "20"))))


HUNGRY = """{apiVersion: v1, kind: Pod, metadata: {name: NAME}, spec: {nodeSelector: {kubernetes.io/hostname: node-2},
  containers: [{name: c, image: polinux/stress, command: [stress, -m, "1", --vm-bytes, SIZE], resources: REQUESTS}]}}"""


def rivals(requests: str) -> Cluster:
    cluster = Cluster(nodes=[NodeSpec("node-1"), NodeSpec("node-2", memory="2Gi")], seed=1)
    for name, size, wish in (("database", "900M", requests), ("batch", "700M", "{}")):
        text = HUNGRY.replace("NAME", name).replace("SIZE", size).replace("REQUESTS", wish)
        cluster.kubectl("apply -f -", text)
    cluster.advance(30)
    return cluster


def test_a_database_that_asks_for_what_it_uses_survives_its_neighbour() -> None:
    assert missing(kubelets.check_survivor(rivals("{}"))) == "it requests what it uses: its request is 0"
    assert kubelets.check_survivor(rivals("{requests: {memory: 1Gi}}"))
