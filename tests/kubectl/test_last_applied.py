"""Editing what apply takes for the last manifest, and dumping all there is to look at."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kubectl.conftest import Typed

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {k: v}\n"
ANNOTATION = r"-o jsonpath='{.data.k},{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'"


def test_an_edit_of_the_last_manifest_leaves_the_object_as_it_is(kubectl: Typed) -> None:
    kubectl("apply -f -", CONFIG)
    assert kubectl("apply edit-last-applied cm cfg", "s/k: v/k: w/").text == "configmap/cfg edited\n"
    value, _, manifest = kubectl(f"get cm cfg {ANNOTATION}").text.partition(",")
    assert (value, json.loads(manifest)["data"]) == ("v", {"k": "w"})


def test_an_object_that_was_never_applied_has_no_last_manifest_to_edit(kubectl: Typed) -> None:
    kubectl("create cm plain")
    assert (
        "no last-applied-configuration annotation found on resources"
        in kubectl("apply edit-last-applied cm plain").text
    )


def test_a_dump_has_a_file_for_each_kind_and_the_logs_of_each_pod(kubectl: Typed, tmp_path: Path) -> None:
    kubectl("run web --image=nginx:1.27")
    kubectl("wait --for=condition=Ready pod/web --timeout=60s")
    assert kubectl(f"cluster-info dump --output-directory={tmp_path}").text == f"Cluster info dumped to {tmp_path}\n"
    files = sorted(str(path.relative_to(tmp_path / "default")) for path in (tmp_path / "default").rglob("*.*"))
    kinds = ("daemonsets", "deployments", "events", "pods", "replicasets", "replication-controllers", "services")
    assert files == [*(f"{kind}.json" for kind in kinds), "web/logs.txt"]
    assert json.loads((tmp_path / "default/pods.json").read_text())["items"][0]["metadata"]["name"] == "web"


def test_a_deletion_asks_first_where_it_is_told_to(kubectl: Typed) -> None:
    kubectl("create cm cfg")
    asked = "You are about to delete the following 1 resource(s):\nconfigmap/cfg\nDo you want to continue? (y/n): "
    assert kubectl("delete cm/cfg -i", "n\n").text == f"{asked}deletion is cancelled\n"
    assert kubectl("delete cm/cfg -i", "y\n").text == f'{asked}configmap "cfg" deleted from default namespace\n'
