"""ResourceQuota: a namespace uses no more than its quotas allow.

The last word of the chain: what passes is counted at once, in the status of the quotas, so that two requests cannot
both get the last place. What goes away is counted out later, by the quota controller. A write that fails after
this plugin stays counted until the controller looks again. Upstream: `apiserver/pkg/admission/plugin/resourcequota`.
"""

from __future__ import annotations

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied
from k8snb.machinery.quota.counting import QuotaError, charged
from k8snb.machinery.quota.usage import IGNORED, MEASURED
from k8snb.typing import Object, Resource

QUOTAS = "resourcequotas"


class ResourceQuota(Plugin):
    """Upstream: `QuotaAdmission`, `quotaEvaluator`."""

    name = "ResourceQuota"

    def concerns(self, resource: Resource, subresource: str, operation: str) -> bool:
        """Everything in a namespace is counted when it is made; what is measured also when it changes."""
        if not resource.namespaced or resource.group_resource in IGNORED:
            return False
        if resource.group_resource == "pods" and operation == "UPDATE":
            return subresource == "resize"
        if subresource:
            return False
        return operation == "CREATE" or (operation == "UPDATE" and resource.group_resource in MEASURED)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        quotas = reader.list(QUOTAS, attributes.namespace)
        if not quotas:
            return
        assert attributes.object is not None
        word = attributes.resource.group_resource
        try:
            charges = charged(word, quotas, attributes.object, attributes.old, reader.now(), reader)
        except QuotaError as error:
            raise denied(attributes, str(error)) from None
        if attributes.notes is not None:
            for quota, used in charges:
                attributes.notes.remark(quota["metadata"]["name"], None, None, _told(quota, used))
        if attributes.dry_run:
            return
        for quota, used in charges:
            reader.commit(QUOTAS, quota, _with_used(quota, used))


def _told(quota: Object, used: Object) -> str:
    """What is used now of what a quota limits: `pods 1/4`."""
    hard = quota["spec"].get("hard") or {}
    return ", ".join(f"{name} {used[name]}/{hard[name]}" for name in sorted(hard) if name in used)


def _with_used(quota: Object, used: Object) -> Object:
    return {**quota, "status": {**quota["status"], "used": used}}
