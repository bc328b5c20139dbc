"""The FlowSchemas and PriorityLevelConfigurations that every cluster has from the start.

Two of each are mandatory: their specs may not change. Upstream:
`apiserver/pkg/apis/flowcontrol/bootstrap/default.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.typing import Object

_API = "flowcontrol.apiserver.k8s.io/v1"
_ALL = ("*",)
_LEASES = (("coordination.k8s.io",), ("leases",))
_GET_AND_SET = ("get", "create", "update")


class _Level(NamedTuple):
    name: str
    shares: int
    lendable: int
    queues: int = 0
    hand: int = 0


_LEVELS = (
    _Level("catch-all", 5, 0),
    _Level("system", 30, 33, 64, 6),
    _Level("node-high", 40, 25, 64, 6),
    _Level("leader-election", 10, 0, 16, 4),
    _Level("workload-high", 40, 50, 128, 6),
    _Level("workload-low", 100, 90, 128, 6),
    _Level("global-default", 20, 50, 128, 6),
)


def _level_spec(level: _Level) -> Object:
    response: dict[str, Any] = {"type": "Reject"}
    if level.queues:
        queuing = {"queues": level.queues, "handSize": level.hand, "queueLengthLimit": 50}
        response = {"type": "Queue", "queuing": queuing}
    limited = {
        "nominalConcurrencyShares": level.shares,
        "limitResponse": response,
        "lendablePercent": level.lendable,
    }
    return {"type": "Limited", "limited": limited}


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _accounts(*names: str) -> list[Object]:
    return [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": n}} for n in names]


def _resources(verbs: Sequence[str], groups: Sequence[str], resources: Sequence[str], cluster: bool) -> Object:
    rule = {"verbs": [*verbs], "apiGroups": [*groups], "resources": [*resources]}
    return {**rule, **({"clusterScope": True} if cluster else {}), "namespaces": ["*"]}


def _paths(verbs: Sequence[str], urls: Sequence[str]) -> Object:
    return {"verbs": [*verbs], "nonResourceURLs": [*urls]}


_EVERYTHING: Mapping[str, Any] = {
    "resourceRules": [_resources(_ALL, _ALL, _ALL, True)],
    "nonResourceRules": [_paths(_ALL, _ALL)],
}


class _Schema(NamedTuple):
    name: str
    level: str
    precedence: int
    method: str
    subjects: list[Object]
    rules: Mapping[str, Any] = _EVERYTHING


_EVERYBODY = _groups("system:unauthenticated", "system:authenticated")
_MANAGER, _NODES = "system:kube-controller-manager", _groups("system:nodes")
_SCHEMAS = (
    _Schema("exempt", "exempt", 1, "", _groups("system:masters")),
    _Schema("catch-all", "catch-all", 10000, "ByUser", _EVERYBODY),
    _Schema("system-nodes", "system", 500, "ByUser", _NODES),
    _Schema(
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        _NODES,
        {
            "resourceRules": [
                _resources(_ALL, ("",), ("nodes", "nodes/status"), True),
                _resources(_ALL, *_LEASES, False),
            ]
        },
    ),
    _Schema(
        "probes",
        "exempt",
        2,
        "",
        _EVERYBODY,
        {"nonResourceRules": [_paths(("get",), ("/healthz", "/readyz", "/livez"))]},
    ),
    _Schema(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        [*_users(_MANAGER, "system:kube-scheduler"), *_accounts("*")],
        {"resourceRules": [_resources(_GET_AND_SET, *_LEASES, False)]},
    ),
    _Schema(
        "workload-leader-election",
        "leader-election",
        200,
        "ByUser",
        _accounts("*"),
        {
            "resourceRules": [
                _resources(_GET_AND_SET, ("",), ("endpoints", "configmaps"), False),
                _resources(_GET_AND_SET, *_LEASES, False),
            ]
        },
    ),
    _Schema(
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        [*_users(_MANAGER), *_accounts("endpoint-controller", "endpointslicemirroring-controller")],
        {"resourceRules": [_resources(_GET_AND_SET, ("",), ("endpoints",), False)]},
    ),
    _Schema("kube-controller-manager", "workload-high", 800, "ByNamespace", _users(_MANAGER)),
    _Schema("kube-scheduler", "workload-high", 800, "ByNamespace", _users("system:kube-scheduler")),
    _Schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _accounts("*")),
    _Schema("service-accounts", "workload-low", 9000, "ByUser", _groups("system:serviceaccounts")),
    _Schema("global-default", "global-default", 9900, "ByUser", _EVERYBODY),
)


def _schema_spec(schema: _Schema) -> Object:
    spec: dict[str, Any] = {
        "priorityLevelConfiguration": {"name": schema.level},
        "matchingPrecedence": schema.precedence,
    }
    if schema.method:
        spec["distinguisherMethod"] = {"type": schema.method}
    return {**spec, "rules": [{"subjects": schema.subjects, **schema.rules}]}


MANDATORY_SCHEMAS: Mapping[str, Object] = {
    schema.name: _schema_spec(schema) for schema in _SCHEMAS if schema.name in ("exempt", "catch-all")
}
MANDATORY_LEVELS: Mapping[str, Object] = {"catch-all": _level_spec(_LEVELS[0])}


def _made(kind: str, name: str, spec: Object) -> Object:
    meta = {"name": name, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}}
    return {"apiVersion": _API, "kind": kind, "metadata": meta, "spec": spec}


def levels() -> Iterator[Object]:
    """The priority levels."""
    yield _made("PriorityLevelConfiguration", "exempt", {"type": "Exempt"})
    for level in _LEVELS:
        yield _made("PriorityLevelConfiguration", level.name, _level_spec(level))


def schemas() -> Iterator[Object]:
    """The flow schemas."""
    for schema in _SCHEMAS:
        yield _made("FlowSchema", schema.name, _schema_spec(schema))


def dangling_condition(level: str, now: str, *, exists: bool = True) -> Object:
    """What the status of a flow schema says of its priority level."""
    found = "and it exists" if exists else "but there is no such object"
    message = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" {found}'
    return {
        "type": "Dangling",
        "status": "False" if exists else "True",
        "lastTransitionTime": now,
        "reason": "Found" if exists else "NotFound",
        "message": message,
    }
