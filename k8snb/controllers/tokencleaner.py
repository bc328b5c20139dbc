"""The cleaner of legacy tokens: those that were once made for every account, in Secrets, and that nobody uses.

Once a day it looks at the Secrets of the type `kubernetes.io/service-account-token`. One that is older than a year, was
not used for a year, is listed in its account's `secrets` (those were generated; what somebody made by hand is not
touched) and that no pod mounts, is marked as invalid: its token is refused from then on, and taking the label away
lets it in again. A year after that the Secret is deleted. None of it begins before uses have been tracked for a year.

Upstream: `pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.clock import day, parse_time
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.tokens import NAME, TYPE, UID
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.legacytokens import INVALID_SINCE, LAST_USED, SINCE
from k8snb.machinery.objects import annotations_of, is_deleting, key_of, labels_of
from k8snb.machinery.podreferences import secret_names
from k8snb.typing import Object, ObjectKey

PERIOD_SECONDS = 86400.0


class TokenCleaner(Controller):
    """Marks generated tokens that nobody uses as invalid, and deletes them a year later. A key is a Secret."""

    name = "legacy-service-account-token-cleaner"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._lasts = settings.token_cleanup_period
        self._began = self.clock.now()
        self._secrets = self.informers.of("secrets")
        self._accounts = self.informers.of("serviceaccounts")
        self._pods = self.informers.of("pods")

    def start(self) -> None:
        self._secrets.on_change(self._came, ("ADDED",))

    def _came(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new.get("type") == TYPE:
            self._later(key_of(new))

    def _later(self, key: ObjectKey) -> None:
        """Look at a Secret with the next round."""
        rest = PERIOD_SECONDS - (self.clock.now() - self._began) % PERIOD_SECONDS
        self.queue.add_after(key, rest, background=True)

    def reconcile(self, key: ObjectKey) -> float | None:
        secret = self._secrets.get(*key)
        if secret is None or secret.get("type") != TYPE:
            return None
        self._later(key)
        oldest = self.clock.now() - self._lasts
        if self._is_unused(secret, oldest):
            self._clean(secret, day(oldest))
        return None

    def _is_unused(self, secret: Object, oldest: float) -> bool:
        """Whether a Secret was generated, and nobody has had any use for it since then."""
        if parse_time(secret["metadata"]["creationTimestamp"]) >= oldest or is_deleting(secret):
            return False
        used = labels_of(secret).get(LAST_USED)
        if used is not None and (not _is_day(used) or used >= day(oldest)):
            return False
        return self._is_generated(secret) and not self._is_mounted(secret) and self._tracked_before(oldest)

    def _is_generated(self, secret: Object) -> bool:
        annotations, meta = annotations_of(secret), secret["metadata"]
        account = self._accounts.get(meta["namespace"], annotations.get(NAME, ""))
        if account is None or annotations.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
            return False
        return any(each.get("name") == meta["name"] for each in account.get("secrets") or ())

    def _is_mounted(self, secret: Object) -> bool:
        meta = secret["metadata"]
        return any(meta["name"] in secret_names(pod) for pod in self._pods.list(meta["namespace"]))

    def _tracked_before(self, oldest: float) -> bool:
        """Whether uses were tracked on the whole of every day since then."""
        found = self.client.find("configmaps", SINCE, "kube-system")
        since = ((found or {}).get("data") or {}).get("since", "")
        return _is_day(since) and parse_time(f"{since}T00:00:00Z") + PERIOD_SECONDS <= oldest

    def _clean(self, secret: Object, oldest: str) -> None:
        meta, today = secret["metadata"], day(self.clock.now())
        invalid = labels_of(secret).get(INVALID_SINCE, "")
        self.compares(_("last used"), labels_of(secret).get(LAST_USED, _("never")), oldest)
        if not _is_day(invalid):
            self.wants(_("nobody uses this generated token: refuse it from now on"))
            patch = {"metadata": {"uid": meta["uid"], "labels": {INVALID_SINCE: today}}}
            self.client.patch("secrets", meta["name"], patch, meta["namespace"])
        elif invalid < oldest:
            self.wants(_("this token has been invalid for long, and nobody has asked for it: delete it"))
            self._delete(meta)

    def _delete(self, meta: Object) -> None:
        try:
            self.client.delete("secrets", meta["name"], meta["namespace"], resource_version=meta["resourceVersion"])
        except StatusError as error:
            if error.code not in (404, 409):
                raise


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(parse_time(f"{text}T00:00:00Z"))
    except ValueError:
        return False
