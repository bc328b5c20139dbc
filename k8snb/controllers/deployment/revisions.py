"""The memory of a Deployment: numbered revisions, one old ReplicaSet each.

The number stands in an annotation of the ReplicaSet and of the Deployment. Rolling back is rolling forward to
an old template: its ReplicaSet gets a new number, and the numbers it had before are remembered. Only
`revisionHistoryLimit` old ReplicaSets are kept. Pure functions. Upstream: `deployment/util/deployment_util.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from k8snb.controllers.deployment.replicasets import DESIRED, MAXIMUM, annotated, counted, oldest_first, size
from k8snb.controllers.deployment.rolling import max_total, replicas_of
from k8snb.controllers.deployment.template import same_template
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.machinery.objects import annotations_of, is_deleting
from k8snb.typing import Object

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"

MAX_HISTORY_CHARACTERS = 2000
UNLIMITED = 2**31 - 1

_NOT_COPIED = {
    LAST_APPLIED,
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}


def revision(obj: Object) -> int:
    """The number of a ReplicaSet's or Deployment's revision; 0 where there is none."""
    return annotated(obj, REVISION) or 0


def max_revision(sets: Iterable[Object]) -> int:
    """The highest revision among ReplicaSets."""
    return max((revision(rs) for rs in sets), default=0)


def find_new(deployment: Object, sets: Sequence[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's present template; the oldest, should there be several."""
    template = deployment["spec"]["template"]
    for rs in oldest_first(sets):
        if same_template(rs["spec"]["template"], template):
            return rs
    return None


def new_annotations(deployment: Object, rs: Object, number: int, *, exists: bool) -> Mapping[str, str]:
    """The annotations that the new ReplicaSet should have, as revision `number`."""
    old = annotations_of(rs)
    copied = {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}
    result = {**old, **copied}
    before = revision(rs)
    if before < number:
        result[REVISION] = str(number)
        if REVISION in old:
            result[HISTORY] = _remember(old.get(HISTORY, ""), old[REVISION])
    if not exists:
        result.update(replica_annotations(deployment))
    return result


def replica_annotations(deployment: Object) -> Mapping[str, str]:
    """What a ReplicaSet notes of the Deployment's size when it is scaled."""
    return {DESIRED: str(replicas_of(deployment)), MAXIMUM: str(max_total(deployment))}


def _remember(history: str, number: str) -> str:
    numbers = [*filter(None, history.split(",")), number]
    while len(numbers) > 1 and len(",".join(numbers)) > MAX_HISTORY_CHARACTERS:
        numbers.pop(0)
    return ",".join(numbers)


def to_forget(deployment: Object, olds: Sequence[Object]) -> list[Object]:
    """The old ReplicaSets to delete: the lowest revisions beyond the limit, those without any pods."""
    limit = deployment["spec"].get("revisionHistoryLimit", UNLIMITED)
    candidates = [rs for rs in olds if not is_deleting(rs)]
    excess = len(candidates) - limit
    if limit == UNLIMITED or excess <= 0:
        return []
    ordered = sorted(candidates, key=lambda rs: (revision(rs), rs["metadata"].get("creationTimestamp", "")))
    return [rs for rs in ordered[:excess] if _is_idle(rs)]


def _is_idle(rs: Object) -> bool:
    observed = counted(rs, "observedGeneration") >= rs["metadata"].get("generation", 0)
    return observed and size(rs) == 0 and counted(rs, "replicas") == 0
