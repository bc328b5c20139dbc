"""The node lifecycle controller: notices that a node is lost, and says so.

A kubelet gives a sign of life by renewing its Lease. If none comes for the grace period, the controller sets the
node's conditions to Unknown and marks its pods as not ready, so that nothing is sent to them; taints follow from
the conditions. The taint NoExecute, which in the end costs the pods their life, is given to one node in ten
seconds only, and to none at all when so many nodes are silent that the trouble must be elsewhere. Upstream:
`pkg/controller/nodelifecycle`.
"""

from __future__ import annotations

import math

from k8snb.client.controller import Context, Controller
from k8snb.clock import Timer, parse_time
from k8snb.controllers import nodehealth
from k8snb.controllers.endpoint import ZONE_LABEL
from k8snb.controllers.nodehealth import Heartbeats
from k8snb.controllers.nodepods import pods_on
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.written import Written
from k8snb.i18n import _
from k8snb.machinery.objects import condition, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"


class Zone:
    """The nodes of one zone: how many, which are not ready, and when the next one may be tainted NoExecute."""

    def __init__(self) -> None:
        self.nodes: set[str] = set()
        self.unready: set[str] = set()
        self.next_taint = 0.0

    def rate(self, settings: Settings) -> float:
        """How many nodes per second may be tainted NoExecute."""
        unready, total = len(self.unready), len(self.nodes)
        if unready > 2 and unready < total and unready / total >= settings.unhealthy_zone_threshold:
            large = total > settings.large_cluster_size_threshold
            return settings.secondary_node_eviction_rate if large else 0.0
        return settings.node_eviction_rate


class NodeLifecycleController(Controller):
    """Watches over the nodes' health."""

    name = "node-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._settings = settings
        self._nodes = self.informers.of("nodes")
        self._pods = self.informers.of("pods")
        self._heartbeats = Heartbeats(settings.node_monitor_grace_period)
        self._zones: dict[str, Zone] = {}
        self._zone_of: dict[str, str] = {}
        self._waiting: dict[str, float] = {}
        self._timer: Timer | None = None
        self._written = Written()

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)
        self.informers.of(LEASES).on_change(self._lease_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["metadata"].get("namespace") == LEASE_NAMESPACE:
            node = new["metadata"]["name"]
            if self._heartbeats.known(node):
                self._heartbeats.hear(node, self.clock.now())

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._node_left(old)
            return
        name = new["metadata"]["name"]
        if old is None:
            self._hear_first(new)
            message = f"Node {name} event: Registered Node {name} in Controller"
            self.events.normal(_reference(new), "RegisteredNode", message)
        elif _heartbeat(old) != _heartbeat(new):
            self._heartbeats.hear(name, self.clock.now())
        if old is None or self._matters(old, new):
            self._place(new)
            self.queue.add(ObjectKey("", name), revision_of(new))
        self._arm()

    def _node_left(self, old: Object) -> None:
        name = old["metadata"]["name"]
        self._heartbeats.forget(name)
        self._written.forget(old["metadata"]["uid"])
        self._waiting.pop(name, None)
        zone = self._zones[self._zone_of.pop(name)]
        zone.nodes.discard(name)
        zone.unready.discard(name)
        message = f"Node {name} event: Removing Node {name} from Controller"
        self.events.normal(_reference(old), "RemovingNode", message)

    def _hear_first(self, node: Object) -> None:
        """A node that has never posted its status may take a little longer, counted from its creation."""
        when = self.clock.now()
        if condition(node, "Ready") is None:
            extra = self._settings.node_startup_grace_period - self._settings.node_monitor_grace_period
            when = parse_time(node["metadata"]["creationTimestamp"]) + extra
        self._heartbeats.hear(node["metadata"]["name"], when)

    @staticmethod
    def _matters(old: Object, new: Object) -> bool:
        def facts(node: Object) -> tuple[object, ...]:
            conditions = (node.get("status") or {}).get("conditions") or ()
            spec = node["spec"]
            statuses = [(each["type"], each["status"]) for each in conditions]
            return statuses, spec.get("unschedulable"), spec.get("taints"), labels_of(node).get(ZONE_LABEL)

        return facts(old) != facts(new)

    def _place(self, node: Object) -> None:
        """Keep the books on zones; a change there may free those that wait for their taint."""
        name, where = node["metadata"]["name"], labels_of(node).get(ZONE_LABEL, "")
        before = self._zone_of.get(name)
        if before is not None and before != where:
            self._zones[before].nodes.discard(name)
            self._zones[before].unready.discard(name)
        self._zone_of[name] = where
        zone = self._zones.setdefault(where, Zone())
        zone.nodes.add(name)
        was = name in zone.unready
        if nodehealth.is_ready(node):
            zone.unready.discard(name)
        else:
            zone.unready.add(name)
        if was != (name in zone.unready):
            for waiting in self._waiting:
                self.queue.add(ObjectKey("", waiting), revision_of(node))

    def _arm(self) -> None:
        """Set the timer for the node that will be overdue first, on the grid of the monitor period."""
        due = self._heartbeats.next_due()
        if due is None:
            return
        when = self._next_pass(max(due, self.clock.now()))
        if self._timer is not None and self._timer.call is not None:
            if self._timer.when <= when:
                return
            self._timer.cancel()
        self._timer = self.clock.call_at(when, self._monitor, background=True)

    def _monitor(self) -> None:
        for node in self._heartbeats.overdue(self.clock.now()):
            self.queue.add(ObjectKey("", node))
        self._timer = None
        self._arm()

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        node = self._nodes.get(*key)
        if node is None:
            return None
        node = self._written.newest(node)
        ready = condition(node, "Ready")
        self.saw(ready=None if ready is None else ready["status"])
        if self._heartbeats.is_silent(key.name, self.clock.now()):
            node = self._silence(node)
        wait = self._taint(node)
        if wait is not None:
            self.queue.add_after(key, wait, background=True)
        return None

    def _silence(self, node: Object) -> Object:
        """Say that the node is lost, and its pods with it."""
        before = (node.get("status") or {}).get("conditions") or []
        conditions = nodehealth.silenced(node, self.clock.timestamp())
        if conditions == before:
            return node
        name = node["metadata"]["name"]
        self.wants(
            _("{node} has not been heard of for {seconds:.0f} s: its conditions become Unknown"),
            node=name,
            seconds=self._settings.node_monitor_grace_period,
        )
        was_ready = nodehealth.is_ready(node)
        self.compares("Ready", (condition(node, "Ready") or {}).get("status"), "Unknown")
        status = {**(node.get("status") or {}), "conditions": conditions}
        node = self._written.note(self.client.update_status("nodes", {**node, "status": status}))
        self._place(node)
        if was_ready:
            self.events.normal(_reference(node), "NodeNotReady", f"Node {name} status is now: NodeNotReady")
            self._mark_pods(name)
        return node

    def _mark_pods(self, node: str) -> None:
        now = self.clock.timestamp()
        for pod in pods_on(self._pods, node):
            status = nodehealth.unready_pod_status(pod, now)
            if status is None:
                continue
            meta = pod["metadata"]
            ready = next(each for each in status["conditions"] if each["type"] == "Ready")
            change = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": [ready]}}
            self.client.patch("pods", meta["name"], change, meta["namespace"], kind="strategic", subresource="status")
            self.events.warning(pod, "NodeNotReady", "Node is not ready")

    def _taint(self, node: Object) -> float | None:
        """Bring the taints in line with the conditions; in how many seconds NoExecute may follow."""
        schedule = nodehealth.schedule_taints(node)
        execute, wait = self._execute(node)
        before = node["spec"].get("taints") or []
        taints = nodehealth.with_taints(node, schedule, execute, self.clock.timestamp())
        if taints != before:
            shown = _shown(taints)
            self.compares(_("taints"), _shown(before), shown)
            self.wants(_("the taints have to follow the conditions: {taints}"), taints=shown)
            meta = node["metadata"]
            change = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "spec": {"taints": taints or None}}
            self._written.note(self.client.patch("nodes", meta["name"], change))
        return wait

    def _execute(self, node: Object) -> tuple[str | None, float | None]:
        """The NoExecute taint to have (None: as it is), and how long it has to wait."""
        name, wanted = node["metadata"]["name"], nodehealth.execute_taint(node)
        present = [each["key"] for each in node["spec"].get("taints") or () if each["effect"] == "NoExecute"]
        if not wanted or any(key in (nodehealth.NOT_READY, nodehealth.UNREACHABLE) for key in present):
            self._waiting.pop(name, None)
            return wanted, None
        now = self.clock.now()
        zone = self._zones[self._zone_of[name]]
        due = max(self._waiting.setdefault(name, self._next_pass(now)), zone.next_taint)
        rate = 0.0 if self._everything_is_down() else zone.rate(self._settings)
        if rate == 0:
            self.wants(_("too many nodes are silent at once: no pod is evicted"))
            return None, None
        if now < due:
            return None, due - now
        zone.next_taint = now + 1 / rate
        del self._waiting[name]
        return wanted, None

    def _next_pass(self, now: float) -> float:
        """When node health is looked at next: now, if this is such a moment."""
        period = self._settings.node_monitor_period
        return math.ceil(now / period) * period

    def _everything_is_down(self) -> bool:
        return all(len(zone.unready) == len(zone.nodes) for zone in self._zones.values())


def _heartbeat(node: Object) -> str:
    found = condition(node, "Ready")
    return "" if found is None else str(found.get("lastHeartbeatTime", ""))


def _reference(node: Object) -> Object:
    """The node as its events name it."""
    meta = node["metadata"]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": meta["name"], "uid": meta["uid"]}}


def _shown(taints: list[Object]) -> str:
    return ", ".join(f"{each['key']}:{each['effect']}" for each in taints) or _("none")
