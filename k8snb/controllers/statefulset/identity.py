"""Who a pod of a StatefulSet is: its number, and what follows from it.

The name is the set's with the ordinal behind it; from that come the host name, the labels, and the claims that the
pod's volumes stand for. Pure functions. Upstream: `stateful_set_utils.go`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snb.controllers.history import REVISION_LABEL
from k8snb.controllers.replicaset import pod_from_template
from k8snb.machinery.objects import labels_of, with_meta
from k8snb.typing import Object

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
NO_ORDINAL = -1
_NAME = re.compile(r"(.*)-([0-9]+)", re.ASCII | re.DOTALL)
_MOST = 2**31 - 1


def parent_and_ordinal(name: str) -> tuple[str, int]:
    """The set that a pod's name speaks of, and the number; `NO_ORDINAL` where it has none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return "", NO_ORDINAL
    ordinal = int(found[2])
    return found[1], ordinal if ordinal <= _MOST else NO_ORDINAL


def ordinal_of(pod: Object) -> int:
    """The pod's number."""
    return parent_and_ordinal(pod["metadata"]["name"])[1]


def is_member(sts: Object, pod: Object) -> bool:
    """Whether the pod's name is one of this set's."""
    return parent_and_ordinal(pod["metadata"]["name"])[0] == str(sts["metadata"]["name"])


def replicas_of(sts: Object) -> int:
    """How many pods there should be."""
    return int(sts["spec"].get("replicas", 1))


def ordinals_of(sts: Object) -> range:
    """The numbers that there should be."""
    start = int((sts["spec"].get("ordinals") or {}).get("start", 0))
    return range(start, start + replicas_of(sts))


def claim_templates(sts: Object) -> Sequence[Object]:
    """The templates of the claims that each pod gets."""
    templates: Sequence[Object] = sts["spec"].get("volumeClaimTemplates") or ()
    return templates


def claim_name(sts: Object, template: Object, ordinal: int) -> str:
    """The name of the claim that the pod of this number gets from a template."""
    return f"{template['metadata']['name']}-{sts['metadata']['name']}-{ordinal}"


def identity_matches(sts: Object, pod: Object) -> bool:
    """Whether the pod is labelled with its own name."""
    return is_member(sts, pod) and labels_of(pod).get(POD_NAME) == pod["metadata"]["name"]


def with_identity(pod: Object) -> Object:
    """The pod with the labels that say who it is."""
    name = pod["metadata"]["name"]
    labels = {**labels_of(pod), POD_NAME: name, POD_INDEX: str(ordinal_of(pod))}
    return with_meta(pod, labels=labels)


def storage_matches(sts: Object, pod: Object) -> bool:
    """Whether the pod has a volume for each of its claims."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    ordinal = ordinal_of(pod)
    return ordinal >= 0 and all(
        (volumes.get(template["metadata"]["name"], {}).get("persistentVolumeClaim") or {}).get("claimName")
        == claim_name(sts, template, ordinal)
        for template in claim_templates(sts)
    )


def with_storage(sts: Object, pod: Object) -> Object:
    """The pod with a volume for each of its claims, in place of its own of the same name."""
    templates, ordinal = claim_templates(sts), ordinal_of(pod)
    if not templates:
        return pod
    names = {template["metadata"]["name"]: claim_name(sts, template, ordinal) for template in templates}
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in names.items()]
    own = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in names]
    return {**pod, "spec": {**pod["spec"], "volumes": [*volumes, *own]}}


def new_pod(sts: Object, ordinal: int, revision: str) -> Object:
    """The pod of a number, as the set's template makes it; it has no status, by which it is known to be new."""
    pod = pod_from_template(sts["spec"]["template"], sts)
    name = f"{sts['metadata']['name']}-{ordinal}"
    pod = with_identity({**pod, "metadata": {**pod["metadata"], "name": name}})
    spec: dict[str, Any] = {**pod["spec"], "hostname": name}
    if sts["spec"].get("serviceName"):
        spec["subdomain"] = sts["spec"]["serviceName"]
    pod = with_storage(sts, {**pod, "spec": spec})
    return with_meta(pod, labels={**labels_of(pod), REVISION_LABEL: revision})
