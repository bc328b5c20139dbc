"""RuntimeClasses: which container runtime a pod runs with.

Upstream: `pkg/apis/node/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.placement import validate_tolerations
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, invalid_value
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import IMMUTABLE, validate_labels
from k8snb.typing import Object


class RuntimeClassStrategy(Strategy):
    """The rules of RuntimeClasses."""

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        handler = new.get("handler") or ""
        return [] if handler == (old.get("handler") or "") else [invalid_value("handler", handler, IMMUTABLE)]


def _validate(obj: Object) -> Iterator[FieldError]:
    handler = obj.get("handler") or ""
    for message in formats.dns_label(handler):
        yield invalid_value("handler", handler, message)
    for name, amount in sorted(((obj.get("overhead") or {}).get("podFixed") or {}).items()):
        path = f"overhead.podFixed.{name}"
        yield from checks.container_resource_name(path, name)
        yield from checks.resource_quantity(path, name, amount)
    scheduling = obj.get("scheduling") or {}
    yield from validate_labels(scheduling.get("nodeSelector") or {}, "scheduling.nodeSelector")
    tolerations = scheduling.get("tolerations") or ()
    yield from validate_tolerations(tolerations, "scheduling.tolerations")
    for at, toleration in enumerate(tolerations):
        if toleration in tolerations[:at]:
            yield duplicate(f"scheduling.tolerations[{at}]", toleration)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "runtimeclasses.node.k8s.io": lambda _: RuntimeClassStrategy(),
}
