"""The resource quota controller: says in each quota's status what is allowed and what is used.

Admission counts in what is made, before it is stored; this controller counts everything anew whenever a quota changes,
whenever something goes that a quota counts, and every five minutes, in case both have come apart. Objects are
followed from the first quota on: a cluster without quotas pays nothing for them. Upstream:
`pkg/controller/resourcequota`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.client.client import Client
from k8snb.client.controller import Context, Controller
from k8snb.i18n import _
from k8snb.machinery.amounts import only, same
from k8snb.machinery.objects import revision_of
from k8snb.machinery.quota.counting import counted
from k8snb.machinery.quota.usage import IGNORED, concerns, frees
from k8snb.typing import Object, ObjectKey, Resource

SYNC_PERIOD = 300.0
"""`--resource-quota-sync-period`."""

_NONE: Mapping[str, Any] = {}


class ResourceQuotaController(Controller):
    """Keeps `status.hard` and `status.used` of every quota."""

    name = "resourcequota-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scheme = context.scheme
        self._quotas = self.informers.of("resourcequotas")
        self._followed: set[str] = set()
        self._around = _Asking(context.client)

    def start(self) -> None:
        self._quotas.on_change(self._quota_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _quota_changed(self, old: Object | None, new: Object | None) -> None:
        """A new quota, or a new limit; a status has been written by admission or by this controller itself."""
        if new is not None and (old is None or _hard(old) != _hard(new)):
            self._follow_all()
            meta = new["metadata"]
            self.queue.add(ObjectKey(meta["namespace"], meta["name"]), revision_of(new))

    def _follow_all(self) -> None:
        for word in self._counted():
            if word not in self._followed:
                self._followed.add(word)
                self._follow(word)

    def _counted(self) -> list[str]:
        """The resources that quotas count; each stored kind once."""
        stored: dict[str, Resource] = {}
        for resource in self._scheme:
            if resource.namespaced and {"create", "delete", "list"} <= set(resource.verbs):
                stored.setdefault(resource.storage, resource)
        return [each.group_resource for each in stored.values() if each.group_resource not in IGNORED]

    def _follow(self, word: str) -> None:
        def changed(old: Object | None, new: Object | None) -> None:
            if old is None or not len(self._quotas):
                return
            if new is None or frees(word, old, new, self.clock.now()):
                self._replenish(word, old["metadata"]["namespace"], revision_of(old if new is None else new))

        self.informers.of(word).on_change(changed)

    def _replenish(self, word: str, namespace: str, cause: int) -> None:
        for quota in self._quotas.list(namespace):
            if concerns(word, (quota.get("status") or _NONE).get("hard") or _NONE, self._around):
                self.queue.add(ObjectKey(namespace, quota["metadata"]["name"]), cause)

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        # Not from the cache, which may lack what admission has just counted.
        listed = self.client.list("resourcequotas", key.namespace)
        quota = next((each for each in listed if each["metadata"]["name"] == key.name), None)
        if quota is None:
            return None
        self._follow_all()
        hard, status = _hard(quota), quota.get("status") or _NONE
        used = counted(quota, self._counted(), self._around, self.clock.now())
        used = only({**(status.get("used") or _NONE), **used}, hard.keys())
        self.saw(hard=dict(hard), used=dict(used))
        told = status.get("used") or _NONE
        for word, amount in used.items():
            self.compares(_("used {word}").format(word=word), told.get(word), amount)
        if "hard" not in status or hard != status["hard"] or not same(used, status.get("used") or _NONE):
            self.wants(_("what is used has changed: write it into the status"))
            self.client.update_status("resourcequotas", {**quota, "status": {"hard": hard, "used": used}})
        self.queue.add_after(key, SYNC_PERIOD, background=True)
        return None


class _Asking:
    """What there is, asked of the API (an `Around`); the controller's role lets it list."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, word: str, namespace: str, name: str) -> Object | None:
        found = self._client.list(word, namespace, fields=f"metadata.name={name}")
        return found[0] if found else None

    def list(self, word: str, namespace: str) -> list[Object]:
        return self._client.list(word, namespace)


def _hard(quota: Object) -> Mapping[str, str]:
    hard: Mapping[str, str] = (quota.get("spec") or _NONE).get("hard") or _NONE
    return hard
