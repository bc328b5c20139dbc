"""`kubectl create role`, `clusterrole`, `rolebinding`, `clusterrolebinding`: the objects made of their flags.

Upstream: `kubectl/pkg/cmd/create/create_role.go` and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.generators.workloads import meta
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

GROUP = "rbac.authorization.k8s.io"
_VERBS = frozenset(
    ("get", "delete", "list", "create", "update", "patch", "watch", "proxy", "deletecollection", "use", "bind",
     "escalate", "impersonate", "approve", "sign", "attest")
)  # fmt: skip
_ROLES = ((GROUP, "roles"), (GROUP, "clusterroles"))
_SPECIAL = {
    "use": (("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")),
    "bind": _ROLES,
    "escalate": _ROLES,
    "impersonate": (
        ("", "users"), ("", "serviceaccounts"), ("", "groups"), ("authentication.k8s.io", "userextras"),
    ),
}  # fmt: skip
"""Verbs that are meant for some resources only, by group and name; not all of these are served."""

_PATH_VERBS = frozenset(("get", "put", "post", "head", "options", "delete", "patch", "*"))


def role(call: Call, name: str) -> Object:
    """A Role."""
    rules = _rules(call, _verbs(call), call.flags.texts("resource"))
    if not call.flags.texts("resource"):
        raise CommandError("at least one resource must be specified")
    return _object("Role", name, rules=rules)


def cluster_role(call: Call, name: str) -> Object:
    """A ClusterRole: rules on resources and paths, or labels of roles to gather."""
    flags = call.flags
    gathered = flags.texts("aggregation-rule")
    if gathered:
        if any(flags.texts(flag) for flag in ("verb", "resource", "non-resource-url", "resource-name")):
            others = "nonResourceURLs, verbs, resources or resourceNames"
            raise CommandError(f"aggregation rule must be specified without {others}")
        labels = dict(_label(each) for each in gathered)
        return _object(
            "ClusterRole", name, rules=None, aggregationRule={"clusterRoleSelectors": [{"matchLabels": labels}]}
        )
    urls, verbs = flags.texts("non-resource-url"), _verbs(call)
    if not urls and not flags.texts("resource"):
        raise CommandError("at least one resource must be specified")
    rules = _rules(call, verbs, flags.texts("resource"))
    for url in urls:
        if url != "*" and not url.startswith("/"):
            raise CommandError("nonResourceURL should start with /")
    for verb in verbs if urls else ():
        if verb not in _PATH_VERBS:
            raise CommandError(f"invalid verb: '{verb}' for nonResourceURL")
    if urls:
        rules.append({"verbs": verbs, "nonResourceURLs": urls})
    return _object("ClusterRole", name, rules=rules)


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"{text} must be formatted as key=value")
    return key, value


def _object(kind: str, name: str, **fields: Any) -> Object:
    return {"kind": kind, "apiVersion": f"{GROUP}/v1", "metadata": meta(name), **fields}


def _verbs(call: Call) -> list[str]:
    verbs = list(dict.fromkeys(call.flags.texts("verb")))
    if not verbs:
        raise CommandError("at least one verb must be specified")
    if "*" in verbs:
        return ["*"]
    for verb in verbs:
        if verb not in _VERBS:
            call.err(f"Warning: '{verb}' is not a standard resource verb\n")
    return verbs


def _rules(call: Call, verbs: Sequence[str], resources: Sequence[str]) -> list[Object]:
    """One rule for each API group, in order of the groups."""
    names = call.flags.texts("resource-name")
    groups: dict[str, list[str]] = {}
    for text in resources:
        if text == "*":
            groups = {"": ["*"]}
            break
        group, resource = _resolved(call.scheme, text, verbs)
        if resource not in groups.setdefault(group, []):
            groups[group].append(resource)
    rules: list[Object] = []
    for group in sorted(groups):
        rule: dict[str, Any] = {"verbs": list(verbs), "apiGroups": [group], "resources": groups[group]}
        if names:
            rule["resourceNames"] = names
        rules.append(rule)
    return rules


def _resolved(scheme: Scheme, text: str, verbs: Sequence[str]) -> tuple[str, str]:
    """`deploy/scale` as group `apps` and resource `deployments/scale`."""
    word, slash, below = text.partition("/")
    if word == "*":
        return "", f"*{slash}{below}"
    found = scheme.find(word)
    plural, _dot, group = word.partition(".") if found is None else (found.plural, "", found.group)
    special = [verb for verb in verbs if verb in _SPECIAL]
    for verb in special:
        if (group, plural) not in _SPECIAL[verb]:
            raise CommandError(f"can not perform '{verb}' on '{plural}' in group '{group}'")
    if found is None and not special:
        where = f' in group "{group}"' if group else ""
        raise CommandError(f'the server doesn\'t have a resource type "{plural}"{where}', plain=True)
    return group, f"{plural}{slash}{below}"


def role_binding(call: Call, name: str) -> Object:
    """A RoleBinding to a role of either kind."""
    role, cluster_role = call.flags.text("role"), call.flags.text("clusterrole")
    if bool(role) == bool(cluster_role):
        raise CommandError("exactly one of clusterrole or role must be specified")
    kind = "Role" if role else "ClusterRole"
    return _binding(call, "RoleBinding", name, kind, role or cluster_role)


def cluster_role_binding(call: Call, name: str) -> Object:
    """A ClusterRoleBinding."""
    return _binding(call, "ClusterRoleBinding", name, "ClusterRole", call.flags.text("clusterrole"))


def _binding(call: Call, kind: str, name: str, role_kind: str, role: str) -> Object:
    subjects: list[Object] = []
    for flag, what in (("user", "User"), ("group", "Group")):
        subjects += [{"kind": what, "apiGroup": GROUP, "name": each} for each in call.flags.texts(flag)]
    for account in call.flags.texts("serviceaccount"):
        parts = account.split(":")
        if len(parts) != 2 or not all(parts):
            raise CommandError("serviceaccount must be <namespace>:<name>")
        subjects.append({"kind": "ServiceAccount", "name": parts[1], "namespace": parts[0]})
    reference = {"apiGroup": GROUP, "kind": role_kind, "name": role}
    obj = _object(kind, name, roleRef=reference)
    return {**obj, "subjects": subjects} if subjects else obj
