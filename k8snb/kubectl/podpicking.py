"""Which pod is meant: the pod itself, or the best one of a workload, and which of its containers.

Upstream: `kubectl/pkg/polymorphichelpers` (`logsforobject.go`, `attachablepodforobject.go`), `pkg/util/podutils`.
"""

from __future__ import annotations

from k8snb.kubectl.asking import pair, resource_named
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.objects import condition, is_true
from k8snb.machinery.selectors import LabelSelector, of_object, of_set
from k8snb.typing import Object

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_PHASES = {"Running": 0, "Unknown": 1, "Pending": 2}


def pods_of(call: Call, word: str, doing: str = "get the logs from") -> list[Target]:
    """The pods that a word means, the best one first: `web`, `pod/web`, `deploy/web`, `svc/web`.

    `doing` is what cannot be done to something that has no pods.
    """
    target = pair(call, word, default="pods")
    target = target.holding(call.session.find(target))
    if target.resource.kind == "Pod":
        return [target]
    pods, query = resource_named(call.scheme, "pods"), {"labelSelector": str(_selector(target, doing))}
    found: list[Object] = []

    def any_there() -> bool:
        found[:] = call.session.items(pods, target.namespace, query)
        return bool(found)

    if not any_there() and not call.session.wait(any_there, call.flags.seconds("pod-running-timeout")):
        raise CommandError("timed out waiting for the condition")
    return [target_of(pods, pod) for pod in sorted(found, key=_rank)]


def _selector(target: Target, doing: str) -> LabelSelector:
    selector = (target.known.get("spec") or {}).get("selector")
    if selector is None:
        kind = f"*v1.{target.resource.kind}"
        raise CommandError(f"cannot {doing} {kind}: selector for {kind} not implemented")
    plain = target.resource.kind in ("Service", "ReplicationController")
    return of_set(selector) if plain else of_object(selector)


def _rank(pod: Object) -> tuple[bool, int, bool, str, int, str]:
    status = pod.get("status") or {}
    ready = condition(pod, "Ready") or {}
    restarts = [c.get("restartCount", 0) for c in status.get("containerStatuses") or ()]
    since = ready.get("lastTransitionTime", "") if ready.get("status") == "True" else "~"
    return (
        not pod["spec"].get("nodeName"),
        _PHASES.get(status.get("phase", ""), 0),
        not is_true(pod, "Ready"),
        since,
        -max(restarts, default=0),
        pod["metadata"].get("creationTimestamp", "~"),
    )


def container_names(pod: Object) -> list[str]:
    """Every container: the ordinary ones, then the init and the ephemeral ones."""
    spec = pod["spec"]
    keys = ("containers", "initContainers", "ephemeralContainers")
    return [container["name"] for key in keys for container in spec.get(key) or ()]


def listed_names(pod: Object) -> str:
    """All containers as messages list them: `web, setup (init)`."""
    spec = pod["spec"]
    marks = (("containers", ""), ("initContainers", " (init)"), ("ephemeralContainers", " (ephem)"))
    return ", ".join(f"{c['name']}{mark}" for key, mark in marks for c in spec.get(key) or ())


def default_container(call: Call, pod: Object, *, quiet: bool = False) -> str:
    """The container that is meant when none is named."""
    wanted = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    if wanted in container_names(pod):
        return str(wanted)
    if wanted and not quiet:
        call.err(f'Default container name "{wanted}" not found in pod {pod["metadata"]["name"]}\n')
    first = str(pod["spec"]["containers"][0]["name"])
    if len(container_names(pod)) > 1 and not quiet:
        call.err(f'Defaulted container "{first}" out of: {listed_names(pod)}\n')
    return first
