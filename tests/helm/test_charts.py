"""Charts as files: folders and archives, what is left out, what is refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from k8snb.helm.chart.ignoring import Ignored
from k8snb.helm.chart.loading import archive_files, load
from k8snb.helm.errors import ChartError
from tests.helm.conftest import Typed, Written, config_map


def test_an_archive_is_the_chart_that_was_packed(chart: Written, helm: Typed) -> None:
    files = {
        "values.yaml": "# why\na: 1\n",
        "templates/cm.yaml": config_map("a: {{ .Values.a }}"),
        "crds/c.yaml": "kind: X\n",
        "README.md": "hello",
        "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 2.0.0\n",
        "charts/cache/templates/x.yaml": config_map("b: c", "cache"),
    }
    folder = chart(files)
    assert helm(f"package {folder} -d out --version 2.0.0").stdout.endswith(": out/web-2.0.0.tgz\n")
    packed, plain = load("out/web-2.0.0.tgz"), load(folder)
    assert (packed.version, packed.values, packed.files) == ("2.0.0", plain.values, plain.files)
    assert helm("template out/web-2.0.0.tgz").stdout == helm(f"template {folder}").stdout
    first = Path("out/web-2.0.0.tgz").read_bytes()
    helm(f"package {folder} -d out --version 2.0.0")
    assert Path("out/web-2.0.0.tgz").read_bytes() == first


def test_an_ignored_file_is_no_part_of_the_chart(chart: Written) -> None:
    rules = "# not these\n*.bak\n/secret\ntmp/\n!README.md\n"
    files = {
        ".helmignore": "*.bak\n/secret\ntmp/\n",
        "a.bak": "",
        "x/b.bak": "",
        "secret": "",
        "x/secret": "",
        "tmp/y": "",
    }
    loaded = load(chart({**files, "templates/.hidden": "", "templates/a.yaml": ""}))
    assert [file.name for file in loaded.files] == [".helmignore", "x/secret"]
    assert [file.name for file in loaded.templates] == ["templates/a.yaml"]
    assert (Ignored(rules)("a.bak", folder=False), Ignored(rules)("tmp", folder=False)) == (True, True)


WRONG = {
    "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: other": (
        "validation: chart.metadata.type must be application or library"
    ),
    "apiVersion: v2\nversion: 1.0.0": "validation: chart.metadata.name is required",
    "apiVersion: v2\nname: web": "validation: chart.metadata.version is required",
    "apiVersion: v2\nname: web\nversion: one": 'validation: chart.metadata.version "one" is invalid',
    "apiVersion: v2\nname: a/b\nversion: 1.0.0": 'validation: chart.metadata.name "a/b" is invalid',
    "apiVersion: v2\nname: web\nversion: 1.0": (
        "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into "
        "Go struct field Metadata.version of type string"
    ),
    "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: a}, {name: b, alias: a}]": (
        'validation: more than one dependency with name or alias "a"'
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_chart_that_is_not_valid_is_refused(chart: Written, text: str) -> None:
    folder = chart({"Chart.yaml": text})
    with pytest.raises(ChartError) as error:
        load(folder)
    assert str(error.value) == WRONG[text]


def test_a_folder_without_a_chart_is_refused(helm: Typed, tmp_path: Path) -> None:
    assert helm(f"install w {tmp_path}").stderr == "Error: INSTALLATION FAILED: Chart.yaml file is missing\n"


def test_an_archive_that_leads_outside_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("web/../../etc/passwd"))
    with pytest.raises(ChartError, match="chart illegally references parent directory"):
        archive_files(buffer.getvalue())
    with pytest.raises(ChartError, match="does not appear to be a gzipped archive"):
        archive_files(b"plain", "x.tgz")


def test_a_chart_that_lacks_another_is_not_installed(chart: Written, helm: Typed) -> None:
    folder = chart({}, "dependencies: [{name: cache, version: 1.x.x, repository: 'file://../cache'}]")
    chart({"templates/c.yaml": config_map("a: b", "cache")}, name="cache")
    assert helm(f"install w {folder}").stderr.endswith("found in Chart.yaml, but missing in charts/ directory: cache\n")
    assert helm(f"dependency list {folder}").stdout == (
        "NAME \tVERSION\tREPOSITORY     \tSTATUS \ncache\t1.x.x  \tfile://../cache\tmissing\n\n"
    )
    assert helm(f"dependency build {folder}").stdout == "Saving 1 charts\nDeleting outdated charts\n"
    assert helm(f"dependency list {folder}").stdout.splitlines()[1].endswith("\tok    ")
    assert helm(f"install w {folder}").code == 0
    assert "name: cache\n  repository: file://../cache\n  version: 1.2.3" in Path("web/Chart.lock").read_text()


def test_a_repository_is_a_folder_with_an_index(chart: Written, helm: Typed) -> None:
    folder = chart({"templates/c.yaml": config_map("a: b")}, "description: A web server")
    for version in ("1.2.3", "1.3.0", "2.0.0-rc.1"):
        helm(f"package {folder} -d repo --version {version}")
    helm("repo index repo")
    assert helm("repo add shop ./repo").stdout == '"shop" has been added to your repositories\n'
    assert helm("search repo web").stdout == (
        "NAME    \tCHART VERSION\tAPP VERSION\tDESCRIPTION \nshop/web\t1.3.0        \t1.27       \tA web server\n"
    )
    assert [line.split()[1] for line in helm("search repo -l --devel").stdout.splitlines()[1:]] == [
        "2.0.0-rc.1",
        "1.3.0",
        "1.2.3",
    ]
    helm("install a shop/web --version ~1.2")
    helm("install b shop/web")
    assert [line.split()[8] for line in helm("list").stdout.splitlines()[1:]] == ["web-1.2.3", "web-1.3.0"]
    assert helm("install c shop/none").stderr == 'Error: INSTALLATION FAILED: chart "none" not found in shop index\n'


def test_a_new_chart_is_in_order_installs_and_passes_its_test(helm: Typed, chart: Written) -> None:
    chart({}, name="other")
    helm("create fresh")
    assert helm("lint fresh --strict").stdout == (
        "==> Linting fresh\n[INFO] Chart.yaml: icon is recommended\n\n1 chart(s) linted, 0 chart(s) failed\n"
    )
    assert helm("install fresh ./fresh --wait").code == 0
    tested = helm("test fresh")
    assert ("Phase:          Succeeded" in tested.stdout, tested.code) == (True, 0)


def test_lint_tells_what_is_wrong(chart: Written, helm: Typed) -> None:
    files = {
        "templates/a.yaml": "kind: Deployment\nmetadata:\n  name: A_b\n",
        "templates/b.yaml": "a: b: c\n",
        "x.txt": "",
    }
    folder = chart(files, "what: ever")
    linted = helm(f"lint {folder}")
    assert (linted.stdout, linted.stderr, linted.code) == (
        "==> Linting web\n"
        "[WARNING] Chart.yaml: failed to strictly parse chart metadata file\n"
        '\terror unmarshaling JSON: while decoding JSON: json: unknown field "what"\n'
        "[INFO] Chart.yaml: icon is recommended\n"
        "[INFO] values.yaml: file does not exist\n"
        '[ERROR] templates/a.yaml: object name does not conform to Kubernetes naming requirements: "A_b"\n'
        '[ERROR] templates/a.yaml: a Deployment must contain matchLabels or matchExpressions, and "A_b" does not\n'
        "[ERROR] templates/b.yaml: unable to parse YAML: error converting YAML to JSON: "
        "yaml: mapping values are not allowed in this context\n\n",
        "Error: 1 chart(s) linted, 1 chart(s) failed\n",
        1,
    )
