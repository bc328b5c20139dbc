"""Charts as files: create, package, lint, show.

Upstream: `cmd/helm/create.go`, `package.go`, `lint.go`, `show.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k8snb.helm.actions.setting import check_dependencies
from k8snb.helm.chart.chart import Chart
from k8snb.helm.chart.linting import ERROR, INFO, WARNING, Remark, lint
from k8snb.helm.chart.loading import load
from k8snb.helm.chart.packing import packed
from k8snb.helm.chart.starting import starter
from k8snb.helm.engine.engine import Engine
from k8snb.helm.engine.scope import ReleaseFacts, scope_of
from k8snb.helm.errors import HelmError
from k8snb.helm.semver import SemverError, Version
from k8snb.helm.values import schema
from k8snb.helm.values.merging import coalesced
from k8snb.helm.values.options import FLAGS as VALUES
from k8snb.helm.values.options import values_of
from k8snb.helm.verbs import charts
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.yamltext import yaml_text
from k8snb.kubectl.flags import Flag

# -- create and package --------------------------------------------------------------------------------


def run_create(call: Call) -> None:
    """Carry out `helm create`."""
    folder = Path(call.args[0])
    if folder.exists() and not folder.is_dir():
        raise HelmError(f"file {folder} already exists and is not a directory")
    call.out(f"Creating {call.args[0]}\n")
    for path, text in starter(folder.name).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    (folder / "charts").mkdir(exist_ok=True)


PACKAGE_FLAGS = (
    Flag("version"),
    Flag("app-version"),
    Flag("destination", "d", default="."),
    Flag("dependency-update", "u", kind="switch"),
)


def run_package(call: Call) -> None:
    """Carry out `helm package`."""
    for path in call.args:
        if not Path(path).exists():
            raise HelmError(f'path "{path}" not found')
        chart = load(path)
        for flag, key in (("version", "version"), ("app-version", "appVersion")):
            if call.flags.text(flag):
                chart.metadata[key] = call.flags.text(flag)
        try:
            Version.read(chart.version)
        except SemverError as error:
            raise HelmError(str(error)) from None
        check_dependencies(chart)
        call.out(
            f"Successfully packaged chart and saved it to: {_saved(call, chart, call.flags.text('destination'))}\n"
        )


def _saved(call: Call, chart: Chart, folder: str) -> Path:
    place = (Path.cwd() if folder == "." else Path(folder)) / f"{chart.title}.tgz"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(packed(chart, int(call.session.clock.now())))
    return place


# -- lint ----------------------------------------------------------------------------------------------

LINT_FLAGS = (
    *VALUES,
    *(Flag(name, kind="switch") for name in ("strict", "with-subcharts", "quiet")),
    Flag("kube-version"),
)


def run_lint(call: Call) -> None:
    """Carry out `helm lint`."""
    values = values_of(call.flags, call.stdin)
    paths = call.args or ["."]
    if call.flags.on("with-subcharts"):
        paths = [
            *paths,
            *(str(found.parent) for path in paths for found in sorted(Path(path).glob("charts/**/Chart.yaml"))),
        ]
    failed = told = 0
    for path in paths:
        remarks, error = _linted(call, path, values)
        bad = {ERROR, WARNING} if call.flags.on("strict") else {ERROR}
        failed += bool(error) or any(remark.severity in bad for remark in remarks)
        worth = [remark for remark in remarks if not (call.flags.on("quiet") and remark.severity == INFO)]
        told += bool(error) or any(remark.severity != INFO for remark in remarks)
        if call.flags.on("quiet") and not worth and not error:
            continue
        lines = f"Error {error}\n" if error else "".join(f"{remark}\n" for remark in worth)
        call.out(f"==> Linting {path}\n{lines}\n")
    summary = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if failed:
        raise HelmError(summary)
    if not call.flags.on("quiet") or told:
        call.out(f"{summary}\n")


def _linted(call: Call, path: str, values: Mapping[str, Any]) -> tuple[list[Remark], str]:
    def render(chart: Chart, given: Mapping[str, Any]) -> Mapping[str, str]:
        setting = call.setting()
        ready = setting.prepared(chart, given)
        every = coalesced(ready, given)
        schema.check(ready, every)
        facts = ReleaseFacts("test-release", call.namespace)
        capabilities = setting.offline(call.flags.text("kube-version"))
        engine = Engine(setting.now, call.lottery, lint=True)
        return engine.render(ready, scope_of(ready, every, dict(facts.fields), capabilities.struct))

    try:
        return lint(Path(path), values, render), ""
    except HelmError as error:
        return [], str(error)


# -- show ----------------------------------------------------------------------------------------------


def _read_me(chart: Chart) -> str:
    found = next((file for file in chart.files if file.name.lower() in ("readme.md", "readme.txt", "readme")), None)
    return found.text if found else ""


def _values_text(chart: Chart) -> str:
    file = chart.file("values.yaml")
    return file.text if file else ""


def _custom_kinds(chart: Chart) -> str:
    texts = (each.file.text for each in chart.custom_kinds())
    return "".join(text if text.startswith("---") else f"---\n{text}\n" for text in texts)


def _chart_text(chart: Chart) -> str:
    return f"{yaml_text(chart.metadata)}\n"


def _show_chart(call: Call) -> None:
    call.out(_chart_text(charts.found(call, call.args[0])))


def _show_values(call: Call) -> None:
    call.out(f"{_values_text(charts.found(call, call.args[0]))}\n")


def _show_readme(call: Call) -> None:
    text = _read_me(charts.found(call, call.args[0]))
    call.out(f"{text}\n" if text else "")


def _show_custom_kinds(call: Call) -> None:
    call.out(_custom_kinds(charts.found(call, call.args[0])))


def _show_all(call: Call) -> None:
    chart = charts.found(call, call.args[0])
    parts = [_chart_text(chart), f"{_values_text(chart)}\n" if _values_text(chart) else ""]
    parts += [f"{_read_me(chart)}\n" if _read_me(chart) else "", _custom_kinds(chart)]
    call.out("---\n".join(part for part in parts if part))


_ONE = "[CHART]"
VERBS = (
    Verb("create", "create a new chart with the given name", run_create, "NAME", 1, 1, (Flag("starter", "p"),)),
    Verb(
        "package",
        "package a chart directory into a chart archive",
        run_package,
        "[CHART_PATH] [...]",
        1,
        None,
        PACKAGE_FLAGS,
    ),
    Verb("lint", "examine a chart for possible issues", run_lint, "PATH", 0, None, LINT_FLAGS),
    Verb(
        "show",
        "show information of a chart",
        aliases=("inspect",),
        verbs=(
            Verb("all", "show all information of the chart", _show_all, _ONE, 1, 1, charts.FLAGS),
            Verb("chart", "show the chart's definition", _show_chart, _ONE, 1, 1, charts.FLAGS),
            Verb("crds", "show the chart's CRDs", _show_custom_kinds, _ONE, 1, 1, charts.FLAGS),
            Verb("readme", "show the chart's README", _show_readme, _ONE, 1, 1, charts.FLAGS),
            Verb("values", "show the chart's values", _show_values, _ONE, 1, 1, charts.FLAGS),
        ),
    ),
)
