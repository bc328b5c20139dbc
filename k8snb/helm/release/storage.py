"""Where releases are kept: one Secret for each revision. Upstream: `pkg/storage`, `driver/secrets.go`.

The Secret is called `sh.helm.release.v1.NAME.vREVISION`, is of the type `helm.sh/release.v1`, and its labels say whose
it is, so that a list of releases needs to open only what it shows.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

from k8snb.errors import StatusError
from k8snb.helm.errors import HelmError, ReleaseNotFound
from k8snb.helm.release.record import DEPLOYED, Release, encoded, read
from k8snb.kubectl.session import Session
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

TYPE = "helm.sh/release.v1"
MANAGER = "helm"
SYSTEM_LABELS = ("name", "owner", "status", "version", "createdAt", "modifiedAt")


def secret_name(name: str, version: int) -> str:
    """The name of a revision's Secret."""
    return f"sh.helm.release.v1.{name}.v{version}"


class Storage:
    """The releases of one namespace, or of all if none is named."""

    def __init__(self, session: Session, namespace: str, now: Callable[[], float]) -> None:
        self._session = session
        self._namespace = namespace
        self._now = now
        secrets = session.scheme.find("secrets")
        assert secrets is not None
        self._secrets = secrets

    # -- reading -----------------------------------------------------------------------------------

    def list(self, labels: str = "") -> Sequence[Release]:
        """All revisions of all releases, in the order of their Secrets."""
        selector = ",".join(filter(None, (labels, "owner=helm")))
        found = self._session.items(self._secrets, self._namespace, {"labelSelector": selector})
        return [_release(secret) for secret in found if "release" in (secret.get("data") or {})]

    def history(self, name: str) -> Sequence[Release]:
        """The revisions of a release, the oldest first. Raises ReleaseNotFound if there are none."""
        found = sorted(self.list(f"name={name}"), key=lambda release: release.version)
        if not found:
            raise ReleaseNotFound
        return found

    def last(self, name: str) -> Release:
        """The newest revision."""
        return self.history(name)[-1]

    def get(self, name: str, version: int) -> Release:
        """One revision. Raises ReleaseNotFound."""
        try:
            return _release(self._session.get(self._target(name, version)))
        except StatusError as error:
            if error.code == 404:
                raise ReleaseNotFound from None
            raise HelmError(f"get: failed to get {_quoted(secret_name(name, version))}: {error.message}") from None

    def deployed(self, name: str) -> Sequence[Release]:
        """The revisions that count as deployed, the newest first. Raises HelmError if there are none."""
        found = sorted(self.list(f"name={name},status=deployed"), key=lambda release: -release.version)
        if not found:
            raise NoDeployedReleases(name)
        return found

    # -- writing -----------------------------------------------------------------------------------

    def create(self, release: Release, keep: int = 0) -> None:
        """Keep a new revision; of the others at most `keep` less one stay (0: all). Raises HelmError."""
        if keep:
            self._forget(release.name, keep - 1)
        try:
            secret = self._secret(release, {"createdAt": str(int(self._now()))})
            self._session.create(self._secrets, self._namespace, secret, {"fieldManager": MANAGER})
        except StatusError as error:
            if error.code == 409:
                raise HelmError("release: already exists") from None
            raise HelmError(f"create: failed to create: {error.message}") from None

    def update(self, release: Release) -> None:
        """Keep a revision as it is now."""
        secret = self._secret(release, {"modifiedAt": str(int(self._now()))})
        try:
            self._session.replace(self._target(release.name, release.version), secret, {"fieldManager": MANAGER})
        except StatusError as error:
            raise HelmError(f"update: failed to update: {error.message}") from None

    def delete(self, release: Release) -> None:
        """Forget a revision."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1"}
        self._session.delete(self._target(release.name, release.version), options)

    def _forget(self, name: str, keep: int) -> None:
        try:
            found = list(self.history(name))
        except ReleaseNotFound:
            return
        kept = next((release for release in reversed(found) if release.status == DEPLOYED), None)
        for release in [each for each in found if each is not kept][: max(len(found) - keep, 0)]:
            self.delete(release)

    def _target(self, name: str, version: int) -> Target:
        return Target(self._secrets, self._namespace, secret_name(name, version))

    def _secret(self, release: Release, more: Mapping[str, str]) -> Object:
        own = {key: value for key, value in release.labels.items() if key not in SYSTEM_LABELS}
        labels = {**own, **more, "name": release.name, "owner": "helm", "status": release.status}
        meta = {"name": secret_name(release.name, release.version), "namespace": self._namespace}
        data = {"release": base64.b64encode(encoded(release).encode()).decode()}
        labelled = {**meta, "labels": dict(sorted({**labels, "version": str(release.version)}.items()))}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": labelled, "data": data, "type": TYPE}


class NoDeployedReleases(HelmError):
    """No revision of the release is deployed."""

    def __init__(self, name: str) -> None:
        super().__init__(f'"{name}" has no deployed releases')


def _quoted(text: str) -> str:
    return f'"{text}"'


def _release(secret: Object) -> Release:
    labels = secret["metadata"].get("labels") or {}
    own = {key: value for key, value in labels.items() if key not in SYSTEM_LABELS}
    return read(base64.b64decode(secret["data"]["release"]).decode(), own)
