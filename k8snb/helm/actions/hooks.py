"""Running a release's hooks of one moment, by weight, each to its end. Upstream: `pkg/action/hooks.go`.

Unless its annotation says otherwise, a hook's object of last time is deleted before it is created anew. The object
stays afterwards, and is not part of the release.
"""

from __future__ import annotations

from k8snb.helm.actions.setting import Setting
from k8snb.helm.cluster.objects import built
from k8snb.helm.errors import HelmError
from k8snb.helm.manifests import Hook, by_weight
from k8snb.helm.release.record import Release

BEFORE, SUCCEEDED, FAILED = "before-hook-creation", "hook-succeeded", "hook-failed"
TEST = "test"


def run_hooks(setting: Setting, release: Release, event: str, seconds: float) -> None:
    """Run the hooks of an event. Raises HelmError if one fails."""
    hooks = by_weight([hook for hook in release.hooks if event in hook.events])
    for hook in hooks:
        hook.delete_policies = hook.delete_policies or [BEFORE]
        _delete(setting, hook, BEFORE, seconds)
        _run(setting, release, hook, event, seconds)
    for hook in reversed(hooks):
        _delete(setting, hook, SUCCEEDED, seconds)


def _run(setting: Setting, release: Release, hook: Hook, event: str, seconds: float) -> None:
    try:
        targets = built(setting.session, hook.manifest, release.namespace)
    except HelmError as error:
        raise HelmError(f"unable to build kubernetes object for {event} hook {hook.path}: {error}") from None
    hook.last_run = {"started_at": setting.stamp(), "completed_at": "", "phase": "Running"}
    setting.record(release)
    try:
        setting.objects.create(targets)
    except HelmError as error:
        _over(setting, hook, "Failed")
        raise HelmError(f"warning: Hook {event} {hook.path} failed: {error}") from None
    try:
        setting.waiting.until_over(targets, seconds)
    except HelmError:
        _over(setting, hook, "Failed")
        _delete(setting, hook, FAILED, seconds)
        raise
    _over(setting, hook, "Succeeded")


def _over(setting: Setting, hook: Hook, phase: str) -> None:
    hook.last_run = {**hook.last_run, "completed_at": setting.stamp(), "phase": phase}


def _delete(setting: Setting, hook: Hook, policy: str, seconds: float) -> None:
    """Delete a hook's object, if it says so for this moment. Definitions of kinds are never deleted."""
    if hook.kind == "CustomResourceDefinition" or policy not in hook.delete_policies:
        return
    targets = built(setting.session, hook.manifest, setting.namespace)
    setting.objects.delete(targets)
    setting.waiting.until_gone(targets, seconds)
