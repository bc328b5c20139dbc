"""etcd in a cluster: alone as the store is, or as members that have to agree; and who waits while they do not.

A request from outside hangs in virtual time: the cluster lives on, and the request is answered as soon as there is a
majority again, or refused when its time is up. A part of the cluster cannot wait within its turn, so it is refused at
once and tries again, with growing pauses.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from k8snb.apiserver.archive import Archive
from k8snb.apiserver.rawstore import RawStore
from k8snb.apiserver.rawwriter import RawWriter
from k8snb.apiserver.replicas import Balancer
from k8snb.apiserver.server import APIServer
from k8snb.clock import Clock
from k8snb.cluster.doing import Doing
from k8snb.cluster.hosting import ServerProcess
from k8snb.cluster.keeping import Keeper, Start
from k8snb.cluster.membership import Etcd
from k8snb.cluster.processes import Runs
from k8snb.cluster.stalling import Stalled
from k8snb.etcd.admin import REV_COMPACTED, REV_FUTURE, Admin
from k8snb.etcd.ensemble import Ensemble
from k8snb.etcd.errors import EtcdError
from k8snb.etcd.gone import Gone
from k8snb.etcd.kept import found, leases_of
from k8snb.etcd.leases import Granted, Leases
from k8snb.i18n import _
from k8snb.machinery.names import Lottery
from k8snb.store.ledger import Kept
from k8snb.store.mvcc import Store
from k8snb.wire import Request, Response

_REFUSED = 500
_NO_ANSWER = "context deadline exceeded"
"""What the API server's probe of etcd comes to."""
SALT = 1_000_003
"""Members draw from lots of their own, so that a cluster with them has the same names as one without."""


class _Alone:
    """The process of an etcd that has one member and no log."""

    def __init__(self, store: Store, leases: Leases, began: Callable[[], None]) -> None:
        self._store = store
        self._leases = leases
        self._began = began

    @property
    def running(self) -> bool:
        return self._store.agreement is None

    def start(self) -> None:
        self._store.agreement = None
        self._leases.promote()
        self._began()

    def stop(self) -> None:
        if self.running:
            self._store.agreement = Gone()
            self._leases.demote()


class _Member:
    """The process of one member."""

    def __init__(self, admin: Admin, name: str) -> None:
        self._admin = admin
        self._name = name

    @property
    def running(self) -> bool:
        return self._admin.is_running(self._name)

    def start(self) -> None:
        self._admin.start(self._name)

    def stop(self) -> None:
        self._admin.stop(self._name)


class _Every:
    """All members together, as `etcd`."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    @property
    def running(self) -> bool:
        return any(self._admin.is_running(name) for name in self._admin.names())

    def start(self) -> None:
        for name in self._admin.names():
            if self._admin.may_start(name):
                self._admin.start(name)

    def stop(self) -> None:
        for name in self._admin.names():
            self._admin.stop(name)


class Members(Doing):
    """What a cluster has of etcd."""

    store: Store
    server: APIServer
    clock: Clock
    raw: RawStore
    admin: Admin | None
    _transport: APIServer | Balancer
    components: dict[str, Runs]
    keeper: Keeper | None
    _making: dict[str, Any]
    _lots: int

    @abstractmethod
    def wait(self, condition: Callable[[], bool], timeout: float = 0.0) -> bool:
        """Wait until `condition()` holds."""

    @abstractmethod
    def _pass_time(self, until: Callable[[], bool], deadline: float, *, foreground: bool = False) -> int:
        """Give turns and move time."""

    def _found_etcd(self, kept: Kept | None) -> None:
        """Put members beneath the store, if there are to be any: those that there were, or new ones."""
        self.going_on: list[Callable[[], None]] = []
        """Who is to be told when there may be a majority again."""
        self.admin = None
        boots = Start.of(kept).boots + 1 if kept is not None else 0
        self.leases = Leases(self.clock, self.store, leases_of(kept), f"{boots} " if boots else "")
        """The leases that clients of etcd were granted."""
        count, there_were = self._making["etcd_members"], found(kept)
        if not count and there_were is None:
            self.leases.promote()
            return
        names = [f"etcd-{number + 1}" for number in range(count)]
        goes_on = (there_were.former, there_were.versions) if there_were is not None else ()
        lots = Lottery(self._lots + SALT)
        ensemble = Ensemble(self.store, self.clock, lots, names, self.raw.key, self.leases, *goes_on)
        self.store.agreement = ensemble
        self.admin = Admin(ensemble, self.raw.bytes_of)
        if self._making["quota_backend_bytes"]:
            self.admin.set_quota(self._making["quota_backend_bytes"])
        if there_were is not None:
            there_were.take_back(self.admin, Archive(self.store, self.server.kinds, self.server.history))

    def _start_members(self) -> None:
        """Put what of etcd can be stopped alone among the components."""
        server, admin = self.components["kube-apiserver"], self.admin
        self.server.health.complaint = lambda process: _NO_ANSWER if process == "etcd" and not self.agrees() else ""
        if isinstance(server, ServerProcess):
            server.can_begin = self.agrees
        if admin is None:
            self.components["etcd"] = _Alone(self.store, self.leases, self._go_on)
            return
        admin.ensemble.changed.append(self._go_on)
        self.components |= {"etcd": _Every(admin), **{name: _Member(admin, name) for name in admin.names()}}

    def _go_on(self) -> None:
        """Tell whoever waits that there may be a majority again."""
        server = self.components["kube-apiserver"]
        if isinstance(server, ServerProcess):
            server.resume()
        for told in list(self.going_on):
            told()

    def agrees(self) -> bool:
        """Whether etcd can agree on something now."""
        agreement = self.store.agreement
        return not isinstance(agreement, Ensemble | Gone) or agreement.available

    # -- who can wait ----------------------------------------------------------------------------------------------

    def attempt(self, request: Request) -> Response | Stalled:
        """The answer to a request from outside; where etcd does not agree, the request as one that hangs."""
        agreement = self.store.agreement
        if not isinstance(agreement, Ensemble | Gone):
            return self._transport.handle(request)
        again, before = request.copy(), agreement.refusals
        response = self._transport.handle(request)
        if agreement.refusals == before or response.code < _REFUSED:
            return response
        return Stalled(again, response, agreement, self.clock.now())

    def finish(self, stalled: Stalled) -> Response:
        """The answer to a request that can go on, or whose time is up."""
        return stalled.answer(self._transport, self.server, agrees=self.agrees())

    def _answered(self, request: Request) -> Response:
        """The answer to a request from outside, for which time passes as long as it hangs."""
        tried = self.attempt(request)
        if isinstance(tried, Response):
            return tried
        self._pass_time(lambda: tried.is_over(self.agrees), tried.until)
        return self.finish(tried)

    # -- what readers do -------------------------------------------------------------------------------------------

    @property
    def etcd(self) -> Etcd:
        """The members of etcd: what they are, and what can happen to them. Raises RuntimeError where there are none."""
        if self.admin is None:
            raise RuntimeError(_("this cluster has no members of etcd: make one with Cluster(etcd_members=3)"))
        return Etcd(self)

    def _etcd(self, verb: str, *arguments: Any) -> Any:
        """Do something to the members; a journal has what etcd refused too."""
        assert self.admin is not None
        result = getattr(self.admin, verb)(*arguments)
        for name in self.admin.names():
            self.components.setdefault(name, _Member(self.admin, name))
        gone = [n for n, each in self.components.items() if isinstance(each, _Member) and n not in self.admin.names()]
        for name in gone:
            del self.components[name]
        return result

    def _restore_etcd(self, file: str, bump: int, forget: bool) -> None:
        """Stop the API server, put the members back to what a snapshot has, and start everything again."""
        assert self.admin is not None
        server = self.components["kube-apiserver"]
        server.stop()
        try:
            self.admin.restore(file, bump, forget)
            if self.keeper is not None:
                self.keeper.doubt()
        finally:
            server.start()

    def etcdctl(self, command: str, stdin: str = "") -> str:
        """What `etcdctl COMMAND` prints: the database behind the API server, as it lies there."""
        from k8snb.etcdctl.command import run

        return run(self, command, stdin)

    def _put_key(self, key: str, value: bytes, lease: int = 0) -> None:
        RawWriter(self.store, self.server.kinds, self.raw).put(key, value, lease)

    def _delete_key(self, key: str) -> None:
        RawWriter(self.store, self.server.kinds, self.raw).delete(key)

    def _compact(self, revision: int) -> None:
        """Forget what no read at a revision or later can see, where there are no members to ask. Raises EtcdError."""
        if revision <= self.store.compacted:
            raise EtcdError(REV_COMPACTED)
        if revision > self.store.revision:
            raise EtcdError(REV_FUTURE)
        self.store.compact(revision)

    def _grant_lease(self, ttl: int) -> Granted:
        return self.leases.grant(ttl)

    def _renew_lease(self, number: int) -> Granted:
        return self.leases.renew(number)

    def _revoke_lease(self, number: int) -> None:
        self.leases.revoke(number)

    def etcdutl(self, command: str) -> str:
        """What `etcdutl COMMAND` prints: it works on files of etcd, here on snapshots (`etcdctl snapshot save`)."""
        from k8snb.etcdctl.files import run

        return run(self, command)
