"""A release as `install`, `upgrade`, `status` and `test` show it. Upstream: `cmd/helm/status.go`."""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.helm.actions.changing import DRY
from k8snb.helm.gotime import ANSI, STRING, formatted
from k8snb.helm.manifests import Hook, document
from k8snb.helm.release.record import Release, moment
from k8snb.helm.values.merging import coalesced
from k8snb.helm.yamltext import yaml_text


def ansi(text: str) -> str:
    """A moment of a record as `Thu Jan  1 00:00:10 2026`."""
    when = moment(text)
    return formatted(when, ANSI) if when else ""


def full(text: str) -> str:
    """A moment of a record as `2026-01-01 00:00:10 +0000 UTC`."""
    when = moment(text)
    return formatted(when, STRING) if when else "-"


def status_text(
    release: Release,
    *,
    everything: bool = False,
    description: bool = False,
    hide_notes: bool = False,
    resources: str = "",
) -> str:
    """The release in lines; `everything` adds values, hooks and manifests, `resources` are tables of its objects."""
    return "".join(_lines(release, everything, description, hide_notes, resources))


def _lines(release: Release, everything: bool, description: bool, hide_notes: bool, resources: str) -> Iterator[str]:
    yield f"NAME: {release.name}\n"
    if release.last_deployed:
        yield f"LAST DEPLOYED: {ansi(release.last_deployed)}\n"
    yield f"NAMESPACE: {release.namespace}\nSTATUS: {release.status}\nREVISION: {release.version}\n"
    if description:
        yield f"DESCRIPTION: {release.description}\n"
    yield resources
    tests = [hook for hook in release.hooks if "test" in hook.events]
    yield from map(_suite, (hook for hook in tests if hook.last_run["started_at"]))
    if not tests:
        yield "TEST SUITE: None\n"
    if everything:
        yield f"USER-SUPPLIED VALUES:\n{yaml_text(dict(release.config))}\n"
        yield f"COMPUTED VALUES:\n{yaml_text(coalesced(release.chart, release.config))}\n"
    if everything or release.description.lower() == DRY.lower():
        hooks = "".join(document(hook.path, hook.manifest) for hook in release.hooks)
        yield f"HOOKS:\n{hooks}MANIFEST:\n{release.manifest}\n"
    if release.notes and not hide_notes:
        yield f"NOTES:\n{release.notes.strip()}\n"


def _suite(hook: Hook) -> str:
    run = hook.last_run
    return (
        f"TEST SUITE:     {hook.name}\nLast Started:   {ansi(run['started_at'])}\n"
        f"Last Completed: {ansi(run['completed_at'])}\nPhase:          {run['phase']}\n"
    )
