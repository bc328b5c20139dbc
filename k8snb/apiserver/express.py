"""The express counter: the few requests that a busy cluster consists of, without ceremony.

When many pods start, nearly all that parts of the cluster ask for is this: one more pod of a known template, a binding,
the status of a pod, an event. Each is here one short function that does what the filters, the decoder and the
general ways of `writing` and `subresources` would come to: the same object, the same revision, the same watch events.
It applies where that can be seen at a glance, by identity: the writer holds the newest version of the pod, the parts
of a status have been checked before, what admission looked at has not changed. Everything else it declines, and the
client sends an ordinary request, which is answered or refused in the ordinary way.

Only those are served whom an ordinary request has shown to be allowed, for as long as no role and no binding changes.
A server that keeps a trace has no express counter, because requests are what a trace shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.admission.pod_topology_labels import PodTopologyLabels
from k8snb.apiserver.authors import Authors
from k8snb.apiserver.bound_statuses import BoundStatuses, PlacedSpecs
from k8snb.apiserver.identity import is_simple
from k8snb.apiserver.kinds import Kinds
from k8snb.apiserver.ownership import History, Write, next_past
from k8snb.apiserver.registry.pod_status import is_sound
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock
from k8snb.machinery.recorded import RecordedEvent
from k8snb.store.bucket import Deliver
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import User

MAX_NAME = 253
Recorded = tuple[User, RecordedEvent]
Granted = Mapping[tuple[User, Resource | None, str, str], Any]
"""What has been allowed to whom, whatever the name and the namespace: user, resource, verb, subresource."""


class Express:
    """The express counter of one server."""

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        clock: Clock,
        admission: Chain,
        writer: Writer,
        granted: Granted,
        authors: Authors,
    ) -> None:
        self._store = store
        self._authors = authors
        self._clock = clock
        self._bound_statuses = BoundStatuses(clock)
        self._placed_specs = PlacedSpecs()
        self._admission = admission
        self._writer = writer
        self._granted = self._served = granted
        self._pods = kinds.named("pods")
        self._events = kinds.named("events")
        self._nodes = store.bucket("nodes")
        self._quotas = store.bucket("resourcequotas")
        self._seen = -1
        self._plain_nodes: set[str] = set()
        self._second = ""
        self._status_writes: dict[User, Write] = {}
        """How the history notes a pod status that a user writes in this second."""
        self._look()

    def close(self, closed: bool) -> None:
        """Serve nobody, or go on: where requests are written down each has to be one."""
        self._granted = {} if closed else self._served

    def forget(self) -> None:
        """Webhooks or policies have changed: find out anew whom admission looks at, when somebody asks."""
        self._seen = -1
        self._looked = False

    def _look(self) -> None:
        pods, admission = self._pods.resource, self._admission
        self._status_is_free = admission.spares(pods, "status", "UPDATE")
        self._binding_is_free = admission.only(PodTopologyLabels, pods, "binding")
        self._looked = True

    def create(self, user: User, pod: Object, namespace: str, count: int) -> list[Object]:
        """More pods of a template that is known; none where quotas may refuse them one by one."""
        kind = self._pods
        if self._quotas.namespaces.get(namespace) or (user, kind.resource, "create", "") not in self._granted:
            return []
        return self._writer.from_template(kind, namespace, pod, user, count)

    def put_status(self, user: User, pod: Object, status: Object, but: Deliver | None = None) -> Object | None:
        """Another status for a pod, of which `pod` is the newest version; the watcher `but` is not told of it."""
        meta, kind = pod["metadata"], self._pods
        namespace, name = meta["namespace"], meta["name"]
        event = kind.bucket.names(namespace).get(name)
        if event is None or event.object is not pod or "deletionTimestamp" in meta:
            return None
        if not self._looked:
            self._look()
        if not self._status_is_free:
            return None
        if (user, kind.resource, "update", "status") not in self._granted or not is_sound(status, pod):
            return None
        if status == pod["status"]:
            return pod
        fresh = _copy(pod)
        fresh["metadata"], fresh["status"] = _copy(meta), status
        second = self._clock.timestamp()
        if second is not self._second:
            self._second = second
            self._status_writes.clear()
        by = self._status_writes.get(user)
        if by is None:
            by = self._status_writes[user] = self._authors.of(kind.resource, "status", user)
        past = next_past(event, by)
        made = self._store.update(kind.bucket, namespace, name, fresh, 0, past or by, but)
        if past is None:
            History.follow(made)
        return fresh

    def bind(self, user: User, pod: Object, node: str) -> Object | None:
        """A node for a pod, of which `pod` is the newest version."""
        meta, spec, kind = pod["metadata"], pod["spec"], self._pods
        namespace, name = meta["namespace"], meta["name"]
        event = kind.bucket.names(namespace).get(name)
        if event is None or event.object is not pod or "deletionTimestamp" in meta:
            return None
        if "nodeName" in spec or "schedulingGates" in spec or "conditions" in pod["status"]:
            return None
        if (user, kind.resource, "create", "binding") not in self._granted or not self._is_plain(node):
            return None
        bound, placed = _copy(pod), self._placed_specs.of(spec)
        placed["nodeName"] = node
        bound["metadata"], bound["spec"] = _copy(meta), placed
        bound["status"] = self._bound_statuses.after(pod["status"], meta.get("generation"))
        past = next_past(event, None, bound["status"])
        made = self._store.update(kind.bucket, namespace, name, bound, 0, past)
        if past is None:
            History.follow(made)
        return bound

    def _is_plain(self, node: str) -> bool:
        """Whether admission adds nothing to a binding to that node; that holds until some node changes."""
        if self._nodes.changed != self._seen:
            self._seen = self._nodes.changed
            self._plain_nodes.clear()
        if node in self._plain_nodes:
            return True
        if not self._looked:
            self._look()
        if not node or not self._binding_is_free:
            return False
        binding: Object = {"target": {"kind": "Node", "name": node}}
        asked = Attributes("CREATE", self._pods.resource, "", "", "binding", binding, None, _NOBODY, False)
        if self._admission.admit(asked) is not binding:
            return False
        self._plain_nodes.add(node)
        return True

    def record(self, waiting: Iterator[Recorded]) -> Recorded | None:
        """Store events, each as its user recorded it, up to one that has to go the ordinary way; None at the end.

        An event is named after its object, so what is named after a pod that is here is well named.
        """
        kind, granted = self._events, self._granted
        chosen: dict[str, RecordedEvent] = {}
        asked, welcome, is_open, space, taken, pods = None, False, False, "", _NO_NAMES, _NO_NAMES
        found = None
        for entry in waiting:
            user, event = entry
            if user is not asked:
                asked, welcome = user, (user, kind.resource, "create", "") in granted
            if event.shape.namespace != space:
                self._store.create_all(kind.bucket, space, chosen, kind.ttl)
                space, chosen = event.shape.namespace, {}
                taken, pods = kind.bucket.names(space), self._pods.bucket.names(space)
                is_open = self._writer.is_open(kind, space)
            name = event.name
            sound = (event.about[0] in pods and len(name) <= MAX_NAME) or is_simple(name)
            if not (welcome and is_open and sound) or name in taken or name in chosen:
                found = entry
                break
            chosen[name] = event
        self._store.create_all(kind.bucket, space, chosen, kind.ttl)
        return found


_copy: Callable[[Object], dict[str, Any]] = dict.copy  # type: ignore[assignment]
"""What is stored is a plain dictionary, and its copy shares what a form shares (`machinery/forms.py`)."""
_NO_NAMES: Mapping[str, Any] = {}
_NOBODY = User("")
