"""kubectl set: the image, environment, resources or service account of a pod template.

Upstream: `kubectl/pkg/cmd/set`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import NOTHING_NAMED, ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import ALL, DRY_RUN, FILES, LOCAL, PRINTING, RECORD, SELECTOR, Flag, manager
from k8snb.kubectl.generators.pairs import parse_pairs, resources_and_pairs
from k8snb.kubectl.targets import Target
from k8snb.machinery.patch import two_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

Spec = Mapping[str, Any]
Change = Callable[[Spec, list[Exception]], Spec]
"""From a pod spec to the pod spec that is wanted."""

_UNNAMED = "one or more resources must be specified as <resource> <name> or <resource>/<name>"
_COMMON = (*PRINTING, *FILES, SELECTOR, ALL, DRY_RUN, LOCAL, RECORD, manager("kubectl-set"))


def change(call: Call, resources: Sequence[str], update: Change, done: str) -> None:
    """Change the pod spec of every object asked for; one that stays as it is is not mentioned."""
    result = found(call, ask(call, resources, every=call.flags.on("all")), latest=not call.flags.on("local"))
    for target in result.targets:
        try:
            _change_one(call, target, update, done, result.errors)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _change_one(call: Call, target: Target, update: Change, done: str, errors: list[Exception]) -> None:
    new = _with_spec(target, lambda spec: update(spec, errors))
    schema = type_of(target.known["apiVersion"], target.known["kind"])
    assert schema is not None
    patch = two_way_merge_patch(target.known, new, schema)
    if not patch:
        return
    if call.dry_run != "client" and not call.flags.on("local"):
        try:
            new = call.session.patch(target, "strategic", patch, call.query())
        except StatusError as error:
            raise CommandError(f"failed to patch {done.removesuffix('d')} to pod template: {error.message}") from None
    call.done(new, target.full_name, done, ordered=False)


def _with_spec(target: Target, update: Callable[[Spec], Spec]) -> Object:
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


# -- image ---------------------------------------------------------------------------------------------


def image(call: Call) -> None:
    """Carry out `kubectl set image`."""
    resources, pairs = resources_and_pairs(call.args, "image")
    images, _ = parse_pairs(pairs, "image", removable=False)
    if not resources and not call.flags.texts("filename"):
        raise CommandError(NOTHING_NAMED)
    if not images:
        raise CommandError("at least one image update is required")
    if len(images) > 1 and "*" in images:
        raise CommandError(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs"
        )
    change(call, resources, partial(_with_images, images), "image updated")


def _with_images(images: Mapping[str, str], spec: Spec, errors: list[Exception]) -> Spec:
    names = {c["name"] for key in ("containers", "initContainers") for c in spec.get(key) or ()}
    errors += [
        CommandError(f'error: unable to find container named "{name}"') for name in images if name not in (*names, "*")
    ]

    def updated(container: Object) -> Object:
        wanted = images.get("*") or images.get(container["name"])
        return {**container, "image": wanted} if wanted else container

    return _each_container(spec, updated)


def _each_container(spec: Spec, update: Callable[[Object], Object]) -> Spec:
    changed = {key: [update(c) for c in spec[key]] for key in ("initContainers", "containers") if spec.get(key)}
    return {**spec, **changed}


# -- environment ---------------------------------------------------------------------------------------


def env(call: Call) -> None:
    """Carry out `kubectl set env` with `KEY=value` and `KEY-`."""
    resources, pairs = resources_and_pairs(call.args, "environment variables")
    values, removed = parse_pairs(pairs, "environment variables", removable=True)
    if not resources and not call.flags.texts("filename"):
        raise CommandError(_UNNAMED)
    if call.flags.on("list"):
        _list_env(call, resources)
        return
    if not values and not removed:
        raise CommandError("at least one environment variable must be provided")
    change(call, resources, partial(_with_env, call.flags.text("containers"), values, removed), "env updated")


def _with_env(
    only: str, values: Mapping[str, str], removed: Sequence[str], spec: Spec, errors: list[Exception]
) -> Spec:
    def updated(container: Object) -> Object:
        if only not in ("*", container["name"]):
            return container
        kept = [e for e in container.get("env") or () if e["name"] not in removed]
        known = {e["name"] for e in kept}
        changed = [{"name": e["name"], "value": values[e["name"]]} if e["name"] in values else e for e in kept]
        added = [{"name": name, "value": value} for name, value in values.items() if name not in known]
        rest = {key: value for key, value in container.items() if key != "env"}
        return {**rest, "env": [*changed, *added]} if changed or added else rest

    return _each_container(spec, updated)


def _list_env(call: Call, resources: Sequence[str]) -> None:
    result = found(call, ask(call, resources, every=call.flags.on("all")))
    for target in result.targets:
        _with_spec(target, partial(_print_env, call, target))
    raise_all(result.errors)


def _print_env(call: Call, target: Target, spec: Spec) -> Spec:
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        call.out(f"# {target.resource.kind} {target.name}, container {container['name']}\n")
        for each in container.get("env") or ():
            call.out(f"{each['name']}={each.get('value', '')}\n")
    return spec


# -- resources and service account ---------------------------------------------------------------------


def resources(call: Call) -> None:
    """Carry out `kubectl set resources`."""
    limits, requests = (_amounts(call.flags.text(flag)) for flag in ("limits", "requests"))
    if not limits and not requests:
        raise CommandError("you must specify an update to requests or limits (in the form of --requests/--limits)")
    if not call.args and not call.flags.texts("filename"):
        raise CommandError(_UNNAMED)
    wanted = {"limits": limits, "requests": requests}
    update = partial(_with_resources, call.flags.text("containers"), wanted)
    change(call, call.args, update, "resource requirements updated")


def _amounts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: amount for name, _, amount in pairs}


def _with_resources(only: str, wanted: Mapping[str, Mapping[str, str]], spec: Spec, errors: list[Exception]) -> Spec:
    def updated(container: Object) -> Object:
        if only not in ("*", container["name"]):
            return container
        given = container.get("resources") or {}
        merged = {key: {**(given.get(key) or {}), **amounts} for key, amounts in wanted.items() if amounts}
        return {**container, "resources": {**given, **merged}}

    return {**spec, "containers": [updated(container) for container in spec["containers"]]}


def service_account(call: Call) -> None:
    """Carry out `kubectl set serviceaccount`."""
    if len(call.args) < 2:
        raise CommandError("serviceaccount is required")
    *words, account = call.args

    def updated(spec: Spec, errors: list[Exception]) -> Spec:
        return {**spec, "serviceAccountName": account, "serviceAccount": account}

    change(call, words, updated, "serviceaccount updated")


_CONTAINERS = Flag("containers", "c", default="*")
SET = Verb(
    "set",
    "Set specific features on objects",
    verbs=(
        Verb(
            "env",
            "Update environment variables on a pod template",
            env,
            (*_COMMON, _CONTAINERS, Flag("list", kind="switch"), Flag("overwrite", kind="switch", default=True)),
        ),
        Verb("image", "Update the image of a pod template", image, _COMMON),
        Verb(
            "resources",
            "Update resource requests/limits on objects with pod templates",
            resources,
            (*_COMMON, _CONTAINERS, Flag("limits"), Flag("requests")),
        ),
        Verb("serviceaccount", "Update the service account of a resource", service_account, _COMMON, aliases=("sa",)),
    ),
)
