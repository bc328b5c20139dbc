"""The default policy, put right whenever an API server starts.

Roles and bindings that are missing are made again; those that are there get the permissions and subjects that they
lack, and keep what they have beyond that. An object whose annotation `rbac.authorization.kubernetes.io/autoupdate` says
`false` is left alone. So a deleted binding of a component is back after a restart.

Upstream: the hook `rbac/bootstrap-roles` (`pkg/registry/rbac/rest`) and `component-helpers/auth/rbac/reconciliation`.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.apiserver.access.policy import AUTO_UPDATE, BUCKETS, defaults
from k8snb.apiserver.access.rules import uncovered
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, User

_SERVER = User("system:apiserver", ("system:masters",))

Read = Callable[[str, str, str], Object | None]
Send = Callable[[Request], object]


def restore(read: Read, send: Send, resource: Callable[[str], Resource]) -> None:
    """Put right what is missing of the default policy, by requests of the API server to itself."""
    for wanted in defaults():
        word, meta = BUCKETS[wanted["kind"]], wanted["metadata"]

        def order(verb: str, body: Object | None, word: str = word, meta: Object = meta) -> None:
            info = RequestInfo(verb, resource(word), meta.get("namespace", ""), meta["name"])
            send(Request(info=info, object=body, user=_SERVER))

        found = read(word, meta.get("namespace", ""), meta["name"])
        if found is None:
            order("create", wanted)
        elif annotations_of(found).get(AUTO_UPDATE) == "false":
            continue
        elif found.get("roleRef") != wanted.get("roleRef"):  # a binding's role cannot be changed
            order("delete", None)
            order("create", wanted)
        elif (whole := completed(found, wanted)) is not found:
            order("update", whole)


def completed(found: Object, wanted: Object) -> Object:
    """A role or a binding with what it lacks; the same object if that is nothing."""
    if "roleRef" in wanted:
        subjects = found.get("subjects") or []
        lacking = [each for each in wanted.get("subjects") or () if each not in subjects]
        return {**found, "subjects": [*subjects, *lacking]} if lacking else found
    if "aggregationRule" in wanted:  # its rules are gathered from others
        return found
    rules = found.get("rules") or []
    missing = uncovered(rules, wanted["rules"]) if rules != wanted["rules"] else ()
    return {**found, "rules": [*rules, *missing]} if missing else found
