"""The lab of the chapter "Workloads and automation": right repairs are accepted, wrong ones are told why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from k8snb import Cluster, helm
from k8snb.ingress import CONTROLLER
from k8snb.lab import notes, production, workloads
from k8snb.lab.puzzles import Puzzles
from tests.book.conftest import ROOT
from tests.lab.repairs import SOLVED, Attempt, judged, verdict_of

Lab = tuple[Puzzles, Cluster]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The application with all that runs beside it, and two notes."""
    cluster = Cluster(nodes=3, cloud=True, seed=6)
    cluster.add_driver(production.DRIVER)
    cluster.kubectl(f"apply -f {CONTROLLER}")
    cluster.client.create("storageclasses.storage.k8s.io", production.STORAGE_CLASS)
    cluster.client.create("secrets", production.certificate())
    values = f"--set operated=true,database.password=first-one --set 'title={notes.TITLE}'"
    helm.run(cluster, f"install notes {ROOT / 'charts' / 'notes'} --wait {values}")
    for note in notes.NOTES:
        cluster.curl(f"-sk --resolve {notes.HOST}:443:{notes.address(cluster)} -d '{note}' https://{notes.HOST}/notes")
    return workloads.puzzles(cluster), cluster


def patch(what: str, **spec: Any) -> str:
    """A merge patch of a spec."""
    return f"patch {what} --type=merge -p '{json.dumps({'spec': spec})}'\n"


def api(path: str, value: Any = None) -> str:
    """A JSON patch of the API's pods: replace, or remove without a value."""
    operation = {"op": "add" if value is not None else "remove", "path": f"/spec/template/spec/{path}"}
    body = [{**operation, **({"value": value} if value is not None else {})}]
    return f"patch deployment notes-api --type=json -p '{json.dumps(body)}'\n"


def apply(obj: Any) -> str:
    return f"apply -f -\n> {json.dumps(obj)}\n"


def service(name: str, **spec: Any) -> str:
    ports = [{"name": "postgres", "port": 5432, "targetPort": "postgres"}]
    whole = {"clusterIP": "None", "selector": {"app": "notes", "tier": "db"}, "ports": ports, **spec}
    return apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": whole})


DRAIN = "drain -l emptied=yes --ignore-daemonsets --timeout=60s"
MARK = "label nodes --field-selector=spec.unschedulable=true emptied=yes\n"
HOST = "containers/0/env/0"
SPREAD = "topologySpreadConstraints"
ALONE = {"rollingUpdate": {"partition": 0}}
READINESS = "/spec/template/spec/containers/0/readinessProbe"
NO_PROBE = f'patch statefulset notes-db --type=json -p \'[{{"op": "%s", "path": "{READINESS}"%s}}]\'\n'
PROBE = ', "value": {"exec": {"command": ["pg_isready"]}}'
NEW_POD = "delete pod notes-db-0\n"
RACKS = "".join(f"label node node-{n} topology.kubernetes.io/rack=r{n}\n" for n in (1, 2, 3))
TOLERATED = {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}
KEY = {"template": {"spec": {"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "notes"}]}}}
BARE = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mine", "labels": {"app": "notes", "tier": "agent"}}}

STORIES: Sequence[tuple[str, Sequence[Attempt]]] = [
    ("partition", [
        (NEW_POD, "1, 0, 1. They are of an older revision: what keeps the newer one from them?"),
        (patch("statefulset notes-db", updateStrategy=ALONE) + NEW_POD, SOLVED),
    ]),
    ("partition", [
        (patch("statefulset notes-db", updateStrategy=ALONE) + NO_PROBE % ("remove", "") + NEW_POD,
         "no readiness probe"),
        (NO_PROBE % ("add", PROBE), SOLVED),
    ]),
    ("headless", [
        (api(f"{HOST}/value", "notes-db-0.notes-database"), "A pod of notes-api is not ready"),
        (service("notes-db"), "notes-api: pods, up to date, ready: 3, 1, 2"),
        (api(f"{HOST}/value", "notes-db-0.notes-db"), SOLVED),
    ]),
    ("headless", [
        (service("notes-db", selector={"app": "notes", "tier": "database"}), "its Service lists none"),
        (api(f"{HOST}/value", "notes-database"), SOLVED),
    ]),
    ("drain", [
        (MARK + "delete pdb notes-api\n" + DRAIN, "the budget notes-api is gone"),
    ]),
    ("drain", [
        (MARK + f"{DRAIN} --disable-eviction", "it lets none go: 2 pods are healthy, and it demands 2"),
        (patch("pdb notes-api", minAvailable=0), "it demands no pod at all"),
        (patch("pdb notes-api", minAvailable="50%"), SOLVED),
    ]),
    ("drain", [
        ("uncordon -l kubernetes.io/os=linux", "all are open"),
        ("cordon node-1\nlabel node node-1 emptied=yes\n"
         + patch("pdb notes-api", minAvailable=None, maxUnavailable=1) + DRAIN, SOLVED),
    ]),
    ("backup", [
        ("create job now --from=cronjob/notes-backup", "the CronJob is suspended: no run will follow"),
        (patch("cronjob notes-backup", suspend=False, schedule="0 0 1 1 *"), "schedule is 0 0 1 1 *"),
        (patch("cronjob notes-backup", schedule="*/5 * * * *"), SOLVED),
    ]),
    ("backup", [
        (patch("cronjob notes-backup", suspend=False, startingDeadlineSeconds=300,
               jobTemplate={"spec": {"suspend": True}}), "no Job that completed"),
        ("delete jobs --all\n" + patch("cronjob notes-backup", jobTemplate={"spec": {"suspend": False}}), SOLVED),
    ]),
    ("agent", [
        (apply({**BARE, "spec": {"nodeName": "node-3", "containers": [{"name": "c", "image": "busybox:1.36"}]}}),
         "none of the DaemonSet on node-3"),
        (patch("daemonset notes-agent", **TOLERATED), SOLVED),
    ]),
    ("agent", [
        ("label node node-3 dedicated=notes", "none of the DaemonSet on node-3"),
        (patch("daemonset notes-agent", **KEY), SOLVED),
    ]),
    ("spread", [
        (api(SPREAD), "nothing keeps them from all being on one node"),
        (api(SPREAD, [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
                       "labelSelector": {"matchLabels": {"app": "notes", "tier": "api"}}}]), SOLVED),
    ]),
    ("spread", [
        (api(f"{SPREAD}/0/whenUnsatisfiable", "ScheduleAnyway"), "and node-1 has none"),
        (RACKS + api(f"{SPREAD}/0/whenUnsatisfiable", "DoNotSchedule"), SOLVED),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attempts"), STORIES, ids=[name for name, _attempts in STORIES])
def test_a_repair_is_judged_by_what_it_brings_about(lab: Lab, name: str, attempts: Sequence[Attempt]) -> None:
    puzzles, cluster = lab
    assert judged(puzzles, cluster, name, attempts) == []


def test_a_healthy_application_is_a_solved_one(lab: Lab) -> None:
    puzzles, cluster = lab
    cluster.rewind(puzzles.healthy)
    assert verdict_of(workloads.check_notes(cluster)) == SOLVED
