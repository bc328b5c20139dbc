"""The scheduler as a part of the cluster: it watches, keeps its picture up to date, and places pod after pod.

Upstream: `pkg/scheduler/scheduler.go`, `eventhandlers.go`, `schedule_one.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.client.controller import Context
from k8snb.client.informer import Informer
from k8snb.i18n import _
from k8snb.loop import Task
from k8snb.machinery.devices.claims import CLAIMS, SLICES
from k8snb.machinery.devices.claims import CLASSES as DEVICE_CLASSES
from k8snb.machinery.objects import key_of, labels_of, revision_of
from k8snb.scheduler.answers import Answers
from k8snb.scheduler.api import ApiCalls
from k8snb.scheduler.binding import Binding, Bindings
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.changes import node_event
from k8snb.scheduler.configuration import Configuration
from k8snb.scheduler.cycle import Cycle, Rejection
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.diagnosis import FitError, NoNodesError
from k8snb.scheduler.evictions import Evictions
from k8snb.scheduler.explain import Explanation, explain
from k8snb.scheduler.extenders import Extenders, Post, nobody
from k8snb.scheduler.following import GONE, PodFollower
from k8snb.scheduler.framework import (
    RESOURCE_CLAIM,
    VOLUME_ATTACHMENT,
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Status,
)
from k8snb.scheduler.listing import Listing, Nothing
from k8snb.scheduler.nominator import Nominator
from k8snb.scheduler.picture import BUDGETS
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.queue import NO_NODES, Blamed, SchedulingQueue
from k8snb.scheduler.queued import QueuedPod
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.runtime import Framework, Surroundings
from k8snb.scheduler.selectors import OWNERS, DefaultSelectors
from k8snb.scheduler.standing import PERMIT, Standing
from k8snb.scheduler.storage import WORDS, Storage
from k8snb.trace import ALL, Span
from k8snb.typing import Object, ObjectKey

USER = "system:kube-scheduler"
_USUAL = Configuration()
_MISSED = frozenset({VOLUME_ATTACHMENT, RESOURCE_CLAIM})
"""The kinds of objects whose going can let a pod fit, besides pods."""
_NO_LABELS: Mapping[str, str] = {}
_UNSEEN = Span(0, "", ObjectKey("", ""), 0, 0, 0.0)
"""Takes what would be recorded, where there is no trace."""


class Scheduler(Task):
    """Places the pods of its profiles. `start` subscribes; from then on it works in its turns.

    What extenders answer is kept in `said`, which outlives it.
    """

    name = "scheduler"

    def __init__(
        self,
        context: Context,
        configuration: Configuration = _USUAL,
        post: Post = nobody,
        said: Answers | None = None,
    ) -> None:
        super().__init__(context.loop)
        self.configuration = configuration
        self.cache = Cache()
        self.extenders = Extenders(configuration.extenders, post, said, context.clock.now)
        self.bindings = Bindings(context.clock, self._settle)
        """The pods that have a node and wait to be bound."""
        self._context = context
        self._trace = context.trace
        self._paused = False
        self._nominator = Nominator()
        self._pods: Informer | None = None
        self._namespaces: Informer | None = None
        self._background: list[Informer] = []
        self._api = ApiCalls(context.client, context.clock)
        self._selectors = DefaultSelectors(self.cache.spreading, {kind: self._owner(kind) for kind in OWNERS})
        self._evictions = Evictions(
            self._api, self._known, self.bindings, lambda uid: self.queue.activate(uid), self.wake
        )
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
            waiting=self.bindings.permits,
            evictions=self._evictions,
            extenders=self.extenders,
        )
        profiles = configuration.profiles
        self._cycles = {profile.name: Cycle(Framework(surroundings, profile)) for profile in profiles}
        frameworks = [cycle.framework for cycle in self._cycles.values()]
        interests = [interest for framework in frameworks for interest in framework.interests()]
        sort_key = frameworks[0].at["QueueSort"][0].sort_key
        backoff = configuration.initial_backoff, configuration.max_backoff
        flights = self.bindings.flights
        self.queue = SchedulingQueue(context.clock, self._pre_enqueue, sort_key, interests, self.wake, backoff, flights)
        self._following = PodFollower(
            self.cache, self.queue, self._nominator, self.bindings, self._cycles, self._namespace_labels
        )

    def start(self) -> None:
        """Subscribe to everything that decisions depend on, the pods last."""
        informers = self._context.informers
        owners = [informers.of(resource) for resource in OWNERS.values()]
        services, nodes = informers.of("services"), informers.of("nodes")
        self._namespaces = informers.of("namespaces")
        self._listing(BUDGETS)
        words = (*WORDS, DEVICE_CLASSES, SLICES, CLAIMS)
        stores = [informers.of(word) for word in words if self._context.scheme.find(word) is not None]
        self._background = [*owners, services, self._namespaces, nodes, *stores]
        self._namespaces.on_change(self._namespace_changed)
        services.on_change(self._selectors.put_service)
        nodes.on_change(self._node_changed)
        for store in stores:
            store.on_change(self._storage_changed)
        self._pods = informers.of("pods")
        self._pods.on_change(self._following.changed)

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
            for each in self.bindings.waiting
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
        """Claims, volumes, devices and classes come and change; few let a pod fit by going."""
        if self.bindings.volumes.pods:
            self.bindings.stirred = True
            self.wake()
        if new is not None:
            self.queue.move(ClusterEvent(new["kind"], Action.ADD if old is None else Action.UPDATE), old, new)
        elif old is not None and old["kind"] in _MISSED:
            self.queue.move(ClusterEvent(old["kind"], Action.DELETE), old, None)

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

    # -- turns -------------------------------------------------------------------------------------

    def run(self, quantum: int) -> None:
        """Try at most `quantum` pods, or send away those that leave for others."""
        if self.bindings.stirred:
            self.bindings.look()
        queue, traced, leaving = self.queue, self._trace.enabled, self._evictions.running
        while leaving and quantum > 0:
            quantum -= 1
            self._evict()
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
        if leaving or (len(queue) and not self._paused):
            self.wake()

    def _evict(self) -> None:
        """One pod leaves for another."""
        preemption = next(iter(self._evictions.running.values()))
        pod, victim = preemption.pod, preemption.victims[0]
        span = self._trace.begin(self.name, key_of(pod), revision_of(pod)) if self._trace.enabled else _UNSEEN
        try:
            span.wanted = _("make pod {name} leave node {node}").format(
                name=victim["metadata"]["name"], node=preemption.node
            )
            self._evictions.step()
        finally:
            if span is not _UNSEEN:
                self._trace.end(span)

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
            if self._nominator.pods:
                self._nominator.remove(info.uid)
            if self._trace.enabled:
                scored = {} if choice.score is None else {"score": choice.score}
                span.observed = {"nodes": len(self.cache), "fitting": choice.fitting, **scored}
                self._trace.looked("Node", choice.node.name)
                span.compared = {_("node"): (_("none"), choice.node.name)}
                span.wanted = _("bind the pod to {node}").format(node=choice.node.name)
            if (status := cycle.place(info, choice)).code is Code.WAIT:
                assert choice.state is not None
                self.bindings.wait(info, Binding(cycle, queued, choice.state), status)
                return
        except FitError as error:
            self._no_fit(cycle, queued, error, span)
        except NoNodesError as error:
            self._failed(queued, "Unschedulable", str(error), Blamed((NO_NODES,)), "", span)
        except Rejection as error:
            self._rejected(queued, error, span)
        else:
            self._placed(info)

    def _placed(self, info: PodInfo) -> None:
        self._api.tell_scheduled(info.pod, info.node_name)

    def _rejected(self, queued: QueuedPod, error: Rejection, span: Span) -> None:
        """The node was found and refused after all. Where the pod counted as placed meanwhile, that is over."""
        plugins = (error.status.plugin,) if error.status.rejected else ()
        reason = "Unschedulable" if plugins else "SchedulerError"
        info = queued.info
        assumed = {**info.pod, "spec": {**info.pod["spec"], "nodeName": info.node_name}} if error.binding else None
        if assumed is not None and not plugins:
            self.queue.move(GONE, assumed, None)
        pending = frozenset(plugins) if error.status.code is Code.PENDING else frozenset[str]()
        self._failed(queued, reason, str(error), Blamed(plugins, pending), "", span)
        if assumed is not None and plugins:
            self.queue.move(GONE, assumed, None, lambda other: other is not queued)

    def _settle(self, queued: QueuedPod, bind: Callable[[], bool]) -> None:
        """What became of a pod that waited with its node."""
        span = _UNSEEN
        if self._trace.enabled:
            span = self._trace.begin(self.name, key_of(queued.info.pod), queued.cause)
        try:
            if bind():
                self._placed(queued.info)
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
        nominated: str | None = ""
        if framework.at["PostFilter"]:
            state = error.state
            if state is None:
                state = CycleState(self.cache.nodes())
                framework.pre_filter(state, pod)
            nominated = framework.post_filter(state, pod, diagnosis)
        blamed = Blamed(diagnosis.plugins, diagnosis.pending)
        self._failed(queued, "Unschedulable", diagnosis.message(), blamed, nominated, span)

    def _failed(
        self,
        queued: QueuedPod,
        reason: str,
        message: str,
        blamed: Blamed,
        nominated: str | None,
        span: Span,
    ) -> None:
        pod = queued.info.pod
        span.wanted = _("say why it has no node: {message}").format(message=message)
        known = self._waiting(pod)
        if known is not None:
            queued.refresh(known)
            self.queue.fail(queued, *blamed)
            self._nominator.put(queued.info, nominated)
        else:
            self.queue.flights.end(queued.info.uid)
        self._api.event(pod, "Warning", "FailedScheduling", "Scheduling", message)
        if known is not None:
            self._api.set_unscheduled(pod, reason, message, nominated)

    def _waiting(self, pod: Object) -> Object | None:
        """The pod as it is now, as far as the cache knows; None if it is gone or has a node."""
        meta = pod["metadata"]
        found = self._known(meta["namespace"], meta["name"])
        there = found is not None and found["metadata"]["uid"] == meta["uid"] and not found["spec"].get("nodeName")
        return found if there else None

    def _known(self, namespace: str, name: str) -> Object | None:
        return self._pods.get(namespace, name) if self._pods is not None else None
