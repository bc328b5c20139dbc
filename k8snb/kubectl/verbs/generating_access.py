"""The commands below `kubectl create` that make roles and bindings."""

from __future__ import annotations

from k8snb.kubectl.flags import Flag
from k8snb.kubectl.generators import access
from k8snb.kubectl.verbs.generating import Generator

_RULES = (Flag("verb", kind="list"), Flag("resource", kind="list"), Flag("resource-name", kind="texts"))
_SUBJECTS = (Flag("user", kind="texts"), Flag("group", kind="texts"), Flag("serviceaccount", kind="texts"))

ACCESS: tuple[Generator, ...] = (
    Generator(
        "clusterrole",
        "Create a cluster role",
        access.cluster_role,
        flags=(*_RULES, Flag("non-resource-url", kind="list"), Flag("aggregation-rule", kind="pairs")),
    ),
    Generator(
        "clusterrolebinding",
        "Create a cluster role binding for a particular cluster role",
        access.cluster_role_binding,
        "failed to create clusterrolebinding:",
        (Flag("clusterrole", required=True), *_SUBJECTS),
    ),
    Generator("role", "Create a role with single rule", access.role, flags=_RULES),
    Generator(
        "rolebinding",
        "Create a role binding for a particular role or cluster role",
        access.role_binding,
        "failed to create rolebinding:",
        (Flag("role"), Flag("clusterrole"), *_SUBJECTS),
    ),
)
"""The rows, as the help lists them."""
