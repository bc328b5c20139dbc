"""The rolling update: how large each ReplicaSet may be now.

Two budgets bound every step. With `n` replicas wanted there are never more than `n + maxSurge` pods, and never
fewer than `n - maxUnavailable` available ones. So a step first grows the new ReplicaSet as far as the surge
allows, and then shrinks the old ones as far as availability allows: their broken pods first, which cost
nothing, then the healthy ones.

When the Deployment is scaled halfway, all ReplicaSets grow or shrink in proportion, so that a bad rollout does
not get all the new pods. Everything here is a pure function. Upstream: `deployment/rolling.go`, `sync.go`
(`scale`) and `util/deployment_util.go`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from k8snb.controllers.deployment.replicasets import (
    DESIRED,
    MAXIMUM,
    active,
    annotated,
    available,
    counted,
    largest_first,
    oldest_first,
    size,
    total,
    total_size,
)
from k8snb.typing import Object


class Scaling(NamedTuple):
    """A ReplicaSet and the size it is to get."""

    rs: Object
    size: int


class Budget(NamedTuple):
    """How far a rolling update may go beyond and below the wanted number of pods."""

    surge: int
    unavailable: int


def replicas_of(deployment: Object) -> int:
    """How many pods are wanted."""
    wanted: int = deployment["spec"].get("replicas", 1)
    return wanted


def is_rolling(deployment: Object) -> bool:
    """Whether its strategy is RollingUpdate."""
    return bool(deployment["spec"].get("strategy", {}).get("type") == "RollingUpdate")


def scaled(value: int | str, whole: int, *, up: bool) -> int:
    """A number, or so many per cent of the whole, rounded up or down."""
    if isinstance(value, int):
        return value
    exact = int(value.removesuffix("%")) * whole
    return -(-exact // 100) if up else exact // 100


def resolve(max_surge: int | str, max_unavailable: int | str, replicas: int) -> Budget:
    """The two budgets in pods. If both came out as 0 nothing could ever move: one pod may then be missing."""
    surge = scaled(max_surge, replicas, up=True)
    unavailable = scaled(max_unavailable, replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Budget(surge, unavailable)


def budget(deployment: Object) -> Budget:
    """The budgets of a Deployment; both are 0 unless it rolls."""
    if not is_rolling(deployment):
        return Budget(0, 0)
    update = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    replicas = replicas_of(deployment)
    surge, unavailable = resolve(update.get("maxSurge", 0), update.get("maxUnavailable", 0), replicas)
    return Budget(surge, min(unavailable, replicas))


def max_total(deployment: Object) -> int:
    """How many pods there may be at most."""
    return replicas_of(deployment) + budget(deployment).surge


def min_available(deployment: Object) -> int:
    """How many pods must be available at least."""
    return replicas_of(deployment) - budget(deployment).unavailable


def new_size(deployment: Object, sets: Sequence[Object], current: int) -> int:
    """How large the new ReplicaSet, now of size `current`, may be. `sets` are all ReplicaSets, this one included."""
    wanted = replicas_of(deployment)
    if not is_rolling(deployment) or current >= wanted:
        return wanted
    room = max_total(deployment) - total_size(sets)
    return current + min(room, wanted - current) if room > 0 else current


def scale_downs(deployment: Object, new: Object, olds: Sequence[Object]) -> list[Scaling]:
    """The old ReplicaSets to shrink now, in order; one may occur twice (its broken pods, then healthy ones).

    None while a ReplicaSet shows more available pods than it is to have: it has yet to follow the last step, and
    counting on those pods would take too many away.
    """
    shrinking = oldest_first(active(olds))
    if not shrinking or any(available(rs) > size(rs) for rs in (*shrinking, new)):
        return []
    missing = size(new) - available(new)
    spare = total_size(shrinking) + size(new) - min_available(deployment) - missing
    if spare <= 0:
        return []
    broken = _shrink_broken(shrinking, spare)
    sizes = {scaling.rs["metadata"]["name"]: scaling.size for scaling in broken}
    healthy_spare = total([*shrinking, new], "availableReplicas") - min_available(deployment)
    return [*broken, *_shrink_healthy(shrinking, sizes, healthy_spare)]


def _shrink_broken(sets: Sequence[Object], limit: int) -> list[Scaling]:
    result: list[Scaling] = []
    for rs in sets:
        step = min(limit, size(rs) - available(rs))
        if step > 0:
            result.append(Scaling(rs, size(rs) - step))
            limit -= step
    return result


def _shrink_healthy(sets: Sequence[Object], sizes: dict[str, int], limit: int) -> list[Scaling]:
    result: list[Scaling] = []
    for rs in sets:
        current = sizes.get(rs["metadata"]["name"], size(rs))
        step = min(limit, current)
        if step > 0:
            result.append(Scaling(rs, current - step))
            limit -= step
    return result


# -- scaling ---------------------------------------------------------------------------------------


def is_scaling(deployment: Object, sets: Sequence[Object]) -> bool:
    """Whether the Deployment's size differs from the one its ReplicaSets were last scaled for."""
    wanted = replicas_of(deployment)
    recorded = [annotated(rs, DESIRED) for rs in active(sets)]
    return any(each is not None and each != wanted for each in recorded)


def is_saturated(deployment: Object, rs: Object | None) -> bool:
    """Whether a ReplicaSet has and was meant to have all the pods that are wanted, all available."""
    if rs is None:
        return False
    wanted = replicas_of(deployment)
    return annotated(rs, DESIRED) == wanted and size(rs) == wanted and available(rs) == wanted


def only_active(new: Object | None, olds: Sequence[Object]) -> Object | None:
    """The one active ReplicaSet, or the newest if none is active; None if several are."""
    everything = [*olds, new] if new is not None else list(olds)
    living = active(everything)
    if len(living) > 1:
        return None
    if living:
        return living[0]
    return new if new is not None else (oldest_first(olds)[-1] if olds else None)


def scale(deployment: Object, new: Object | None, olds: Sequence[Object]) -> list[Scaling]:
    """How a change of the Deployment's size is spread over its ReplicaSets."""
    single = only_active(new, olds)
    if single is not None:
        return [Scaling(single, replicas_of(deployment))]
    if is_saturated(deployment, new):
        return [Scaling(rs, 0) for rs in active(olds)]
    if not is_rolling(deployment):
        return []
    return proportional(deployment, [*olds, new] if new is not None else olds)


def proportional(deployment: Object, sets: Sequence[Object]) -> list[Scaling]:
    """Every active ReplicaSet's share of the new size. What rounding leaves over goes to the largest."""
    living = active(sets)
    allowed = max_total(deployment) if replicas_of(deployment) > 0 else 0
    missing = allowed - total_size(living)
    if missing == 0:
        return [Scaling(rs, size(rs)) for rs in living]
    ordered = largest_first(living, newer_first=missing > 0)
    sizes: list[int] = []
    added = 0
    for rs in ordered:
        share = _share(deployment, rs, missing - added)
        sizes.append(size(rs) + share)
        added += share
    if sizes:
        sizes[0] = max(sizes[0] + missing - added, 0)
    return [Scaling(rs, new) for rs, new in zip(ordered, sizes, strict=True)]


def _share(deployment: Object, rs: Object, left: int) -> int:
    """How many of the `left` pods to add (or to remove, below 0) fall to one ReplicaSet."""
    fraction = _fraction(deployment, rs)
    return min(fraction, left) if left > 0 else max(fraction, left) if left < 0 else 0


def _fraction(deployment: Object, rs: Object) -> int:
    if replicas_of(deployment) == 0:
        return -size(rs)
    before = annotated(rs, MAXIMUM) or counted(deployment, "replicas")
    if not before:
        return 0
    return _rounded(size(rs) * max_total(deployment) / before) - size(rs)


def _rounded(number: float) -> int:
    """To the nearest, halves upwards."""
    return math.floor(number + 0.5)
