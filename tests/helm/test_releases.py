"""Releases in a cluster: installing, upgrading, going back, uninstalling, and what is kept of them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.typing import Object
from tests.helm.conftest import Typed, Written, config_map

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:{{ .Values.tag | default 1.27 }}"}
"""


def job(name: str, event: str, command: str = "exit 0", more: str = "") -> str:
    """A hook that runs a command."""
    notes = "".join(f"    {line}\n" for line in (f"helm.sh/hook: {event}", *filter(None, more.split(";"))))
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n{notes}"
        "spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n"
        f"      - {{name: x, image: busybox, command: [sh, -c, {command}]}}\n"
    )


def history(helm: Typed, name: str = "w") -> list[tuple[int, str, str]]:
    """The revisions of a release: number, status, description."""
    rows = json.loads(helm(f"history {name} -o json").stdout)
    return [(row["revision"], row["status"], row["description"]) for row in rows]


def records(cluster: Cluster) -> list[Object]:
    return [each for each in cluster.client.list("secrets", "default") if each["type"] == "helm.sh/release.v1"]


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


# -- upgrading and going back --------------------------------------------------------------------------


def test_an_upgrade_merges_three_ways(cluster: Cluster, chart: Written, helm: Typed, kubectl: Typed) -> None:
    folder = chart({"templates/d.yaml": DEPLOYMENT, "templates/cm.yaml": config_map("a: '{{ .Values.a }}'")})
    helm(f"install w {folder}")
    kubectl("scale deployment w --replicas=4")
    kubectl("label deployment w by=hand")
    helm(f"upgrade w {folder} --set a=2")
    deployment = cluster.client.get("deployments", "w", "default")
    assert (deployment["spec"]["replicas"], deployment["metadata"]["labels"]["by"]) == (1, "hand")
    assert cluster.client.get("configmaps", "w", "default")["data"] == {"a": "2"}


def test_what_a_chart_no_longer_has_is_deleted_unless_it_is_to_stay(
    chart: Written, helm: Typed, kubectl: Typed
) -> None:
    keep = config_map("a: b", "kept").replace(
        "  name: kept", "  name: kept\n  annotations: {helm.sh/resource-policy: keep}"
    )
    guard = "{{ if not .Values.less }}%s{{ end }}"
    folder = chart({"templates/a.yaml": guard % config_map("a: b", "gone"), "templates/b.yaml": guard % keep})
    helm(f"install w {folder}")
    helm(f"upgrade w {folder} --set less=true")
    assert kubectl("get configmaps -o name").stdout == "configmap/kept\nconfigmap/kube-root-ca.crt\n"
    helm("rollback w 1")
    assert helm("uninstall w").stdout == (
        'These resources were kept due to the resource policy:\n[ConfigMap] kept\n\nrelease "w" uninstalled\n'
    )


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        ("", {"a": 1, "b": 2}),
        ("--set c=4", {"c": 4}),
        ("--reuse-values --set c=4", {"a": 1, "b": 2, "c": 4}),
        ("--reset-values", None),
        ("--reset-then-reuse-values --set a=null", {"a": None, "b": 2}),
    ],
)
def test_the_values_of_last_time_count_as_the_flags_say(chart: Written, helm: Typed, flags: str, values: Any) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: b")})
    helm(f"install w {folder} --set a=1,b=2")
    helm(f"upgrade w {folder} {flags}")
    found = json.loads(helm("get values w -o json").stdout)
    assert (found or {}) == {
        key: value for key, value in (values or {}).items() if value is not None or key in (found or {})
    }


def test_reuse_values_keeps_the_defaults_of_the_old_chart(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/cm.yaml": config_map("a: '{{ .Values.a }}{{ .Values.b }}'"), "values.yaml": "a: old\n"})
    helm(f"install w {folder}")
    chart({"values.yaml": "a: new\nb: new\n"})
    helm(f"upgrade w {folder} --reuse-values")
    assert "a: 'old'" in helm("get manifest w").stdout
    helm(f"upgrade w {folder} --reset-then-reuse-values")
    assert "a: 'newnew'" in helm("get manifest w").stdout


def test_a_failed_upgrade_is_recorded_and_can_be_rolled_back(cluster: Cluster, chart: Written, helm: Typed) -> None:
    folder = chart({"templates/d.yaml": DEPLOYMENT})
    helm(f"install w {folder} --wait")
    failed = helm(f"upgrade w {folder} --set tag=nope --wait --timeout 10s")
    assert failed.stderr == "Error: UPGRADE FAILED: context deadline exceeded\n"
    assert helm("rollback w").stdout == "Rollback was a success! Happy Helming!\n"
    assert history(helm) == [
        (1, "superseded", "Install complete"),
        (2, "failed", 'Upgrade "w" failed: context deadline exceeded'),
        (3, "deployed", "Rollback to 1"),
    ]
    image = cluster.client.get("deployments", "w", "default")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "nginx:1.27"


def test_an_atomic_upgrade_goes_back_by_itself(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/d.yaml": DEPLOYMENT})
    helm(f"install w {folder} --wait")
    assert helm(f"upgrade w {folder} --set tag=nope --atomic --timeout 10s").stderr == (
        "Error: UPGRADE FAILED: release w failed, and has been rolled back due to atomic being set: "
        "context deadline exceeded\n"
    )
    assert [status for _, status, _ in history(helm)] == ["superseded", "failed", "deployed"]


def test_what_cannot_be_changed_says_so(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/d.yaml": DEPLOYMENT.replace("app: web", "app: {{ .Values.app | default `web` }}")})
    helm(f"install w {folder}")
    assert helm(f"upgrade w {folder} --set app=other").stderr.startswith(
        'Error: UPGRADE FAILED: cannot patch "w" with kind Deployment: Deployment.apps "w" is invalid: spec.selector: '
    )


REFUSED = {
    "upgrade nobody ./web": 'UPGRADE FAILED: "nobody" has no deployed releases',
    "rollback nobody": "release: not found",
    "rollback w 7": "release has no 7 version",
    "rollback w x": 'could not convert revision to a number: strconv.Atoi: parsing "x": invalid syntax',
    "uninstall nobody": "uninstall: Release not loaded: nobody: release: not found",
    "status nobody": "release: not found",
    "status w --revision 9": "release: not found",
    "get values nobody": "release: not found",
    "history nobody": "release: not found",
    "install w ./none": 'INSTALLATION FAILED: path "./none" not found',
    "install w none": "INSTALLATION FAILED: non-absolute URLs should be in form of repo_name/path_to_chart, got: none",
    "install w a/none": "INSTALLATION FAILED: repo a not found",
    "install ./web": "INSTALLATION FAILED: must either provide a name or specify --generate-name",
    "install x ./web --dry-run=maybe": (
        "INSTALLATION FAILED: Invalid dry-run flag. Flag must one of the following: false, true, none, client, server"
    ),
    "install x ./web --set a": 'INSTALLATION FAILED: failed parsing --set data: key "a" has no value',
    "list --frob": "unknown flag: --frob",
    "frob": 'unknown command "frob" for "helm"\nRun \'helm --help\' for usage.',
    "status": '"helm status" requires 1 argument\n\nUsage:  helm status RELEASE_NAME [flags]',
    "template": '"helm template" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]',
}


def test_what_cannot_be_done_is_refused_in_helms_words(chart: Written, helm: Typed) -> None:
    helm(f"install w {chart({'templates/cm.yaml': config_map('a: b')})}")
    assert {command: helm(command).stderr for command in REFUSED} == {
        command: f"Error: {message}\n" for command, message in REFUSED.items()
    }


# -- looking and ending --------------------------------------------------------------------------------


def test_history_is_kept_when_asked_for(cluster: Cluster, chart: Written, helm: Typed) -> None:
    helm(f"install w {chart({'templates/cm.yaml': config_map('a: b')})}")
    assert helm("uninstall w --keep-history").stdout == 'release "w" uninstalled\n'
    assert helm("list -q").stdout == ""
    assert helm("list --uninstalled -q").stdout == "w\n"
    assert history(helm) == [(1, "uninstalled", "Uninstallation complete")]
    assert helm("rollback w 1").code == 0
    assert cluster.client.get("configmaps", "w", "default")["data"] == {"a": "b"}


def test_a_dry_run_shows_everything_and_does_nothing(cluster: Cluster, chart: Written, helm: Typed) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
    folder = chart({"templates/s.yaml": secret, "templates/NOTES.txt": "Hello {{ .Release.Name }}\n"})
    assert helm(f"install w {folder} --dry-run --hide-secret").stdout == (
        "NAME: w\nLAST DEPLOYED: Thu Jan  1 00:00:00 2026\nNAMESPACE: default\nSTATUS: pending-install\nREVISION: 1\n"
        "TEST SUITE: None\nHOOKS:\nMANIFEST:\n---\n# Source: web/templates/s.yaml\n"
        "# HIDDEN: The Secret output has been suppressed\n\nNOTES:\nHello w\n"
    )
    assert records(cluster) == []


def test_get_shows_each_part_of_a_release(chart: Written, helm: Typed) -> None:
    files = {"templates/cm.yaml": config_map("a: b"), "templates/NOTES.txt": "Hi\n", "values.yaml": "x: {k: 1}\n"}
    folder = chart({**files, "templates/h.yaml": job("t", "test")})
    helm(f"install w {folder} --set z=2")
    assert helm("get values w").stdout == "USER-SUPPLIED VALUES:\nz: 2\n"
    assert helm("get values w --all").stdout == "COMPUTED VALUES:\nx:\n  k: 1\nz: 2\n"
    assert helm("get notes w").stdout == "NOTES:\nHi\n\n"
    assert helm("get hooks w").stdout.startswith("---\n# Source: web/templates/h.yaml\napiVersion: batch/v1\n")
    assert helm("get metadata w").stdout == (
        "NAME: w\nCHART: web\nVERSION: 1.2.3\nAPP_VERSION: 1.27\nANNOTATIONS: \nLABELS: \nDEPENDENCIES: \n"
        "NAMESPACE: default\nREVISION: 1\nSTATUS: deployed\nDEPLOYED_AT: 2026-01-01T00:00:00.005Z\n"
    )
    assert helm("status w --show-desc").stdout == (
        "NAME: w\nLAST DEPLOYED: Thu Jan  1 00:00:00 2026\nNAMESPACE: default\nSTATUS: deployed\nREVISION: 1\n"
        "DESCRIPTION: Install complete\nNOTES:\nHi\n"
    )


def test_the_same_commands_leave_the_same_bytes(chart: Written) -> None:
    from k8snb.helm import run

    folder = chart({"templates/cm.yaml": config_map("a: '{{ randAlphaNum 9 }}{{ now | unixEpoch }}'")})

    def story() -> list[Object]:
        cluster = Cluster(nodes=1, seed=7)
        run(cluster, f"install w {folder}")
        run(cluster, f"upgrade w {folder}")
        return [*records(cluster), cluster.client.get("configmaps", "w", "default")]

    assert story() == story()


SELECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}
"""


def test_a_status_shows_the_objects_and_the_pods_they_select(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/a.yaml": config_map("a: b", "one"), "templates/b.yaml": SELECTS})
    helm(f"install web {folder} --wait")
    shown = helm("status web --show-resources").stdout.partition("RESOURCES:\n")[2]
    shown = re.sub("web-[0-9a-z]+-[0-9a-z]{5}", "web-POD", shown)
    assert re.sub(" +", " ", shown).splitlines() == [
        "==> v1/ConfigMap",
        "NAME DATA AGE",
        "one 1 4s",
        "",
        "==> v1/Deployment",
        "NAME READY UP-TO-DATE AVAILABLE AGE",
        "web 1/1 1 1 4s",
        "",
        "==> v1/Pod(related)",
        "NAME READY STATUS RESTARTS AGE",
        "web-POD 1/1 Running 0 4s",
        "",
        "",
        "TEST SUITE: None",
    ]
