"""A live cluster with the door of an embedded one: what pages do with `cluster`, where it really runs.

Everything that asks goes through one `Client` over the `Guard`: kubectl, helm, checks, diagrams, the official client.
Time is the machine's, so `settle` and `wait` wait for real, and no longer than the reader is patient. What only the
embedded cluster can do is an attribute that raises `NeedsEmbedded`: every public name of `Cluster` that is not here.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from k8snb.apiserver.custom.definitions import rows
from k8snb.client.client import Client
from k8snb.client.official import api_client
from k8snb.clock import Seconds, WallClock, stopwatch
from k8snb.cluster.cluster import ADMIN
from k8snb.cluster.showing import Showing
from k8snb.current import use
from k8snb.errors import StatusError
from k8snb.helm.command import draw_from
from k8snb.i18n import _
from k8snb.kubectl import run
from k8snb.kubectl.command import keep_kubeconfig
from k8snb.kubectl.kubeconfig import Kubeconfig
from k8snb.live.elsewhere import Elsewhere, embedded_names, needs_embedded
from k8snb.live.following import Following
from k8snb.live.guard import Guard
from k8snb.live.holders import lots
from k8snb.live.opening import Open
from k8snb.live.reader import LiveReader
from k8snb.live.resting import CONTROLLED, under_way
from k8snb.live.secrets import Covers
from k8snb.live.session import Cleaned, Session
from k8snb.live.tape import Past, Tape
from k8snb.live.territory import Territory
from k8snb.machinery.names import Lottery
from k8snb.typing import Object
from k8snb.view.scene import RESOURCES

if TYPE_CHECKING:
    from k8snb.view.chart import Chart
    from k8snb.view.diagram import Diagram
    from k8snb.view.gantt import Gantt
    from k8snb.view.panels import Panels
    from k8snb.view.requests import RequestsView
    from k8snb.view.stepper import Stepper
    from k8snb.view.whocan import WhoCan

QUIET = 0.4
"""For how many seconds nothing may have been under way for a cluster to have settled."""
BEAT = 0.05
"""How often somebody who waits looks."""
CATCH_UP = 2.0
"""For how long at most watches are taken from before something is shown."""
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
FOLLOWED = (*RESOURCES.values(), "nodes", "persistentvolumeclaims", "events", "configmaps", "secrets")
"""What is watched, so that it can be looked back at."""


class LiveCluster:
    """The cluster of a context, seen from a session's home."""

    def __init__(self, opened: Open, territory: Territory) -> None:
        self.context = opened.context
        self.version = opened.version
        self.user = opened.user
        self.patience = opened.wishes.patience
        self.clock = WallClock()
        self._covers = Covers(territory.has)
        for secret in _secrets_of(opened.api):
            self._covers.learn(secret)
        self._session = Session(opened.client, territory)
        self._guard = Guard(opened.transport, territory, self._covers, self._session.note)
        self.client = Client(self._guard, opened.client.scheme, ADMIN)
        self.api_client = api_client(self._guard, ADMIN, _weakly(self._pump))
        """The official client's `ApiClient`, through the same door."""
        self._tape = Tape(opened.client.scheme)
        self._following = Following(self.client, self._tape, FOLLOWED)
        self._guard.saw = _weakly(self._saw)
        self._finalizer = weakref.finalize(self, _end, self._session, self._following)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        draw_from(self, Lottery(lots()))
        config = Kubeconfig(server=opened.transport.server.rstrip("/"))
        config.merge("contexts", config.current, {"namespace": territory.home})
        keep_kubeconfig(self, config)
        use(self)

    def _begin(self) -> None:
        self._session.claim()
        self._tape.begin(self._newest())
        self._following.follow(self._guard.territory.namespaces)
        self._following.drain()
        self._learn_kinds()

    def __repr__(self) -> str:
        home = _("{context}, Kubernetes {version}, as {user}; home is the namespace {home}")
        return self._covers.text(
            home.format(context=self.context.name, version=self.version, user=self.user, home=self.home)
        )

    def __getattr__(self, name: str) -> Any:
        if name not in embedded_names():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise Elsewhere(needs_embedded(name))

    def __enter__(self) -> LiveCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> Cleaned:
        """Delete everything that this notebook has made."""
        cleaned = _end(self._session, self._following)
        self._finalizer.detach()  # not before: an interrupt here leaves the rest to the end of the kernel
        return cleaned

    @property
    def home(self) -> str:
        """The namespace that is this notebook's: what pages call `default`."""
        return self._guard.territory.home

    # -- asking --------------------------------------------------------------------------------------

    def kubectl(self, command: str, stdin: str = "") -> str:
        """What `kubectl COMMAND` prints, errors included."""
        return run(self, command, stdin).text

    def requests(self, command: str, stdin: str = "") -> RequestsView:
        """Run a kubectl command, and show it beside the requests that it sent and the answers."""
        from k8snb.view.requests import requests_view

        return requests_view(command, run(self, command, stdin))

    def diagram(self, *names: str, namespace: str = "default", revision: int | None = None) -> Diagram:
        """What is named, and what it hangs together with; `Cluster.diagram` says what names there are."""
        from k8snb.view.diagram import Diagram
        from k8snb.view.graphs import graph

        if names and names[0].startswith("wiring/"):
            raise needs_embedded("wiring")
        if revision is not None:
            return Diagram(graph(self.at(revision), *names, namespace=self._place(namespace)))
        return Diagram(graph(LiveReader(self.api_client), *names, namespace=self._place(namespace)))

    def who_can(
        self, resource: str, verbs: str = "", *, namespace: str = "default", name: str = "", system: bool = False
    ) -> WhoCan:
        """Everybody whom a binding names, and what they may do with a resource; see `Cluster.who_can`."""
        from k8snb.view.whocan import Target, WhoCan

        target = Target.of(self.client, resource, self._place(namespace), name)
        return WhoCan(self.client, target, verbs.split(), system=system)

    # -- looking back --------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The newest resource version of the cluster."""
        newest = self._newest()
        self._catch_up()
        return max(newest, self._tape.revision)

    def at(self, revision: int) -> Past:
        """The objects of this notebook as they were at a revision."""
        return self._tape.at(revision)

    def stepper(
        self,
        title: str = "",
        *,
        since: int = 0,
        until: int | None = None,
        namespace: str = "default",
        about: str | Sequence[str] = (),
    ) -> Stepper:
        """What watches have seen happen in a namespace after a revision: who wrote what, step by step.

        Why somebody did so is not in the API; what a part of the cluster observed and compared is left out.
        """
        from k8snb.view.story import story

        self._catch_up()
        return story(
            title or _("What happened"),
            (),
            self._tape.requests,
            self.at,
            since=max(since, self._tape.compacted),
            until=self._tape.revision if until is None else until,
            namespace=self._place(namespace),
            about=[about] if isinstance(about, str) else about,
        )

    def chart(self, name: str, *, since: int = 0, namespace: str = "default") -> Chart | Panels:
        """As `Cluster.chart`."""
        return Showing.chart(self._seen(), name, since=since, namespace=self._place(namespace))

    def gantt(self, *about: str, since: int = 0, namespace: str = "default", title: str = "") -> Gantt:
        """As `Cluster.gantt`."""
        return Showing.gantt(self._seen(), *about, since=since, namespace=self._place(namespace), title=title)

    def selection(self, what: str, selector: str = "", *, title: str = "", namespace: str = "default") -> Stepper:
        """As `Cluster.selection`."""
        return Showing.selection(self._seen(), what, selector, title=title, namespace=self._place(namespace))

    def load(self, service: str, clients: int, *, namespace: str = "default") -> None:
        """As `Cluster.load`."""
        Showing.load(cast("Any", self), service, clients, namespace=self._place(namespace))

    def _seen(self) -> Any:
        """What was seen of the cluster, in the form in which an embedded one keeps it."""
        self._catch_up()
        tape, server = self._tape, SimpleNamespace(scheme=self.client.scheme)
        return SimpleNamespace(
            trace=tape, store=tape, server=server, clock=self.clock, at=self.at, revision=tape.revision
        )

    def _place(self, namespace: str) -> str:
        return self._guard.territory.place(namespace)

    def _saw(self, verb: str, obj: Object) -> None:
        uid = (obj.get("details") or obj.get("metadata") or {}).get("uid")
        if verb == "delete" and uid:
            self._tape.deleted(str(uid))
        if obj.get("kind") == "CustomResourceDefinition":
            self._learn_kinds()
        self._following.follow(self._guard.territory.namespaces)

    def _learn_kinds(self) -> None:
        """Let the client know the kinds that are defined in the cluster, as far as we may see them."""
        self.client.scheme.extend(row for each in self._read(DEFINITIONS, "") for row in rows(each))

    def _newest(self) -> int:
        """The cluster's newest resource version, as a list has it."""
        answer = self.client.request("GET", f"/api/v1/namespaces/{self.home}/configmaps", {"limit": "1"})
        meta = (answer.object or {}).get("metadata") or {}
        return int(meta.get("resourceVersion") or 0)

    def _catch_up(self) -> None:
        """Take what watches bring, until they bring nothing more."""
        quiet = stopwatch()

        def caught_up() -> bool:
            nonlocal quiet
            if self._following.drain():
                quiet = stopwatch()
            return stopwatch() - quiet >= BEAT

        self._until(caught_up, CATCH_UP)

    # -- waiting -------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], timeout: float = 60.0) -> bool:
        """Wait until `condition()` holds, for at most so many seconds of real time, and no longer than `patience`."""
        return self._until(condition, min(timeout, self.patience))

    def settle(self, timeout: float = 60.0) -> Seconds:
        """Wait until nothing is under way in the namespaces of this notebook; returns how many seconds that took."""
        began = quiet = stopwatch()

        def settled() -> bool:
            nonlocal quiet
            if self.under_way():
                quiet = stopwatch()
            return stopwatch() - quiet >= QUIET

        self._until(settled, min(timeout, self.patience))
        return Seconds(round(stopwatch() - began, 3))

    def advance(self, seconds: float) -> None:
        """Let time pass: for real, if the reader is as patient as that. Otherwise it needs an embedded cluster."""
        if seconds > self.patience:
            why = _("{seconds:g} seconds are real ones here, and K8SNB_PATIENCE is {patience:g}")
            raise needs_embedded("advance", why.format(seconds=seconds, patience=self.patience))
        self._until(lambda: False, seconds)

    def under_way(self) -> list[str]:
        """What is not at rest yet in the namespaces of this notebook."""
        return [
            each
            for namespace in sorted(self._guard.territory.namespaces)
            for each in under_way({resource: self._read(resource, namespace) for resource in ("pods", *CONTROLLED)})
        ]

    def _read(self, resource: str, namespace: str) -> list[Object]:
        """The objects that we may see."""
        if self._following.follows(resource, namespace):
            return self._tape.objects(resource, namespace, self._tape.revision)
        try:
            return self.client.list(resource, namespace)
        except StatusError:
            return []

    def _pump(self, ready: Callable[[], bool]) -> None:
        self._until(ready, self.patience)

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline, pause = stopwatch() + seconds, threading.Event().wait
        while self._following.drain() or not condition():
            left = deadline - stopwatch()
            if left <= 0:
                return False
            pause(min(BEAT, left))
        return True


def _weakly(method: Callable[..., None]) -> Callable[..., None]:
    """A method that does not keep its object: a cluster that a notebook lets go of is to end at once."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        found = reference()
        if found is not None:
            found(*arguments)

    return call


def _end(session: Session, following: Following) -> Cleaned:
    following.close()
    cleaned = session.end()
    if cleaned.kept:
        told = _("left behind in the cluster: {what}. When it can be deleted, this does it: python -m k8snb live clean")
        warnings.warn(told.format(what="; ".join(cleaned.kept)), stacklevel=2)
    return cleaned


def _secrets_of(api: Any) -> list[str]:
    """The credentials that an `ApiClient` holds."""
    configuration = api.configuration
    held = [*(configuration.api_key or {}).values(), configuration.password or ""]
    return [word for value in held for word in str(value).split() if word != "Bearer"]
