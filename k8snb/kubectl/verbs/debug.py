"""kubectl debug: another container in a pod, a changed copy of a pod, or a pod that sees a node from inside.

Upstream: `kubectl/pkg/cmd/debug` (`debug.go`, `profiles.go`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found, resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, FlagError, raise_all
from k8snb.kubectl.flags import FILES, Flag
from k8snb.kubectl.generators.pairs import parse_env
from k8snb.kubectl.images import well_formed
from k8snb.kubectl.profiles import PROFILES, Profile
from k8snb.kubectl.targets import Target
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

_PULLS = ("", "Always", "IfNotPresent", "Never")
_DEPRECATED = (
    "--profile=legacy is deprecated and will be removed in the future. It is recommended to explicitly specify a "
    'profile, for example "--profile=general".\n'
)
_TARGETING = (
    'Targeting container "{name}". If you don\'t see processes from this container it may be because the container '
    "runtime doesn't support this feature.\n"
)
_NODE_CONTAINER = "debugger"


def run(call: Call) -> None:
    """Carry out `kubectl debug`."""
    _check(call)
    profile = PROFILES[call.flags.text("profile")]
    if call.flags.text("profile") == "legacy":
        call.err(_DEPRECATED)
    words = call.args[: call.dash] if call.dash >= 0 else call.args
    words = [word if "/" in word else f"pods/{word}" for word in words]
    result = found(call, ask(call, words))
    raise_all(result.errors)
    for target in result.targets:
        if target.resource.kind == "Node":
            _debug_node(call, target, profile)
        elif target.resource.kind != "Pod":
            resource = target.resource
            version = f"{resource.group}/{resource.version}, Kind={resource.kind}"
            raise CommandError(f'"{version}" not supported by debug')
        elif call.flags.text("copy-to"):
            _debug_copy(call, target, profile)
        else:
            _debug_pod(call, target, profile)


def _check(call: Call) -> None:
    flags = call.flags
    image, copy = flags.text("image"), flags.text("copy-to")
    _check_flags(call)
    if flags.text("profile") not in PROFILES:
        raise CommandError(f"unknown profile: {flags.text('profile')}")
    if not image and not copy:
        if flags.texts("set-image"):
            raise CommandError("--set-image may only be used with --copy-to.")
        raise CommandError("you must specify --image when not using --copy-to.")
    if copy and not image and not flags.texts("set-image") and not flags.text("container"):
        raise CommandError("you must specify --image, --set-image or command arguments.")
    if image and not well_formed(image):
        raise CommandError(f'invalid image name "{image}": invalid reference format')
    if not copy:
        for name in ("replace", "same-node"):
            if flags.on(name):
                raise CommandError(f"--{name} may only be used with --copy-to.")
        if flags.has("share-processes"):
            raise CommandError("--share-processes may only be used with --copy-to.")
        if flags.texts("set-image"):
            raise CommandError("--set-image may only be used with --copy-to.")
    elif flags.text("target"):
        raise CommandError("--target is incompatible with --copy-to. Use --share-processes instead.")


def _check_flags(call: Call) -> None:
    """What is wrong with one flag whatever the others are."""
    flags = call.flags
    for pair in flags.texts("env"):
        if "=" not in pair:
            why = f"{pair} must be formatted as key=value"
            raise FlagError(call.path, f'invalid argument "{pair}" for "--env" flag: {why}')
    if flags.text("image-pull-policy") not in _PULLS:
        raise CommandError(f"invalid image pull policy: {flags.text('image-pull-policy')}")
    if flags.on("tty") and not flags.on("stdin"):
        raise CommandError("-i/--stdin is required for containers with -t/--tty=true")


# -- containers ----------------------------------------------------------------------------------------


def _command(call: Call) -> list[str]:
    return call.args[call.dash :] if call.dash >= 0 else []


def _suffix(call: Call, seed: str) -> str:
    """Five letters that follow from what is debugged, so that the same notebook names the same things."""
    digest = sha256(f"{seed} {call.now} {' '.join(call.args)} {call.flags.text('image')}".encode()).digest()
    return Lottery(int.from_bytes(digest[:8], "big")).suffix()


def _container_name(call: Call, pod: Object, *, told: bool = True) -> str:
    given = call.flags.text("container")
    if given:
        return given
    name = f"debugger-{_suffix(call, pod['metadata'].get('uid', ''))}"
    if told and not call.flags.on("quiet"):
        call.out(f"Defaulting debug container name to {name}.\n")
    return name


def _container(call: Call, name: str, profile: Profile) -> Object:
    flags, command = call.flags, _command(call)
    fields: dict[str, Any] = {"name": name, "image": flags.text("image")}
    if command:
        fields["args" if flags.on("arguments-only") else "command"] = command
    if flags.texts("env"):
        fields["env"] = parse_env(flags.texts("env"))
    fields["imagePullPolicy"] = flags.text("image-pull-policy")
    fields |= {"stdin": flags.on("stdin"), "tty": flags.on("tty"), "terminationMessagePolicy": "File"}
    return profile.container({key: value for key, value in fields.items() if value})


# -- a pod as it is ------------------------------------------------------------------------------------


def _debug_pod(call: Call, target: Target, profile: Profile) -> None:
    pod = target.known
    wanted = call.flags.text("target")
    if wanted:
        call.out(_TARGETING.format(name=wanted))
    container = _container(call, _container_name(call, pod), profile)
    if container["name"] in [each["name"] for each in pod["spec"].get("ephemeralContainers") or ()]:
        why = f'existing ephemeral containers "{container["name"]}" may not be changed'
        refused = f'The Pod "{target.name}" is invalid: spec.ephemeralContainers: Forbidden: {why}'
        raise CommandError(refused, plain=True)
    if wanted:
        container = {**container, "targetContainerName": wanted}
    patch = {"spec": {"ephemeralContainers": [container]}}
    try:
        call.session.patch(target, "strategic", patch, subresource="ephemeralcontainers")
    except StatusError as error:
        details = error.status.get("details") or {}
        if error.code == 404 and not details.get("name"):
            disabled = "ephemeral containers are disabled for this cluster"
            raise CommandError(f'{disabled} (error from server: "{error.message}").') from None
        raise


# -- a copy --------------------------------------------------------------------------------------------


def _debug_copy(call: Call, target: Target, profile: Profile) -> None:
    pods, flags = target.resource, call.flags
    copy = _copied(call, target.known, profile)
    call.session.create(pods, target.namespace, copy)
    if flags.on("replace"):
        call.session.delete(target, {})


def _copied(call: Call, pod: Object, profile: Profile) -> Object:
    flags = call.flags
    keep = ("labels",) if flags.on("keep-labels") else ()
    kept = {key: pod["metadata"][key] for key in ("annotations", *keep) if key in pod["metadata"] and key in keep}
    spec = {key: value for key, value in pod["spec"].items() if key not in ("nodeName", "ephemeralContainers")}
    if flags.on("same-node"):
        spec["nodeName"] = pod["spec"].get("nodeName", "")
    if flags.on("share-processes") and flags.has("share-processes"):
        spec["shareProcessNamespace"] = True
    images = dict(pair.partition("=")[::2] for pair in flags.texts("set-image"))
    containers = [_with_image(each, images) for each in spec["containers"]]
    spec["containers"] = _changed(call, pod, containers, profile)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": flags.text("copy-to"), "namespace": pod["metadata"]["namespace"], **kept},
        "spec": profile.pod(spec),
    }


def _with_image(container: Object, images: Mapping[str, str]) -> Object:
    image = images.get(container["name"]) or images.get("*")
    return {**container, "image": image} if image else container


def _changed(call: Call, pod: Object, containers: Sequence[Object], profile: Profile) -> list[Object]:
    """The copy's containers: one of them changed, or another one added."""
    flags, command = call.flags, _command(call)
    name = flags.text("container")
    there = next((at for at, each in enumerate(containers) if each["name"] == name), None)
    if there is not None:
        change: dict[str, Any] = {"image": flags.text("image")} if flags.text("image") else {}
        if command:
            change["args" if flags.on("arguments-only") else "command"] = command
        changed = {key: value for key, value in containers[there].items() if key != "args" or not command}
        return [*containers[:there], {**changed, **change}, *containers[there + 1 :]]
    if not flags.text("image"):
        return list(containers)
    return [*containers, _container(call, _container_name(call, pod), profile)]


# -- a node --------------------------------------------------------------------------------------------


def _debug_node(call: Call, node: Target, profile: Profile) -> None:
    name = f"node-debugger-{node.name}-{_suffix(call, node.known['metadata'].get('uid', ''))}"
    container = call.flags.text("container") or _NODE_CONTAINER
    if not call.flags.on("quiet"):
        call.out(f"Creating debugging pod {name} with container {container} on node {node.name}.\n")
    spec = {
        "nodeName": node.name,
        "containers": [_container(call, container, Profile())],
        "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": call.namespace},
        "spec": profile.node(spec),
    }
    call.session.create(resource_named(call.scheme, "pods"), call.namespace, pod)


DEBUG = Verb(
    "debug",
    "Create debugging sessions for troubleshooting workloads and nodes",
    run,
    (
        FILES[0],
        Flag("arguments-only", kind="switch"),
        Flag("attach", kind="switch"),
        Flag("container", "c"),
        Flag("copy-to"),
        Flag("custom"),
        Flag("env", kind="texts"),
        Flag("image"),
        Flag("image-pull-policy"),
        Flag("keep-annotations", kind="switch"),
        Flag("keep-init-containers", kind="switch", default=True),
        Flag("keep-labels", kind="switch"),
        Flag("keep-liveness", kind="switch"),
        Flag("keep-readiness", kind="switch"),
        Flag("keep-startup", kind="switch"),
        Flag("profile", default="legacy"),
        Flag("quiet", "q", kind="switch"),
        Flag("replace", kind="switch"),
        Flag("same-node", kind="switch"),
        Flag("set-image", kind="list"),
        Flag("share-processes", kind="switch", default=True),
        Flag("stdin", "i", kind="switch"),
        Flag("target"),
        Flag("tty", "t", kind="switch"),
    ),
)
