"""Releases: what is kept of them, how they are installed, and their hooks."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from k8snb import Cluster
from tests.helm.conftest import Typed, Written, config_map
from tests.helm.released import (
    DEPLOYMENT,
    history,
    job,
    records,
)

# -- what is kept --------------------------------------------------------------------------------------


def test_a_release_is_a_secret_that_the_real_helm_could_read(cluster: Cluster, chart: Written, helm: Typed) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: '{{ .Values.a }}'"), "values.yaml": "a: 1\n", "x.txt": "x"})
    helm(f"install w {folder} --set b=2 --labels team=shop")
    (secret,) = records(cluster)
    stamp = secret["metadata"]["labels"].pop("modifiedAt")
    assert secret["metadata"]["name"] == "sh.helm.release.v1.w.v1"
    assert secret["metadata"]["labels"] == {
        "name": "w", "owner": "helm", "status": "deployed", "version": "1", "team": "shop",
    }  # fmt: skip
    assert stamp.isdigit()
    record: Any = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    assert list(record) == ["name", "info", "chart", "config", "manifest", "version", "namespace"]
    assert record["info"] == {
        "first_deployed": "2026-01-01T00:00:00.005Z",
        "last_deployed": "2026-01-01T00:00:00.005Z",
        "deleted": "",
        "description": "Install complete",
        "status": "deployed",
    }
    assert record["config"] == {"b": 2}
    assert list(record["chart"]) == ["metadata", "lock", "templates", "values", "schema", "files"]
    assert record["chart"]["files"] == [{"name": "x.txt", "data": "eA=="}]
    assert record["manifest"].startswith("---\n# Source: web/templates/cm.yaml\napiVersion: v1\n")


def test_a_release_of_another_helm_is_read(cluster: Cluster, helm: Typed) -> None:
    record = {
        "name": "old", "namespace": "default", "version": 4, "manifest": "", "config": {"a": 1},
        "info": {"first_deployed": "2025-12-01T10:00:00.5+01:00", "last_deployed": "2025-12-01T10:00:00.5+01:00",
                 "deleted": "", "description": "Install complete", "status": "deployed"},
        "chart": {"metadata": {"name": "c", "version": "1.0.0"}, "lock": None, "templates": None, "values": None},
    }  # fmt: skip
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    labels = {"name": "old", "owner": "helm", "status": "deployed", "version": "4"}
    secret = {
        "metadata": {"name": "sh.helm.release.v1.old.v4", "namespace": "default", "labels": labels},
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }
    cluster.client.create("secrets", secret)
    assert helm("list").stdout.splitlines()[1] == (
        "old \tdefault  \t4       \t2025-12-01 09:00:00.5 +0000 UTC\tdeployed\tc-1.0.0\t           "
    )
    assert helm("get values old").stdout == "USER-SUPPLIED VALUES:\na: 1\n"


def test_only_so_many_revisions_are_kept_and_always_the_deployed_one(
    cluster: Cluster, chart: Written, helm: Typed
) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: '{{ .Values.a }}'")})
    helm(f"install w {folder}")
    for number in range(4):
        helm(f"upgrade w {folder} --set a={number} --history-max 3")
    assert [number for number, *_ in history(helm)] == [3, 4, 5]


# -- installing ----------------------------------------------------------------------------------------


def test_what_is_installed_says_whose_it_is(cluster: Cluster, chart: Written, helm: Typed) -> None:
    helm(f"install w {chart({'templates/cm.yaml': config_map('a: b')})}")
    meta = cluster.client.get("configmaps", "w", "default")["metadata"]
    assert (meta["labels"], meta["annotations"]) == (
        {"app.kubernetes.io/managed-by": "Helm"},
        {"meta.helm.sh/release-name": "w", "meta.helm.sh/release-namespace": "default"},
    )


def test_an_object_of_somebody_else_is_not_taken_over_unless_asked(chart: Written, helm: Typed, kubectl: Typed) -> None:
    kubectl("create configmap w --from-literal=mine=1")
    folder = chart({"templates/cm.yaml": config_map("a: b")})
    assert helm(f"install w {folder}").stderr == (
        'Error: INSTALLATION FAILED: Unable to continue with install: ConfigMap "w" in namespace "default" exists and '
        "cannot be imported into the current release: invalid ownership metadata; label validation error: missing key "
        '"app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: missing key '
        '"meta.helm.sh/release-name": must be set to "w"; annotation validation error: missing key '
        '"meta.helm.sh/release-namespace": must be set to "default"\n'
    )
    assert helm("list -a -q").stdout == ""
    assert helm(f"install w {folder} --take-ownership").code == 0
    assert kubectl("get configmap w -o jsonpath={.data}").stdout == '{"a":"b","mine":"1"}'


def test_a_name_is_used_once(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: b")})
    assert helm(f"install Web_1 {folder}").stderr.startswith(
        'Error: INSTALLATION FAILED: release name "Web_1": invalid release name, must match regex '
    )
    helm(f"install w {folder}")
    again = helm(f"install w {folder}").stderr
    assert again == "Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n"
    helm("uninstall w --keep-history")
    assert helm(f"install w {folder} --replace").code == 0
    assert [status for _, status, _ in history(helm)] == ["superseded", "deployed"]


def test_a_name_is_made_from_the_chart_and_the_time(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: b")})
    assert helm(f"install {folder} --generate-name").stdout.startswith("NAME: web-1767225600\n")
    assert helm(f"install {folder} --name-template '{{{{ printf `%s-1` `n` }}}}'").stdout.startswith("NAME: n-1\n")


def test_a_namespace_is_made_when_asked_for(chart: Written, helm: Typed, kubectl: Typed) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: b")})
    assert helm(f"install w {folder} -n shop").stderr == (
        'Error: INSTALLATION FAILED: create: failed to create: namespaces "shop" not found\n'
    )
    assert helm(f"install w {folder} -n shop --create-namespace").code == 0
    assert kubectl("get configmap w -n shop -o name").stdout == "configmap/w\n"
    assert [line.split()[:2] for line in helm("list -A").stdout.splitlines()] == [["NAME", "NAMESPACE"], ["w", "shop"]]


def test_custom_kinds_come_before_everything_and_stay(chart: Written, helm: Typed, kubectl: Typed) -> None:
    crd = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  names: {kind: Boat, plural: boats, singular: boat}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
    boat = (
        "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: b}\nspec: {sails: {{ .Values.sails | default 1 }}}\n"
    )
    folder = chart({"crds/boat.yaml": crd, "templates/boat.yaml": boat})
    assert helm(f"install w {folder}").code == 0
    assert helm(f"upgrade w {folder} --set sails=3").code == 0
    assert kubectl("get boat b -o jsonpath={.spec}").stdout == '{"sails":3}'
    helm("uninstall w")
    assert kubectl("get crd -o name").stdout == "customresourcedefinition.apiextensions.k8s.io/boats.example.com\n"


def test_an_unknown_kind_is_found_before_anything_is_made(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/x.yaml": "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: b}\n"})
    assert helm(f"install w {folder}").stderr == (
        "Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not "
        'found for name: "b" namespace: "" from "": no matches for kind "Boat" in version "example.com/v1"\n'
        "ensure CRDs are installed first\n"
    )
    assert helm("list -a -q").stdout == ""


def test_what_the_api_refuses_fails_the_release_and_is_listed(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/a.yaml": config_map("a: b", "Not_A_Name"), "templates/b.yaml": config_map("a: b", "ok")})
    error = helm(f"install w {folder}").stderr
    assert error.startswith(
        'Error: INSTALLATION FAILED: 1 error occurred:\n\t* ConfigMap "Not_A_Name" is invalid: metadata.name: '
    )
    assert history(helm)[0][:2] == (1, "failed")
    assert helm("get manifest w").code == 0


def test_atomic_takes_back_an_installation_that_does_not_get_ready(
    cluster: Cluster, chart: Written, helm: Typed
) -> None:
    folder = chart({"templates/d.yaml": DEPLOYMENT})
    assert helm(f"install w {folder} --set tag=nope --atomic --timeout 20s").stderr == (
        "Error: INSTALLATION FAILED: release w failed, and has been uninstalled due to atomic being set: "
        "context deadline exceeded\n"
    )
    assert (records(cluster), cluster.client.list("deployments", "default")) == ([], [])


# -- hooks ---------------------------------------------------------------------------------------------


def test_hooks_run_by_weight_each_to_its_end(chart: Written, helm: Typed, kubectl: Typed) -> None:
    files = {
        "templates/a.yaml": job("later", "pre-install,pre-upgrade", more="helm.sh/hook-weight: '5'"),
        "templates/b.yaml": job(
            "first", "pre-install", more="helm.sh/hook-weight: '-5';helm.sh/hook-delete-policy: hook-succeeded"
        ),
        "templates/c.yaml": job("after", "post-install"),
        "templates/cm.yaml": config_map("a: b"),
    }
    sent = [json.loads(each.body) for each in helm(f"install w {chart(files)}").requests if each.method == "POST"]
    made = [each["metadata"]["name"] for each in sent if each["kind"] in ("Job", "ConfigMap")]
    assert made == ["first", "later", "w", "after"]
    assert kubectl("get jobs -o name").stdout == "job.batch/after\njob.batch/later\n"


def test_a_hook_that_fails_fails_the_release(chart: Written, helm: Typed, kubectl: Typed) -> None:
    folder = chart({"templates/a.yaml": job("check", "pre-install", "exit 3"), "templates/cm.yaml": config_map("a: b")})
    assert helm(f"install w {folder}").stderr == (
        "Error: INSTALLATION FAILED: failed pre-install: 1 error occurred:\n"
        "\t* job check failed: BackoffLimitExceeded\n\n\n"
    )
    assert [status for _, status, _ in history(helm)] == ["failed"]
    assert "w" not in kubectl("get configmaps -o name").stdout.split("/")
    assert helm(f"upgrade w {folder} --no-hooks").code == 0


def test_an_old_hook_makes_way_for_a_new_one(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/a.yaml": job("check", "pre-install,pre-upgrade")})
    assert [helm(f"install w {folder}").code, helm(f"upgrade w {folder}").code] == [0, 0]
    assert "phase: Succeeded" in helm("status w -o yaml").stdout
