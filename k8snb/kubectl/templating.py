"""Changing the pod spec of pods and of everything that has a pod template: what `kubectl set` is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.generators.typed import typed
from k8snb.kubectl.targets import Target
from k8snb.machinery.patch import two_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

Spec = Mapping[str, Any]
Change = Callable[[Target, Spec, list[Exception]], Spec]
"""From a target's pod spec to the pod spec that is wanted; what does not fit is added to the errors."""

_LOCAL_NEEDS_FILES = """you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'"""


def change(
    call: Call,
    resources: Sequence[str],
    update: Change,
    done: str,
    *,
    check: Callable[[], None] = lambda: None,
    always: bool = False,
    local_needs_files: str = _LOCAL_NEEDS_FILES,
) -> None:
    """Change the pod spec of every object asked for; one that stays as it is is mentioned only if `always`.

    `check` comes between reading the words and asking for the objects, where the real one has it.
    """
    local = call.flags.on("local")
    if local and not call.files:
        raise CommandError(local_needs_files)
    asked = ask(call, resources, every=call.flags.on("all"))
    check()
    result = found(call, asked, latest=not local)
    for target in result.targets:
        try:
            _change_one(call, target, update, done, result.errors, always=always)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _change_one(
    call: Call, target: Target, update: Change, done: str, errors: list[Exception], *, always: bool
) -> None:
    new = update_spec(target, lambda spec: update(target, spec, errors))
    schema = type_of(target.known["apiVersion"], target.known["kind"])
    assert schema is not None
    patch = two_way_merge_patch(target.known, new, schema)
    if not patch and not always:
        return
    if call.dry_run != "client" and not call.flags.on("local"):
        try:
            new = call.session.patch(target, "strategic", patch, call.query())
        except StatusError as error:
            resources = done.startswith("resource")
            what = "resources update to pod template" if resources else f"{done[:-1]} to pod template:"
            raise CommandError(f"failed to patch {what} {error.message}") from None
    call.done(typed(new), target.full_name, done, ordered=False)


def update_spec(target: Target, update: Callable[[Spec], Spec]) -> Object:
    """The object with its pod spec changed."""
    obj, kind = target.known, target.resource.kind
    if kind == "Pod":
        return {**obj, "spec": update(obj["spec"])}
    path = ("jobTemplate", "spec", "template", "spec") if kind == "CronJob" else ("template", "spec")
    if "template" not in obj.get("spec", {}) and kind != "CronJob":
        why = f"the object is not a pod or does not have a pod template: *v1.{kind}"
        raise CommandError(f"error: {target.title} {why}")
    return {**obj, "spec": _updated(obj["spec"], path, update)}


def _updated(value: Spec, path: Sequence[str], update: Callable[[Spec], Spec]) -> Spec:
    if not path:
        return update(value)
    return {**value, path[0]: _updated(value[path[0]], path[1:], update)}


def each_container(spec: Spec, update: Callable[[Object], Object]) -> Spec:
    """The pod spec with each of its containers changed."""
    changed = {key: [update(c) for c in spec[key]] for key in ("initContainers", "containers") if spec.get(key)}
    return {**spec, **changed}
