"""kubectl set: the image, resources, service account or environment of a pod template, and what Services select.

Upstream: `kubectl/pkg/cmd/set`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import NOTHING_NAMED, ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import ALL, DRY_RUN, FILES, LOCAL, PRINTING, RECORD, SELECTOR, Flag, manager
from k8snb.kubectl.generators.pairs import parse_pairs, resources_and_pairs
from k8snb.kubectl.generators.typed import typed
from k8snb.kubectl.targets import Target
from k8snb.kubectl.templating import Spec, change, each_container
from k8snb.kubectl.verbs import setenv
from k8snb.machinery.selectors import SelectorError, parse
from k8snb.typing import Object

_COMMON = (*PRINTING, *FILES, SELECTOR, ALL, DRY_RUN, LOCAL, RECORD, manager("kubectl-set"))

# -- image ---------------------------------------------------------------------------------------------


def image(call: Call) -> None:
    """Carry out `kubectl set image`."""
    resources, pairs = resources_and_pairs(call.args, "image")
    images, _ = parse_pairs(pairs, "image", removable=False)
    if not resources and not call.files:
        raise CommandError(NOTHING_NAMED)

    def check() -> None:
        if not images:
            raise CommandError("at least one image update is required")
        if len(images) > 1 and "*" in images:
            pairs = "container_name=container_image pairs"
            raise CommandError(f"all containers are already specified by *, but saw more than one {pairs}")

    change(call, resources, partial(_with_images, images), "image updated", check=check)


def _with_images(images: Mapping[str, str], target: Target, spec: Spec, errors: list[Exception]) -> Spec:
    names = {c["name"] for key in ("containers", "initContainers") for c in spec.get(key) or ()}
    errors += [
        CommandError(f'error: unable to find container named "{name}"') for name in images if name not in (*names, "*")
    ]

    def updated(container: Object) -> Object:
        wanted = images.get("*") or images.get(container["name"])
        return {**container, "image": wanted} if wanted else container

    return each_container(spec, updated)


# -- resources and service account ---------------------------------------------------------------------

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")


def resources(call: Call) -> None:
    """Carry out `kubectl set resources`."""
    limits, requests = (_amounts(call.flags.text(flag)) for flag in ("limits", "requests"))

    def check() -> None:
        if not limits and not requests:
            raise CommandError("you must specify an update to requests or limits (in the form of --requests/--limits)")

    wanted = {"limits": limits, "requests": requests}
    update = partial(_with_resources, call.flags.text("containers"), wanted)
    change(call, call.args, update, "resource requirements updated", check=check)


def _amounts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        name, equals, amount = part.partition("=")
        if not equals:
            raise CommandError(f"Invalid argument syntax {part}, expected <resource>=<value>")
        if not _QUANTITY.fullmatch(amount):
            raise CommandError(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            )
        found[name] = amount
    return found


def _with_resources(
    only: str, wanted: Mapping[str, Mapping[str, str]], target: Target, spec: Spec, errors: list[Exception]
) -> Spec:
    if only != "*" and only not in [container["name"] for container in spec["containers"]]:
        raise CommandError(f"unable to find container named {only}")

    def updated(container: Object) -> Object:
        if only not in ("*", container["name"]):
            return container
        given = container.get("resources") or {}
        merged = {key: {**(given.get(key) or {}), **amounts} for key, amounts in wanted.items() if amounts}
        return {**container, "resources": {**given, **merged}}

    return {**spec, "containers": [updated(container) for container in spec["containers"]]}


def service_account(call: Call) -> None:
    """Carry out `kubectl set serviceaccount`."""
    if not call.args:
        raise CommandError("serviceaccount is required")
    *words, account = call.args

    def updated(target: Target, spec: Spec, errors: list[Exception]) -> Spec:
        return {**spec, "serviceAccountName": account}

    change(call, words, updated, "serviceaccount updated", always=True)


# -- selector ------------------------------------------------------------------------------------------


def selector(call: Call) -> None:
    """Carry out `kubectl set selector`."""
    if not call.args:
        raise CommandError("one selector is required")
    *words, text = call.args
    local = call.flags.on("local")
    result = found(call, ask(call, words, every=call.flags.on("all")), latest=not local)
    wanted = _plain(text)
    for target in result.targets:
        try:
            _select(call, target, wanted, local=local)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _plain(text: str) -> dict[str, str]:
    """A selector as a Service has it: only equalities."""
    try:
        parsed = parse(text)
    except SelectorError as error:
        raise CommandError(str(error)) from None
    for each in parsed.requirements:
        if each.operator not in ("=", "==") or len(each.values) != 1:
            said = f"{{{each.key} {each.operator.capitalize()} [{' '.join(sorted(each.values))}]}}"
            raise CommandError(f"match expression [{said}] not supported on this object")
    return {each.key: next(iter(each.values)) for each in parsed.requirements}


def _select(call: Call, target: Target, wanted: Mapping[str, str], *, local: bool) -> None:
    if target.resource.kind != "Service":
        raise CommandError("setting a selector is only supported for Services")
    old = target.known["spec"].get("selector") or {}
    new: Object = {**target.known, "spec": {**target.known["spec"], "selector": dict(wanted)}}
    if call.dry_run != "client" and not local:
        changes: dict[str, Any] = {key: value for key, value in wanted.items() if old.get(key) != value}
        changes |= {key: None for key in old if key not in wanted}
        patch: dict[str, Any] = {"spec": {"selector": changes}} if changes else {}
        if call.flags.text("resource-version"):
            patch["metadata"] = {"resourceVersion": call.flags.text("resource-version")}
        new = call.session.patch(target, "strategic", patch, call.query())
    call.done(typed(new), target.full_name, "selector updated", ordered=False)


# -- subject -------------------------------------------------------------------------------------------

_SUBJECTS = (("user", "User"), ("group", "Group"), ("serviceaccount", "ServiceAccount"))


def subject(call: Call) -> None:
    """Carry out `kubectl set subject`."""
    asked = ask(call, call.args, every=call.flags.on("all"))
    local = call.flags.on("local")
    result = found(call, asked, latest=not local)
    raise_all(result.errors)
    added = [_subject(call, kind, name) for flag, kind in _SUBJECTS for name in call.flags.texts(flag)]
    if not added:
        raise CommandError("you must specify at least one value of user, group or serviceaccount")
    for target in result.targets:
        if target.resource.kind not in ("RoleBinding", "ClusterRoleBinding"):
            raise CommandError(f"{target.title} setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        old = target.known.get("subjects") or []
        new: Object = {**target.known, "subjects": [*old, *(each for each in added if each not in old)]}
        if len(new["subjects"]) == len(old):
            continue
        if call.dry_run != "client" and not local:
            new = call.session.patch(target, "strategic", {"subjects": new["subjects"]}, call.query())
        call.done(new, target.full_name, "subjects updated", ordered=False)


def _subject(call: Call, kind: str, name: str) -> Object:
    if kind != "ServiceAccount":
        return {"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name}
    namespace, colon, account = name.partition(":")
    if not colon or not namespace or not account:
        raise CommandError("serviceaccount must be <namespace>:<name>")
    return {"kind": kind, "name": account, "namespace": namespace}


_NARROW = tuple(flag for flag in _COMMON if flag is not SELECTOR)
_DEEP = (
    Flag("recursive", "R", kind="switch", default=True),
    *(flag for flag in _NARROW if flag.name not in ("recursive", "kustomize")),
)
_CONTAINERS = Flag("containers", "c", default="*")
SET = Verb(
    "set",
    "Set specific features on objects",
    verbs=(
        Verb(
            "env",
            "Update environment variables on a pod template",
            setenv.run,
            (*_COMMON, _CONTAINERS, *setenv.FLAGS),
        ),
        Verb("image", "Update the image of a pod template", image, _COMMON),
        Verb(
            "resources",
            "Update resource requests/limits on objects with pod templates",
            resources,
            (*_COMMON, _CONTAINERS, Flag("limits"), Flag("requests")),
        ),
        Verb("selector", "Set the selector on a resource", selector, (*_DEEP, Flag("resource-version"))),
        Verb("serviceaccount", "Update the service account of a resource", service_account, _NARROW, aliases=("sa",)),
        Verb(
            "subject",
            "Update the user, group, or service account in a role binding or cluster role binding",
            subject,
            (*_COMMON, *(Flag(name, kind="list") for name, _ in _SUBJECTS)),
        ),
    ),
)
