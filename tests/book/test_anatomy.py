"""Every page of a concept has the same parts in the same order, and misses none of the points of its concept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.book.conftest import ROOT

SECTIONS = [
    "The idea in one minute",
    "What you will be able to do",
    "The YAML, field by field",
    "Step through it",
    "Break it",
    "What is simplified here",
    "On a live cluster",
    "Exercises",
    "Summary",
    "Further reading",
]

# What a page must cover, run, break and step through, and what it must set right about older texts; each point
# by words that no text about it can do without.
POINTS = {
    "first-app/pod": [
        "smallest", "logical host", "group", "localhost", "network namespace", "emptyDir", "IPC",
        "`Pending`", "`Running`", "`Succeeded`", "`Failed`", "`Unknown`", "Conditions", "`waiting`", "`terminated`",
        "`restartPolicy: Always`", "`OnFailure`", "`Never`", "does not heal itself", "Why not one container",
        "### Sidecars", "%kubectl logs", "%kubectl exec", "wget -qO- localhost", "nginx -s stop",
        "`CrashLoopBackOff`", "%kubectl delete pod", "stays gone", "`ErrImagePull`", "`ImagePullBackOff`",
        "1.33", "in-place resize", "1.35", "stop_kubelet", "not been set since",
    ],
    "first-app/runtime": [
        "**container runtime**", "**Container Runtime Interface**", "**RuntimeService**", "**ImageService**", "gRPC",
        "**RunPodSandbox**", "**CreateContainer**", "**StartContainer**", "**ImageStatus**", "**StopContainer**",
        "**dockershim**", "removed in **1.24**", "**containerd**", "**CRI-O**", "**RuntimeClass**", "**gVisor**",
        "**Kata Containers**", "`systemd`", "`cgroupfs`", "must use the same one", "cpu.weight", "cpu.max",
        "memory.max", "`OOMKilled`", "**137**", "A runtime that is not there", "asks the runtime for its driver",
        "in maintenance since",
        'cluster.calls("ordered")', 'cluster.cgroups("measured")',
    ],
    "first-app/node": [
        "**node** is a machine", "*container runtime*", "*kubelet*", "*kube-proxy*",
        "**registered**", "in a rack or rented",
        "**Capacity**", "**Allocatable**", "**conditions**", "**Lease**", "`kube-node-lease`", "Every ten seconds",
        "every five minutes", "node controller waits 50 seconds", "`Unknown`", "`NoExecute`", "tolerationSeconds",
        "After 300 seconds", "elsewhere", "start_kubelet", "stop_kubelet", "%kubectl describe node", "get lease node-1",
        "*unknown*", "An object without a machine", "A machine without an object", "40 before version 1.32",
        'cluster.stepper("A machine is lost"', "taint eviction controller",
    ],
    "first-app/labels": [
        "pairs of a key and a value", "1 to 63 characters", "at most 253 characters", "may be empty", "`!=`", "`notin`",
        "`in`", "-l '!env'", "A comma means *and*", "*loose coupling*", "five steps", "**template**", "**ReplicaSet**",
        "**slice**", "**kube-proxy**", "cannot be selected", "matchExpressions", "nodeSelector", "app=quarantine",
        "matches nothing", "matches too much", 'cluster.selection("service/my-app-service")', "256 KiB",
    ],
    "first-app/deployment": [
        "declared", "**ReplicaSets**", "`pod-template-hash`", "`maxSurge`", "`maxUnavailable`", "revision",
        "rollout undo", "rollout pause", "rollout resume", "`progressDeadlineSeconds`", "`Recreate`", "cattle",
        "%kubectl scale", "%kubectl set image", "rollout history", "cluster.chart(", "`Progressing` has turned false",
        "Nothing is down", "min available", "max total",
    ],
    "first-app/service": [
        "never change", "virtual address", "changing pods", "nslookup my-service", "/etc/resolv.conf",
        "printenv MY_SERVICE_SERVICE_HOST", "**EndpointSlice**", "sessionAffinity: ClientIP", "Who reaches it, and how",
        "Use it for", "`ClusterIP`", "`NodePort`", "`LoadBalancer`", "`ExternalName`", "**Headless**",
        "**kube-proxy** writes these rules", "sort | uniq -c", "%kubectl scale", "about=both",
        '"targetPort": 8080', "touch /tmp/sick", '"app.kubernetes.io/name": "MyAp"', 'cluster.packet("client"',
        "deprecated since 1.33", "PreferSameNode", "`nftables`", "`ipvs`",
    ],
    "first-app/kubectl": [
        "the client that knows the paths", "**kubeconfig**", "**context**", "**Imperative**", "**Declarative**",
        "**three-way merge**", "server-side", "%kubectl exec", "cluster.requests(f\"logs", "%kubectl explain",
        "diff -f -", 'cluster.requests("get deployment web")', 'cluster.requests("describe', "delete pod", "-o name",
        "**JSONPath**", "custom-columns", "`-v=8`", "**POST**", "**PATCH**", "**DELETE**", "**conflict**",
        "--field-manager",
        "*Strict validation*", "A typo", "cluster.applying(config)", "managedFields", "resourceVersion",
    ],
    "first-app/namespace": [
        "scope for names", "Same kind, same name, two objects", "`default`", "`kube-system`", "`kube-public`",
        "`kube-node-lease`", "--namespaced=false", "nslookup web.team-a",
        "**RBAC**", "**NetworkPolicy**", "It is not a wall",
        "**ResourceQuota**", "**LimitRange**", "per namespace", "Terminating", "finalizer", "Over budget",
        'cluster.stepper("A namespace is deleted"', "*namespace controller*", "share a kernel",
    ],
}  # fmt: skip

MANIFESTS = {
    "first-app/pod": ["first-app/pod.yaml", "first-app/two-containers.yaml"],
    "first-app/runtime": ["first-app/measured-pod.yaml", "first-app/runtime-class.yaml"],
    "first-app/node": ["first-app/phantom-node.yaml"],
    "first-app/labels": ["first-app/labels-deployment.yaml", "first-app/labels-service.yaml"],
    "first-app/deployment": ["first-app/deployment.yaml"],
    "first-app/service": ["first-app/service-pods.yaml", "first-app/service.yaml", "first-app/service-types.yaml"],
    "first-app/kubectl": ["first-app/shop.yaml"],
    "first-app/namespace": ["first-app/quota.yaml", "first-app/limit-range.yaml"],
}
"""What is applied on a page exactly as it is kept."""


def cells(page: str) -> list[Any]:
    """The cells of a chapter."""
    return list(nbformat.read(ROOT / "chapters" / f"{page}.ipynb", as_version=4).cells)


def code(page: str) -> list[Any]:
    return [cell for cell in cells(page) if cell.cell_type == "code"]


def headings(page: str, level: int) -> list[str]:
    """The headings of a level, in order."""
    text = "\n".join(cell.source for cell in cells(page) if cell.cell_type == "markdown")
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def is_solution(cell: Any) -> bool:
    return "hide-cell" in cell.metadata.get("tags", ())


pages = pytest.mark.parametrize("page", POINTS)


@pages
def test_a_page_has_one_title_and_all_parts_in_order(page: str) -> None:
    assert len(headings(page, 1)) == 1
    assert [each for each in headings(page, 2) if each in SECTIONS] == SECTIONS


@pages
def test_a_page_tells_a_story_between_its_aims_and_its_yaml(page: str) -> None:
    parts = headings(page, 2)
    assert parts[:2] == SECTIONS[:2]
    assert len(parts[2 : parts.index("The YAML, field by field")]) >= 2


@pages
def test_no_point_of_the_concept_is_missing(page: str) -> None:
    text = re.sub(r"\s+", " ", "\n".join(cell.source for cell in cells(page)))
    assert [point for point in POINTS[page] if point not in text] == []


@pages
def test_a_page_imports_first_and_then_makes_its_cluster_with_a_seed(page: str) -> None:
    first, second = code(page)[:2]
    assert all(line.startswith(("from ", "import ", "%load_ext", "")) for line in first.source.splitlines())
    assert re.match(r"cluster = Cluster\(.*seed=\d+\)", second.source)


@pages
def test_a_page_draws_live_objects_and_can_be_stepped_through(page: str) -> None:
    sources = [cell.source for cell in code(page)]
    assert any("cluster.diagram(" in source for source in sources)
    assert any("cluster.stepper(" in source for source in sources)


@pages
def test_code_comes_in_small_cells(page: str) -> None:
    lengths = sorted(len(cell.source.splitlines()) for cell in code(page) if not cell.source.startswith("%%"))
    assert lengths[-1] <= 8
    assert lengths[len(lengths) // 2] <= 4


@pages
def test_a_page_has_at_most_twenty_five_code_cells(page: str) -> None:
    """All of them count: the imports, what sets an exercise up, its check and its folded solution."""
    assert len(code(page)) <= 25


@pages
def test_a_page_has_two_to_four_exercises_that_are_not_solved_until_somebody_solves_them(page: str) -> None:
    exercises = [heading for heading in headings(page, 3) if re.match(r"\d · ", heading)]
    assert 2 <= len(exercises) <= 4
    checks = [cell for cell in code(page) if re.search(r"\.check_\w+\(cluster\)$", cell.source)]
    verdicts = {solved: [c for c in checks if is_solution(c) is solved] for solved in (False, True)}
    assert [len(verdicts[solved]) for solved in (False, True)] == [len(exercises)] * 2
    for solved, word in ((False, "Not yet."), (True, "Solved.")):
        for cell in verdicts[solved]:
            assert cell.outputs[-1]["data"]["text/plain"].startswith(word), cell.source


@pages
def test_what_a_page_applies_is_kept_as_a_manifest(page: str) -> None:
    applied = [cell.source.partition("\n")[2].strip() for cell in code(page) if cell.source.startswith("%%apply")]
    for name in MANIFESTS[page]:
        assert (ROOT / "manifests" / name).read_text().strip() in applied


def test_every_manifest_belongs_to_a_page() -> None:
    kept = {str(path.relative_to(ROOT / "manifests")) for path in Path(ROOT / "manifests").rglob("*.yaml")}
    assert kept == {name for names in MANIFESTS.values() for name in names}
