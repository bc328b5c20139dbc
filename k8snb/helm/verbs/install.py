"""helm install and helm template: a chart becomes a release, or text.

Upstream: `cmd/helm/install.go`, `template.go`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from k8snb.helm.actions.install import Install
from k8snb.helm.chart.ignoring import glob_pattern
from k8snb.helm.engine.engine import RenderError
from k8snb.helm.errors import HelmError
from k8snb.helm.functions import table as functions
from k8snb.helm.manifests import document, split
from k8snb.helm.release.record import Release
from k8snb.helm.semver import SemverError, Version
from k8snb.helm.values import strvals
from k8snb.helm.values.options import FLAGS as VALUES
from k8snb.helm.values.options import values_of
from k8snb.helm.verbs import charts
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.output import OUTPUT, written
from k8snb.helm.verbs.showing import status_text
from k8snb.kubectl.flags import Flag, Flags
from k8snb.machinery.gotemplate import TemplateError, Templates

_SWITCHES = (
    *("create-namespace", "force", "no-hooks", "replace", "wait", "wait-for-jobs", "atomic", "skip-crds", "devel"),
    *("render-subchart-notes", "dependency-update", "disable-openapi-validation", "enable-dns", "hide-notes"),
    *("hide-secret", "skip-schema-validation", "take-ownership"),
)
DRY_RUN = Flag("dry-run", default="none", bare="client")
DRY_RUNS = ("", "false", "true", "none", "client", "server")
FLAGS = (
    *VALUES,
    *charts.FLAGS,
    *(Flag(name, kind="switch") for name in _SWITCHES),
    DRY_RUN,
    Flag("generate-name", "g", kind="switch"),
    Flag("name-template"),
    Flag("description"),
    Flag("labels", "l", kind="list"),
    Flag("timeout", kind="seconds", default=300.0),
    Flag("post-renderer"),
)


def dry_run_of(flags: Flags) -> str:
    """`client`, `server`, or empty for the real thing. Raises HelmError."""
    given = flags.text("dry-run")
    if given not in DRY_RUNS:
        raise HelmError("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server")
    return {"true": "client", "client": "client", "server": "server"}.get(given, "")


def labels_of(flags: Flags) -> dict[str, str]:
    """The labels that `--labels` gives to the records."""
    labels: dict[str, Any] = {}
    for text in flags.texts("labels"):
        strvals.parse_into(text, labels, str)
    return {key: str(value) for key, value in labels.items() if value is not None}


def name_and_chart(call: Call) -> tuple[str, str]:
    """What the release is called and which chart it is of. Raises HelmError."""
    flags, args = call.flags, call.args
    if len(args) > 2:
        raise HelmError(f"expected at most two arguments, unexpected arguments: {', '.join(args[2:])}")
    if len(args) == 2:
        for flag in ("generate-name", "name-template"):
            if flags.values[flag]:
                raise HelmError(f"cannot set --{flag} and also specify a name")
        return args[0], args[1]
    if flags.text("name-template"):
        return _from_template(call, flags.text("name-template")), args[0]
    if not flags.on("generate-name"):
        raise HelmError("must either provide a name or specify --generate-name")
    base = Path(args[0]).name.partition(".")[0] or "chart"
    return f"{base}-{int(call.session.clock.now())}", args[0]


def _from_template(call: Call, text: str) -> str:
    templates = Templates(functions(call.session.clock.now, call.lottery))
    try:
        templates.add("name-template", text)
        return templates.render("name-template", None)
    except TemplateError as error:
        raise HelmError(str(error)) from None


def options(call: Call, name: str) -> Install:
    """The installation that the flags ask for."""
    flags = call.flags
    return Install(
        **told(call),
        name=name,
        create_namespace=flags.on("create-namespace"),
        replace=flags.on("replace"),
        skip_custom_kinds=flags.on("skip-crds"),
    )


def told(call: Call) -> dict[str, Any]:
    """What the flags say that installations and upgrades have in common."""
    flags = call.flags
    return {
        "setting": call.setting(),
        "dry_run": dry_run_of(flags),
        "wait": flags.on("wait"),
        "wait_for_jobs": flags.on("wait-for-jobs"),
        "atomic": flags.on("atomic"),
        "force": flags.on("force"),
        "no_hooks": flags.on("no-hooks"),
        "sub_notes": flags.on("render-subchart-notes"),
        "hide_secrets": flags.on("hide-secret"),
        "skip_schema": flags.on("skip-schema-validation"),
        "take_ownership": flags.on("take-ownership"),
        "description": flags.text("description"),
        "timeout": flags.seconds("timeout"),
        "labels": labels_of(flags),
    }


def run(call: Call) -> None:
    """Carry out `helm install`."""
    try:
        name, chart = name_and_chart(call)
        release = install(call, name, chart)
    except HelmError as error:
        raise HelmError(f"INSTALLATION FAILED: {error}") from None
    call.out(shown(call, release))


def install(call: Call, name: str, chart: str) -> Release:
    """Install a chart by the flags of a call. Raises HelmError."""
    how = options(call, name)
    values = values_of(call.flags, call.stdin)
    return how.run(charts.installable(call, chart), values)


def shown(call: Call, release: Release) -> str:
    """The release as the flags of a call ask to see it."""
    hide = call.flags.on("hide-notes")
    return written(call.flags, release.data(), lambda: status_text(release, hide_notes=hide))


# -- template ------------------------------------------------------------------------------------------

TEMPLATE_FLAGS = (
    *FLAGS,
    Flag("show-only", "s", kind="texts"),
    Flag("output-dir"),
    Flag("validate", kind="switch"),
    Flag("include-crds", kind="switch"),
    Flag("skip-tests", kind="switch"),
    Flag("is-upgrade", kind="switch"),
    Flag("kube-version"),
    Flag("api-versions", "a", kind="list"),
    Flag("release-name", kind="switch"),
)


def run_template(call: Call) -> None:
    """Carry out `helm template`."""
    flags = call.flags
    one = len(call.args) == 1 and not flags.on("generate-name") and not flags.text("name-template")
    name, chart = ("release-name", call.args[0]) if one else name_and_chart(call)
    how = options(call, name)
    how.dry_run = how.dry_run or "client"
    how.custom_kinds = flags.on("include-crds")
    how.is_upgrade = flags.on("is-upgrade")
    if not flags.on("validate"):
        how.offline = how.setting.offline(_kube_version(flags.text("kube-version")), flags.texts("api-versions"))
    try:
        release = how.run(charts.installable(call, chart), values_of(flags, call.stdin))
    except RenderError as error:
        raise HelmError(f"{error}\n\nUse --debug flag to render out invalid YAML") from None
    _write(call, release, _documents(release, flags))


def _kube_version(text: str) -> str:
    if not text:
        return ""
    try:
        return f"v{Version.read(text)}"
    except SemverError as error:
        raise HelmError(f"invalid kube version '{text}': {error}") from None


def _documents(release: Release, flags: Flags) -> str:
    hooks = [hook for hook in release.hooks if not (flags.on("skip-tests") and "test" in hook.events)]
    shown_hooks = "" if flags.on("no-hooks") else "".join(document(hook.path, hook.manifest) for hook in hooks)
    return f"{release.manifest.strip()}\n{shown_hooks}"


_SOURCE = re.compile(r"# Source: [^/]+/(.+)")


def _write(call: Call, release: Release, text: str) -> None:
    flags = call.flags
    if flags.text("output-dir"):
        folder = Path(flags.text("output-dir")) / (release.name if flags.on("release-name") else "")
        _to_files(call, folder, text)
    elif flags.texts("show-only"):
        call.out("".join(f"---\n{part}\n" for part in _only(text, flags.texts("show-only"))))
    else:
        call.out(text)


def _only(text: str, wanted: list[str]) -> list[str]:
    parts = [(match[1], part) for part in split(text) if (match := _SOURCE.search(part))]
    chosen: list[str] = []
    for pattern in wanted:
        fitting = [part for path, part in parts if glob_pattern(pattern).fullmatch(path)]
        if not fitting:
            raise HelmError(f"could not find template {pattern} in chart")
        chosen += fitting
    return chosen


def _to_files(call: Call, folder: Path, text: str) -> None:
    found: dict[str, list[str]] = {}
    for part in split(text):
        first = part.partition("\n")[0]
        found.setdefault(first.removeprefix("# Source: "), []).append(f"---\n{part}\n")
    for name, parts in found.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(parts), encoding="utf-8")
        call.out(f"wrote {place}\n")


VERBS = (
    Verb("install", "install a chart", run, "[NAME] [CHART]", 1, None, (*FLAGS, OUTPUT)),
    Verb("template", "locally render templates", run_template, "[NAME] [CHART]", 1, None, TEMPLATE_FLAGS),
)
