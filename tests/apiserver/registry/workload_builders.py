"""Pods and workloads in one line, with their defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apiserver.registry.pod_validation import validate_spec
from k8snb.apiserver.registry.pods import PodStrategy
from k8snb.errors import FieldError
from k8snb.typing import Object

PODS = PodStrategy()


def container(name: str = "a", image: str = "nginx:1.27", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": image, **fields}


def pod(name: str = "web", *, meta: Mapping[str, Any] | None = None, **spec: Any) -> Object:
    spec.setdefault("containers", [container()])
    return PODS.default({"metadata": {"name": name, "namespace": "default", **(meta or {})}, "spec": spec})


def stored(name: str = "web", **spec: Any) -> Object:
    """A pod as it is after its creation."""
    return PODS.prepare_create(pod(name, **spec))


def spec(**fields: Any) -> Object:
    found: Object = pod(**fields)["spec"]
    return found


def with_spec(obj: Object, **changes: Any) -> Object:
    return {**obj, "spec": {k: v for k, v in {**obj["spec"], **changes}.items() if v is not None}}


def with_container(obj: Object, **changes: Any) -> Object:
    first, *rest = obj["spec"]["containers"]
    return with_spec(obj, containers=[{**first, **changes}, *rest])


def template(**spec: Any) -> dict[str, Any]:
    spec.setdefault("containers", [container()])
    return {"metadata": {"labels": {"app": "a"}}, "spec": spec}


def workload(**fields: Any) -> dict[str, Any]:
    """The body of a Deployment, ReplicaSet, StatefulSet or DaemonSet named `web` that selects `app=a`."""
    fields = {"selector": {"matchLabels": {"app": "a"}}, "template": template(), **fields}
    spec = {k: v for k, v in fields.items() if v is not None}
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}


def texts(found: Iterable[FieldError]) -> list[str]:
    return [str(error) for error in found]


def findings(**fields: Any) -> list[str]:
    """What is wrong with a pod spec that has these fields."""
    return texts(validate_spec(spec(**fields), "spec"))


def container_findings(**fields: Any) -> list[str]:
    """What is wrong with a container that has these fields, each path shortened to the part below the container."""
    return [text.removeprefix("spec.containers[0].") for text in findings(containers=[container(**fields)])]
