"""Going back to an earlier revision, which becomes the next one. Upstream: `pkg/action/rollback.go`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from k8snb.helm.actions.hooks import run_hooks
from k8snb.helm.actions.setting import Setting, check_name
from k8snb.helm.cluster.objects import Failures, built
from k8snb.helm.cluster.ownership import owned
from k8snb.helm.errors import HelmError
from k8snb.helm.release.record import DEPLOYED, FAILED, PENDING_ROLLBACK, SUPERSEDED, Release
from k8snb.helm.release.storage import NoDeployedReleases
from k8snb.kubectl.targets import Target


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback is told; version 0 is the one before the newest."""

    setting: Setting
    version: int = 0
    dry_run: bool = False
    wait: bool = False
    wait_for_jobs: bool = False
    force: bool = False
    cleanup: bool = False
    no_hooks: bool = False
    timeout: float = 300.0
    kept: int = 10

    def run(self, name: str) -> None:
        """Roll back. Raises HelmError."""
        if check_name(name):
            raise HelmError(f"prepareRollback: Release name is invalid: {name}")
        if self.version < 0:
            raise HelmError("invalid release revision")
        current, target = self._prepared(name)
        if self.dry_run:
            return
        self.setting.storage.create(target, self.kept)
        self.setting.storage.update(self._perform(current, target))

    def _prepared(self, name: str) -> tuple[Release, Release]:
        history = self.setting.storage.history(name)
        current = history[-1]
        wanted = self.version or current.version - 1
        previous = next((release for release in history if release.version == wanted), None)
        if previous is None:
            raise HelmError(f"release has no {wanted} version")
        target = replace(
            previous,
            version=current.version + 1,
            first_deployed=current.first_deployed,
            last_deployed=self.setting.stamp(),
            deleted="",
            status=PENDING_ROLLBACK,
            description=f"Rollback to {wanted}",
        )
        return current, target

    def _perform(self, current: Release, target: Release) -> Release:
        setting = self.setting
        before = _built(setting, current, "current")
        after = [owned(each, target.name, target.namespace) for each in _built(setting, target, "new")]
        self._hooks(target, "pre-rollback")
        created, error = setting.objects.update(before, after, force=self.force)
        if error is not None:
            raise self._failure(current, target, created, error)
        if self.wait:
            try:
                setting.waiting.until_ready(after, self.timeout, jobs=self.wait_for_jobs)
            except HelmError as error:
                setting.record(current)
                setting.record(target.with_status(FAILED, f'Release "{target.name}" failed: {error}'))
                raise HelmError(f"release {target.name} failed: {error}") from None
        self._hooks(target, "post-rollback")
        self._supersede(current.name)
        return target.with_status(DEPLOYED)

    def _hooks(self, release: Release, event: str) -> None:
        if not self.no_hooks:
            run_hooks(self.setting, release, event, self.timeout)

    def _failure(self, current: Release, target: Release, created: list[Target], error: HelmError) -> HelmError:
        setting = self.setting
        setting.record(current.with_status(SUPERSEDED))
        setting.record(target.with_status(FAILED, f'Rollback "{target.name}" failed: {error}'))
        if self.cleanup and created:
            try:
                setting.objects.delete(created)
            except Failures as failed:
                lead = "an error occurred while cleaning up resources. original rollback error"
                return HelmError(f"{lead}: {error}: unable to cleanup resources: {failed}")
        return error

    def _supersede(self, name: str) -> None:
        try:
            for release in self.setting.storage.deployed(name):
                self.setting.record(release.with_status(SUPERSEDED))
        except NoDeployedReleases:
            pass


def _built(setting: Setting, release: Release, which: str) -> list[Target]:
    try:
        return built(setting.session, release.manifest, release.namespace)
    except HelmError as error:
        raise HelmError(f"unable to build kubernetes objects from {which} release manifest: {error}") from None
