"""Looking at releases and ending them: list, history, status, get, uninstall, test.

Upstream: `cmd/helm/list.go`, `history.go`, `status.go`, `get_*.go`, `uninstall.go`, `release_testing.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from k8snb.errors import StatusError
from k8snb.helm.actions.hooks import TEST, run_hooks
from k8snb.helm.actions.setting import check_name
from k8snb.helm.actions.uninstall import Uninstall
from k8snb.helm.errors import HelmError
from k8snb.helm.manifests import document
from k8snb.helm.release.record import DEPLOYED, FAILED, PENDING, SUPERSEDED, UNINSTALLED, UNINSTALLING, Release
from k8snb.helm.values.merging import coalesced
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.output import OUTPUT, records, written
from k8snb.helm.verbs.resources import resources_text
from k8snb.helm.verbs.showing import ansi, full, status_text
from k8snb.helm.yamltext import yaml_text
from k8snb.kubectl.flags import Flag
from k8snb.machinery.goregexp import GoRegexpError, compiled

REVISION = Flag("revision", kind="number")
TIMEOUT = Flag("timeout", kind="seconds", default=300.0)

# -- list and history ----------------------------------------------------------------------------------

_STATES = {
    "deployed": (DEPLOYED,),
    "failed": (FAILED,),
    "pending": PENDING,
    "superseded": (SUPERSEDED,),
    "uninstalled": (UNINSTALLED,),
    "uninstalling": (UNINSTALLING,),
}
_LIST_COLUMNS = {
    "NAME": "name", "NAMESPACE": "namespace", "REVISION": "revision", "UPDATED": "updated", "STATUS": "status",
    "CHART": "chart", "APP VERSION": "app_version",
}  # fmt: skip
LIST_FLAGS = (
    Flag("short", "q", kind="switch"),
    Flag("no-headers", kind="switch"),
    Flag("date", "d", kind="switch"),
    Flag("reverse", "r", kind="switch"),
    Flag("all", "a", kind="switch"),
    Flag("all-namespaces", "A", kind="switch"),
    Flag("max", "m", kind="number", default=256),
    Flag("offset", kind="number"),
    Flag("filter", "f"),
    Flag("selector", "l"),
    *(Flag(state, kind="switch") for state in _STATES),
    OUTPUT,
)


def run_list(call: Call) -> None:
    """Carry out `helm list`."""
    flags = call.flags
    setting = call.setting("" if flags.on("all-namespaces") else None)
    newest: dict[tuple[str, str], Release] = {}
    for release in setting.storage.list(flags.text("selector")):
        key = release.namespace, release.name
        if key not in newest or newest[key].version < release.version:
            newest[key] = release
    found = _ordered(call, [release for release in newest.values() if _wanted(call, release)])
    end = flags.number("offset") + (flags.number("max") or len(found))
    found = found[flags.number("offset") : end]
    if flags.on("short") and flags.text("output") == "table":
        call.out("".join(f"{release.name}\n" for release in found))
        return
    rows = [_row(release) for release in found]
    text = written(flags, rows, lambda: records(_LIST_COLUMNS, rows))
    call.out(text.partition("\n")[2] if flags.on("no-headers") and flags.text("output") == "table" else text)


def _wanted(call: Call, release: Release) -> bool:
    flags = call.flags
    chosen = [status for state, statuses in _STATES.items() if flags.on(state) for status in statuses]
    if not flags.on("all") and release.status not in (chosen or (DEPLOYED, FAILED)):
        return False
    try:
        return not flags.text("filter") or compiled(flags.text("filter")).search(release.name) is not None
    except GoRegexpError as error:
        raise HelmError(str(error)) from None


def _ordered(call: Call, found: list[Release]) -> list[Release]:
    by_date = call.flags.on("date")
    return sorted(
        found,
        key=lambda release: (release.last_deployed if by_date else "", release.name, release.namespace),
        reverse=call.flags.on("reverse"),
    )


def _row(release: Release) -> dict[str, Any]:
    return {
        "name": release.name, "namespace": release.namespace, "revision": str(release.version),
        "updated": full(release.last_deployed), "status": release.status, "chart": release.chart.title,
        "app_version": release.chart.app_version,
    }  # fmt: skip


_HISTORY_COLUMNS = {
    "REVISION": "revision", "UPDATED": "updated", "STATUS": "status", "CHART": "chart", "APP VERSION": "app_version",
    "DESCRIPTION": "description",
}  # fmt: skip


def run_history(call: Call) -> None:
    """Carry out `helm history`."""
    name = call.args[0]
    if check_name(name):
        raise HelmError(f"release name is invalid: {name}")
    history = call.setting().storage.history(name)[-call.flags.number("max") :]
    rows = [
        {
            "revision": release.version, "updated": release.last_deployed, "status": release.status,
            "chart": release.chart.title, "app_version": release.chart.app_version,
            "description": release.description,
        }
        for release in history
    ]  # fmt: skip
    shown = [{**row, "updated": ansi(str(row["updated"]))} for row in rows]
    call.out(written(call.flags, rows, lambda: records(_HISTORY_COLUMNS, shown)))


# -- one release ---------------------------------------------------------------------------------------


def release_of(call: Call) -> Release:
    """The release that a command line names, in the revision that it names."""
    name, version = call.args[0], call.flags.number("revision")
    if check_name(name):
        raise HelmError(f"releaseContent: Release name is invalid: {name}")
    storage = call.setting().storage
    return storage.get(name, version) if version > 0 else storage.last(name)


def run_status(call: Call) -> None:
    """Carry out `helm status`."""
    release = release_of(call)
    described = call.flags.on("show-desc")
    resources = resources_text(call.session, release) if call.flags.on("show-resources") else ""
    shown = partial(status_text, release, description=described, resources=resources)
    call.out(written(call.flags, release.data(chart=False), shown))


def _get_values(call: Call) -> None:
    release = release_of(call)
    every = call.flags.on("all")
    values = coalesced(release.chart, release.config) if every else dict(release.config) or None
    title = "COMPUTED VALUES:" if every else "USER-SUPPLIED VALUES:"
    call.out(written(call.flags, values, lambda: f"{title}\n{yaml_text(values)}"))


def _get_manifest(call: Call) -> None:
    call.out(f"{release_of(call).manifest}\n")


def _get_notes(call: Call) -> None:
    release = release_of(call)
    if release.notes:
        call.out(f"NOTES:\n{release.notes}\n")


def _get_hooks(call: Call) -> None:
    call.out("".join(document(hook.path, hook.manifest) for hook in release_of(call).hooks))


def _get_all(call: Call) -> None:
    release = release_of(call)
    call.out(status_text(release, everything=True))


def _get_metadata(call: Call) -> None:
    release = release_of(call)
    metadata = release.chart.metadata
    data = {
        "name": release.name, "chart": release.chart.name, "version": release.chart.version,
        "appVersion": release.chart.app_version, "annotations": metadata.get("annotations"),
        "labels": dict(release.labels), "dependencies": metadata.get("dependencies"),
        "namespace": release.namespace, "revision": release.version, "status": release.status,
        "deployedAt": release.last_deployed,
    }  # fmt: skip
    kept = {key: value for key, value in data.items() if value}
    call.out(written(call.flags, kept, lambda: "".join(_metadata_lines(data))))


def _metadata_lines(data: dict[str, Any]) -> Sequence[str]:
    def pairs(value: dict[str, str] | None) -> str:
        return ",".join(f"{key}={(value or {})[key]}" for key in sorted(value or {}))

    names = ",".join(each["name"] for each in data["dependencies"] or ())
    shown = {
        "NAME": data["name"], "CHART": data["chart"], "VERSION": data["version"], "APP_VERSION": data["appVersion"],
        "ANNOTATIONS": pairs(data["annotations"]), "LABELS": pairs(data["labels"]), "DEPENDENCIES": names,
        "NAMESPACE": data["namespace"], "REVISION": data["revision"], "STATUS": data["status"],
        "DEPLOYED_AT": data["deployedAt"],
    }  # fmt: skip
    return [f"{title}: {value}\n" for title, value in shown.items()]


# -- ending and testing --------------------------------------------------------------------------------

UNINSTALL_FLAGS = (
    *(Flag(name, kind="switch") for name in ("dry-run", "no-hooks", "ignore-not-found", "keep-history", "wait")),
    Flag("cascade", default="background"),
    Flag("description"),
    TIMEOUT,
)


def run_uninstall(call: Call) -> None:
    """Carry out `helm uninstall`."""
    flags = call.flags
    if flags.text("cascade") not in ("background", "foreground", "orphan"):
        given = flags.text("cascade")
        raise HelmError(f'invalid cascade value ({given}). Must be "background", "foreground", or "orphan"')
    how = Uninstall(
        setting=call.setting(),
        dry_run=flags.on("dry-run"),
        keep_history=flags.on("keep-history"),
        ignore_missing=flags.on("ignore-not-found"),
        no_hooks=flags.on("no-hooks"),
        wait=flags.on("wait"),
        cascade=flags.text("cascade"),
        description=flags.text("description"),
        timeout=flags.seconds("timeout"),
    )
    for name in call.args:
        said = how.run(name)
        if said:
            call.out(f"{said}\n")
        call.out(f'release "{name}" uninstalled\n')


TEST_FLAGS = (TIMEOUT, Flag("logs", kind="switch"), Flag("filter", kind="list"))


def run_test(call: Call) -> None:
    """Carry out `helm test`."""
    setting, name = call.setting(), call.args[0]
    release = setting.storage.last(name)
    names = [text.partition("=")[2] for text in call.flags.texts("filter") if text.startswith("name=")]
    others = [hook for hook in release.hooks if names and TEST in hook.events and hook.name not in names]
    hooks = [hook for hook in release.hooks if hook not in others]
    failure: HelmError | None = None
    try:
        run_hooks(setting, replace(release, hooks=hooks), TEST, call.flags.seconds("timeout"))
    except HelmError as error:
        failure = error
    setting.record(release)
    call.out(status_text(release))
    if call.flags.on("logs"):
        call.out("\n" + "".join(_logs(call, release, hook.name) for hook in hooks if TEST in hook.events))
    if failure is not None:
        raise failure


def _logs(call: Call, release: Release, pod: str) -> str:
    try:
        path = f"/api/v1/namespaces/{release.namespace}/pods/{pod}/log"
        body = call.session.send("GET", path).body.decode(errors="replace")
    except StatusError as error:
        raise HelmError(f"unable to get pod logs for {pod}: {error.message}") from None
    return f"POD LOGS: {pod}\n{body}\n"


_ONE = "RELEASE_NAME"
VERBS = (
    Verb("list", "list releases", run_list, "", 0, 0, LIST_FLAGS, aliases=("ls",)),
    Verb(
        "history",
        "fetch release history",
        run_history,
        _ONE,
        1,
        1,
        (Flag("max", kind="number", default=256), OUTPUT),
        aliases=("hist",),
    ),
    Verb(
        "status",
        "display the status of the named release",
        run_status,
        _ONE,
        1,
        1,
        (REVISION, Flag("show-desc", kind="switch"), Flag("show-resources", kind="switch"), OUTPUT),
    ),
    Verb(
        "get",
        "download extended information of a named release",
        verbs=(
            Verb("all", "download all information for a named release", _get_all, _ONE, 1, 1, (REVISION,)),
            Verb("hooks", "download all hooks for a named release", _get_hooks, _ONE, 1, 1, (REVISION,)),
            Verb("manifest", "download the manifest for a named release", _get_manifest, _ONE, 1, 1, (REVISION,)),
            Verb(
                "metadata",
                "This command fetches metadata for a given release",
                _get_metadata,
                _ONE,
                1,
                1,
                (REVISION, OUTPUT),
            ),
            Verb("notes", "download the notes for a named release", _get_notes, _ONE, 1, 1, (REVISION,)),
            Verb(
                "values",
                "download the values file for a named release",
                _get_values,
                _ONE,
                1,
                1,
                (REVISION, Flag("all", "a", kind="switch"), OUTPUT),
            ),
        ),
    ),
    Verb(
        "uninstall",
        "uninstall a release",
        run_uninstall,
        "RELEASE_NAME [...]",
        1,
        None,
        UNINSTALL_FLAGS,
        aliases=("del", "delete", "un"),
    ),
    Verb("test", "run tests for a release", run_test, "[RELEASE]", 1, 1, TEST_FLAGS),
)
