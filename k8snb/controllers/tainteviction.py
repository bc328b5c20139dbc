"""Taint eviction: deletes pods that do not tolerate a NoExecute taint of their node, in their time.

A pod that tolerates the taint for 300 seconds is deleted after 300 seconds, unless the taint goes first; then the
deletion is called off. Upstream: `pkg/controller/tainteviction`.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.client.controller import Context, Controller
from k8snb.clock import Timer
from k8snb.controllers.disruption import Disruption, mark_disrupted
from k8snb.controllers.nodepods import pods_on
from k8snb.controllers.refusals import delete
from k8snb.controllers.tolerations import no_execute, tolerated_for
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of, revision_of
from k8snb.typing import Object, ObjectKey

EVENT = "TaintManagerEviction"


class Appointment(NamedTuple):
    """A deletion that is going to happen: of which pod, and its timer."""

    uid: str
    timer: Timer


class TaintEvictionController(Controller):
    """Enforces NoExecute taints. A key without a namespace is a node, any other one a pod."""

    name = "taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._nodes = self.informers.of("nodes")
        self._pods = self.informers.of("pods")
        self._tainted: dict[str, list[Object]] = {}
        self._planned: dict[ObjectKey, Appointment] = {}
        self._due: set[ObjectKey] = set()

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        node = new if new is not None else old
        assert node is not None
        name = node["metadata"]["name"]
        taints = no_execute(node["spec"].get("taints") or ()) if new is not None else []
        if taints == self._tainted.get(name, []):
            return
        if taints:
            self._tainted[name] = taints
        else:
            self._tainted.pop(name, None)
        self.queue.add(ObjectKey("", name), revision_of(node))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if not self._tainted and not self._planned:
            return
        pod = new if new is not None else old
        assert pod is not None
        key = key_of(pod)
        moved = old is None or new is None or old["spec"] is not new["spec"]
        if moved and (pod["spec"].get("nodeName") in self._tainted or key in self._planned):
            self.queue.add(key, revision_of(pod))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace:
            self._look_at(key)
            return None
        taints = self._tainted.get(key.name, [])
        pods = pods_on(self._pods, key.name)
        self.saw(taints=[taint["key"] for taint in taints], pods=len(pods))
        for pod in pods:
            self._judge(key_of(pod), pod, taints)
        return None

    def _look_at(self, key: ObjectKey) -> None:
        pod = self._pods.get(*key)
        planned = self._planned.get(key)
        if pod is None or (planned is not None and planned.uid != pod["metadata"]["uid"]):
            self._forget(key)
        if pod is None:
            return
        if key in self._due:
            self.compares(_("tolerated for"), _("0 s"), _("for ever"))
            self.wants(_("the time for which {pod} tolerates the taints is over: delete it"), pod=key.name)
            self._evict(key, pod)
            return
        self._judge(key, pod, self._tainted.get(pod["spec"].get("nodeName", ""), []))

    def _judge(self, key: ObjectKey, pod: Object, taints: list[Object]) -> None:
        """Delete the pod now, later or not at all."""
        seconds = tolerated_for(pod, taints) if taints else None
        if seconds is None:
            self._call_off(key, pod)
            return
        if is_deleting(pod):
            return
        if seconds == 0:
            self._call_off(key, pod)
            self.compares(_("tolerated for"), _("0 s"), _("for ever"))
            self.wants(_("{pod} does not tolerate a NoExecute taint of its node: delete it"), pod=key.name)
            self._evict(key, pod)
            return
        self._plan(key, pod, seconds)

    def _plan(self, key: ObjectKey, pod: Object, seconds: float) -> None:
        """Plan the deletion. A plan that exists stands, as upstream, even if the toleration is shorter by now."""
        if key in self._planned:
            return
        self.compares(_("tolerated for"), _("{seconds:.0f} s").format(seconds=seconds), _("for ever"))
        self.wants(
            _("{pod} tolerates the taints of its node for {seconds:.0f} s: delete it then"),
            pod=key.name,
            seconds=seconds,
        )
        cause = self.trace.current.cause if self.trace.current is not None else 0
        timer = self.clock.call_later(seconds, lambda: self._expired(key, cause), background=True)
        self._planned[key] = Appointment(pod["metadata"]["uid"], timer)

    def _expired(self, key: ObjectKey, cause: int) -> None:
        self._due.add(key)
        self.queue.add(key, cause)

    def _call_off(self, key: ObjectKey, pod: Object) -> None:
        if self._forget(key):
            self.wants(_("{pod} may stay after all: call its deletion off"), pod=key.name)
            self.events.normal(pod, EVENT, f"Cancelling deletion of Pod {key}")

    def _forget(self, key: ObjectKey) -> bool:
        self._due.discard(key)
        planned = self._planned.pop(key, None)
        if planned is None:
            return False
        planned.timer.cancel()
        return True

    # -- evicting ----------------------------------------------------------------------------------

    def _evict(self, key: ObjectKey, pod: Object) -> None:
        self._forget(key)
        if is_deleting(pod):
            return
        self.events.normal(pod, EVENT, f"Marking for deletion Pod {key}")
        mark = Disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
        mark_disrupted(self.client, pod, mark, self.clock.timestamp())
        delete(self.client, "pods", key.name, key.namespace, uid=pod["metadata"]["uid"])
