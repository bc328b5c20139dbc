"""Pods, Deployments and Jobs from a few flags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.typing import Object

_NAME_END = re.compile(r".*/|[@:].*")


def meta(name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None) -> Object:
    """Metadata, in the order in which Go writes it."""
    found: dict[str, Any] = {"name": name} if name else {}
    if labels:
        found["labels"] = labels
    if annotations:
        found["annotations"] = annotations
    return found


def with_namespace(meta: Object, namespace: str) -> Object:
    """The metadata with a namespace, which stands behind the name."""
    return {"name": meta["name"], "namespace": namespace, **{k: v for k, v in meta.items() if k != "name"}}


def pod(
    name: str,
    container: Object,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    restart: str = "Always",
) -> Object:
    """The pod that `kubectl run` makes."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": meta(name, labels, annotations),
        "spec": {"containers": [container], "restartPolicy": restart, "dnsPolicy": "ClusterFirst"},
        "status": {},
    }


def container_name(image: str) -> str:
    """The name that a Deployment gives a container of that image: `docker.io/nginx:1.27` is `nginx`."""
    last = _NAME_END.sub("", image.rpartition("/")[2])
    return re.sub(r"[^a-z0-9-]", "-", last.lower().replace("_", "-")).strip("-")


def container(name: str, image: str, **more: Any) -> Object:
    """A container; keywords that are empty are left out."""
    fields: dict[str, Any] = {"name": name, "image": image}
    fields |= {key: value for key, value in more.items() if value}
    fields.setdefault("resources", {})
    order = ("name", "image", "command", "args", "ports", "env", "resources")
    rest = [key for key in fields if key not in order]
    return {key: fields[key] for key in (*order, *rest) if key in fields}


def deployment(name: str, images: Sequence[str], replicas: int, port: int, command: Sequence[str]) -> Object:
    """The Deployment that `kubectl create deployment` makes."""
    labels = {"app": name}
    ports = [{"containerPort": port}] if port > 0 else []
    containers = [container(container_name(i), i, command=list(command), ports=ports) for i in images]
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": meta(name, labels),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": meta("", labels), "spec": {"containers": containers}},
            "strategy": {},
        },
        "status": {},
    }


def job(name: str, image: str, command: Sequence[str]) -> Object:
    """The Job that `kubectl create job` makes."""
    spec = {"containers": [container(name, image, command=list(command))], "restartPolicy": "Never"}
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": meta(name),
        "spec": {"template": {"metadata": meta(""), "spec": spec}},
        "status": {},
    }


def cron_job(name: str, image: str, schedule: str, restart: str, command: Sequence[str]) -> Object:
    """The CronJob that `kubectl create cronjob` makes."""
    spec = {"containers": [container(name, image, command=list(command))], "restartPolicy": restart}
    template = {"metadata": meta(name), "spec": {"template": {"metadata": meta(""), "spec": spec}}}
    return {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": meta(name),
        "spec": {"schedule": schedule, "jobTemplate": template},
        "status": {},
    }
