"""What a cluster shows of itself: every view that the pages use, as a method.

A view is a function of a revision and of the record of what happened; this module only hands it those. Views are
imported when first asked for, so that a cluster without pictures does not pay for them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import orjson
import yaml

from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import Clock, stopwatch
from k8snb.cluster.plumbing import Plumbing
from k8snb.cluster.processes import Processes
from k8snb.cluster.rush import user_named
from k8snb.cluster.showing_machines import ShowingMachines
from k8snb.errors import not_found
from k8snb.i18n import _
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.pool import Pool
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, Response

if TYPE_CHECKING:
    from k8snb.apiserver.witness import Step
    from k8snb.cluster.cluster import Cluster
    from k8snb.view.causality import Record
    from k8snb.view.causes import Causes
    from k8snb.view.cgroups import CgroupTree
    from k8snb.view.chart import Chart
    from k8snb.view.diagram import Diagram
    from k8snb.view.gantt import Gantt
    from k8snb.view.inspection import Inspection
    from k8snb.view.panels import Panels
    from k8snb.view.requests import RequestsView
    from k8snb.view.shaping import Shaping
    from k8snb.view.stepper import Stepper


class Showing(ShowingMachines, Plumbing):
    """The views of a cluster."""

    server: APIServer
    store: Store
    client: Client
    trace: Trace
    pool: Pool
    clock: Clock
    kubelets: Mapping[str, Kubelet]

    @abstractmethod
    def processes(self) -> Processes:
        """Every process of the cluster, and how it is."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def wait(self, condition: Callable[[], bool], timeout: float = 0.0) -> bool:
        """Wait until `condition()` holds."""

    def stepper(
        self,
        title: str = "",
        *,
        since: int = 0,
        until: int | None = None,
        namespace: str = "default",
        about: str | Sequence[str] = (),
    ) -> Stepper:
        """What happened in a namespace after revision `since`, step by step.

        `about` limits it to objects and what hangs from them: `Deployment/web`.
        """
        from k8snb.cluster.playing import Playing
        from k8snb.view.story import story

        def tell(cluster: Showing, last: int | None = None) -> Stepper:
            return story(
                title or _("What happened"),
                cluster.trace.spans,
                cluster.trace.requests,
                cluster.at,
                since=max(since, cluster.store.compacted),
                until=cluster.revision if last is None else last,
                namespace=namespace,
                about=[about] if isinstance(about, str) else about,
                measured=cluster.trace.measured,
            )

        told = tell(self, until)
        told.playing = Playing(cast("Cluster", self), tell, namespace)
        return told

    def consequences(
        self, *about: str, since: int = 0, until: int | None = None, namespace: str = "default", events: bool = True
    ) -> Causes:
        """What came of what was done from outside after revision `since`: write by write, each below its cause.

        `about` limits it to commands that changed these objects (`deployment/web`). Without `events` those that the
        components tell people are left out. Its `stepper()` tells it as a story of who told whom.
        """
        from k8snb.view.causes import Causes
        from k8snb.view.scene import id_of

        record = self._record(since, until)
        wanted = {id_of(name) for name in about}
        roots = [sent for sent in record.from_outside() if not wanted or wanted & {*record.write(sent).objects}]
        return Causes(_("What came of it"), record.grown(roots, events=events), self.at, namespace)

    def causes(self, name: str, *, revision: int | None = None, namespace: str = "default") -> Causes:
        """Why an object (`pod/web-…`) is as it is, or was at a revision: from its last change back to where it began.

        Raises StatusError (NotFound) if it is not there, ValueError if the record does not reach back so far.
        """
        from k8snb.view.causes import Causes

        kind, _slash, plain = name.rpartition("/")
        then = self.at(self.revision if revision is None else revision)
        found = then.get(kind, plain, namespace) or then.get(kind, plain)
        if found is None:
            raise not_found(self.server.kinds.named(kind).resource, plain)
        made = int(found["metadata"]["resourceVersion"])
        record = self._record(self.store.compacted - 1, None)
        sent = record.maker(made)
        if sent is None:
            raise ValueError(_("revision {revision} is not on record any more").format(revision=made))
        title = _("Why {name} is as it is at @{revision}").format(name=f"{found['kind']} {plain}", revision=made)
        return Causes(title, [record.branch(sent)], self.at, namespace)

    def _record(self, since: int, until: int | None) -> Record:
        from k8snb.view.causality import Record

        last, first = self.revision if until is None else until, max(since, self.store.compacted)
        return Record(self.trace.spans, self.trace.requests, self.at, since=first, until=last)

    def diagram(self, *names: str, namespace: str = "default", revision: int | None = None) -> Diagram:
        """What is named, and what it hangs together with, as it is or was at a revision.

        A name is an object (`deployment/web`, `pvc/data`), every object of a kind (`netpol`), a subject of bindings
        (`user/alice`), or one of the cluster's own tables: `control-plane`, `request-path`, `admission`, `scheduling`,
        `pod-lifecycle`, `container-lifecycle`. Alone, `wiring/node-1` is the network of a node as it is now. Without a
        name it is everything in the namespace. Raises StatusError (NotFound) for an object that is not there,
        ValueError for a word that names nothing.
        """
        from k8snb.view.diagram import Diagram
        from k8snb.view.graphs import graph

        if len(names) == 1 and names[0].startswith("wiring/"):
            return self._wired(names[0].removeprefix("wiring/"))
        then = self.at(self.revision if revision is None else revision)
        then.processes = self.processes() if revision is None else ()
        return Diagram(graph(then, *names, namespace=namespace))

    def chart(self, name: str, *, since: int = 0, namespace: str = "default") -> Chart | Panels:
        """The ready pods of each revision of a Deployment over time, or what an autoscaler saw and did (`hpa/web`)."""
        from k8snb.view.chart import rollout
        from k8snb.view.scaling import AUTOSCALERS, scaling

        kind, _slash, plain = name.rpartition("/")
        first = max(since, self.store.compacted)
        found = self.server.scheme.find(kind) if kind else None
        if found is not None and found.group_resource == AUTOSCALERS:
            requests, now = self.trace.requests, self.clock.now()
            return scaling(plain, requests, self.at, since=first, until=self.revision, now=now, namespace=namespace)
        return rollout(plain, self.trace.requests, self.at, since=first, until=self.revision, namespace=namespace)

    def load(self, service: str, clients: int, *, namespace: str = "default") -> None:
        """From now on, let so many clients ask a Service, each about once a second (the Deployment `load-SERVICE`)."""
        from k8snb.view.shaping import generator

        obj = generator(service, clients, namespace)
        query = {"fieldManager": "load", "force": "true"}
        self.client.patch("deployments.apps", obj["metadata"]["name"], obj, namespace, kind="apply", query=query)

    def shaping(
        self,
        name: str,
        service: str,
        steps: Sequence[int] = (1,),
        *,
        seconds: float = 180,
        since: int | None = None,
        namespace: str = "default",
    ) -> Shaping:
        """Load a Service with so many clients for so many seconds each, and chart what an autoscaler makes of it.

        With a kernel there is a slider for further steps.
        """
        from k8snb.view.shaping import Shaping

        begin = self.revision if since is None else since

        def turn(clients: int) -> Panels:
            self.load(service, clients, namespace=namespace)
            self.advance(seconds)
            return cast("Panels", self.chart(f"hpa/{name.rpartition('/')[2]}", since=begin, namespace=namespace))

        return Shaping(turn, steps)

    def evaluation(self, name: str, *, title: str = "", namespace: str = "default") -> Stepper:
        """The last evaluation by which an autoscaler changed a number of pods, number by number.

        ValueError if it has not been evaluated yet.
        """
        from k8snb.view.scaling import evaluation

        plain = name.rpartition("/")[2]
        return evaluation(plain, self.trace.spans, self.at, until=self.revision, namespace=namespace, title=title)

    def gantt(self, *about: str, since: int = 0, namespace: str = "default", title: str = "") -> Gantt:
        """When the jobs and pods ran that hang from `about` (`cronjob/hello`); without it, all in the namespace.

        Time counts from revision `since`, or from when the first of them was there.
        """
        from k8snb.view.gantt import gantt

        return gantt(
            about,
            self.trace.requests,
            self.at,
            since=max(since, self.store.compacted),
            until=self.revision,
            now=self.clock.now(),
            namespace=namespace,
            title=title,
            from_first=not since,
        )

    def selection(self, what: str, selector: str = "", *, title: str = "", namespace: str = "default") -> Stepper:
        """Which objects a selector catches, requirement by requirement.

        `what` is a resource (`pods`), or an object whose own selector is meant (`service/web`); ValueError if that
        has none.
        """
        from k8snb.view.selection import selection

        return selection(self.at(self.revision), self.revision, what, selector, title, namespace)

    def calls(self, pod: str, *, title: str = "", namespace: str = "default", revision: int | None = None) -> Stepper:
        """What the kubelet asked of the container runtime for a pod, call by call.

        `revision` is one at which the pod was there, if it is gone. Raises StatusError (NotFound) if it was not.
        """
        from k8snb.view.calls import calls

        then = self.at(self.revision if revision is None else revision)
        found = then.get("pods", pod, namespace)
        if found is None:
            raise not_found(self.server.kinds.named("pods").resource, pod)
        return calls(list(self.pool.calls.calls), found, self.revision, title)

    def cgroups(self, pod: str, *, namespace: str = "default", driver: str = "systemd") -> CgroupTree:
        """The control groups that a pod's requests and limits have become on its node; ValueError if it has none yet.

        `driver` is the cgroup driver, `systemd` or `cgroupfs`. Raises StatusError (NotFound) if there is no such pod.
        """
        from k8snb.kubelet.cgroups import tree
        from k8snb.view.cgroups import CgroupTree

        found = self.client.get("pods", pod, namespace)
        kubelet = self.kubelets.get(found["spec"].get("nodeName", ""))
        if kubelet is None:
            raise ValueError(_("the pod {name} is on no node yet").format(name=pod))
        neighbours = self.client.list("pods", fields=f"spec.nodeName={kubelet.name}")
        return CgroupTree(tree(found, kubelet.capacity, neighbours, driver))

    def requests(self, command: str, stdin: str = "") -> RequestsView:
        """Run a kubectl command, and show it beside the requests that it sent and the answers."""
        from k8snb.kubectl import run
        from k8snb.view.requests import requests_view

        return requests_view(command, run(self, command, stdin))

    def inspect(
        self,
        line: str,
        body: Object | str | None = None,
        *,
        user: str = "kubernetes-admin",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Inspection:
        """Send one request and see what every filter and stage of the API server decided, and how long that took.

        `line` is a request line (`POST /api/v1/namespaces/default/pods?dryRun=All`), `body` an object or its YAML,
        `user` whoever sends it; with an empty name nobody is known yet, and `headers` may bring a token.
        """
        from k8snb.view.inspection import Inspection

        request = _asked(line, body, user, headers)
        response, steps = self._do("_inspect", request)
        return Inspection(line, response, steps, self.revision)

    def _inspect(self, request: Request) -> tuple[Response, list[Step]]:
        from k8snb.apiserver.inspecting import inspect

        return inspect(self.server, request.copy(), stopwatch)

    def applying(self, manifest: str, flags: str = "", *, title: str = "") -> Stepper:
        """Run `kubectl apply -f -` on a manifest, and step through it from the file to the store.

        `flags` are further ones of the command: `--server-side`, `--namespace team-a`.
        """
        from k8snb.kubectl import run
        from k8snb.view.applying import Applying

        number = self.trace.requests[-1].number if self.trace.requests else 0
        revision = self.revision
        before = self.at(revision)
        outcome = run(self, f"apply {flags} -f -", manifest)
        sent = [each for each in self.trace.requests if each.number > number and each.span is None]
        return Applying(self.server, outcome.requests, sent, before, revision).stepper(manifest, outcome.text, title)

    def packet(
        self,
        source: str,
        url: str,
        *,
        to: str = "",
        title: str = "",
        namespace: str = "default",
        wires: bool = False,
    ) -> Stepper:
        """Send one HTTP request and follow it from `source` to who answers, and back.

        `source` is the name of a pod, or the address of somebody outside the cluster. ValueError if the pod has none.
        `to` is the address of the URL's host (and the port there), where no DNS knows it.
        With `wires`, what the nodes do to carry the packet is told, too: routes, and what a tunnel wraps around it.
        """
        from k8snb.view.packet import Journey, origin
        from k8snb.view.wires import WiredJourney

        now = self.at(self.revision)
        delivery = self._do("_fetch", origin(now, source, namespace), url, to)
        told = (delivery, now, self.revision, source, namespace)
        return (WiredJourney(self._wiring, *told) if wires else Journey(*told)).stepper(title)


def _asked(line: str, body: Object | str | None, user: str, headers: Mapping[str, str]) -> Request:
    """A request as a client outside would send it."""
    method, _space, target = line.partition(" ")
    path, _mark, query = target.partition("?")
    sent = orjson.dumps(yaml.safe_load(body) if isinstance(body, str) else body) if body is not None else b""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    given = {"content-type": kind} if sent else {}
    said = {"user-agent": "k8snb", **given, **{name.lower(): value for name, value in headers.items()}}
    known = user_named(user) if user else None
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), said, sent, user=known)


def diagram(client: Any, *names: str, namespace: str = "default") -> Diagram:
    """The diagram of what is named in any cluster, a live one too; it only reads. Names are those of `Cluster.diagram`.

    `client` is the official client's `ApiClient`, the path of a kubeconfig, or anything of ours that can list.
    """
    from k8snb.live.reader import LiveReader
    from k8snb.view.diagram import Diagram
    from k8snb.view.graphs import graph

    if isinstance(client, str | PathLike):
        from kubernetes import config

        connect: Callable[[str], Any] = config.new_client_from_config
        client = connect(str(client))
    if isinstance(client, Showing):
        return client.diagram(*names, namespace=namespace)
    reader = LiveReader(client) if hasattr(client, "param_serialize") else client
    return Diagram(graph(reader, *names, namespace=namespace))
