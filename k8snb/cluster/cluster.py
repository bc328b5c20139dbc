"""A whole cluster in one object: the composition root.

Store, API server, controllers, scheduler and kubelets are made here, handed their clock, their lots and
their door to the API, and given turns. Nothing happens by itself: time moves and parts take turns only while a
client waits (`settle`, `advance`, `wait`), so the same program sees the same cluster on every run.

What comes from outside (requests that write, waits, broken nodes) is kept in a journal. Because everything
else follows from it, `fork()` is a second cluster that has lived through the same journal, and
`rewind(revision)` is this one as it was when the store had that revision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import orjson

from k8snb.apiserver.access.gate import KNOWN, Gate, Keys
from k8snb.apiserver.audit.log import AuditLog, auditor
from k8snb.apiserver.bootstrap import SERVER_ADDRESS
from k8snb.apiserver.rawstore import RawStore
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.client.controller import Context
from k8snb.client.informer import Informers
from k8snb.client.outbox import Outbox
from k8snb.clock import Clock, VirtualClock
from k8snb.cluster.accessing import Accessing
from k8snb.cluster.deciding import Deciding
from k8snb.cluster.hosting import Hosting, Program
from k8snb.cluster.inventory import specs_of
from k8snb.cluster.journal import Entry
from k8snb.cluster.keeping import Start, found, keeper_of
from k8snb.cluster.lasting import Lasting
from k8snb.cluster.machines import NodeSpec
from k8snb.cluster.members import Members
from k8snb.cluster.monitoring import Monitored
from k8snb.cluster.planes import SERVER, Planes
from k8snb.cluster.planes import machines as planes
from k8snb.cluster.processes import Runs
from k8snb.cluster.reaching import Reaching
from k8snb.cluster.replicating import ControlPlane
from k8snb.cluster.rush import Asking, Rush
from k8snb.cluster.showing import Showing
from k8snb.cluster.waiting import FOREVER, Waiting
from k8snb.collector import collecting_seldom
from k8snb.controllers.settings import Settings
from k8snb.csi.driver import Driver
from k8snb.current import use
from k8snb.i18n import _
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.pool import Pool
from k8snb.kubelet.visitor import Visitor
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.network.fabric import Delivery, Fabric
from k8snb.network.posting import Functions, Posting, Remembering, Remote
from k8snb.network.webhook_calls import WebhookCalls
from k8snb.scheduler import configuration
from k8snb.scheduler.answers import Answers
from k8snb.scheduler.configuration import Configuration
from k8snb.scheduler.scheduler import Scheduler
from k8snb.store.ledger import Kept
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, Response, User, WatchEvent

if TYPE_CHECKING:
    from k8snb.client.controller import Controller
    from k8snb.cluster.datafile import DataFile

ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))
LARGE_CIDR = "100.64.0.0/10"
"""Where the pod addresses of a cluster come from that the default 10.244.0.0/16 (256 nodes) is too small for."""
START_SECONDS = 10.0
"""How long a new cluster may take, in virtual time, until its nodes are ready."""
_READS = frozenset({"get", "list", "watch"})
_COMMANDS = frozenset({"exec", "attach"})
"""What is asked for with GET and changes something all the same."""


class _Door:
    """The way in from outside: hands requests to the server and keeps those that write in the journal."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def handle(self, request: Request) -> Response:
        return self._cluster.handle(request)

    def subscribe(self, request: Request, deliver: Callable[[WatchEvent], None]) -> Callable[[], None]:
        return self._cluster.server.subscribe(request, deliver)


class Cluster(Waiting, Lasting, Planes, Hosting, Members, Showing, Deciding, Accessing, Reaching, Monitored):
    """A Kubernetes 1.36 cluster in this process.

    `nodes` is how many machines there are (`node-1` …, 8 CPU, 32 GiB, 110 pods each) or their descriptions; `seed`
    decides every name, UID and address. `history` is how many revisions can be gone back to. `quantum` is how many
    units of work a part does per turn; 1 shows every step. `debug` proves that nobody changes objects in place
    (`cluster.store.verify()`). `flags` are those of the controller manager, `keys` sign tokens and certificates.
    `outside` calls webhooks and extenders at real URLs (`k8snb.serving.outside.Outside()`); without it no URL outside
    is reached. With `cloud` Services of type LoadBalancer get an address; a bare cluster gives none. `control_planes`
    is on how many machines the control plane runs (or which); its parts then elect leaders by Lease. `scheduler` is a
    KubeSchedulerConfiguration, as an object or YAML, and `plugins` are classes that it may enable; BadConfiguration (a
    ValueError) says what is wrong with it. `audit` is the policy of an audit log (`audit_log`). With `etcd_members` (1,
    3, 5) so many members of etcd agree on what is written, and can fail (`cluster.etcd`); the file of each can have a
    quota (`quota_backend_bytes`). `encryption` is an EncryptionConfiguration that holds from the first write on
    (`encrypt` is for later).

    With `path` everything is kept in a file, and a cluster that is in it goes on: with its own nodes, seed and members
    of etcd, as after a power cut that hit all machines. Raises `CannotOpen` where the file cannot be used. `begins` is
    what was kept of another cluster, to go on from without a file.
    """

    def __init__(
        self,
        nodes: int | Iterable[NodeSpec] = 3,
        seed: int = 1,
        *,
        history: int = 50_000,
        quantum: int = 1,
        debug: bool = False,
        trace: int = 50_000,
        clock: Clock | None = None,
        journal: bool = True,
        flags: Settings | None = None,
        keys: Keys = KNOWN,
        outside: Remote | None = None,
        cloud: bool = False,
        control_planes: int | Iterable[ControlPlane] | None = None,
        scheduler: Configuration | Object | str | None = None,
        plugins: Sequence[type[Any]] = (),
        audit: Object | str | None = None,
        etcd_members: int = 0,
        quota_backend_bytes: int = 0,
        encryption: Object | None = None,
        path: str | PathLike[str] | DataFile | None = None,
        begins: Kept | None = None,
    ) -> None:
        self.keeper = None if path is None else keeper_of(path)
        self._begins = begins if self.keeper is None else self.keeper.take_out()
        specs = [NodeSpec(f"node-{i + 1}") for i in range(nodes)] if isinstance(nodes, int) else list(nodes)
        specs = specs if self._begins is None else specs_of(self._begins)
        self._making: dict[str, Any] = {
            "nodes": specs,
            "seed": seed,
            "history": history,
            "quantum": quantum,
            "debug": debug,
            "trace": trace,
            "outside": outside,
            "cloud": cloud,
            "control_planes": planes(control_planes),
            "scheduler": configuration.read(scheduler, plugins),
            "audit": audit,
            "etcd_members": etcd_members,
            "quota_backend_bytes": quota_backend_bytes,
            "encryption": encryption,
        }
        self._clock_given = clock
        self._journal: list[Entry] = []
        self._keeps_journal = journal
        self._flags = flags or Settings()
        self._keys = keys
        self._target: int | None = None
        self._door = _Door(self)
        self._official: Any = None
        self.webhooks = Functions()
        """Webhooks and scheduler extenders that are functions of this process, by URL: from what they are sent to what
        they answer."""
        self._begin()
        use(self)

    # -- making ------------------------------------------------------------------------------------

    def _build(self) -> None:
        made, kept = self._making, self._begins
        start = self._start_of(kept)
        self.lottery = Lottery(self._lots)
        self.store = Store(self.clock, history=made["history"], debug=made["debug"])
        self.trace = Trace(self.clock.now, lambda: self.store.revision, made["trace"])
        self.loop = Loop(self.clock, made["quantum"])
        self.paused = False
        if kept is None:
            found(self.store, self.clock.timestamp(), self._keys.authority(start.began).certificate.decode())
        gate = Gate.of(self.store, self.clock, self._keys, start.began)
        self.server = APIServer(self.store, self.clock, self.lottery, self.trace, gate=gate, agents=self._agent)
        self.audit_log = AuditLog()
        """The events of the audit log, oldest first; none without a policy."""
        self._audit(made["audit"])
        self.client = Client(self._door, self.server.scheme, ADMIN)
        self.raw = RawStore(self.store, self.server.kinds, Lottery(~self._lots).random.randbytes)
        """What lies in the store, as `etcdctl` shows it."""
        self._bring_back(kept)
        self._found_etcd(kept)
        self._make_whole(kept, gate)
        self._transport = self._front()
        self._context = self._root_context()
        self._bootstrap(kept)
        settings = self._settings(gate, start)
        proxies = self._context.separate("system:kube-proxy")
        self.network = Fabric(proxies, settings.cluster_cidr)
        self.server.aggregator.reach = self.network.request
        self._posting = Posting(self.network, SERVER_ADDRESS, self.webhooks)
        outside = made["outside"]
        self._posting.remote = outside.begin() if isinstance(outside, Remembering) else outside
        calls = WebhookCalls(self.server.admission.reader, self.network, SERVER_ADDRESS, self._posting)
        self.server.extensions.surroundings.call = calls
        self.visitor = Visitor(self.clock, self.network)
        self.kubelets: dict[str, Kubelet] = {}
        self.pool = Pool(self.loop, self.trace)
        self.pool.boots, self.pool.nodes = start.boots, proxies.informers.of("nodes")
        self.specs: dict[str, NodeSpec] = {}
        self.controllers: dict[str, Controller] = {}
        self.components: dict[str, Runs] = {}
        self._schedulers: dict[str, Scheduler] = {}
        self._said = Answers()
        self.drivers: dict[str, Driver] = {}
        """The storage drivers, by name."""
        self.programs: dict[str, Program] = {}
        """What the reader runs beside them, by name."""
        self.operators = self._no_operators()
        self._follow(start)
        self._start_components(settings)
        self._start_members()
        self._start_machines(kept)
        self._pass_time(lambda: False, self.clock.now() + START_SECONDS, foreground=True)

    def reach_outside(self, call: Remote) -> None:
        """Let webhooks at real URLs be called."""
        self._posting.remote = call

    def _settings(self, gate: Gate, start: Start) -> Settings:
        """The flags of the controller manager, with what this cluster decides."""
        flags = replace(
            self._flags,
            root_ca=self._flags.root_ca or gate.authority.certificate.decode(),
            sign_token=gate.tokens.issue_legacy,
            authority=gate.authority,
            check_discovery=self.server.aggregator.problem,
        )
        return replace(flags, cluster_cidr=LARGE_CIDR) if start.large else flags

    def _root_context(self) -> Context:
        scheme = self.server.scheme
        outbox = Outbox(self.loop, self.server) if self.loop.quantum > 1 else None
        express = self.server.express if self.store.agreement is None else None
        client = Client(self._transport, scheme, SERVER, outbox, express)
        informers = Informers(self.loop, client, self.trace)
        return Context(self.loop, self.clock, self.trace, self.lottery, self._transport, scheme, client, informers)

    # -- the door ----------------------------------------------------------------------------------

    def _do(self, name: str, *arguments: Any) -> Any:
        """Call a method of this class as something that comes from outside."""
        result = getattr(self, name)(*arguments)
        self._note(name, *arguments)
        return result

    def _note(self, name: str, *arguments: Any) -> None:
        if self._keeps_journal:
            self._journal.append((name, arguments))
        self._keep()

    def handle(self, request: Request) -> Response:
        """Answer a request from outside; those that write, be it to the audit log, are kept in the journal.

        An object from outside travels as bytes, as it would over the network: it is checked against the schema, and
        what its owner does with it afterwards does not matter.
        """
        kept = _from_outside(request)
        request = kept.copy()
        began, revision = self.clock.now(), self.revision
        response = self._answered(request)
        info, waited = request.info, self.clock.now() != began
        changed = self.server.auditor is not None or self.revision != revision
        if changed or waited or info is None or info.verb not in _READS or info.subresource in _COMMANDS:
            self._note("_handle_again", kept)
        return response

    def _handle_again(self, request: Request) -> None:
        self._answered(request.copy())

    @property
    def api_client(self) -> Any:
        """The official client's `ApiClient`, in process: `kubernetes.client.CoreV1Api(cluster.api_client)`."""
        if self._official is None:
            from k8snb.client.official import api_client

            self._official = api_client(self._door, ADMIN, lambda ready: self._run(ready, FOREVER))
        return self._official

    # -- history -----------------------------------------------------------------------------------

    def rewind(self, revision: int) -> None:
        """Go back to the moment when the store had reached `revision`; what happened since has not happened.

        Exact to the turn: if one turn wrote several revisions, all of them are there.
        """
        self.store.require(revision)
        self._need_virtual_time()
        journal, self._journal = self._journal, []
        self._build()
        self._replay(journal, revision)
        self._keep()

    @collecting_seldom()
    def _replay(self, journal: Sequence[Entry], revision: int | None) -> None:
        self._target = revision
        try:
            for name, arguments in journal:
                if self._reached():
                    break
                done = getattr(self, name)(*arguments)
                self._journal.append((name, done if name == "_run_again" else arguments))
        finally:
            self._target = None

    def replay(self, entries: Sequence[Entry]) -> None:
        """Live through what came from outside to another cluster that was made like this one."""
        self._replay(entries, None)

    def _reached(self) -> bool:
        return self._target is not None and self.store.revision >= self._target

    # -- more of what comes from outside ------------------------------------------------------------

    def rush(self, user: str, line: str, times: int = 1, *, every: float = 0.0, lasts: float = 0.1) -> Rush:
        """Let a user ask something (`GET /api/v1/pods`) many times, whether or not the answers have come.

        A request comes every so many seconds of virtual time and takes `lasts` seconds to be served. What comes of
        them is in the rush once time has passed.
        """
        made: Rush = self._do("_rush", Asking(user, line, times, every, lasts))
        return made

    def _rush(self, asking: Asking) -> Rush:
        return Rush(asking, self.server.reception, self.clock)

    def _fetch(self, source: str, url: str, to: str = "") -> Delivery:
        return self.network.fetch(source, url, to)

    def curl(self, words: str) -> str:
        """What `curl WORDS` prints on a machine outside the cluster, errors included.

        Names of Services mean nothing there; `--resolve HOST:PORT:ADDRESS` says where a host is.
        """
        printed: str = self._do("_curl", words)
        return printed

    def _curl(self, words: str) -> str:
        return self.visitor.curl(words)

    def kubectl(self, command: str, stdin: str = "") -> str:
        """What `kubectl COMMAND` prints, errors included; waiting commands let virtual time pass."""
        from k8snb.kubectl import run

        return run(self, command, stdin).text

    def encrypt(self, configuration: Object) -> None:
        """Give the API server an EncryptionConfiguration; it takes effect with the next write (and read)."""
        self._do("_encrypt", configuration)

    def _encrypt(self, configuration: Object) -> None:
        self.raw.encrypt(configuration)

    def audit(self, policy: Object | str | None) -> AuditLog:
        """Write an audit log from now on, by a policy (the object or its YAML); None ends it.

        Raises ValueError, in the words of the API server, where it is no policy.
        """
        self._do("_audit", policy)
        return self.audit_log

    def _audit(self, policy: Object | str | None) -> None:
        lottery = Lottery(~self._making["seed"] - 1)
        self.server.audit(auditor(self.server, policy, self.audit_log, lottery))

    def fork(self) -> Cluster:
        """A second cluster with the same past; from here on the two know nothing of each other."""
        self._need_virtual_time()
        twin = Cluster(**self._making, flags=self._flags, keys=self._keys, begins=self._begins)
        twin.webhooks |= self.webhooks
        twin.webhooks.ever = self.webhooks.ever
        twin._replay(list(self._journal), None)
        twin.paused = self.paused
        use(self)  # a notebook goes on meaning the one it forked
        return twin

    def _need_virtual_time(self) -> None:
        if not isinstance(self.clock, VirtualClock) or not self._keeps_journal:
            raise RuntimeError(_("a cluster that follows the wall clock cannot go back in time"))


def _from_outside(request: Request) -> Request:
    """The request with its object encoded."""
    if request.object is None:
        return request.copy()
    copy = request.copy()
    copy.body, copy.object = orjson.dumps(request.object), None
    return copy
