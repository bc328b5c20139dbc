"""Pods, namespaces and policies in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.network.policies.parties import Party
from k8snb.typing import Object


def labels(text: str) -> dict[str, str]:
    """`role=db,tier=x` as a map."""
    return dict(pair.split("=") for pair in text.split(",") if pair)


def chosen(text: str) -> Object:
    """A selector for labels; all for an empty text."""
    return {"matchLabels": labels(text)} if text else {}


def party(name: str, words: str = "", *, ip: str = "10.0.0.1", space: str = "default", node: str = "n1") -> Party:
    """A pod: its labels, its address, its namespace (which has the label `is=NAME`), its node; `http` is port 80."""
    return Party(ip, space, name, labels(words), {"is": space}, node, {("http", "TCP"): 80})


def peer(pods: str | None = None, spaces: str | None = None) -> Object:
    """A peer by the labels of pods, of namespaces, or both."""
    found: dict[str, Any] = {}
    if pods is not None:
        found["podSelector"] = chosen(pods)
    if spaces is not None:
        found["namespaceSelector"] = chosen(spaces)
    return found


def block(cidr: str, *holes: str) -> Object:
    """A peer by addresses."""
    return {"ipBlock": {"cidr": cidr, **({"except": list(holes)} if holes else {})}}


def inward(*peers: Object, ports: Sequence[Object] = ()) -> Object:
    """A rule for what comes in."""
    return {**({"from": list(peers)} if peers else {}), **({"ports": list(ports)} if ports else {})}


def outward(*peers: Object, ports: Sequence[Object] = ()) -> Object:
    """A rule for what goes out."""
    return {**({"to": list(peers)} if peers else {}), **({"ports": list(ports)} if ports else {})}


def policy(name: str = "p", selects: str = "", space: str = "default", **directions: Sequence[Object]) -> Object:
    """A policy; the directions that are named (`ingress=[…]`) are those in which it isolates."""
    types = [direction.capitalize() for direction in directions]
    spec = {"podSelector": chosen(selects), "policyTypes": types, **{k: list(v) for k, v in directions.items()}}
    meta = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}
