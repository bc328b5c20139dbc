"""From templates to manifests, and what is said of templates that do not work."""

from __future__ import annotations

import pytest
import yaml

from tests.helm.conftest import DATA, Typed, Written, config_map


def data_of(text: str) -> str:
    """What stands under `data:` in the only ConfigMap of a rendered chart."""
    return text.partition("data:\n")[2]


RENDERED = {each["template"]: each["renders"] for each in yaml.safe_load((DATA / "rendering.yaml").read_text())}
FILES = {
    "values.yaml": "big: 10000000\ntext: 'hello {{ .Release.Name }}'\nlist: [a, b, c]\nmap: {b: 2, a: 1}\n",
    "conf/a.txt": "alpha\n",
    "conf/b.txt": "beta",
    "templates/_helpers.tpl": '{{- define "web.name" -}}{{ .Chart.Name }}{{- end -}}\n',
}


@pytest.mark.parametrize("text", RENDERED)
def test_a_template_renders_as_helm_renders_it(chart: Written, helm: Typed, text: str) -> None:
    found = helm(f"template {chart({**FILES, 'templates/cm.yaml': f'data:{chr(10)}{text}'})}")
    assert (data_of(found.stdout).rstrip(), found.stderr) == (RENDERED[text], "")


def line(text: str) -> str:
    """A template whose third line is that text."""
    return f"apiVersion: v1\nkind: ConfigMap\n{text}\n"


WRONG = {
    '  a: {{ required "a name" .Values.name }}': "execution error at (web/templates/cm.yaml:3:8): a name",
    '  a: {{ fail "not like\nthis" }}': "parse error at (web/templates/cm.yaml:3): unterminated quoted string",
    "  a: {{ fail (printf `no %s` `good`) }}": "execution error at (web/templates/cm.yaml:3:8): no good",
    '  a: {{ include "web.needs" . }}': "execution error at (web/templates/cm.yaml:3:8): needs",
    "  a: {{ .Values.a.b }}": (
        'template: web/templates/cm.yaml:3:15: executing "web/templates/cm.yaml" at <.Values.a.b>: '
        "nil pointer evaluating interface {}.b"
    ),
    "  a: {{ .Values.big.x }}": (
        'template: web/templates/cm.yaml:3:15: executing "web/templates/cm.yaml" at <.Values.big.x>: '
        "can't evaluate field x in type interface {}"
    ),
    "  a: {{ .Values.big | nindent 4 }}": (
        'template: web/templates/cm.yaml:3:30: executing "web/templates/cm.yaml" at <4>: '
        "wrong type for value; expected string; got float64"
    ),
    '  a: {{ include "nowhere" . }}': (
        'template: web/templates/cm.yaml:3:8: executing "web/templates/cm.yaml" at <include "nowhere" .>: '
        'error calling include: template: no template "nowhere" associated with template "gotpl"'
    ),
    '  a: {{ tpl "{{ .x.y.z }}" . }}': (
        'template: web/templates/cm.yaml:3:8: executing "web/templates/cm.yaml" at <tpl "{{ .x.y.z }}" .>: '
        'error calling tpl: error during tpl function execution for "{{ .x.y.z }}": template: gotpl:1:5: executing '
        '"gotpl" at <.x.y.z>: nil pointer evaluating interface {}.y'
    ),
    "  a: {{ .Values.a }": 'parse error at (web/templates/cm.yaml:3): unexpected "}" in operand',
    "  a: {{ nofunction }}": 'parse error at (web/templates/cm.yaml:3): function "nofunction" not defined',
    "{{ if true }}": "parse error at (web/templates/cm.yaml:4): unexpected EOF",
    "a: b: c": (
        "YAML parse error on web/templates/cm.yaml: error converting YAML to JSON: yaml: line 3: "
        "mapping values are not allowed in this context"
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_template_is_told_with_its_place(chart: Written, helm: Typed, text: str) -> None:
    helpers = '{{ define "web.needs" }}{{ required "needs" .Values.x }}{{ end }}'
    folder = chart({**FILES, "templates/_more.tpl": helpers, "templates/cm.yaml": line(text)})
    hint = "\n\nUse --debug flag to render out invalid YAML\n"
    assert helm(f"template {folder}").stderr == f"Error: {WRONG[text]}{hint}"
    assert helm(f"install w {folder}").stderr.startswith(f"Error: INSTALLATION FAILED: {WRONG[text]}")


def test_a_template_that_calls_itself_for_ever_is_stopped(chart: Written, helm: Typed) -> None:
    helpers = '{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "a" . }}{{ end }}'
    folder = chart({"templates/_h.tpl": helpers, "templates/cm.yaml": 'a: {{ include "a" . }}'})
    error = helm(f"template {folder}").stderr
    assert "rendering template has a nested reference name: " in error
    assert "unable to execute template" in error


def test_documents_come_by_kind_then_by_file_and_hooks_last(chart: Written, helm: Typed) -> None:
    def document(kind: str, name: str, more: str = "") -> str:
        return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}"

    hook = "  annotations:\n    helm.sh/hook: pre-install\n"
    files = {
        "templates/a.yaml": f"{document('Foo', 'own')}\n---\n{document('Deployment', 'one')}\n---\n\n---\n# a remark\n",
        "templates/b.yaml": "---\n".join(
            (document("Service", "s"), document("ConfigMap", "cm"), document("Job", "j", hook))
        ),
        "templates/c.yaml": "{{ if false }}nothing{{ end }}",
        "templates/sub/d.yaml": document("Namespace", "ns"),
        "charts/below/Chart.yaml": "apiVersion: v2\nname: below\nversion: 1.0.0\n",
        "charts/below/templates/e.yaml": document("ConfigMap", "cm2"),
        "crds/x.yaml": document("CustomResourceDefinition", "crd"),
    }
    lines = helm(f"template {chart(files)} --include-crds").stdout.splitlines()
    sources = [line.removeprefix("# Source: web/") for line in lines if line.startswith("# Source")]
    assert sources == [
        "crds/x.yaml",
        "templates/sub/d.yaml",
        "charts/below/templates/e.yaml",
        "templates/b.yaml",
        "templates/b.yaml",
        "templates/a.yaml",
        "templates/a.yaml",
        "templates/a.yaml",
        "templates/b.yaml",
    ]


def test_a_library_chart_lends_its_templates_and_renders_none(chart: Written, helm: Typed) -> None:
    files = {
        "templates/cm.yaml": '{{ include "lib.map" (dict "root" $ "name" "x") }}',
        "charts/lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n",
        "charts/lib/templates/_map.tpl": '{{ define "lib.map" }}name: {{ .root.Release.Name }}-{{ .name }}{{ end }}',
        "charts/lib/templates/ignored.yaml": "a: b\n",
    }
    assert helm(f"template {chart(files)}").stdout == "---\n# Source: web/templates/cm.yaml\nname: release-name-x\n"
    error = helm("install w web/charts/lib").stderr
    assert error == "Error: INSTALLATION FAILED: library charts are not installable\n"


def test_a_chart_above_sees_and_outranks_the_templates_of_one_below(chart: Written, helm: Typed) -> None:
    files = {
        "values.yaml": "below: {a: 2}\n",
        "templates/_h.tpl": '{{ define "who" }}above{{ end }}',
        "templates/cm.yaml": "a: {{ .Subcharts.below.Values.a }} {{ .Subcharts.below.Chart.Name }}\n",
        "charts/below/Chart.yaml": "apiVersion: v2\nname: below\nversion: 1.0.0\n",
        "charts/below/values.yaml": "a: 1\nb: 1\n",
        "charts/below/templates/_h.tpl": '{{ define "who" }}below{{ end }}',
        "charts/below/templates/x.yaml": 'a: {{ .Values.a }}{{ .Values.b }} {{ include "who" . }} {{ .Template.Name }}',
    }
    shown = helm(f"template {chart(files)}").stdout
    assert "a: 21 above web/charts/below/templates/x.yaml\n" in shown
    assert "a: 2 below\n" in shown


def test_a_chart_asks_the_cluster_what_is_there_unless_it_is_a_dry_run(
    chart: Written, helm: Typed, kubectl: Typed
) -> None:
    kubectl("create secret generic known --from-literal=password=old")
    text = '{{ $s := lookup "v1" "Secret" .Release.Namespace "known" }}p: {{ dig "data" "password" "new" $s }}'
    all_of_them = '\n  n: {{ (lookup "v1" "Namespace" "" "").items | default list | len | quote }}'
    kinds = '\n  k: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}'
    folder = chart(
        {
            "templates/cm.yaml": f"data:\n  {text}{all_of_them}{kinds}\nkind: ConfigMap\napiVersion: v1\n"
            "metadata: {name: a}"
        }
    )
    assert data_of(helm(f"template {folder}").stdout).startswith('  p: new\n  n: "0"\n  k: "false"\n')
    assert data_of(helm(f"install w {folder} --dry-run=client").stdout).startswith('  p: new\n  n: "0"\n  k: "true"\n')
    assert data_of(helm(f"install w {folder} --dry-run=server").stdout).startswith('  p: b2xk\n  n: "4"\n  k: "true"\n')


def test_a_chart_can_ask_for_a_version_of_kubernetes(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/cm.yaml": "v: {{ .Capabilities.KubeVersion.Version }}"}, "kubeVersion: '>=1.40.0-0'")
    assert helm(f"install w {folder}").stderr == (
        "Error: INSTALLATION FAILED: chart requires kubeVersion: >=1.40.0-0 which is incompatible with Kubernetes "
        "v1.36.0\n"
    )
    assert "v: v1.41.2\n" in helm(f"template {folder} --kube-version 1.41.2").stdout


def test_show_only_and_folders_choose_what_template_writes(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/a.yaml": config_map("a: 1", "a"), "templates/b.yaml": config_map("b: 1", "b")})
    assert helm(f"template {folder} -s templates/b.yaml").stdout.startswith("---\n# Source: web/templates/b.yaml\n")
    assert helm(f"template {folder} -s templates/c.yaml").stderr == (
        "Error: could not find template templates/c.yaml in chart\n"
    )
    wrote = helm(f"template {folder} --output-dir out").stdout
    assert wrote == "wrote out/web/templates/a.yaml\nwrote out/web/templates/b.yaml\n"
