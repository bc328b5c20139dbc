"""The environment of a container: its own variables, those of config maps and secrets, of Services and devices.

Upstream: `makeEnvironmentVariables` in `pkg/kubelet/kubelet_pods.go` and `pkg/kubelet/envvars`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8snb.clock import parse_time
from k8snb.kubelet.plan import ContainerPlan
from k8snb.kubelet.process import expand
from k8snb.machinery import quantity
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

_NONE: Mapping[str, Any] = {}
MASTER = ("default", "kubernetes")
"""The Service whose variables every pod gets, whatever its namespace."""


class Missing(Exception):
    """An object or key that the environment refers to does not exist; the message is the kubelet's."""


class Environments:
    """The variables of a pod's containers, as they were when each was configured last."""

    __slots__ = ("_known", "_worker")

    def __init__(self, worker: PodWorker) -> None:
        self._worker = worker
        self._known: dict[str, Mapping[str, str]] = {}

    def of(self, plan: ContainerPlan) -> Mapping[str, str]:
        """Those of a container; worked out now if it was not configured."""
        known = self._known.get(plan.name)
        return known if known is not None else environment(self._worker, plan)

    def configure(self, plan: ContainerPlan) -> str:
        """Work out those of a container now; what is missing, if something is."""
        self._known.pop(plan.name, None)
        try:
            self._known[plan.name] = environment(self._worker, plan)
        except Missing as missing:
            return str(missing)
        return ""


def environment(worker: PodWorker, plan: ContainerPlan) -> Mapping[str, str]:
    """A container's variables; raises Missing."""
    spec = plan.spec
    services = service_variables(worker)
    found: dict[str, str] = {}
    for source in spec.get("envFrom") or ():
        found |= _all_of(worker, source)
    own: dict[str, str] = {}
    for variable in spec.get("env") or ():
        name = variable["name"]
        known = {**services, **found, **own}
        source = variable.get("valueFrom")
        if source is None:
            own[name] = expand(variable.get("value") or "", known)
            continue
        value = _value_from(worker, plan, source)
        if value is not None:
            own[name] = value
    if worker.plan.devices:
        own |= worker.kubelet.devices.variables(worker, spec)
    return {**services, **found, **own}


def data_of(worker: PodWorker, kind: str, name: str) -> Mapping[str, str] | None:
    """The text in a config map or secret of the pod's namespace; None if there is no such object."""
    obj = worker.kubelet.client.find("configmaps" if kind == "configmap" else "secrets", name, worker.key.namespace)
    return fields_of(obj) if obj is not None else None


def fields_of(obj: Object, *, binary: bool = False) -> Mapping[str, str]:
    """The content of a config map or secret as text; `binaryData` only where that is asked for, as for volumes."""
    if obj.get("kind") == "Secret":
        return {key: _decoded(text) for key, text in (obj.get("data") or _NONE).items()}
    extra = {key: _decoded(text) for key, text in (obj.get("binaryData") or _NONE).items()} if binary else _NONE
    return {**(obj.get("data") or _NONE), **extra}


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", errors="replace")


def _all_of(worker: PodWorker, source: Object) -> dict[str, str]:
    for field, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
        reference = source.get(field)
        if reference is None:
            continue
        data = data_of(worker, kind, reference["name"])
        if data is None:
            if reference.get("optional"):
                return {}
            raise Missing(f'{kind} "{reference["name"]}" not found')
        return {f"{source.get('prefix', '')}{key}": data[key] for key in sorted(data)}
    return {}


def _value_from(worker: PodWorker, plan: ContainerPlan, source: Object) -> str | None:
    if "fieldRef" in source:
        return field_value(worker, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return resource_value(worker, plan, source["resourceFieldRef"])
    for field, kind, title in (("configMapKeyRef", "configmap", "ConfigMap"), ("secretKeyRef", "secret", "Secret")):
        reference = source.get(field)
        if reference is not None:
            return _key_of(worker, reference, kind, title)
    return None


def _key_of(worker: PodWorker, reference: Object, kind: str, title: str) -> str | None:
    name, key = reference["name"], reference["key"]
    data = data_of(worker, kind, name)
    if data is not None and key in data:
        return data[key]
    if reference.get("optional"):
        return None
    if data is None:
        raise Missing(f'{kind} "{name}" not found')
    raise Missing(f"couldn't find key {key} in {title} {worker.key.namespace}/{name}")


def field_value(worker: PodWorker, path: str) -> str:
    """A field of the pod, as the downward API gives it."""
    pod = worker.pod
    meta, spec = pod["metadata"], pod["spec"]
    for prefix in ("metadata.labels", "metadata.annotations"):
        if path.startswith(prefix):
            values: Mapping[str, str] = meta.get(prefix.partition(".")[2]) or _NONE
            if path.endswith("']"):
                return values.get(path[len(prefix) + 2 : -2], "")
            return "\n".join(f'{key}="{values[key]}"' for key in sorted(values))
    known = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": worker.kubelet.address,
        "status.hostIPs": worker.kubelet.address,
        "status.podIP": worker.sandbox.ip if worker.sandbox is not None else "",
        "status.podIPs": worker.sandbox.ip if worker.sandbox is not None else "",
    }
    return str(known.get(path, ""))


def resource_value(worker: PodWorker, plan: ContainerPlan, reference: Object) -> str:
    """A request or limit of a container, in units of the divisor; a limit that is not set is the node's capacity."""
    name = reference.get("containerName") or plan.name
    spec = next(each.spec for each in worker.plan.every if each.name == name)
    kind, _, resource = reference["resource"].partition(".")
    resources = spec.get("resources") or _NONE
    amount = (resources.get(kind) or _NONE).get(resource)
    if amount is None:
        amount = worker.kubelet.capacity.get(resource, "0") if kind == "limits" else "0"
    divisor = quantity.milli(reference.get("divisor") or "1") or 1000
    return str(-(-quantity.milli(amount) // divisor))


def service_variables(worker: PodWorker) -> dict[str, str]:
    """`NAME_SERVICE_HOST` and the like, for the Services that were there when the pod began."""
    namespace = worker.key.namespace
    linked = worker.pod["spec"].get("enableServiceLinks", True)
    began = parse_time(worker.began) if worker.began else worker.kubelet.clock.now()
    chosen: dict[str, Object] = {}
    for service in worker.kubelet.services():
        meta = service["metadata"]
        address = service["spec"].get("clusterIP")
        if not address or address == "None" or parse_time(meta["creationTimestamp"]) > began:
            continue
        if (meta["namespace"], meta["name"]) == MASTER:
            chosen.setdefault(meta["name"], service)
        elif linked and meta["namespace"] == namespace:
            chosen[meta["name"]] = service
    variables: dict[str, str] = {}
    for name in sorted(chosen):
        variables |= _of_service(chosen[name])
    return variables


def _of_service(service: Object) -> dict[str, str]:
    spec = service["spec"]
    ports = spec.get("ports") or ()
    if not ports:
        return {}
    name = service["metadata"]["name"].upper().replace("-", "_")
    host = spec["clusterIP"]
    found = {f"{name}_SERVICE_HOST": host, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{host}:{port['port']}"
        prefix = f"{name}_PORT_{port['port']}_{protocol}"
        if index == 0:
            found[f"{name}_PORT"] = url
        found |= {prefix: url, f"{prefix}_PROTO": protocol.lower(), f"{prefix}_PORT": str(port["port"])}
        found[f"{prefix}_ADDR"] = host
    return found
