"""Priority and fairness: which flow schema and which priority level a request falls to, and whether there is room.

One thread answers one request after the other, so a request is in the way of others only while it waits for a webhook
outside. A level has seats by its shares and, if it queues, room in its queues; a request for which there is neither is
refused. Nobody is kept waiting for a seat. Upstream: `apiserver/pkg/util/flowcontrol/rule.go`, `apf_controller.go` and
`server/filters/priority-and-fairness.go`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import RequestInfo, User

Headers: TypeAlias = Mapping[str, str]

SCHEMA, LEVEL = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
_GROUP = "flowcontrol.apiserver.k8s.io"
_ACCOUNT = "system:serviceaccount:"
_KEPT = 4096
_SEATS = 600
"""How many requests are served at once, of all levels together: `--max-requests-inflight` and its mutating twin."""


class Flows:
    """Knows the schemas of a store; what was found for a user and a kind of request is found once."""

    def __init__(self, store: Store) -> None:
        self._schemas = store.bucket(f"flowschemas.{_GROUP}")
        self._levels = store.bucket(f"prioritylevelconfigurations.{_GROUP}")
        self._known: dict[tuple[object, ...], Headers] = {}
        self._room: dict[str, float] = {}
        self._present: Counter[str] = Counter()
        """How many requests of each level, by its UID, are being served or would be waiting."""
        for bucket in (self._schemas, self._levels):
            store.watch(bucket, lambda _: self._changed())

    def _changed(self) -> None:
        self._known.clear()
        self._room.clear()

    def enter(self, level: str) -> bool:
        """Whether there is room for one more request of a level; it has to `leave` then."""
        if not self._room:
            self._room = {each["metadata"]["uid"]: self._room_of(each) for each in self._levels.objects()}
        if self._present[level] >= self._room.get(level, math.inf):
            return False
        self._present[level] += 1
        return True

    def leave(self, level: str) -> None:
        """A request of a level has been answered."""
        self._present[level] -= 1

    def _room_of(self, level: Object) -> float:
        """How many requests a level holds at once, in seats and in queues."""
        limited = level["spec"].get("limited")
        if limited is None:
            return math.inf
        shares = [_shares(each) for each in self._levels.objects()]
        seats = math.ceil(_SEATS * _shares(level) / max(sum(shares), 1))
        queuing = (limited.get("limitResponse") or {}).get("queuing")
        return seats + (queuing["queues"] * queuing["queueLengthLimit"] if queuing and seats else 0)

    def headers(self, user: User, info: RequestInfo, path: str) -> Headers:
        """What the answer to a request says of the flow that it was in."""
        resource = info.resource
        asked = path if resource is None else (resource, info.subresource, info.namespace)
        key = (user, info.verb, asked)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[key] = self._find(user, info, path)
        return found

    def _find(self, user: User, info: RequestInfo, path: str) -> Headers:
        for schema in sorted(self._schemas.objects(), key=_order):
            if any(_covers(rule, user, info, path) for rule in schema["spec"].get("rules") or ()):
                level = self._levels.event("", schema["spec"]["priorityLevelConfiguration"]["name"])
                uid = level.object["metadata"]["uid"] if level is not None else ""
                return {SCHEMA: schema["metadata"]["uid"], LEVEL: uid}
        return {}


def _shares(level: Object) -> int:
    limited = level["spec"].get("limited") or level["spec"].get("exempt") or {}
    return int(limited.get("nominalConcurrencyShares") or 0)


def _order(schema: Object) -> tuple[int, str]:
    return int(schema["spec"].get("matchingPrecedence", 1000)), schema["metadata"]["name"]


def _covers(rule: Object, user: User, info: RequestInfo, path: str) -> bool:
    if not any(_is(subject, user) for subject in rule["subjects"]):
        return False
    if info.resource is None:
        return any(
            _among(each["verbs"], info.verb) and _names(each, path) for each in rule.get("nonResourceRules") or ()
        )
    return any(_asks(each, info) for each in rule.get("resourceRules") or ())


def _is(subject: Object, user: User) -> bool:
    kind = subject["kind"]
    if kind == "User":
        return subject["user"]["name"] in ("*", user.name)
    if kind == "Group":
        return subject["group"]["name"] == "*" or subject["group"]["name"] in user.groups
    account = subject["serviceAccount"]
    lead = f"{_ACCOUNT}{account['namespace']}:"
    return user.name.startswith(lead) and account["name"] in ("*", user.name.removeprefix(lead))


def _among(words: Sequence[str], word: str) -> bool:
    return "*" in words or word in words


def _names(rule: Mapping[str, Any], path: str) -> bool:
    return any(
        url in ("*", path) or (url.endswith("/*") and path.startswith(url[:-1])) for url in rule["nonResourceURLs"]
    )


def _asks(rule: Mapping[str, Any], info: RequestInfo) -> bool:
    resource = info.resource
    assert resource is not None
    word = f"{resource.plural}/{info.subresource.partition('/')[0]}" if info.subresource else resource.plural
    if not (_among(rule["verbs"], info.verb) and _among(rule["apiGroups"], resource.group)):
        return False
    if not _among(rule["resources"], word):
        return False
    return _among(rule.get("namespaces") or (), info.namespace) if info.namespace else bool(rule.get("clusterScope"))
