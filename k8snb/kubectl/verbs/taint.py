"""kubectl taint: keep pods from nodes unless they tolerate it. Upstream: `kubectl/pkg/cmd/taint`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8snb.errors import StatusError
from k8snb.kubectl.asking import Asked, found, resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import ALL, DRY_RUN, PRINTING, SELECTOR, VALIDATE, Flag, manager
from k8snb.kubectl.targets import Target
from k8snb.machinery.formats import label_value, qualified_name
from k8snb.machinery.patch import two_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class _Changes(NamedTuple):
    added: list[Object]
    removed: list[Object]


def run(call: Call) -> None:
    """Carry out `kubectl taint`."""
    words, specs = _split(call.args)
    if not words:
        raise CommandError("one or more resources must be specified as <resource> <name>")
    if not specs:
        raise CommandError("at least one taint update is required")
    changes = _parsed(call, specs)
    try:
        nodes = resource_named(call.scheme, words[0].lower())
    except CommandError as error:
        raise CommandError(str(error), plain=True) from None
    if nodes.kind != "Node":
        raise CommandError(f"invalid resource type {words[0].lower()}, only node types are supported")
    chosen = call.flags.on("all") or bool(call.flags.text("selector"))
    if not chosen and len(words) < 2:
        raise CommandError("at least one resource name must be specified since 'all' parameter is not set")
    asked = Asked(listed=[nodes]) if chosen else Asked(named=[Target(nodes, "", name) for name in words[1:]])
    result = found(call, asked)
    for target in result.targets:
        try:
            _taint(call, target, changes)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    words: list[str] = []
    specs: list[str] = []
    for word in args:
        if "=" in word or ":" in word or word.endswith("-"):
            specs.append(word)
        elif specs:
            raise CommandError(f"all resources must be specified before taint changes: {word}")
        else:
            words.append(word)
    return words, specs


def _parsed(call: Call, specs: Sequence[str]) -> _Changes:
    changes = _Changes([], [])
    try:
        for spec in specs:
            _parse(spec, changes)
    except CommandError as error:
        raise call.usage(str(error)) from None
    both = [
        f"{gone['key']}={gone.get('effect', '')}"
        for new in changes.added
        for gone in changes.removed
        if new["key"] == gone["key"] and gone.get("effect") in (None, new["effect"])
    ]
    if both:
        listed = ", ".join(both)
        raise CommandError(f"can not both modify and remove the following taint(s) in the same command: {listed}")
    return changes


def _parse(spec: str, changes: _Changes) -> None:
    if spec.endswith("-"):
        key, colon, effect = spec[:-1].partition(":")
        changes.removed.append({"key": key.partition("=")[0], **({"effect": effect} if colon else {})})
        return
    pair, colon, effect = spec.rpartition(":")
    if not colon:
        raise CommandError(f"invalid taint spec: {spec}, {_joined(qualified_name(spec))}".removesuffix(", "))
    key, _, value = pair.partition("=")
    if effect not in _EFFECTS:
        raise CommandError(f"invalid taint effect: {effect}, unsupported taint effect")
    if bad := qualified_name(key):
        raise CommandError(f"invalid taint spec: {spec}, {_joined(bad)}")
    if bad := label_value(value):
        raise CommandError(f"invalid taint spec: {spec}, {_joined(bad)}")
    same = [new for new in changes.added if (new["key"], new["effect"]) == (key, effect)]
    if same:
        raise CommandError(f"duplicated taints with the same key and effect: {{{key} {value} {effect} <nil>}}")
    taint: dict[str, Any] = {"key": key, **({"value": value} if value else {}), "effect": effect}
    changes.added.append(taint)


def _joined(complaints: Sequence[str]) -> str:
    """What is wrong with a word, as client code spaces it."""
    return "; ".join(complaints).replace(", or '", ",  or '")


def _taint(call: Call, target: Target, changes: _Changes) -> None:
    node = target.known
    old = list(node["spec"].get("taints") or ())
    if not call.flags.on("overwrite"):
        taken = [t["key"] for t in changes.added if any(_same(t, o) for o in old)]
        if taken:
            names = " ".join(taken)
            raise CommandError(
                f"node {target.name} already has [{names}] taint(s) with same effect(s) and --overwrite is false"
            )
    kept = [t for t in old if not any(_matches(gone, t) for gone in changes.removed)]
    missing = [gone for gone in changes.removed if not any(_matches(gone, t) for t in old)]
    if missing:
        raise CommandError(" ".join(f'taint "{_text(gone)}" not found' for gone in missing))
    rest = [t for t in kept if not any(_same(new, t) for new in changes.added)]
    taints = [*changes.added, *rest]
    new = {**node, "spec": {**{k: v for k, v in node["spec"].items() if k != "taints"}, "taints": taints}}
    result = _send(call, target, new if taints else _untainted(new))
    printer = call.printer()
    call.out(f"{target.full_name} {_done(changes, old)}\n" if printer is None else printer(result))


def _send(call: Call, target: Target, new: Object) -> Object:
    if call.dry_run == "client":
        return new
    schema = type_of("v1", "Node")
    assert schema is not None
    patch = two_way_merge_patch(target.known, new, schema)
    return call.session.patch(target, "strategic", patch, call.query())


def _untainted(node: Object) -> Object:
    return {**node, "spec": {key: value for key, value in node["spec"].items() if key != "taints"}}


def _done(changes: _Changes, old: Sequence[Object]) -> str:
    if changes.added and changes.removed:
        return "modified"
    if changes.removed:
        return "untainted"
    return "modified" if any(_same(new, o) for new in changes.added for o in old) else "tainted"


def _same(a: Object, b: Object) -> bool:
    return bool(a["key"] == b["key"] and a["effect"] == b["effect"])


def _matches(gone: Object, taint: Object) -> bool:
    return bool(gone["key"] == taint["key"] and gone.get("effect") in (None, taint["effect"]))


def _text(taint: Object) -> str:
    return f"{taint['key']}:{taint['effect']}" if taint.get("effect") else str(taint["key"])


TAINT = Verb(
    "taint",
    "Update the taints on one or more nodes",
    run,
    (
        *PRINTING,
        SELECTOR,
        ALL,
        DRY_RUN,
        VALIDATE,
        manager("kubectl-taint"),
        Flag("overwrite", kind="switch"),
    ),
)
