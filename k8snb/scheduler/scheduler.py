"""The scheduler as a part of the cluster: it watches, keeps its picture up to date, and places pod after pod.

Upstream: `pkg/scheduler/scheduler.go`, `eventhandlers.go`, `schedule_one.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from k8snb.client.controller import Context
from k8snb.client.informer import Informer
from k8snb.i18n import _
from k8snb.loop import Task
from k8snb.machinery.devices.claims import CLAIMS, CLASSES, SLICES
from k8snb.machinery.objects import key_of, labels_of
from k8snb.machinery.resizing import charged_spec
from k8snb.scheduler.api import ApiCalls
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.configuration import Configuration
from k8snb.scheduler.cycle import Cycle, Rejection
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.diagnosis import FitError, NoNodesError
from k8snb.scheduler.explain import Explanation, explain
from k8snb.scheduler.framework import SUCCESS, Action, ClusterEvent, Code, CycleState, Status
from k8snb.scheduler.listing import Listing, Nothing
from k8snb.scheduler.nominator import Nominator
from k8snb.scheduler.permits import Waiting, WaitingRoom, not_allowed, not_bound
from k8snb.scheduler.picture import BUDGETS, FINISHED
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.queue import NO_NODES, QueuedPod, SchedulingQueue, node_event, pod_event
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.runtime import Framework, Surroundings
from k8snb.scheduler.selectors import OWNERS, DefaultSelectors
from k8snb.scheduler.standing import PERMIT, Standing
from k8snb.scheduler.storage import WORDS, Storage
from k8snb.trace import ALL, Span
from k8snb.typing import Object, ObjectKey

USER = "system:kube-scheduler"
_USUAL = Configuration()
_NO_LABELS: Mapping[str, str] = {}
_UNSEEN = Span(0, "", ObjectKey("", ""), 0, 0, 0.0)
"""Takes what would be recorded, where there is no trace."""


class Placing(NamedTuple):
    """What is kept of a pod that waits at Permit."""

    cycle: Cycle
    queued: QueuedPod
    state: CycleState


class Scheduler(Task):
    """Places the pods of its profiles. `start` subscribes; from then on it works in its turns."""

    name = "scheduler"

    def __init__(self, context: Context, configuration: Configuration = _USUAL) -> None:
        super().__init__(context.loop)
        self.configuration = configuration
        self.cache = Cache()
        self.permits: WaitingRoom[Placing] = WaitingRoom(context.clock, self._permitted, not_allowed)
        self.volumes: WaitingRoom[Placing] = WaitingRoom(context.clock, self._resumed, not_bound)
        """The pods that have a node and wait for their volumes to be bound."""
        self._stirred = False
        self._context = context
        self._trace = context.trace
        self._paused = False
        self._nominator = Nominator()
        self._pods: Informer | None = None
        self._namespaces: Informer | None = None
        self._background: list[Informer] = []
        self._api = ApiCalls(context.client, context.clock)
        self._selectors = DefaultSelectors(self.cache.spreading, {kind: self._owner(kind) for kind in OWNERS})
        surroundings = Surroundings(
            cache=self.cache,
            selectors=self._selectors,
            namespaces=self._namespace_labels,
            nominator=self._nominator,
            api=self._api,
            now=context.clock.now,
            activate=lambda uid: self.queue.activate(uid),
            storage=Storage(self._listing),
            devices=DeviceClaims(self._listing),
            budgets=lambda: self._listing(BUDGETS).list(),
            waiting=self.permits,
        )
        profiles = configuration.profiles
        self._cycles = {profile.name: Cycle(Framework(surroundings, profile)) for profile in profiles}
        frameworks = [cycle.framework for cycle in self._cycles.values()]
        interests = [interest for framework in frameworks for interest in framework.interests()]
        sort_key = frameworks[0].at["QueueSort"][0].sort_key
        backoff = configuration.initial_backoff, configuration.max_backoff
        self.queue = SchedulingQueue(context.clock, self._pre_enqueue, sort_key, interests, self.wake, backoff)

    def start(self) -> None:
        """Subscribe to everything that decisions depend on, the pods last."""
        informers = self._context.informers
        owners = [informers.of(resource) for resource in OWNERS.values()]
        services, nodes = informers.of("services"), informers.of("nodes")
        self._namespaces = informers.of("namespaces")
        self._listing(BUDGETS)
        words = (*WORDS, CLASSES, SLICES, CLAIMS)
        stores = [informers.of(word) for word in words if self._context.scheme.find(word) is not None]
        self._background = [*owners, services, self._namespaces, nodes, *stores]
        self._namespaces.on_change(self._namespace_changed)
        services.on_change(self._selectors.put_service)
        nodes.on_change(self._node_changed)
        for store in stores:
            store.on_change(self._storage_changed)
        self._pods = informers.of("pods")
        self._pods.on_change(self._pod_changed)

    @property
    def paused(self) -> bool:
        """While this is set, pods wait."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self.wake()

    def explain(self, pod: Object, weights: Mapping[str, int] | None = None) -> Explanation:
        """What every plugin says of every node for this pod, now; with other weights, if given."""
        cycle = self._cycles.get(pod["spec"].get("schedulerName") or DEFAULT_PROFILE.name)
        framework = (cycle or next(iter(self._cycles.values()))).framework
        return explain(framework, pod, weights)

    def waiting(self) -> list[Standing]:
        """The pods that are not bound: those of the queue, and those that have a node and wait at Permit."""
        permits = [
            Standing(each.pod, PERMIT, each.kept.queued.attempts, each.since, each.until, tuple(each.pending), ())
            for each in (*self.permits.pods.values(), *self.volumes.pods.values())
        ]
        return [*self.queue.standing(), *permits]

    # -- what decisions depend on ------------------------------------------------------------------

    def _pre_enqueue(self, pod: Object) -> Status:
        return self._cycles[pod["spec"]["schedulerName"]].framework.pre_enqueue(pod)

    def _owner(self, kind: str) -> Callable[[str, str], Object | None]:
        return lambda namespace, name: self._context.informers.of(OWNERS[kind]).get(namespace, name)

    def _listing(self, word: str) -> Listing:
        return self._context.informers.of(word) if self._context.scheme.find(word) is not None else Nothing()

    def _storage_changed(self, old: Object | None, new: Object | None) -> None:
        """Claims, volumes, devices and classes come and change; what goes lets no pod fit."""
        if self.volumes.pods:
            self._stirred = True
            self.wake()
        if new is not None and self.queue.pool:
            self.queue.move(ClusterEvent(new["kind"], Action.ADD if old is None else Action.UPDATE), old, new)

    def _namespace_labels(self, name: str) -> Mapping[str, str]:
        namespace = self._namespaces.get("", name) if self._namespaces is not None else None
        return labels_of(namespace) if namespace is not None else _NO_LABELS

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or labels_of(old) != labels_of(new):
            self.cache.version += 1

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.cache.put_node(new)
        elif old is not None:
            self.cache.remove_node(old["metadata"]["name"])
        event = node_event(old, new)
        if event is not None:
            self.queue.move(event, old, new)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._pod_gone(old)
        elif new["spec"].get("nodeName"):
            if new["status"].get("phase") in FINISHED:
                self._pod_gone(new)
                return
            news = self.cache.put_pod(new)
            if news == "new":
                self._forget_waiting(new["metadata"]["uid"])
            if news != "same" and self.queue.pool:
                self._tell_waiting(None if news == "new" else old, new)
        elif old is not None:
            self.queue.update(old, new)
        elif new["spec"].get("schedulerName") in self._cycles:
            self.queue.add(new)

    def _tell_waiting(self, old: Object | None, new: Object) -> None:
        """What happened to a placed pod may let another one fit."""
        if old is None or new["spec"] is not old["spec"] or charged_spec(old) is not old["spec"]:
            placed_before = old is not None and old["spec"].get("nodeName")
            event = pod_event(old if placed_before else None, new)
            if event is not None:
                self.queue.move(event, old, new)

    def _forget_waiting(self, uid: str) -> None:
        self._nominator.remove(uid)
        self.queue.remove(uid)

    def _pod_gone(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        self._forget_waiting(uid)
        for room in (self.permits, self.volumes):
            if room.pods:
                room.reject(uid, "", "removed")
        if self.cache.remove_pod(uid) is not None:
            event = pod_event(pod, None)
            assert event is not None
            self.queue.move(event, pod, None)

    # -- turns -------------------------------------------------------------------------------------

    def run(self, quantum: int) -> None:
        """Try at most `quantum` pods."""
        if self._stirred:
            self._look_at_volumes()
        queue, traced = self.queue, self._trace.enabled
        behind = [informer for informer in self._background if informer.behind]
        while quantum > 0 and not self._paused:
            queued = queue.pop()
            if queued is None:
                return
            quantum -= 1
            for informer in behind:  # what happened before the pod came is known when it is looked at
                informer.catch_up(queued.cause)
            if traced:
                self._one(queued)
            else:
                self._schedule(queued, _UNSEEN)
        if len(queue) and not self._paused:
            self.wake()

    def _one(self, queued: QueuedPod) -> None:
        pod = queued.info.pod
        span = self._trace.begin(self.name, key_of(pod), queued.cause)
        self._trace.looked("Pod", pod["metadata"]["name"])
        self._trace.looked("Node", ALL)
        try:
            self._schedule(queued, span)
        finally:
            self._trace.end(span)

    def _schedule(self, queued: QueuedPod, span: Span) -> None:
        info = queued.info
        pod = info.pod
        meta = pod["metadata"]
        if "deletionTimestamp" in meta:
            note = f"skip schedule deleting pod: {meta['namespace']}/{meta['name']}"
            self._api.event(pod, "Warning", "FailedScheduling", "Scheduling", note)
            return
        cycle = self._cycles[info.pod_class.scheduler_name]
        try:
            choice = cycle.choose(info)
            if self._trace.enabled:
                span.observed = {"nodes": len(self.cache), "fitting": choice.fitting, "score": choice.score}
                self._trace.looked("Node", choice.node.name)
                span.compared = {_("node"): (_("none"), choice.node.name)}
                span.wanted = _("bind the pod to {node}").format(node=choice.node.name)
            if (status := cycle.place(info, choice)).code is Code.WAIT:
                assert choice.state is not None
                self._let_wait(info, Placing(cycle, queued, choice.state), status)
                return
        except FitError as error:
            self._no_fit(cycle, queued, error, span)
        except NoNodesError as error:
            self._failed(queued, "Unschedulable", str(error), (NO_NODES,), None, span)
        except Rejection as error:
            self._rejected(queued, error, span)
        else:
            self._placed(info)

    def _placed(self, info: PodInfo) -> None:
        if self._nominator.pods:
            self._nominator.remove(info.uid)
        self._api.tell_scheduled(info.pod, info.node_name)

    def _rejected(self, queued: QueuedPod, error: Rejection, span: Span) -> None:
        """The node was found and refused after all."""
        plugins = (error.status.plugin,) if error.status.rejected else ()
        reason = "Unschedulable" if plugins else "SchedulerError"
        self._failed(queued, reason, str(error), plugins, None, span)

    # -- what waits on its node --------------------------------------------------------------------

    def _let_wait(self, info: PodInfo, placing: Placing, status: Status) -> None:
        """A pod waits with its node: for a Permit plugin's leave, or for its volumes."""
        if placing.state.permits:
            self.permits.add(info, placing, placing.state.permits)
            return
        self.volumes.add(info, placing, {status.plugin: status.timeout})

    def _look_at_volumes(self) -> None:
        """Go on with the pods whose volumes are bound by now, or will not be."""
        self._stirred = False
        for uid, waiting in list(self.volumes.pods.items()):
            framework, state = waiting.kept.cycle.framework, waiting.kept.state
            status = framework.ask("PreBind", state, waiting.pod, waiting.info.node_name)
            if status.code is not Code.WAIT:
                self.volumes.allow(uid, next(iter(waiting.pending)))

    def _permitted(self, waiting: Waiting[Placing], status: Status) -> None:
        """A pod that waited at Permit is let through or turned away."""
        waiting.kept.state.permits = {}
        self._resumed(waiting, status)

    def _resumed(self, waiting: Waiting[Placing], status: Status) -> None:
        cycle, queued, state = waiting.kept
        info = waiting.info
        span = self._trace.begin(self.name, key_of(info.pod), queued.cause) if self._trace.enabled else _UNSEEN
        try:
            if status is not SUCCESS:
                raise cycle.refuse(info, state, status)
            again = cycle.go_on(info, state)
            if again.code is Code.WAIT:
                self._let_wait(info, waiting.kept, again)
                return
            self._placed(info)
        except Rejection as error:
            self._rejected(queued, error, span)
        finally:
            if span is not _UNSEEN:
                self._trace.end(span)

    def _no_fit(self, cycle: Cycle, queued: QueuedPod, error: FitError, span: Span) -> None:
        """No node fits: let PostFilter make room, and tell."""
        framework, pod, diagnosis = cycle.framework, queued.info.pod, error.diagnosis
        span.observed = {"nodes": len(self.cache), "fitting": 0}
        span.compared = {_("nodes that fit"): (0, 1)}
        nominated = None
        if framework.at["PostFilter"]:
            state = error.state
            if state is None:
                state = CycleState(self.cache.nodes())
                framework.pre_filter(state, pod)
            nominated = framework.post_filter(state, pod, diagnosis)
        self._failed(queued, "Unschedulable", diagnosis.message(), diagnosis.plugins, nominated, span)

    def _failed(
        self,
        queued: QueuedPod,
        reason: str,
        message: str,
        plugins: tuple[str, ...],
        nominated: str | None,
        span: Span,
    ) -> None:
        pod = queued.info.pod
        span.wanted = _("say why it has no node: {message}").format(message=message)
        if not self._still_waiting(pod):
            return
        self.queue.fail(queued, plugins)
        if nominated is not None:
            self._nominator.put(queued.info, nominated)
        self._api.event(pod, "Warning", "FailedScheduling", "Scheduling", message)
        self._api.set_unscheduled(pod, reason, message, nominated)

    def _still_waiting(self, pod: Object) -> bool:
        """Whether the pod, as far as the cache knows, exists and has no node."""
        meta = pod["metadata"]
        found = self._pods.get(meta["namespace"], meta["name"]) if self._pods is not None else None
        return found is not None and found["metadata"]["uid"] == meta["uid"] and not found["spec"].get("nodeName")
