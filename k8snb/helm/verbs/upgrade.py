"""helm upgrade and helm rollback. Upstream: `cmd/helm/upgrade.go`, `rollback.go`."""

from __future__ import annotations

import re

from k8snb.helm.actions.rollback import Rollback
from k8snb.helm.actions.setting import check_dependencies
from k8snb.helm.actions.upgrade import KEPT, Upgrade
from k8snb.helm.errors import HelmError, ReleaseNotFound
from k8snb.helm.release.record import UNINSTALLED
from k8snb.helm.values.options import values_of
from k8snb.helm.verbs import charts, install
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.output import OUTPUT
from k8snb.kubectl.flags import Flag

_SWITCHES = ("reset-values", "reuse-values", "reset-then-reuse-values", "cleanup-on-fail")
FLAGS = (
    *(flag for flag in install.FLAGS if flag.name not in ("replace", "generate-name", "name-template")),
    *(Flag(name, kind="switch") for name in _SWITCHES),
    Flag("install", "i", kind="switch"),
    Flag("history-max", kind="number", default=KEPT),
    OUTPUT,
)


def run(call: Call) -> None:
    """Carry out `helm upgrade`."""
    name, chart = call.args
    if call.flags.on("install") and _is_new(call, name):
        if call.flags.text("output") == "table":
            call.out(f'Release "{name}" does not exist. Installing it now.\n')
        for flag in ("replace", "generate-name"):
            call.flags.values.setdefault(flag, False)
        call.out(install.shown(call, install.install(call, name, chart)))
        return
    how = _options(call)
    values = values_of(call.flags, call.stdin)
    found = charts.found(call, chart)
    if found.metadata.get("deprecated"):
        call.err("WARNING: This chart is deprecated\n")
    if found.wanted:
        check_dependencies(found)
    try:
        release = how.run(name, found, values)
    except HelmError as error:
        raise HelmError(f"UPGRADE FAILED: {error}") from None
    if call.flags.text("output") == "table":
        call.out(f'Release "{name}" has been upgraded. Happy Helming!\n')
    call.out(install.shown(call, release))


def _is_new(call: Call, name: str) -> bool:
    try:
        return call.setting().storage.last(name).status == UNINSTALLED
    except ReleaseNotFound:
        return True


def _options(call: Call) -> Upgrade:
    flags = call.flags
    return Upgrade(
        **install.told(call),
        reuse=flags.on("reuse-values"),
        reset=flags.on("reset-values"),
        reset_then_reuse=flags.on("reset-then-reuse-values"),
        cleanup=flags.on("cleanup-on-fail"),
        kept=flags.number("history-max"),
    )


# -- rollback ------------------------------------------------------------------------------------------

ROLLBACK_FLAGS = (
    *(Flag(name, kind="switch") for name in ("dry-run", "recreate-pods", "force", "no-hooks", "wait", "wait-for-jobs")),
    Flag("cleanup-on-fail", kind="switch"),
    Flag("timeout", kind="seconds", default=300.0),
    Flag("history-max", kind="number", default=KEPT),
)


def run_rollback(call: Call) -> None:
    """Carry out `helm rollback`."""
    flags = call.flags
    version = 0
    if len(call.args) > 1:
        text = call.args[1]
        if not re.fullmatch(r"[+-]?\d+", text):
            why = f'strconv.Atoi: parsing "{text}": invalid syntax'
            raise HelmError(f"could not convert revision to a number: {why}")
        version = int(text)
    Rollback(
        setting=call.setting(),
        version=version,
        dry_run=flags.on("dry-run"),
        wait=flags.on("wait"),
        wait_for_jobs=flags.on("wait-for-jobs"),
        force=flags.on("force"),
        cleanup=flags.on("cleanup-on-fail"),
        no_hooks=flags.on("no-hooks"),
        timeout=flags.seconds("timeout"),
        kept=flags.number("history-max"),
    ).run(call.args[0])
    call.out("Rollback was a success! Happy Helming!\n")


VERBS = (
    Verb("upgrade", "upgrade a release", run, "[RELEASE] [CHART]", 2, 2, FLAGS),
    Verb(
        "rollback",
        "roll back a release to a previous revision",
        run_rollback,
        "<RELEASE> [REVISION]",
        1,
        None,
        ROLLBACK_FLAGS,
    ),
)
