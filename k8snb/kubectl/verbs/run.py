"""kubectl run: one pod, at once. Upstream: `kubectl/pkg/cmd/run/run.go`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import DELETING, DRY_RUN, FILES, PRINTING, SAVE_CONFIG, Flag, manager
from k8snb.kubectl.generators import pairs, services, workloads
from k8snb.kubectl.generators.workloads import with_namespace
from k8snb.kubectl.images import well_formed
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.attaching import attach
from k8snb.kubectl.verbs.configuring import configured
from k8snb.kubectl.verbs.delete import delete
from k8snb.machinery.patch import json_patch as apply_json_patch
from k8snb.machinery.patch import merge_patch, strategic_merge_patch
from k8snb.typing import Object

_POLICIES = ("Always", "OnFailure", "Never")
_OVERRIDES = ("json", "merge", "strategic")
_PULLS = ("Always", "IfNotPresent", "Never", "")


def run(call: Call) -> None:
    """Carry out `kubectl run`."""
    attached = call.flags.on("attach") if call.flags.has("attach") else call.flags.on("stdin")
    _check(call, attached=attached)
    name = call.args[0]
    labels = pairs.parse_labels(call.flags.text("labels")) or {"run": name}
    made = [_create(call, "pods", _overridden(call, _pod(call, name, labels)))]
    errors: list[Exception] = []
    if call.flags.on("expose"):
        try:
            made.append(_create(call, "services", _service(call, name, labels)))
        except StatusError as error:
            errors.append(error)
    if attached:
        try:
            attach(call, made[0])
        finally:
            if call.flags.on("rm"):
                for target in made:
                    delete(call, target)
        return
    for target in reversed(made):
        call.done(target.known, target.full_name, "created", ordered=False)
    raise_all(errors)


def _check(call: Call, *, attached: bool) -> None:
    flags = call.flags
    if not call.args or call.dash == 0:
        raise call.usage("NAME is required for run")
    if flags.text("restart") not in _POLICIES:
        raise call.usage(f"invalid restart policy: {flags.text('restart')}")
    if flags.text("image-pull-policy") not in _PULLS:
        raise call.usage(f"invalid image pull policy: {flags.text('image-pull-policy')}")
    image = flags.text("image")
    if not image:
        raise CommandError("--image is required")
    if not well_formed(image):
        raise CommandError(f'Invalid image name "{image}": invalid reference format')
    if flags.on("tty") and not flags.on("stdin"):
        raise call.usage("-i/--stdin is required for containers with -t/--tty=true")
    if flags.on("expose") and not flags.text("port"):
        raise call.usage("--port must be set when exposing a service")
    if flags.text("port") and not flags.text("port").isdigit():
        port = flags.text("port")
        raise CommandError(f'strconv.Atoi: parsing "{port}": invalid syntax')
    if flags.on("rm") and not attached:
        raise call.usage("--rm should only be used for attached containers")
    if attached and call.dry_run:
        options = "(--attach, --stdin, or --tty)"
        raise call.usage(f"--dry-run=[server|client] can't be used with attached containers options {options}")


def _pod(call: Call, name: str, labels: Mapping[str, str]) -> Object:
    flags = call.flags
    words = call.args[1:]
    command = flags.on("command")
    stdin = flags.on("stdin")
    container = workloads.container(
        name,
        flags.text("image"),
        command=words if command else [],
        args=[] if command else words,
        ports=[{"containerPort": int(flags.text("port"))}] if flags.text("port") else [],
        env=pairs.parse_env(flags.texts("env")),
        imagePullPolicy=flags.text("image-pull-policy"),
        securityContext={"privileged": True} if flags.on("privileged") else {},
        stdin=stdin,
        stdinOnce=stdin and not flags.on("leave-stdin-open"),
        tty=flags.on("tty"),
    )
    annotations = pairs.parse_pairs(flags.texts("annotations"), "annotations", removable=False)[0]
    return workloads.pod(name, container, labels=labels, annotations=annotations, restart=flags.text("restart"))


def _service(call: Call, name: str, labels: Mapping[str, str]) -> Object:
    port = int(call.flags.text("port"))
    ports = [{"protocol": "TCP", "port": port, "targetPort": port}]
    own = pairs.parse_labels(call.flags.text("labels"))
    return services.service(name, ports=ports, labels=own, selector=labels)


def _overridden(call: Call, obj: Object) -> Object:
    text = call.flags.text("overrides")
    if not text:
        return obj
    try:
        patch: Any = json.loads(text)
    except ValueError:
        raise CommandError("Invalid JSON Patch") from None
    kind = call.flags.text("override-type")
    if kind not in _OVERRIDES:
        raise CommandError(f"invalid override type: {kind}")
    if kind == "json":
        return _object(apply_json_patch(obj, patch))
    if kind == "strategic":
        return _object(strategic_merge_patch(obj, patch, obj["apiVersion"], obj["kind"]))
    return _object(merge_patch(obj, patch))


def _object(value: Any) -> Object:
    assert isinstance(value, Mapping)
    return value


def _create(call: Call, word: str, obj: Object) -> Target:
    resource = resource_named(call.scheme, word)
    namespace = call.namespace
    if call.flags.on("save-config"):
        obj = configured(obj, ordered=False)
    if call.flags.has("namespace"):
        obj = {**obj, "metadata": with_namespace(obj["metadata"], namespace)}
    if call.dry_run != "client":
        obj = call.session.create(resource, namespace, obj, call.query())
    return Target(resource, namespace, obj["metadata"]["name"], obj)


RUN = Verb(
    "run",
    "Run a particular image on the cluster",
    run,
    (
        *PRINTING,
        DRY_RUN,
        SAVE_CONFIG,
        manager("kubectl-run"),
        Flag("annotations", kind="texts"),
        Flag("image", required=True),
        Flag("image-pull-policy"),
        Flag("rm", kind="switch"),
        Flag("env", kind="texts"),
        Flag("port"),
        Flag("labels", "l"),
        Flag("stdin", "i", kind="switch"),
        Flag("tty", "t", kind="switch"),
        Flag("attach", kind="switch"),
        Flag("leave-stdin-open", kind="switch"),
        Flag("restart", default="Always"),
        Flag("command", kind="switch"),
        Flag("expose", kind="switch"),
        Flag("quiet", "q", kind="switch"),
        Flag("privileged", kind="switch"),
        Flag("overrides"),
        Flag("override-type", default="merge"),
        Flag("pod-running-timeout", kind="seconds", default=60.0),
        *FILES,
        *DELETING,
    ),
)
