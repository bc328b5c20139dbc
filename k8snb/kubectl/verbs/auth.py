"""kubectl auth can-i, whoami and reconcile: what one may do, who one is, and roles as they should be.

Upstream: `kubectl/pkg/cmd/auth`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.kubectl.asking import manifests
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import DRY_RUN, FILES, PRINTING, Flag
from k8snb.kubectl.printing.printers import as_struct
from k8snb.kubectl.rules import columns, compact, go_words
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.verbs.reconciling import reconcile
from k8snb.typing import Object, Resource

_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_RESOURCE_VERBS = frozenset(
    ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use", "bind", "impersonate",
     "*", "approve", "sign", "escalate", "attest")
)  # fmt: skip
_PATH_VERBS = frozenset(("get", "put", "post", "head", "options", "delete", "patch", "*"))


def can_i(call: Call) -> None:
    """Carry out `kubectl auth can-i`."""
    flags = call.flags
    if flags.on("list"):
        _list(call)
        return
    if len(call.args) != 2:
        told = "you must specify two arguments: verb resource or verb resource/resourceName."
        raise CommandError(f"{told}\nSee '{call.path} -h' for help and examples.")
    verb, word = call.args
    spec = _path_spec(call, verb, word) if word.startswith("/") else _resource_spec(call, verb, word)
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}, "spec": spec}
    status = call.session.object("POST", f"{_AUTHORIZATION}/selfsubjectaccessreviews", body=review)["status"]
    allowed = bool(status.get("allowed"))
    if not flags.on("quiet"):
        reasons = [status[field] for field in ("reason", "evaluationError") if status.get(field)]
        call.out("yes\n" if allowed else " - ".join(["no", *reasons]) + "\n")
    if not allowed:
        raise CommandError("", 1)


def _path_spec(call: Call, verb: str, path: str) -> Object:
    if call.flags.text("subresource"):
        raise CommandError("--subresource can not be used with NonResourceURL")
    if verb not in _PATH_VERBS:
        call.err(f"Warning: verb '{verb}' is not a known verb\n\n")
    return {"nonResourceAttributes": {"path": path, "verb": verb}}


def _resource_spec(call: Call, verb: str, word: str) -> Object:
    kind, _, name = word.partition("/")
    resource = _known(call, kind)
    namespace = "" if call.everywhere else call.namespace
    if resource is not None and not call.everywhere and not resource.namespaced:
        where = f" in group '{resource.group}'" if resource.group else ""
        call.err(f"Warning: resource '{resource.plural}' is not namespace scoped{where}\n\n")
    if verb not in _RESOURCE_VERBS:
        call.err(f"Warning: verb '{verb}' is not a known verb\n\n")
    asked: dict[str, Any] = {"namespace": namespace, "verb": verb, "name": name}
    asked["subresource"] = call.flags.text("subresource")
    if resource is not None:
        asked |= {"group": resource.group, "resource": resource.plural}
    else:
        plain, _, group = kind.partition(".")
        asked |= {"group": group, "resource": plain}
    return {"resourceAttributes": {field: value for field, value in asked.items() if value}}


def _known(call: Call, kind: str) -> Resource | None:
    if kind == "*":
        return None
    found = call.scheme.find(kind)
    if found is None:
        plain, _, group = kind.partition(".")
        where = f" in group '{group}'" if group else ""
        call.err(f"Warning: the server doesn't have a resource type '{plain}'{where}\n\n")
    return found


def _list(call: Call) -> None:
    if call.args:
        raise CommandError("list option must be specified with no arguments")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "metadata": {},
        "spec": {"namespace": call.namespace},
    }
    status = call.session.object("POST", f"{_AUTHORIZATION}/selfsubjectrulesreviews", body=review)["status"]
    if status.get("incomplete"):
        call.err(f"warning: the list may be incomplete: {status.get('evaluationError', '')}\n")
    writer = TabWriter()
    if not call.flags.on("no-headers"):
        writer.row(("Resources", "Non-Resource URLs", "Resource Names", "Verbs"))
    for rule in compact([*(status.get("resourceRules") or ()), *(status.get("nonResourceRules") or ())]):
        writer.row(columns(rule))
    call.out(writer.flush())


def whoami(call: Call) -> None:
    """Carry out `kubectl auth whoami`."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    answer = call.session.object("POST", _WHOAMI, body=review)
    printer = call.printer(ordered=False)
    if printer is not None:
        call.out(printer(as_struct(answer)))
        return
    writer = TabWriter()
    writer.row(("ATTRIBUTE", "VALUE"))
    for row in _attributes((answer.get("status") or {}).get("userInfo") or {}):
        writer.row(row)
    call.out(writer.flush())


def _attributes(info: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    rows = []
    if info.get("username"):
        rows.append(("Username", info["username"]))
    if info.get("uid"):
        rows.append(("UID", info["uid"]))
    if info.get("groups"):
        rows.append(("Groups", go_words(info["groups"])))
    extra = info.get("extra") or {}
    return [*rows, *((f"Extra: {key}", go_words(extra[key])) for key in sorted(extra))]


def _reconcile(call: Call) -> None:
    if not call.files:
        raise CommandError("must specify one of -f and -k")
    for target in manifests(call):
        reconcile(call, target)


AUTH = Verb(
    "auth",
    "Inspect authorization",
    verbs=(
        Verb(
            "can-i",
            "Check whether an action is allowed",
            can_i,
            (
                Flag("all-namespaces", "A", kind="switch"),
                Flag("list", kind="switch"),
                Flag("no-headers", kind="switch"),
                Flag("quiet", "q", kind="switch"),
                Flag("subresource"),
            ),
        ),
        Verb(
            "reconcile",
            "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
            _reconcile,
            (
                *PRINTING,
                DRY_RUN,
                *FILES,
                Flag("remove-extra-permissions", kind="switch"),
                Flag("remove-extra-subjects", kind="switch"),
            ),
        ),
        Verb("whoami", "Experimental: Check self subject attributes", whoami, PRINTING),
    ),
)
