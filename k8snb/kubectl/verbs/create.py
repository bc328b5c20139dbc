"""kubectl create: objects from files, or from flags.

Upstream: `kubectl/pkg/cmd/create`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from k8snb.errors import StatusError
from k8snb.kubectl.asking import manifests
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all, while_doing
from k8snb.kubectl.flags import (
    DRY_RUN,
    FILES,
    PRINTING,
    RECORD,
    SAVE_CONFIG,
    SELECTOR,
    VALIDATE,
    WINDOWS,
    Flag,
    manager,
)
from k8snb.kubectl.generators.hashing import with_hash
from k8snb.kubectl.generators.workloads import with_namespace
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.configuring import configured
from k8snb.kubectl.verbs.generating import GENERATORS, Generator
from k8snb.kubectl.verbs.generating_access import ACCESS
from k8snb.kubectl.verbs.raw import send_raw
from k8snb.kubectl.verbs.token import TOKEN

_COMMON = (*PRINTING, DRY_RUN, VALIDATE, SAVE_CONFIG, manager("kubectl-create"))


def run(call: Call) -> None:
    """Carry out `kubectl create -f`."""
    if call.args:
        raise call.usage(f"Unexpected args: [{' '.join(call.args)}]")
    if call.flags.text("raw"):
        send_raw(call, "POST")
        return
    if not call.files:
        raise CommandError("must specify one of -f and -k")
    errors: list[Exception] = []
    created = 0
    try:
        for target in manifests(call):
            created += 1
            obj = configured(target.known) if call.flags.on("save-config") else target.known
            try:
                if call.dry_run != "client":
                    obj = call.session.create(target.resource, target.namespace, obj, call.query(strict=True))
                call.done(obj, target.holding(obj).full_name, "created")
            except StatusError as error:
                errors.append(while_doing("creating", target.source, error))
    except CommandError as error:
        errors.append(error)
    if not created and not errors:
        raise CommandError("no objects passed to create")
    raise_all(errors)


def generate(call: Call, generator: Generator) -> None:
    """Carry out one of the commands below `kubectl create`."""
    obj = generator.make(call, _name(call))
    resource = call.scheme.kind(obj["apiVersion"], obj["kind"])
    if resource is None:
        version, kind = obj["apiVersion"], obj["kind"]
        raise CommandError(f'no matches for kind "{kind}" in version "{version}"')
    namespace = call.namespace if resource.namespaced else ""
    if namespace and call.flags.has("namespace"):
        obj = {**obj, "metadata": with_namespace(obj["metadata"], namespace)}
    if "append-hash" in call.flags.values and call.flags.on("append-hash"):
        obj = with_hash(obj)
    if call.flags.on("save-config"):
        obj = configured(obj, ordered=False)
    if call.dry_run != "client":
        try:
            obj = call.session.create(resource, namespace, obj, call.query(strict=True))
        except StatusError as error:
            if not generator.failed:
                raise
            raise CommandError(f"{generator.failed} {error.message}") from None
    call.done(obj, Target(resource, namespace, obj["metadata"]["name"]).full_name, "created", ordered=False)


def _name(call: Call) -> str:
    names = call.args if call.dash < 0 else call.args[: call.dash]
    if len(names) != 1:
        raise call.usage(f"exactly one NAME is required, got {len(names)}")
    return names[0]


def _verb(generator: Generator) -> Verb:
    run = partial(generate, generator=generator)
    return Verb(generator.name, generator.does, run, (*_COMMON, *generator.flags), aliases=generator.aliases)


def _group(name: str, does: str, aliases: Sequence[str] = ()) -> Verb:
    return Verb(name, does, verbs=tuple(_verb(each) for each in GENERATORS if each.group == name), aliases=aliases)


CREATE = Verb(
    "create",
    "Create a resource from a file or from stdin",
    run,
    (*_COMMON, *FILES, SELECTOR, RECORD, WINDOWS, Flag("raw"), Flag("edit", kind="switch")),
    verbs=(
        *(_verb(generator) for generator in (*GENERATORS, *ACCESS) if not generator.group),
        TOKEN,
        _group("service", "Create a service using a specified subcommand", ("svc",)),
        _group("secret", "Create a secret using a specified subcommand"),
    ),
)
