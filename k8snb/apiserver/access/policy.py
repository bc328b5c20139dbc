"""The roles and bindings of a new cluster, made from the table `policy.txt`.

They are the same in every cluster, so they are made once and shared: all clusters that begin at the same moment hold
the same objects, UIDs included. What upstream's aggregation controller would gather into `admin`, `edit` and `view`
is already there. Upstream: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` and `pkg/registry/rbac/rest`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from k8snb.typing import Object

GROUP = "rbac.authorization.k8s.io"
API_VERSION = f"{GROUP}/v1"
AGGREGATE = f"{GROUP}/aggregate-to-"
_LABEL = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
"""The annotation that says whether an API server puts the object right when it starts."""
_ANNOTATIONS = {AUTO_UPDATE: "true"}
_WORDS = {
    "read": ("get", "list", "watch"),
    "write": ("create", "delete", "deletecollection", "patch", "update"),
}
_EVENTS = "create,update,patch on core,events.k8s.io: events"
_CONTROLLER = "system:controller:"
BUCKETS = {
    "Role": f"roles.{GROUP}",
    "ClusterRole": f"clusterroles.{GROUP}",
    "RoleBinding": f"rolebindings.{GROUP}",
    "ClusterRoleBinding": f"clusterrolebindings.{GROUP}",
}


class Initial(NamedTuple):
    """One object of a new cluster, and the bucket that it is stored in."""

    bucket: str
    object: Object


def policy(timestamp: str) -> tuple[Initial, ...]:
    """Every role and binding of a cluster that begins at this moment."""
    return _stamped(timestamp)


@lru_cache(maxsize=8)
def _stamped(timestamp: str) -> tuple[Initial, ...]:
    made = []
    for obj in defaults():
        meta = {**obj["metadata"], "creationTimestamp": timestamp, "resourceVersion": "1", "uid": lasting_uid(obj)}
        made.append(Initial(BUCKETS[obj["kind"]], {**obj, "metadata": meta}))
    return tuple(made)


def lasting_uid(obj: Object) -> str:
    """A UUID that follows from the name, so that these objects take nothing from the cluster's lots."""
    meta = obj["metadata"]
    name = f"{obj['kind']}/{meta.get('namespace', '')}/{meta['name']}"
    d = hashlib.sha256(name.encode()).hexdigest()
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:32]}"


# -- the table -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def defaults() -> tuple[Object, ...]:
    """The roles and bindings of a new cluster, as they are asked for."""
    text = Path(__file__).with_name("policy.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    roles: list[tuple[str, list[Object]]] = []
    bindings: list[Object] = []
    for line in lines:
        if line.startswith(" "):
            roles[-1][1].append(_rule(line.strip()))
        elif " = " in line:
            bindings.append(_binding(line))
        else:
            roles.append((line, []))
    made = [_role(head, rules) for head, rules in roles]
    bindings += [_controller_binding(role) for role in made if role["metadata"]["name"].startswith(_CONTROLLER)]
    return (*_aggregated(made), *[binding for binding in bindings if binding])


def _rule(line: str) -> Object:
    words, _, rest = (_EVENTS if line == "events" else line).partition(" ")
    verbs = sorted(verb for word in words.split(",") for verb in _WORDS.get(word, (word,)))
    kind, _, rest = rest.partition(" ")
    if kind == "at":
        return {"verbs": verbs, "nonResourceURLs": sorted(rest.split(","))}
    groups, _, rest = rest.partition(": ")
    resources, _, names = rest.partition(" named ")
    rule: dict[str, Any] = {"verbs": verbs, "apiGroups": sorted(_group(name) for name in groups.split(","))}
    rule["resources"] = sorted(resources.split(","))
    if names:
        rule["resourceNames"] = sorted(names.split(","))
    return rule


def _group(name: str) -> str:
    return "" if name == "core" else name


def _meta(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    namespace, slash, plain = name.partition("/")
    place = {"name": plain, "namespace": namespace} if slash else {"name": name}
    return {**place, "labels": {**_LABEL, **labels}, "annotations": _ANNOTATIONS}


def _role(head: str, rules: Sequence[Object]) -> Object:
    kind, name, *marks = head.split()
    if kind == "Controller":
        kind, name = "ClusterRole", _CONTROLLER + name
    labels = {AGGREGATE + mark[1:]: "true" for mark in marks if mark[0] == "+"}
    gathers = [{"matchLabels": {AGGREGATE + mark[2:]: "true"}} for mark in marks if mark[0] == "<"]
    role = {"kind": kind, "apiVersion": API_VERSION, "metadata": _meta(name, labels), "rules": list(rules)}
    return {**role, "aggregationRule": {"clusterRoleSelectors": gathers}} if gathers else role


def _binding(line: str) -> Object:
    head, _, rest = line.partition(" = ")
    kind, name = head.split()
    role, _, subjects = rest.partition(": ") if ": " in rest else (rest.removesuffix(":"), "", "")
    local = role.startswith("./")
    reference = {"apiGroup": GROUP, "kind": "Role" if local else "ClusterRole", "name": role.removeprefix("./")}
    binding = {"kind": kind, "apiVersion": API_VERSION, "metadata": _meta(name, {}), "roleRef": reference}
    listed = [_subject(*each.split()) for each in subjects.split(", ")] if subjects else []
    return {**binding, "subjects": listed} if listed else binding


def _subject(kind: str, name: str) -> Object:
    if kind == "account":
        namespace, _, plain = name.partition("/")
        return {"kind": "ServiceAccount", "name": plain, "namespace": namespace}
    return {"kind": kind.title(), "apiGroup": GROUP, "name": name}


def _controller_binding(role: Object) -> Object:
    if role["kind"] == "Role":
        return {}
    name = role["metadata"]["name"]
    return _binding(f"ClusterRoleBinding {name} = {name}: account kube-system/{name.removeprefix(_CONTROLLER)}")


# -- aggregation ---------------------------------------------------------------------------------------


def _aggregated(roles: Sequence[Object]) -> Iterator[Object]:
    """The roles, those that gather others' rules with what there is to gather."""
    by_name = {role["metadata"]["name"]: role for role in roles if role["kind"] == "ClusterRole"}
    for role in roles:
        yield {**role, "rules": _gathered(role, by_name)} if "aggregationRule" in role else role


def _gathered(role: Object, by_name: Mapping[str, Object]) -> list[Object]:
    wanted = [each["matchLabels"] for each in role["aggregationRule"]["clusterRoleSelectors"]]
    rules: list[Object] = []
    for name in sorted(by_name):
        other = by_name[name]
        labels = other["metadata"]["labels"].items()
        if other is not role and any(selector.items() <= labels for selector in wanted):
            found = _gathered(other, by_name) if "aggregationRule" in other else other["rules"]
            rules += [rule for rule in found if rule not in rules]
    return rules
