"""Pod garbage collection: removes pods that nobody else will.

Four kinds: pods of a node that no longer exists (after a quarantine of 40 seconds, should it come back), pods on
their way out on a node that is marked as out of service, pods on their way out that never got a node, and the oldest
ended pods beyond a threshold. Every 20 seconds there is a pass, if there is anything to look at; what there is to
look at is noted as it happens, so that a pass does not read every pod. Upstream: `pkg/controller/podgc`.
"""

from __future__ import annotations

import math

from k8snb.client.controller import Context, Controller
from k8snb.clock import Timer
from k8snb.controllers import nodehealth
from k8snb.controllers.disruption import Disruption, mark_disrupted
from k8snb.controllers.nodepods import pods_on
from k8snb.controllers.podstate import ENDED_PHASES, has_ended
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of
from k8snb.typing import Object, ObjectKey

CHECK_SECONDS = 20.0
QUARANTINE_SECONDS = 40.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
NODE_GONE = Disruption("DeletionByPodGC", "PodGC: node no longer exists")
_PASS = ObjectKey("", "pods")


class PodGCController(Controller):
    """Deletes pods that are left over. There is one key: a pass over what was noted."""

    name = "pod-garbage-collector"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._threshold = settings.terminated_pod_gc_threshold
        self._nodes = self.informers.of("nodes")
        self._pods = self.informers.of("pods")
        self._ended: dict[ObjectKey, None] = {}
        self._leaving: dict[ObjectKey, None] = {}
        self._quarantine: dict[str, float] = {}
        self._out_of_service: dict[str, None] = {}
        self._timer: Timer | None = None

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._miss(old["metadata"]["name"])
            return
        name = new["metadata"]["name"]
        self._quarantine.pop(name, None)
        marked = any(taint["key"] == OUT_OF_SERVICE for taint in new["spec"].get("taints") or ())
        if marked and not nodehealth.is_ready(new):
            self._out_of_service[name] = None
            self._arm()
        else:
            self._out_of_service.pop(name, None)

    def _miss(self, node: str) -> None:
        """A node is not there: quarantine its pods."""
        self._out_of_service.pop(node, None)
        self._quarantine.setdefault(node, self.clock.now() + QUARANTINE_SECONDS)
        self._arm()

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            key = key_of(old)
            self._ended.pop(key, None)
            self._leaving.pop(key, None)
            return
        if old is None or old["spec"] is not new["spec"]:
            self._look_for_node(old, new)
        if "deletionTimestamp" in new["metadata"] and not new["spec"].get("nodeName"):
            self._leaving[key_of(new)] = None
            self._arm()
        if (new.get("status") or {}).get("phase") in ENDED_PHASES:
            self._ended[key_of(new)] = None
            if len(self._ended) > self._threshold:
                self._arm()

    def _look_for_node(self, old: Object | None, new: Object) -> None:
        """A pod that is bound to a node nobody knows is as good as one whose node was deleted."""
        node = new["spec"].get("nodeName")
        if node and (old is None or not old["spec"].get("nodeName")) and self._nodes.get("", node) is None:
            self._miss(node)

    def _arm(self) -> None:
        if self._timer is not None and self._timer.call is not None:
            return
        when = (math.floor(self.clock.now() / CHECK_SECONDS) + 1) * CHECK_SECONDS
        self._timer = self.clock.call_at(when, self._pass, background=True)

    def _pass(self) -> None:
        self._timer = None
        self.queue.add(_PASS)
        if self._quarantine or self._out_of_service:
            self._arm()

    # -- collecting --------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        self.saw(ended=len(self._ended), leaving=len(self._leaving), quarantined=len(self._quarantine))
        self._collect_ended()
        for node in list(self._out_of_service):
            self._collect_stuck(_("{node} is out of service: delete its {count} pods that end"), node)
        self._collect_orphans()
        found = (self._pods.get(*key) for key in list(self._leaving))
        unbound = [pod for pod in found if pod is not None and not pod["spec"].get("nodeName")]
        if unbound:
            self.compares(_("pods that end and have no node"), len(unbound), 0)
            self.wants(_("{count} pods end that no kubelet has: delete them"), count=len(unbound))
        self._collect(unbound)
        self._leaving.clear()
        return None

    def _collect_stuck(self, why: str, node: str) -> None:
        pods = [pod for pod in pods_on(self._pods, node) if is_deleting(pod)]
        if pods:
            self.compares(_("pods of {node}").format(node=node), len(pods), 0)
            self.wants(why, node=node, count=len(pods))
        self._collect(pods)

    def _collect_ended(self) -> None:
        excess = len(self._ended) - self._threshold
        if self._threshold <= 0 or excess <= 0:
            return
        pods = [pod for key in self._ended if (pod := self._pods.get(*key)) is not None]
        pods.sort(key=_removal_order)
        self.compares(_("ended pods"), len(self._ended), self._threshold)
        self.wants(_("{count} ended pods are too many: delete the oldest"), count=excess)
        self._collect(pods[:excess])

    def _collect_orphans(self) -> None:
        now = self.clock.now()
        for node in [node for node, due in self._quarantine.items() if due <= now]:
            del self._quarantine[node]
            if self.client.find("nodes", node) is not None:
                continue
            pods = pods_on(self._pods, node)
            if pods:
                self.compares(_("pods of {node}").format(node=node), len(pods), 0)
                self.wants(_("{node} no longer exists: delete its {count} pods"), node=node, count=len(pods))
            self._collect(pods, NODE_GONE)

    def _collect(self, pods: list[Object], why: Disruption | None = None) -> None:
        for pod in pods:
            try:
                if not has_ended(pod):
                    mark_disrupted(self.client, pod, why, self.clock.timestamp(), phase="Failed")
                self.client.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)
            except StatusError as error:
                if error.code != 404:
                    raise


def _removal_order(pod: Object) -> tuple[bool, str, str]:
    """Evicted pods first, then the oldest."""
    meta = pod["metadata"]
    evicted = (pod.get("status") or {}).get("reason") == "Evicted"
    return not evicted, meta["creationTimestamp"], meta["name"]
