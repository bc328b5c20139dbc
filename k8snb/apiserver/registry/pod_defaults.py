"""What a pod leaves open: the defaults of pods and of pod templates.

`default_template_spec` fills in what every pod spec gets, in a template too; `default_spec` adds what only
pods themselves get. Both return the spec they were given when there is nothing to add. Upstream:
`pkg/apis/core/v1/defaults.go` with the generated walk around it, and the conversions of `core/v1`.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.apiserver.registry.checks import is_huge_pages
from k8snb.apiserver.registry.filling import filled, filled_numbers, within, within_each, within_new
from k8snb.apiserver.registry.image_names import pull_policy
from k8snb.apiserver.registry.resources import is_pod_level, sum_of_containers
from k8snb.apiserver.registry.volume_defaults import default_volume
from k8snb.typing import Object

_SPEC = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER = {"resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_HTTP = {"path": "/", "scheme": "HTTP"}
_PORT = {"protocol": "TCP"}
_GRPC = {"service": ""}
_FIELD_REF = {"apiVersion": "v1"}
_RESOURCE_REF = {"divisor": "0"}
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def default_spec(spec: Object) -> Object:
    """A pod's spec with its defaults; the same object when it has them all."""
    spec = default_template_spec(spec)
    spec = within_each(spec, "containers", _requests_from_limits)
    spec = within_each(spec, "initContainers", _requests_from_limits)
    if spec.get("resources"):
        spec = within(spec, "resources", lambda _: _pod_resources(spec))
    spec = filled(spec, {"enableServiceLinks": True})
    if spec.get("hostNetwork"):
        spec = within_each(spec, "containers", _host_ports)
        spec = within_each(spec, "initContainers", _host_ports)
    return spec


def default_template_spec(spec: Object) -> Object:
    """A pod template's spec with its defaults; the same object when it has them all."""
    spec = filled(spec, _SPEC)
    for name in _CONTAINER_LISTS:
        spec = within_each(spec, name, default_container)
    spec = within_each(spec, "volumes", default_volume)
    return _mirror_service_account(spec)


def default_template(template: Object) -> Object:
    """A `PodTemplateSpec` with its defaults."""
    return within_new(filled(template, {"metadata": {}}), "spec", default_template_spec)


def default_container(container: Object) -> Object:
    """A container of any kind with its defaults."""
    container = filled(container, _CONTAINER)
    if not container.get("imagePullPolicy"):
        container = {**container, "imagePullPolicy": pull_policy(container.get("image") or "")}
    container = within_each(container, "ports", _default_port)
    container = within_each(container, "env", _default_env)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        container = within(container, name, _default_probe)
    return within(container, "lifecycle", _default_lifecycle)


def _default_port(port: Object) -> Object:
    return filled(port, _PORT)


def _default_env(variable: Object) -> Object:
    return within(variable, "valueFrom", _default_source) if "valueFrom" in variable else variable


def _default_source(source: Object) -> Object:
    source = within(source, "fieldRef", lambda reference: filled(reference, _FIELD_REF))
    return within(source, "resourceFieldRef", lambda reference: filled(reference, _RESOURCE_REF))


def _default_probe(probe: Object) -> Object:
    probe = filled_numbers(probe, _PROBE)
    probe = within(probe, "httpGet", _default_http)
    return within(probe, "grpc", lambda grpc: filled(grpc, _GRPC) if grpc.get("service") is None else grpc)


def _default_http(action: Object) -> Object:
    return filled(action, _HTTP)


def _default_lifecycle(lifecycle: Object) -> Object:
    for name in ("postStart", "preStop"):
        lifecycle = within(lifecycle, name, lambda handler: within(handler, "httpGet", _default_http))
    return lifecycle


def _mirror_service_account(spec: Object) -> Object:
    """`serviceAccount` is the old name of `serviceAccountName`; both are always served alike."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if not name or (spec.get("serviceAccountName") == name and spec.get("serviceAccount") == name):
        return spec
    return {**spec, "serviceAccountName": name, "serviceAccount": name}


def _requests_from_limits(container: Object) -> Object:
    resources: Mapping[str, Mapping[str, str]] = container.get("resources") or {}
    limits = resources.get("limits") or {}
    requests = resources.get("requests") or {}
    if all(name in requests for name in limits):
        return container
    return {**container, "resources": {**resources, "requests": {**limits, **requests}}}


def _pod_resources(spec: Object) -> Object:
    """The pod's own resources: what its containers ask for in its place, then what it limits itself to."""
    resources: Object = spec["resources"]
    requests: dict[str, str] = dict(resources.get("requests") or {})
    limits: dict[str, str] = dict(resources.get("limits") or {})
    if limits or requests:
        for name, amount in sum_of_containers(spec, "limits").items():
            if is_huge_pages(name) and name not in requests:
                limits.setdefault(name, amount)
    if limits:
        for name, amount in sum_of_containers(spec, "requests").items():
            if is_pod_level(name) and not is_huge_pages(name):
                requests.setdefault(name, amount)
        requests = {**{name: amount for name, amount in limits.items() if is_pod_level(name)}, **requests}
    filled_in = {name: amounts for name, amounts in (("limits", limits), ("requests", requests)) if amounts}
    changed = any(resources.get(name) != amounts for name, amounts in filled_in.items())
    return {**resources, **filled_in} if changed else resources


def _host_ports(container: Object) -> Object:
    return within_each(container, "ports", _host_port)


def _host_port(port: Object) -> Object:
    return port if port.get("hostPort") else {**port, "hostPort": port.get("containerPort", 0)}
