"""How a workload replaces its pods: strategies, and the counts and percentages in them.

Upstream: `ValidateRollingUpdateDeployment` and its neighbours in `pkg/apis/apps/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.checks import each
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.validation import NOT_NEGATIVE
from k8snb.typing import Object

Findings = Iterator[FieldError]


def validate_counts(obj: Object, path: str, *names: str) -> Findings:
    """Numbers that cannot be negative."""
    for name in names:
        number = obj.get(name)
        if number is not None and number < 0:
            yield invalid_value(f"{path}.{name}", number, NOT_NEGATIVE)


def validate_share(value: int | str, path: str) -> Findings:
    """A count of pods or a percentage of them."""
    if isinstance(value, str):
        yield from each(path, value, formats.percent(value))
    elif value < 0:
        yield invalid_value(path, value, NOT_NEGATIVE)


def is_zero(value: int | str) -> bool:
    """Whether a share is nothing; a text that is no percentage counts as nothing, as Go reads it."""
    if isinstance(value, str):
        number = value.removesuffix("%")
        return not number.isdecimal() or int(number) == 0
    return value == 0


def validate_at_most_all(value: int | str, path: str) -> Findings:
    """A percentage of at most 100."""
    if isinstance(value, str) and not formats.percent(value) and int(value[:-1]) > 100:
        yield invalid_value(path, value, "must not be greater than 100%")


def validate_deployment_strategy(strategy: Object, path: str) -> Findings:
    """`spec.strategy` of a Deployment."""
    kind, update = strategy.get("type") or "", strategy.get("rollingUpdate")
    at = f"{path}.rollingUpdate"
    if kind == "Recreate":
        if update is not None:
            yield field_forbidden(at, "may not be specified when strategy `type` is 'Recreate'")
    elif kind != "RollingUpdate":
        yield not_supported(path, {"Type": kind, "RollingUpdate": update}, ("Recreate", "RollingUpdate"))
    elif update is None:
        yield required(at, "this should be defaulted and never be nil")
    else:
        unavailable, surge = update.get("maxUnavailable", 0), update.get("maxSurge", 0)
        yield from validate_share(unavailable, f"{at}.maxUnavailable")
        yield from validate_share(surge, f"{at}.maxSurge")
        if is_zero(unavailable) and is_zero(surge):
            yield invalid_value(f"{at}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
        yield from validate_at_most_all(unavailable, f"{at}.maxUnavailable")


def validate_daemon_strategy(strategy: Object, path: str) -> Findings:
    """`spec.updateStrategy` of a DaemonSet."""
    kind, update = strategy.get("type") or "", strategy.get("rollingUpdate")
    if kind == "RollingUpdate" and update is None:
        yield required(f"{path}.rollingUpdate")
    elif kind == "RollingUpdate":
        yield from _validate_daemon_update(update or {}, f"{path}.rollingUpdate")
    elif kind != "OnDelete":
        yield not_supported(path, {"Type": kind, "RollingUpdate": update}, ("RollingUpdate", "OnDelete"))


def _validate_daemon_update(update: Object, path: str) -> Findings:
    shares = {name: update.get(name, 0) for name in ("maxUnavailable", "maxSurge")}
    for name, share in shares.items():
        yield from validate_share(share, f"{path}.{name}")
    for name, share in shares.items():
        yield from validate_at_most_all(share, f"{path}.{name}")
    unavailable, surge = (not is_zero(share) for share in shares.values())
    if unavailable and surge:
        yield invalid_value(f"{path}.maxSurge", shares["maxSurge"], "may not be set when maxUnavailable is non-zero")
    elif not unavailable and not surge:
        yield required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def validate_stateful_strategy(strategy: Object, path: str) -> Findings:
    """`spec.updateStrategy` of a StatefulSet."""
    kind, update = strategy.get("type") or "", strategy.get("rollingUpdate")
    at = f"{path}.rollingUpdate"
    if not kind:
        yield required(path)
    elif kind == "OnDelete":
        if update is not None:
            yield invalid_value(at, update, "only allowed for updateStrategy 'RollingUpdate'")
    elif kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": update}
        yield invalid_value(path, shown, "must be 'RollingUpdate' or 'OnDelete'")
    elif update is not None:
        yield from validate_counts(update, at, "partition")
