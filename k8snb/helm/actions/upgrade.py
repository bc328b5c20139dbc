"""Upgrading a release. Upstream: `pkg/action/upgrade.go`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from k8snb.helm.actions.changing import DRY, Changing
from k8snb.helm.actions.hooks import run_hooks
from k8snb.helm.actions.rollback import Rollback
from k8snb.helm.actions.setting import Setting, check_labels, check_name
from k8snb.helm.chart.chart import Chart
from k8snb.helm.cluster.objects import Failures, built, key_of
from k8snb.helm.cluster.ownership import owned, to_adopt
from k8snb.helm.engine.scope import ReleaseFacts
from k8snb.helm.errors import HelmError, ReleaseNotFound
from k8snb.helm.release.record import DEPLOYED, FAILED, PENDING, PENDING_UPGRADE, SUPERSEDED, Release
from k8snb.helm.release.storage import NoDeployedReleases
from k8snb.helm.values.merging import coalesced, under
from k8snb.kubectl.targets import Target

KEPT = 10
"""How many revisions are kept."""


@dataclass(slots=True, kw_only=True)
class Upgrade(Changing):
    """What an upgrade is told besides; `reuse`, `reset` and `reset_then_reuse` say which values of last time count."""

    reuse: bool = False
    reset: bool = False
    reset_then_reuse: bool = False
    cleanup: bool = False
    kept: int = KEPT

    def run(self, name: str, chart: Chart, values: Mapping[str, Any]) -> Release:
        """Upgrade; with a dry run, only say what would be. Raises HelmError."""
        if check_name(name):
            raise HelmError(f"release name is invalid: {name}")
        self.check_hiding()
        current, last = self._current(name)
        release = self._rendered(current, last, chart, self._values(current, chart, dict(values)))
        before, after = self._targets(current, release)
        if self.dry_run:
            return release.with_status(PENDING_UPGRADE, self.description or DRY)
        self.setting.storage.create(release, self.kept)
        created: list[Target] = []
        try:
            done = self._perform(current, release, before, after, created)
        except HelmError as error:
            raise self._failure(release, created, error) from None
        self.setting.storage.update(done)
        return done

    # -- before ------------------------------------------------------------------------------------

    def _current(self, name: str) -> tuple[Release, Release]:
        """The revision to compare with, and the newest one."""
        storage = self.setting.storage
        try:
            last = storage.last(name)
        except ReleaseNotFound:
            raise NoDeployedReleases(name) from None
        if last.status in PENDING:
            raise HelmError("another operation (install/upgrade/rollback) is in progress")
        if last.status == DEPLOYED:
            return last, last
        try:
            return storage.deployed(name)[0], last
        except NoDeployedReleases:
            if last.status in (FAILED, SUPERSEDED):
                return last, last
            raise

    def _values(self, current: Release, chart: Chart, values: dict[str, Any]) -> dict[str, Any]:
        if self.reset:
            return values
        if self.reuse:
            try:
                old = coalesced(current.chart, current.config)
            except HelmError as error:
                raise HelmError(f"failed to rebuild old values: {error}") from None
            values = under(values, dict(current.config))
            chart.values = old
            return values
        if self.reset_then_reuse or (not values and current.config):
            return under(values, dict(current.config))
        return values

    def _rendered(self, current: Release, last: Release, chart: Chart, values: dict[str, Any]) -> Release:
        setting = self.setting
        ready = setting.prepared(chart, values)
        check_labels(self.labels)
        facts = ReleaseFacts(current.name, current.namespace, last.version + 1, is_upgrade=True)
        how = self.rendering(setting.capabilities(), asks=self.dry_run != "client")
        rendered = setting.render(ready, values, facts, how)
        return Release(
            name=current.name,
            namespace=current.namespace,
            version=last.version + 1,
            chart=ready,
            config=values,
            manifest=rendered.text,
            hooks=rendered.hooks,
            labels={**last.labels, **self.labels},
            status=PENDING_UPGRADE,
            description="Preparing upgrade",
            notes=rendered.notes,
            first_deployed=current.first_deployed,
            last_deployed=setting.stamp(),
        )

    def _targets(self, current: Release, release: Release) -> tuple[list[Target], list[Target]]:
        objects = self.setting.objects
        before = _built(self.setting, current.manifest, "current", current.namespace)
        targets = _built(self.setting, release.manifest, "new", release.namespace)
        after = [owned(target, release.name, release.namespace) for target in targets]
        known = {key_of(target) for target in before}
        new = [target for target in after if key_of(target) not in known]
        try:
            adopted = to_adopt(objects, new, release.name, release.namespace, take=self.take_ownership)
        except HelmError as error:
            raise HelmError(f"Unable to continue with update: {error}") from None
        return [*before, *adopted], after

    # -- doing it ----------------------------------------------------------------------------------

    def _perform(
        self, current: Release, release: Release, before: list[Target], after: list[Target], created: list[Target]
    ) -> Release:
        setting = self.setting
        self._hooks(release, "pre-upgrade")
        new, error = setting.objects.update(before, after, force=self.force)
        created += new
        if error is not None:
            setting.record(current)
            raise error
        if self.wait or self.atomic:
            try:
                setting.waiting.until_ready(after, self.timeout, jobs=self.wait_for_jobs)
            except HelmError:
                setting.record(current)
                raise
        self._hooks(release, "post-upgrade")
        setting.record(current.with_status(SUPERSEDED))
        return release.with_status(DEPLOYED, self.description or "Upgrade complete")

    def _hooks(self, release: Release, event: str) -> None:
        if self.no_hooks:
            return
        try:
            run_hooks(self.setting, release, event, self.timeout)
        except HelmError as error:
            raise HelmError(f"{event} hooks failed: {error}") from None

    def _failure(self, release: Release, created: list[Target], error: HelmError) -> HelmError:
        self.setting.record(release.with_status(FAILED, f'Upgrade "{release.name}" failed: {error}'))
        if self.cleanup and created:
            try:
                self.setting.objects.delete(created)
            except Failures as failed:
                lead = "an error occurred while cleaning up resources. original upgrade error"
                return HelmError(f"{lead}: {error}: unable to cleanup resources: {failed}")
        return self._rolled_back(release, error) if self.atomic else error

    def _rolled_back(self, release: Release, error: HelmError) -> HelmError:
        history = self.setting.storage.history(release.name)
        good = [each for each in history if each.status in (SUPERSEDED, DEPLOYED)]
        if not good:
            lead = "unable to find a previously successful release when attempting to rollback. original upgrade error"
            return HelmError(f"{lead}: {error}")
        back = Rollback(self.setting, version=good[-1].version, wait=True, timeout=self.timeout, force=self.force)
        try:
            replace(back, no_hooks=self.no_hooks, wait_for_jobs=self.wait_for_jobs, kept=self.kept).run(release.name)
        except HelmError as failed:
            lead = "an error occurred while rolling back the release. original upgrade error"
            return HelmError(f"{lead}: {error}: {failed}")
        return HelmError(f"release {release.name} failed, and has been rolled back due to atomic being set: {error}")


def _built(setting: Setting, manifest: str, which: str, namespace: str) -> list[Target]:
    try:
        return built(setting.session, manifest, namespace)
    except HelmError as error:
        if which == "current" and "no matches for kind" in str(error):
            raise HelmError(
                "current release manifest contains removed kubernetes api(s) for this kubernetes version and it is "
                "therefore unable to build the kubernetes objects for performing the diff. error from kubernetes: "
                f"{error}"
            ) from None
        raise HelmError(f"unable to build kubernetes objects from {which} release manifest: {error}") from None
