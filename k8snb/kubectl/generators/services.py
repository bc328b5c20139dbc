"""Services from a few flags: `create service`, `expose`, `run --expose`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.generators.workloads import meta
from k8snb.typing import Object

_LARGEST = 65535


def int_or_name(text: str) -> int | str:
    """A port by number or by name."""
    return int(text) if text.isdigit() else text


def tcp_port(text: str, node_port: int = 0) -> Object:
    """`80:8080` or `80` as a service port."""
    front, *behind = text.split(":")
    if not front.isdigit():
        raise CommandError(f'strconv.ParseUint: parsing "{front}": invalid syntax')
    if int(front) > _LARGEST:
        raise CommandError(f'strconv.ParseUint: parsing "{front}": value out of range')
    target = int_or_name(behind[0]) if behind else int(front)
    if isinstance(target, int) and not 1 <= target <= _LARGEST and behind:
        raise CommandError("must be between 1 and 65535, inclusive")
    port: dict[str, Any] = {"name": text.replace(":", "-"), "protocol": "TCP", "port": int(front), "targetPort": target}
    return {**port, "nodePort": node_port} if node_port else port


def service(
    name: str,
    *,
    type: str = "",
    ports: Sequence[Object] = (),
    labels: Mapping[str, str] | None = None,
    selector: Mapping[str, str] | None = None,
    cluster_ip: str = "",
    **more: Any,
) -> Object:
    """A Service; what is empty is left out."""
    spec: dict[str, Any] = {"ports": list(ports), "selector": selector, "clusterIP": cluster_ip, "type": type, **more}
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": meta(name, labels),
        "spec": {key: value for key, value in spec.items() if value},
        "status": {"loadBalancer": {}},
    }
