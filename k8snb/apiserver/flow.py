"""Priority and fairness: which flow schema and which priority level a request falls to.

A schema covers requests by who sends them and what they ask for; the first one in order of precedence decides the level
and what counts as one flow there: everything, or each user's or each namespace's requests. What was found for a user
and a kind of request is found once. Upstream: `apiserver/pkg/util/flowcontrol/rule.go`, `apf_controller.go`,
`request/list_work_estimator.go` and `server/filters/priority-and-fairness.go`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.lending import Lending, Limits
from k8snb.apiserver.levels import Level, Plan, Tally
from k8snb.clock import Clock
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import RequestInfo, User

SCHEMA, LEVEL = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
_GROUP = "flowcontrol.apiserver.k8s.io"
_ACCOUNT = "system:serviceaccount:"
_KEPT = 4096
_SEATS = 600
"""How many requests are served at once, of all levels together: `--max-requests-inflight` and its mutating twin."""
_OBJECTS_PER_SEAT = 100
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
"""Subresources whose requests last as long as they like and take no seat."""


class Flow(NamedTuple):
    """The schema and the level that a request falls to."""

    schema: str
    level: Level
    tally: Tally
    headers: Mapping[str, str]
    """What the answer says of the two."""
    method: str = ""
    """What tells one flow of the schema from another: `ByUser`, `ByNamespace`, or nothing."""

    def name(self, user: User, info: RequestInfo) -> str:
        """The flow of a request, by which its queues are dealt."""
        mark = {"ByUser": user.name, "ByNamespace": info.namespace}.get(self.method, "")
        return f"{self.schema}\0{mark}"


class Flows:
    """Knows the schemas and levels of a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._clock = clock
        self._schemas = store.bucket(f"flowschemas.{_GROUP}")
        self._configurations = store.bucket(f"prioritylevelconfigurations.{_GROUP}")
        self._known: dict[tuple[object, ...], Flow | None] = {}
        self._levels: dict[str, Level] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._planned = False
        self.hold = True
        """Whether there may be a level at which requests have to wait though nobody else asks."""
        self.lending = Lending(clock, self._dealt)
        for bucket in (self._schemas, self._configurations):
            store.watch(bucket, lambda _: self._changed())

    def _changed(self) -> None:
        self._known.clear()
        self._planned, self.hold = False, True

    def levels(self) -> Mapping[str, Level]:
        """The levels that there are now, by name; those that were there before keep who is in them."""
        if not self._planned:
            self._planned = True
            configured = {each["metadata"]["name"]: each for each in self._configurations.objects()}
            total = max(sum(map(_shares, configured.values())), 1)
            self._levels = {name: self._levels.get(name) or Level(name, self._clock) for name in configured}
            limits = {}
            for name, level in self._levels.items():
                plan = _plan(configured[name], total)
                level.follow(plan)
                limits[name] = _limits(configured[name], plan.nominal)
            self.lending.configure(self._levels, limits)
            self._dealt()
        return self._levels

    def _dealt(self) -> None:
        self.hold = any(level.plan.holds for level in self._levels.values())

    def tallies(self) -> Iterator[tuple[dict[str, str], Tally]]:
        """What has been counted, with the labels of the metrics."""
        for (level, schema), tally in sorted(self._tallies.items()):
            yield {"flow_schema": schema, "priority_level": level}, tally

    def of(self, user: User, info: RequestInfo, path: str) -> Flow | None:
        """The flow of a request; None if it takes no seat anywhere."""
        resource = info.resource
        key = (user, info.verb, path if resource is None else (resource, info.subresource, info.namespace))
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[key] = self._find(user, info, path)
            return found

    def _find(self, user: User, info: RequestInfo, path: str) -> Flow | None:
        if info.resource is not None and info.verb != "watch" and info.subresource.partition("/")[0] in _LASTING:
            return None
        for schema in sorted(self._schemas.objects(), key=_order):
            if any(_covers(rule, user, info, path) for rule in schema["spec"].get("rules") or ()):
                return self._flow(schema)
        return None

    def _flow(self, schema: Object) -> Flow | None:
        name = schema["spec"]["priorityLevelConfiguration"]["name"]
        level, event = self.levels().get(name), self._configurations.event("", name)
        if level is None or event is None:
            return None
        headers = {SCHEMA: schema["metadata"]["uid"], LEVEL: event.object["metadata"]["uid"]}
        own = schema["metadata"]["name"]
        method = (schema["spec"].get("distinguisherMethod") or {}).get("type", "")
        return Flow(own, level, self._tallies.setdefault((name, own), Tally()), headers, method)


def seats(level: Level, info: RequestInfo, query: Mapping[str, str], stored: int) -> int:
    """How many seats a request takes: lists take more, by how many objects have to be looked at."""
    if info.verb != "list" or level.plan.seats == math.inf:
        return 1
    limit = int(query["limit"]) if query.get("limit", "").isdecimal() else 0
    looked = stored
    if limit and query.get("resourceVersion") != "0":
        selects = query.get("labelSelector") or query.get("fieldSelector")
        looked = min(stored + limit if selects else 2 * limit, max(stored, 1))
    return max(1, min(math.ceil(looked / _OBJECTS_PER_SEAT), level.plan.widest))


def _plan(configuration: Object, total: int) -> Plan:
    """What a level has, where all levels together have so many shares."""
    nominal = math.ceil(_SEATS * _shares(configuration) / total)
    limited = configuration["spec"].get("limited")
    if limited is None:
        return Plan(math.inf, nominal)
    queuing = (limited.get("limitResponse") or {}).get("queuing")
    if not queuing:
        return Plan(nominal, nominal)
    return Plan(nominal, nominal, queuing["queues"], queuing["handSize"], queuing["queueLengthLimit"])


def _limits(level: Object, nominal: int) -> Limits:
    """Between which numbers a level may have seats: less what it lends, and what it may borrow on top."""
    spec = level["spec"].get("limited") or level["spec"].get("exempt") or {}
    lendable = _half_up(nominal * int(spec.get("lendablePercent") or 0) / 100)
    percent = spec.get("borrowingLimitPercent")
    borrowed = _SEATS if percent is None else _half_up(nominal * int(percent) / 100)
    return Limits(nominal, nominal - lendable, nominal + borrowed)


def _half_up(number: float) -> int:
    return math.floor(number + 0.5)


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
