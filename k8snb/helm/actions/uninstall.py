"""Uninstalling: deleting what a release made, and its records. Upstream: `pkg/action/uninstall.go`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from k8snb.helm.actions.hooks import run_hooks
from k8snb.helm.actions.setting import Setting, check_name
from k8snb.helm.cluster.objects import built
from k8snb.helm.errors import HelmError, ReleaseNotFound
from k8snb.helm.manifests import RESOURCE_POLICY, UNINSTALL_ORDER, Manifest, in_order, manifests_of
from k8snb.helm.release.record import UNINSTALLED, UNINSTALLING, Release
from k8snb.kubectl.targets import Target

CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@dataclass(frozen=True, slots=True)
class Uninstall:
    """What an uninstallation is told."""

    setting: Setting
    dry_run: bool = False
    keep_history: bool = False
    ignore_missing: bool = False
    no_hooks: bool = False
    wait: bool = False
    cascade: str = "background"
    description: str = ""
    timeout: float = 300.0

    def run(self, name: str) -> str | None:
        """Uninstall; gives what to say of objects that stay, or None if there was no release. Raises HelmError."""
        if self.dry_run:
            try:
                self.setting.storage.last(name)
            except ReleaseNotFound:
                if self.ignore_missing:
                    return None
                raise
            return ""
        if check_name(name):
            raise HelmError(f"uninstall: Release name is invalid: {name}")
        try:
            history = self.setting.storage.history(name)
        except ReleaseNotFound as error:
            if self.ignore_missing:
                return None
            raise HelmError(f"uninstall: Release not loaded: {name}: {error}") from None
        last = history[-1]
        if last.status != UNINSTALLED:
            return self._uninstall(last, history)
        if self.keep_history:
            raise HelmError(f'the release named "{name}" is already deleted')
        self._purge(history)
        return ""

    def _uninstall(self, last: Release, history: Sequence[Release]) -> str:
        setting = self.setting
        release = replace(
            last,
            status=UNINSTALLING,
            deleted=setting.stamp(),
            description="Deletion in progress (or silently failed)",
        )
        if not self.no_hooks:
            run_hooks(setting, release, "pre-delete", self.timeout)
        setting.record(release)
        targets, kept = self._delete(release)
        errors: list[str] = []
        try:
            if self.wait:
                setting.waiting.until_gone(targets, self.timeout)
        except HelmError as error:
            errors.append(str(error))
        try:
            if not self.no_hooks:
                run_hooks(setting, release, "post-delete", self.timeout)
        except HelmError as error:
            errors.append(str(error))
        if self.keep_history:
            setting.record(release.with_status(UNINSTALLED, self.description or "Uninstallation complete"))
        else:
            self._purge(history)
        if errors:
            raise HelmError(f"uninstallation completed with {len(errors)} error(s): {'; '.join(errors)}")
        return f"These resources were kept due to the resource policy:\n{kept}" if kept else ""

    def _delete(self, release: Release) -> tuple[list[Target], str]:
        found = in_order(list(manifests_of("", release.manifest)), UNINSTALL_ORDER)
        kept = "".join(f"[{each.kind}] {each.name}\n" for each in found if _stays(each))
        text = "\n---\n".join(each.text for each in found if not _stays(each))
        try:
            targets = built(self.setting.session, text, release.namespace)
            self.setting.objects.delete(targets, CASCADES.get(self.cascade, "Background"))
        except HelmError as error:
            self.setting.log(f"uninstall: Failed to delete release: {error}")
            raise HelmError(f"failed to delete release: {release.name}") from None
        return targets, kept

    def _purge(self, history: Sequence[Release]) -> None:
        for release in history:
            self.setting.storage.delete(release)


def _stays(manifest: Manifest) -> bool:
    return str(manifest.annotations.get(RESOURCE_POLICY, "")).strip().lower() == "keep"
