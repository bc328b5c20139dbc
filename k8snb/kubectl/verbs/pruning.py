"""kubectl apply --prune: what was applied once and is no longer in the files is deleted.

Upstream: `kubectl/pkg/cmd/apply/prune.go`, `kubectl/pkg/util/prune/prune.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import ALL, Flag
from k8snb.kubectl.klog import warning_line
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Resource

_USUAL = (
    *("v1/ConfigMap", "v1/Endpoints", "v1/Namespace", "v1/PersistentVolumeClaim", "v1/PersistentVolume", "v1/Pod"),
    *("v1/ReplicationController", "v1/Secret", "v1/Service", "batch/v1/Job", "batch/v1/CronJob"),
    *("networking.k8s.io/v1/Ingress", "apps/v1/DaemonSet", "apps/v1/Deployment", "apps/v1/ReplicaSet"),
    "apps/v1/StatefulSet",
)
"""The kinds that are pruned unless `--prune-allowlist` names others."""
_PARTS = 3
_TOO_WIDE = (
    "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace "
    "flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in "
    "the --prune-allowlist flag."
)
FLAGS = (ALL, Flag("prune", kind="switch"), Flag("prune-allowlist", kind="texts"))


def check(call: Call) -> None:
    """Refuse to prune everything by accident."""
    if call.flags.on("prune") and call.flags.text("selector") and call.flags.on("all"):
        raise CommandError("cannot set --all and --selector at the same time")
    if call.flags.on("prune") and not call.flags.text("selector") and not call.flags.on("all"):
        raise CommandError(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all "
            "flag. If you did not mean to prune all resources, specify a label selector"
        )
    if call.flags.on("prune") and call.flags.on("server-side"):
        raise CommandError("--prune is in alpha and doesn't currently work on objects created by server-side apply")
    for word in call.flags.texts("prune-allowlist"):
        if len(word.split("/")) != _PARTS:
            raise CommandError(f"invalid GroupVersionKind format: {word}, please follow <group/version/kind>")
        if _kind(call, word) is None:
            *version, kind = word.removeprefix("core/").split("/")
            raise CommandError(f'no matches for kind "{kind}" in version "{"/".join(version)}"')


def prune(call: Call, applied: Sequence[Target]) -> None:
    """Delete what was applied before and has not been applied now."""
    for target in left_over(call, applied):
        _delete(call, target)


def left_over(call: Call, applied: Sequence[Target]) -> Iterator[Target]:
    """What was applied before and has not been applied now."""
    if call.flags.has("namespace") and not call.flags.texts("prune-allowlist"):
        call.err(warning_line(call.now, "prune.go:71", _TOO_WIDE))
    kept = {(target.resource, target.namespace, target.name) for target in applied}
    namespaces = list(dict.fromkeys(target.namespace for target in applied if target.namespace))
    for resource in _kinds(call):
        for namespace in namespaces if resource.namespaced else [""]:
            query = {"labelSelector": call.flags.text("selector")}
            for obj in call.session.items(resource, namespace, query):
                target = target_of(resource, obj)
                if (
                    LAST_APPLIED in (obj["metadata"].get("annotations") or {})
                    and (resource, target.namespace, target.name) not in kept
                ):
                    yield target


def _kinds(call: Call) -> Iterator[Resource]:
    for word in call.flags.texts("prune-allowlist") or _USUAL:
        resource = _kind(call, word)
        if resource is not None:
            yield resource


def _kind(call: Call, word: str) -> Resource | None:
    """The resource of `core/v1/Pod`."""
    version, _, kind = word.removeprefix("core/").rpartition("/")
    return call.scheme.kind(version, kind)


def _delete(call: Call, target: Target) -> None:
    policy = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
    if call.dry_run != "client":
        query = {"dryRun": "All"} if call.dry_run == "server" else {}
        try:
            options = {"propagationPolicy": policy.get(call.flags.text("cascade"), "Background")}
            call.session.delete(target, options, query)
        except StatusError as error:
            if error.code != 404:
                raise
    call.done(target.known, target.full_name, "pruned")
