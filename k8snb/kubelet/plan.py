"""What a kubelet works out from a pod's spec, once for all pods that share it.

Pods of one template share their containers by identity, so the plan is kept by identity too: images parsed,
quantities read, status skeletons built. What differs from pod to pod (its address, its times) is filled in
later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from k8snb.kubelet import references, sysctls
from k8snb.kubelet.backoff import words
from k8snb.kubelet.images import table
from k8snb.kubelet.runtime import ContainerConfig, Pull
from k8snb.machinery import quantity
from k8snb.machinery.devices.extended import may_claim
from k8snb.machinery.forms import form
from k8snb.typing import Object

INIT = "init"
SIDECAR = "sidecar"
MAIN = "container"
EPHEMERAL = "ephemeral"
_FIELDS = {
    INIT: "spec.initContainers",
    SIDECAR: "spec.initContainers",
    MAIN: "spec.containers",
    EPHEMERAL: "spec.ephemeralContainers",
}
_NONE: Mapping[str, Any] = {}
_UNKNOWN = references.parse("unknown")
_LIMIT = 4096
_ROOT: Object = {"linux": {"uid": 0, "gid": 0, "supplementalGroups": [0]}}
_KINDS = {"startupProbe": "startup", "livenessProbe": "liveness", "readinessProbe": "readiness"}
TOKEN_VOLUME = "kube-api-access-"
_CHANGING = ("metadata.labels", "metadata.annotations")


class ContainerPlan:
    """One container of a pod's spec."""

    __slots__ = (
        "config", "field", "hooks", "image", "image_error", "kind", "name", "needs_environment", "partly_mounts",
        "policy", "present", "probes", "pull_policy", "pulling", "restart_rules", "running", "spec", "waiting",
    )  # fmt: skip

    def __init__(self, spec: Object, kind: str, pod: Object, *, initializing: bool) -> None:
        self.spec = spec
        self.kind = kind
        self.name: str = spec["name"]
        self.image: str = spec.get("image", "")
        self.field = f"{_FIELDS[kind]}{{{self.name}}}"
        self.image_error = ""
        try:
            reference = references.parse(self.image)
        except references.InvalidReference as error:
            reference, self.image_error = _UNKNOWN, str(error)
        self.pull_policy: str = spec.get("imagePullPolicy", "IfNotPresent")
        self.config = _config(spec, reference)
        self.policy = "Always" if kind == SIDECAR else spec.get("restartPolicy") or pod.get("restartPolicy", "Always")
        if kind == INIT and self.policy == "Always":
            self.policy = "OnFailure"
        if kind == EPHEMERAL:
            self.policy = "Never"
        self.restart_rules: Sequence[Object] = spec.get("restartPolicyRules") or ()
        self.hooks: Mapping[str, Object] = spec.get("lifecycle") or _NONE
        self.probes = tuple((_KINDS[name], spec[name]) for name in _KINDS if spec.get(name))
        self.needs_environment = bool(spec.get("envFrom")) or any(_refers(v) for v in spec.get("env") or ())
        self.partly_mounts = any(m.get("subPath") or m.get("subPathExpr") for m in spec.get("volumeMounts") or ())
        self.pulling = f'Pulling image "{self.image}"'
        self.present = f'Container image "{self.image}" already present on machine and can be accessed by the pod'
        reason = "PodInitializing" if initializing else "ContainerCreating"
        mounts = {"volumeMounts": _mounts(spec)} if spec.get("volumeMounts") else {}
        self.waiting = _waiting(self.name, self.image, reason, mounts)
        self.running = form(_running(spec, self.name, reference, mounts, pod))

    @property
    def early(self) -> bool:
        """Whether it has its turn before the pod's own containers."""
        return self.kind in {INIT, SIDECAR}

    @property
    def ordinary(self) -> bool:
        """Whether nothing but its image is needed to start it, and nothing to see that it is ready."""
        awkward = self.image_error or self.probes or self.hooks or self.needs_environment or self.partly_mounts
        return not awkward and self.pull_policy != "Never"

    def pulled(self, pull: Pull) -> str:
        """What is said when the image has been pulled."""
        return pulled_message(self.image, pull)

    def restarts_after(self, code: int) -> bool:
        """Whether the container runs again after it ended with an exit code."""
        for rule in self.restart_rules:
            wanted = rule.get("exitCodes") or _NONE
            if (code in (wanted.get("values") or ())) == (wanted.get("operator") == "In"):
                return rule.get("action") == "Restart"
        return self.policy == "Always" or (self.policy == "OnFailure" and code != 0)


@lru_cache(maxsize=1024)
def pulled_message(image: str, pull: Pull) -> str:
    """What is said of an image that has been pulled."""
    took = words(pull.seconds)
    said = f'Successfully pulled image "{image}" in {took} ({took} including waiting).'
    return f"{said} Image size: {pull.size} bytes."


class PodPlan:
    """A pod's spec as its kubelet sees it."""

    __slots__ = (
        "arrived", "claims", "containers", "cpu", "deadline", "devices", "ephemerals", "every", "gates", "grace",
        "host_network", "image_volumes", "inits", "mains", "memory", "parts", "plain", "restart_policy", "spec",
        "unsafe_sysctl", "usual", "volumes", "waiting", "waiting_inits",
    )  # fmt: skip

    def __init__(self, spec: Object) -> None:
        self.spec = spec
        self.parts = _parts(spec)
        initializing = bool(spec.get("initContainers"))
        self.inits = tuple(
            ContainerPlan(c, SIDECAR if c.get("restartPolicy") == "Always" else INIT, spec, initializing=True)
            for c in spec.get("initContainers") or ()
        )
        self.mains = tuple(ContainerPlan(c, MAIN, spec, initializing=initializing) for c in spec["containers"])
        self.containers = (*self.inits, *self.mains)
        """The containers that decide whether the pod is ready and when it ends."""
        self.ephemerals = tuple(
            ContainerPlan(c, EPHEMERAL, spec, initializing=initializing) for c in spec.get("ephemeralContainers") or ()
        )
        self.every = (*self.containers, *self.ephemerals)
        self.restart_policy: str = spec.get("restartPolicy", "Always")
        self.grace: int = int(spec.get("terminationGracePeriodSeconds", 30))
        self.deadline: int | None = spec.get("activeDeadlineSeconds")
        self.gates = tuple(gate["conditionType"] for gate in spec.get("readinessGates") or ())
        self.host_network = bool(spec.get("hostNetwork"))
        self.volumes = tuple(v for v in spec.get("volumes") or () if _from_api(v))
        self.claims = any("persistentVolumeClaim" in v or "ephemeral" in v for v in spec.get("volumes") or ())
        """Whether it mounts what a driver may have to attach first."""
        self.devices = may_claim(spec)
        """Whether it claims devices, which have to be ready first, or asks for what may be some."""
        self.image_volumes = tuple(v for v in spec.get("volumes") or () if "image" in v)
        self.unsafe_sysctl = next((name for name in sysctls.asked(spec) if name not in sysctls.SAFE), "")
        """The first kernel parameter that no pod may set; a pod with one is rejected."""
        self.waiting = [plan.waiting for plan in self.mains]
        self.arrived: tuple[Any, ...] | None = None
        """The status of a plain pod that has just arrived, but for its node, and what else it is for (`podstatus`)."""
        self.waiting_inits = [plan.waiting for plan in self.inits]
        self.cpu, self.memory = _requests(spec)
        only = self.mains[0]
        self.plain = len(self.every) == 1 and not (only.probes or only.hooks or self.gates or self.devices)
        """Whether it is one container that is ready as soon as it runs, as nearly all pods are at scale."""
        self.usual = self.plain and only.ordinary and self.deadline is None
        self.usual = self.usual and not (self.volumes or self.claims or self.image_volumes)
        """Whether, besides, nothing has to be there but its image: then it starts in a few `strokes`."""


class Plans:
    """The plans in use, by the identity of the containers they were made from."""

    def __init__(self) -> None:
        self._plans: dict[int, PodPlan] = {}

    def of(self, pod: Object) -> PodPlan:
        """The plan for a pod."""
        spec = pod["spec"]
        key = id(spec["containers"])
        found = self._plans.get(key)
        if found is None or found.parts != _parts(spec):
            if len(self._plans) >= _LIMIT:
                self._plans.clear()
            found = self._plans[key] = PodPlan(spec)
        return found


_PARTS = (
    "initContainers", "ephemeralContainers", "volumes", "restartPolicy", "terminationGracePeriodSeconds", "hostNetwork",
    "readinessGates", "activeDeadlineSeconds", "securityContext", "resources", "overhead", "resourceClaims",
)  # fmt: skip
"""What of a spec matters for its plan besides the containers."""


def _parts(spec: Object) -> tuple[Any, ...]:
    return tuple(map(spec.get, _PARTS))


def _config(spec: Object, reference: references.Reference) -> ContainerConfig:
    limits = (spec.get("resources") or _NONE).get("limits") or _NONE
    return ContainerConfig(
        spec["name"],
        reference,
        tuple(spec.get("command") or ()),
        tuple(spec.get("args") or ()),
        spec.get("workingDir", ""),
        quantity.value(limits["memory"]) if "memory" in limits else 0,
        quantity.milli(limits["cpu"]) / 1000 if "cpu" in limits else 0.0,
        (spec.get("lifecycle") or _NONE).get("stopSignal", "").removeprefix("SIG"),
        bool(spec.get("stdin")),
        spec.get("targetContainerName", ""),
    )


def _refers(variable: Object) -> bool:
    """Whether a variable comes from what may be missing, or may change after the container has begun."""
    source = variable.get("valueFrom") or _NONE
    changing = source.get("fieldRef", _NONE).get("fieldPath", "").startswith(_CHANGING)
    return changing or "configMapKeyRef" in source or "secretKeyRef" in source


def _from_api(volume: Object) -> bool:
    """Whether a volume's content is an object that may be missing; the token's volume never is."""
    return any(kind in volume for kind in ("configMap", "secret", "projected")) and not volume["name"].startswith(
        TOKEN_VOLUME
    )


def _mounts(spec: Object) -> list[Object]:
    found: list[Object] = []
    for mount in spec["volumeMounts"]:
        shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
        if mount.get("readOnly"):
            shown |= {"readOnly": True, "recursiveReadOnly": mount.get("recursiveReadOnly", "Disabled")}
        found.append(shown)
    return found


def _waiting(name: str, image: str, reason: str, mounts: Mapping[str, Any]) -> Object:
    return {
        "name": name,
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": image,
        "imageID": "",
        "started": False,
        **mounts,
    }


def _running(
    spec: Object, name: str, reference: references.Reference, mounts: Mapping[str, Any], pod: Object
) -> dict[str, Any]:
    """The status of the running container as far as all pods of the template share it."""
    resources = spec.get("resources") or {}
    allocated = {"allocatedResources": resources["requests"]} if resources.get("requests") else {}
    return {
        "name": name,
        "state": {},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": str(reference),
        "imageID": table.image_ref(reference),
        "containerID": "",
        "started": True,
        **allocated,
        "resources": {k: v for k, v in resources.items() if k in {"limits", "requests"}},
        **mounts,
        "user": _user(spec, pod),
    }


def _user(spec: Object, pod: Object) -> Object:
    own, shared = spec.get("securityContext") or _NONE, pod.get("securityContext") or _NONE
    if not own and not shared:
        return _ROOT
    uid = own.get("runAsUser", shared.get("runAsUser", 0))
    gid = own.get("runAsGroup", shared.get("runAsGroup", 0))
    groups = sorted(
        {gid, *(shared.get("supplementalGroups") or ()), *([shared["fsGroup"]] if "fsGroup" in shared else [])}
    )
    return {"linux": {"uid": uid, "gid": gid, "supplementalGroups": groups}}


def _requests(spec: Object) -> tuple[int, int]:
    """CPU in millicores and memory in bytes that the pod needs: what runs together, or the largest init container.

    Upstream: `k8s.io/component-helpers/resource.PodRequests`.
    """
    return _peak(spec, "cpu", quantity.milli), _peak(spec, "memory", quantity.value)


def _peak(spec: Object, name: str, read: Any) -> int:
    def request(container: Object) -> int:
        requests = (container.get("resources") or _NONE).get("requests") or _NONE
        return int(read(requests[name])) if name in requests else 0

    sidecars = largest = 0
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars += request(container)
            largest = max(largest, sidecars)
        else:
            largest = max(largest, sidecars + request(container))
    together = sidecars + sum(request(container) for container in spec["containers"])
    overhead = int(read(spec["overhead"][name])) if name in (spec.get("overhead") or _NONE) else 0
    own = (spec.get("resources") or _NONE).get("requests") or _NONE
    return (int(read(own[name])) if name in own else max(together, largest)) + overhead
