"""Releases that go on: upgrades, rollbacks, and looking at them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.typing import Object
from tests.helm.conftest import Typed, Written, config_map
from tests.helm.released import (
    DEPLOYMENT,
    history,
    job,
    records,
)


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
