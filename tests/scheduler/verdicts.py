"""What single plugins say of pods and nodes, in a notation for tables of upstream's tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snb.scheduler.framework import SUCCESS, Code, CycleState
from k8snb.typing import Object
from tests.scheduler.world import World, node, pod

SHORT = {Code.UNSCHEDULABLE: "no", Code.UNRESOLVABLE: "never", Code.ERROR: "error"}


def verdicts(plugin: str, wanted: Object, nodes: Sequence[Object], pods: Sequence[Object] = (), **world: Any) -> str:
    """`ok`, `no` or `never` for each node, or what PreFilter says."""
    there = World(nodes, pods, **world)
    found, state = there.framework.plugins[plugin], CycleState(there.cache.nodes())
    if hasattr(found, "pre_filter"):
        status = found.pre_filter(state, wanted)
        if status.code is Code.SKIP:
            return "skip"
        if status is not SUCCESS:
            return f"{SHORT[status.code]}: {status.message}"
    said = [found.filter(state, wanted, each).code for each in there.cache.nodes()]
    return " ".join(SHORT.get(code, "ok") for code in said)


def reasons(plugin: str, wanted: Object, there: Object, pods: Sequence[Object] = ()) -> str:
    """Why a node is refused; empty if it is not."""
    world = World([there], pods)
    state, found = CycleState(world.cache.nodes()), world.framework.plugins[plugin]
    found.pre_filter(state, wanted)
    return str(found.filter(state, wanted, world.cache.nodes()[0]).message)


def hint(plugin: str, resource: str, wanted: Object, old: Object | None, new: Object | None, **world: Any) -> bool:
    """Whether a change makes a pod that the plugin turned away worth another try."""
    interests = World(**world).framework.plugins[plugin].interests
    return any(
        each.hint is None or each.hint(wanted, old, new)
        for each in interests
        if each.resource == resource and (resource != "AssignedPod" or _concerns(each, old, new))
    )


def _concerns(interest: Any, old: Object | None, new: Object | None) -> bool:
    names = {each.name for each in interest.actions}
    return ("DELETE" if new is None else "ADD" if old is None else "LABEL") in names


def labels(text: str) -> dict[str, str]:
    """`foo=bar,baz=` as a mapping."""
    return dict(part.partition("=")[::2] for part in text.split(",") if part)


def requirement(text: str) -> Object:
    """`foo in a,b`, `foo notin a`, `foo exists`, `foo absent`, `foo gt 1`."""
    key, operator, *values = text.split(" ")
    names = {"in": "In", "notin": "NotIn", "exists": "Exists", "absent": "DoesNotExist", "gt": "Gt", "lt": "Lt"}
    return {"key": key, "operator": names[operator], **({"values": values[0].split(",")} if values else {})}


def selector(text: str) -> Object:
    """Requirements on labels with `;` between them."""
    return {"matchExpressions": [requirement(each.strip()) for each in text.split(";") if each.strip()]}


def term(text: str) -> Object:
    """A term of a node selector: requirements, and `name=a` for the node's name."""
    parts = [each.strip() for each in text.split(";") if each.strip()]
    fields = [
        {"key": "metadata.name", "operator": "In", "values": [each[5:]]} for each in parts if each.startswith("name=")
    ]
    expressions = [requirement(each) for each in parts if not each.startswith("name=")]
    return {**({"matchFields": fields} if fields else {}), **({"matchExpressions": expressions} if expressions else {})}


def needs(text: str) -> Object:
    """Required node affinity: terms with `|` between them."""
    required = {"nodeSelectorTerms": [term(each) for each in text.split("|")]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def taint(text: str) -> Object:
    """`key=value:NoSchedule`."""
    key, value, effect = re.fullmatch(r"([^=]*)=([^:]*):(.*)", text).groups()  # type: ignore[union-attr]
    return {"key": key, "value": value, "effect": effect}


def toleration(text: str) -> Object:
    """`key=value:NoSchedule`, or `key:NoSchedule` for any value."""
    key, effect = text.rsplit(":", 1)
    name, equals, value = key.partition("=")
    operator = {"operator": "Equal", "value": value} if equals else {"operator": "Exists"}
    return {**({"key": name} if name else {}), **operator, **({"effect": effect} if effect else {})}


def placed(text: str, **more: Any) -> list[Object]:
    """`name@node{labels}` with spaces between; `-` before a name is a pod that terminates, `ns/` its namespace."""
    made = []
    for each in text.split():
        found = re.fullmatch(r"(-?)(?:(\w+)/)?([\w-]+)@([\w-]+)(?:\{(.*)\})?", each)
        assert found is not None, each
        gone, namespace, name, where, marks = found.groups()
        meta = {"labels": labels(marks if marks is not None else "foo="), "namespace": namespace or "default"}
        made.append(pod(name, node=where, deleting=bool(gone), **meta, **more))
    return made


def machines(text: str, **more: Any) -> list[Object]:
    """`name{labels}` with spaces between."""
    found = (re.fullmatch(r"([\w-]+)(?:\{(.*)\})?", each) for each in text.split())
    return [node(each[1], labels=labels(each[2] or ""), **more) for each in found if each is not None]
