"""Objects with their fields in the order in which Go writes them: structs as they are declared, maps by their keys.

The order of a struct's fields is mostly that of their protobuf numbers; `_MOVED` tells of fields that were declared
elsewhere. What is in a list has no kind of its own, the list says it. An object whose type is not known is a map
throughout. Which order a given set of keys comes to is worked out once, and what a spec comes to that objects share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from k8snb.machinery.protobuf import message_fields
from k8snb.machinery.schema.types import Type, type_of
from k8snb.typing import Object

Order: TypeAlias = Callable[[Any], Any]
_KEPT = 512
_Plan: TypeAlias = tuple[tuple[str, Order | None], ...]

_CONTAINER = (
    "envFrom>ports resizePolicy>resources restartPolicy>resizePolicy restartPolicyRules>restartPolicy "
    "volumeDevices>volumeMounts startupProbe>readinessProbe terminationMessagePolicy>terminationMessagePath"
)
_MOVED: Mapping[str, str] = {
    "apps.v1.DeploymentCondition": "lastUpdateTime>status lastTransitionTime>lastUpdateTime",
    "apps.v1.DeploymentStatus": "readyReplicas>updatedReplicas terminatingReplicas>unavailableReplicas",
    "apps.v1.ReplicaSetSpec": "minReadySeconds>replicas",
    "apps.v1.ReplicaSetStatus": (
        "readyReplicas>fullyLabeledReplicas availableReplicas>readyReplicas terminatingReplicas>availableReplicas "
        "observedGeneration>terminatingReplicas"
    ),
    "batch.v1.CronJobSpec": "timeZone>schedule",
    "batch.v1.JobSpec": (
        "podFailurePolicy>activeDeadlineSeconds successPolicy>podFailurePolicy backoffLimit>successPolicy "
        "backoffLimitPerIndex>backoffLimit maxFailedIndexes>backoffLimitPerIndex"
    ),
    "batch.v1.JobStatus": "terminating>failed failedIndexes>completedIndexes",
    "core.v1.ConfigMap": "immutable>metadata",
    "core.v1.Container": _CONTAINER,
    "core.v1.EphemeralContainerCommon": _CONTAINER,
    "core.v1.NodeSpec": "podCIDRs>podCIDR",
    "core.v1.PersistentVolumeClaimSpec": "selector>accessModes",
    "core.v1.PodCondition": "observedGeneration>type",
    "core.v1.PodSpec": (
        "initContainers>volumes ephemeralContainers>containers automountServiceAccountToken>serviceAccount "
        "shareProcessNamespace>hostIPC"
    ),
    "core.v1.PodStatus": (
        "observedGeneration> nominatedNodeName>reason hostIPs>hostIP podIPs>podIP initContainerStatuses>startTime"
    ),
    "core.v1.ReplicationControllerSpec": "minReadySeconds>replicas",
    "core.v1.Secret": "immutable>metadata stringData>data",
    "core.v1.ServicePort": "appProtocol>protocol",
    "core.v1.ServiceSpec": "clusterIPs>clusterIP ipFamilyPolicy>ipFamilies",
    "core.v1.VolumeMount": "recursiveReadOnly>readOnly",
    "discovery.v1.EndpointSlice": "addressType>metadata",
    "meta.v1.OwnerReference": "apiVersion>",
    "networking.v1.IngressSpec": "ingressClassName>",
}
"""`a>b`: the field `a` comes right after `b`, or first where there is no `b`."""


def in_order(obj: Object) -> Object:
    """An answer with all of its fields in Go's order; what is neither an object nor a list of objects as it is."""
    items = obj.get("items")
    if isinstance(items, list) and str(obj.get("kind", "")).endswith("List"):
        return {**obj, "items": [in_list(item) for item in items]}
    order = order_of(obj)
    if order is not None:
        found: Object = order(obj)
        return found
    return _sorted(obj) if _is_custom(obj) else obj


def in_list(item: Object) -> Object:
    """An object as it stands in a list: without its kind, unless it is a map."""
    order = order_of(item) if isinstance(item, dict) else None
    if order is None:
        return _sorted(item) if _is_custom(item) else item
    return {name: value for name, value in order(item).items() if name not in _TYPED}


def _is_custom(obj: Any) -> bool:
    """Whether it looks like a custom resource."""
    if type(obj) is not dict or obj.get("kind") in ("PartialObjectMetadata", "Table"):
        return False
    meta = obj.get("metadata")
    return type(meta) is dict and "uid" in meta


_TYPED = ("kind", "apiVersion")
_known: dict[tuple[Any, Any], Order | None] = {}


def order_of(obj: Object) -> Order | None:
    """What brings objects of a kind in order; None for a kind that is no struct of Go."""
    key = (obj.get("apiVersion"), obj.get("kind"))
    if key not in _known:
        found = type_of(str(key[0]), str(key[1]))
        _known[key] = None if found is None else _struct(found, _TYPED)
    return _known[key]


_structs: dict[tuple[str, tuple[str, ...]], _Struct] = {}


class _Struct:
    """The order of one struct. `first` are the fields that no message has: those of `TypeMeta`."""

    def __init__(self, schema: Type, first: tuple[str, ...]) -> None:
        self._schema = schema
        self._ranks = {name: rank for rank, name in enumerate((*first, *_declared(schema)))}
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._spec = _remembered(_struct(schema.fields["spec"].type)) if first and "spec" in schema.fields else None

    def __call__(self, value: Any) -> Any:
        if type(value) is not dict:
            return value
        keys = tuple(value)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plans[keys] = self._plan(keys)
        return {name: value[name] if order is None else order(value[name]) for name, order in plan}

    def _plan(self, keys: tuple[str, ...]) -> _Plan:
        last, fields = len(self._ranks), self._schema.fields
        ordered = sorted(keys, key=lambda name: self._ranks.get(name, last))
        return tuple((name, self._below(name, fields[name].type) if name in fields else None) for name in ordered)

    def _below(self, name: str, schema: Type) -> Order | None:
        if name == "managedFields":  # made in order
            return None
        return self._spec if name == "spec" and self._spec is not None else _order(schema)


def _struct(schema: Type, first: tuple[str, ...] = ()) -> _Struct:
    found = _structs.get((schema.name, first))
    if found is None:
        found = _structs[schema.name, first] = _Struct(schema, first)
    return found


def _declared(schema: Type) -> list[str]:
    """The fields of a struct in the order of their declaration."""
    names: list[str] = []
    for message, fields in message_fields(schema):
        own = list(fields)
        for move in _MOVED.get(message, "").split():
            field, _, after = move.partition(">")
            if field in own and (not after or after in own):
                own.remove(field)
                own.insert(own.index(after) + 1 if after else 0, field)
        names += own
    return names


def _order(schema: Type) -> Order | None:
    if schema.kind == "struct" and schema.fields:
        return _struct(schema)
    if schema.kind == "map":
        return _mapping(_order(schema.items))
    if schema.kind == "list":
        each = _order(schema.items)
        return None if each is None else lambda items: [each(item) for item in items or ()] if items else items
    return None


def _remembered(order: Order) -> Order:
    """The same, for values that objects share: what it comes to is worked out once."""
    known: dict[int, tuple[Any, Any]] = {}

    def ordered(value: Any) -> Any:
        found = known.get(id(value))
        if found is not None and found[0] is value:
            return found[1]
        if len(known) >= _KEPT:
            known.clear()
        made = order(value)
        known[id(value)] = (value, made)
        return made

    return ordered


def _mapping(each: Order | None) -> Order:
    def order(value: Any) -> Any:
        if type(value) is not dict or (each is None and len(value) < 2):
            return value
        return {key: value[key] if each is None else each(value[key]) for key in sorted(value)}

    return order


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if type(value) is list else value
