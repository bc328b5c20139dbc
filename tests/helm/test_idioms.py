"""Turns of phrase of public charts (bitnami's common, ingress-nginx, argo-cd, kube-prometheus-stack …)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k8snb import Cluster
from tests.helm.conftest import DATA, Typed, Written

IDIOMS = yaml.safe_load((DATA / "idioms.yaml").read_text())


@pytest.mark.parametrize("idiom", IDIOMS, ids=[each["says"] for each in IDIOMS])
def test_an_idiom_of_public_charts(chart: Written, helm: Typed, idiom: dict[str, Any]) -> None:
    files = {"values.yaml": yaml.safe_dump(idiom["with"]), "templates/all.yaml": idiom["template"]}
    found = helm(f"template web {chart(files, name='chart')}")
    assert found.stderr == ""
    assert found.stdout == f"---\n# Source: chart/templates/all.yaml\n{idiom['gives']}"


PASSWORD = """
{{- define "kit.password" }}{{ $data := (lookup "v1" "Secret" .Release.Namespace .Release.Name).data | default dict }}
{{- if hasKey $data "password" }}{{ index $data "password" }}{{ else }}{{ randAlphaNum 10 | b64enc }}{{ end }}{{ end -}}
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
data: {password: {{ include "kit.password" . | quote }}, mode: {{ .Values.mode | default "x" | b64enc }}}
"""


def test_a_password_is_drawn_once(chart: Written, helm: Typed, cluster: Cluster) -> None:
    folder = chart({"templates/secret.yaml": PASSWORD})
    assert helm(f"install web {folder}").stderr == ""
    first = cluster.client.get("secrets", "web", "default")["data"]
    assert helm(f"upgrade web {folder} --set mode=y").stderr == ""
    assert cluster.client.get("secrets", "web", "default")["data"] == {"password": first["password"], "mode": "eQ=="}


KIND = """
apiVersion: v1
kind: ConfigMap
metadata: {name: found}
data:
  kinds: "{{ with .Capabilities.APIVersions }}{{ .Has "apps/v1/Deployment" }} {{ .Has "apps/v1/Nothing" }}{{ end }}"
"""


def test_only_a_cluster_knows_kinds(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/kind.yaml": KIND})
    assert 'kinds: "false false"' in helm(f"template web {folder}").stdout
    assert 'kinds: "true false"' in helm(f"template web {folder} --validate").stdout


LIBRARY = """
{{- define "kit.config.base" }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  labels: {app: {{ .Chart.Name }}}
{{- end }}
{{- define "kit.over" }}
{{- $top := first . }}
{{- $own := fromYaml (include (index . 1) $top) | default (dict) }}
{{- toYaml (merge $own (fromYaml (include (index . 2) $top))) }}
{{- end }}
"""
USES = """
{{- define "web.config" }}
metadata:
  labels: {tier: front}
data: {a: "1"}
{{- end -}}
{{ include "kit.over" (list . "web.config" "kit.config.base") }}
"""


def test_a_library_chart_merges_what_a_chart_adds(chart: Written, helm: Typed) -> None:
    chart(
        {"templates/_kit.tpl": LIBRARY, "templates/no.yaml": "a: {{ fail `never rendered` }}"}, "type: library", "kit"
    )
    folder = chart(
        {"templates/config.yaml": USES}, "dependencies: [{name: kit, version: 1.x, repository: file://../kit}]"
    )
    assert helm(f"dependency build {folder}").stderr == ""
    found = helm(f"template web {folder}")
    assert found.stderr == ""
    assert yaml.safe_load(found.stdout) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}},
        "data": {"a": "1"},
    }
