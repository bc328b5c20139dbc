"""Installing a chart. Upstream: `pkg/action/install.go`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from k8snb.errors import StatusError
from k8snb.helm.actions.changing import DRY, Changing
from k8snb.helm.actions.hooks import run_hooks
from k8snb.helm.actions.setting import check_labels, check_name
from k8snb.helm.actions.uninstall import Uninstall
from k8snb.helm.chart.chart import Chart
from k8snb.helm.cluster.objects import built
from k8snb.helm.cluster.ownership import owned, to_adopt
from k8snb.helm.engine.scope import Capabilities, ReleaseFacts
from k8snb.helm.errors import HelmError, ReleaseNotFound
from k8snb.helm.release.record import DEPLOYED, FAILED, PENDING_INSTALL, SUPERSEDED, UNINSTALLED, Release
from k8snb.kubectl.targets import Target, target_of

CUSTOM_KINDS_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Install(Changing):
    """What an installation is told besides; `offline` asks no cluster at all."""

    name: str
    offline: Capabilities | None = None
    is_upgrade: bool = False
    create_namespace: bool = False
    replace: bool = False
    skip_custom_kinds: bool = False
    custom_kinds: bool = False

    def run(self, chart: Chart, values: Mapping[str, Any]) -> Release:
        """Install; with a dry run, only say what would be. Raises HelmError."""
        self.check_hiding()
        self._check_name()
        ready = self.setting.prepared(chart, values)
        self._install_custom_kinds(ready)
        release, targets = self._rendered(ready, values)
        adopted = [] if self.offline or not targets else self._adopted(targets)
        if self.dry_run:
            return release.with_status(PENDING_INSTALL, DRY)
        if self.create_namespace:
            self._create_namespace()
        if self.replace:
            release = self._replacing(release)
        self.setting.storage.create(release)
        try:
            return self._perform(release, targets, adopted)
        except HelmError as error:
            raise self._failure(release, error) from None

    # -- before ------------------------------------------------------------------------------------

    def _check_name(self) -> None:
        wrong = check_name(self.name)
        if wrong:
            raise HelmError(f'release name "{self.name}": {wrong}')
        if self.dry_run:
            return
        try:
            last = self.setting.storage.last(self.name)
        except ReleaseNotFound:
            return
        if not (self.replace and last.status in (UNINSTALLED, FAILED)):
            raise HelmError("cannot re-use a name that is still in use")

    def _install_custom_kinds(self, chart: Chart) -> None:
        """What is in `crds/`: created before anything else, never changed, never deleted."""
        made: list[Target] = []
        for each in chart.custom_kinds() if not (self.offline or self.skip_custom_kinds) else ():
            if self.dry_run:
                break
            try:
                targets = built(self.setting.session, each.file.text, self.setting.namespace)
                made += [target for target in targets if self._made(target)]
            except (HelmError, StatusError) as error:
                raise HelmError(f"failed to install CRD {each.name}: {_said(error)}") from None
        if made:
            self.setting.waiting.until_ready(made, CUSTOM_KINDS_SECONDS)
            self.setting.forget_capabilities()

    def _made(self, target: Target) -> bool:
        try:
            self.setting.objects.create_one(target)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                return False
            raise
        return True

    def _rendered(self, chart: Chart, values: Mapping[str, Any]) -> tuple[Release, list[Target]]:
        setting = self.setting
        facts = ReleaseFacts(self.name, setting.namespace, 1, self.is_upgrade)
        check_labels(self.labels)
        how = self.rendering(
            self.offline or setting.capabilities(),
            asks=self.dry_run != "client" and self.offline is None,
            custom_kinds=self.custom_kinds,
        )
        rendered = setting.render(chart, values, facts, how)
        stamp = setting.stamp()
        release = Release(
            name=self.name,
            namespace=setting.namespace,
            version=1,
            chart=chart,
            config=values,
            manifest=rendered.text,
            hooks=rendered.hooks,
            labels=self.labels,
            status=PENDING_INSTALL,
            description="Initial install underway",
            notes=rendered.notes,
            first_deployed=stamp,
            last_deployed=stamp,
        )
        if self.offline:
            return release, []
        try:
            targets = built(setting.session, release.manifest, setting.namespace)
        except HelmError as error:
            lead = "unable to build kubernetes objects from release manifest"
            raise HelmError(f"{lead}: {error}") from None
        return release, [owned(target, self.name, setting.namespace) for target in targets]

    def _adopted(self, targets: list[Target]) -> list[Target]:
        setting = self.setting
        if self.is_upgrade:
            return []
        try:
            return to_adopt(setting.objects, targets, self.name, setting.namespace, take=self.take_ownership)
        except HelmError as error:
            raise HelmError(f"Unable to continue with install: {error}") from None

    def _create_namespace(self) -> None:
        resource = self.setting.session.scheme.find("namespaces")
        assert resource is not None
        name = self.setting.namespace
        meta = {"name": name, "labels": {"name": name}}
        try:
            target = target_of(resource, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
            self.setting.objects.create_one(target)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise HelmError(error.message) from None

    def _replacing(self, release: Release) -> Release:
        """The release as the next revision of an older one of that name."""
        try:
            last = self.setting.storage.last(self.name)
        except ReleaseNotFound:
            return release
        if last.status != FAILED:
            self.setting.record(last.with_status(SUPERSEDED, "superseded by new release"))
        return replace(release, version=last.version + 1)

    # -- doing it ----------------------------------------------------------------------------------

    def _perform(self, release: Release, targets: list[Target], adopted: list[Target]) -> Release:
        setting = self.setting
        self._hooks(release, "pre-install")
        if targets and not adopted:
            setting.objects.create(targets)
        elif targets:
            _, error = setting.objects.update(adopted, targets, force=self.force)
            if error is not None:
                raise error
        if self.wait or self.atomic:
            setting.waiting.until_ready(targets, self.timeout, jobs=self.wait_for_jobs)
        self._hooks(release, "post-install")
        done = release.with_status(DEPLOYED, self.description or "Install complete")
        setting.record(done)
        return done

    def _hooks(self, release: Release, event: str) -> None:
        if self.no_hooks:
            return
        try:
            run_hooks(self.setting, release, event, self.timeout)
        except HelmError as error:
            raise HelmError(f"failed {event}: {error}") from None

    def _failure(self, release: Release, error: HelmError) -> HelmError:
        self.setting.record(release.with_status(FAILED, f'Release "{self.name}" failed: {error}'))
        if not self.atomic:
            return error
        try:
            Uninstall(self.setting, no_hooks=self.no_hooks, timeout=self.timeout).run(self.name)
        except HelmError as failed:
            lead = "an error occurred while uninstalling the release. original install error"
            return HelmError(f"{lead}: {error}: {failed}")
        return HelmError(f"release {self.name} failed, and has been uninstalled due to atomic being set: {error}")


def _said(error: Exception) -> str:
    return error.message if isinstance(error, StatusError) else str(error)
