"""What of a cluster outlives its process, and how it begins with what another process left.

A cluster with a data file is kept whenever somebody outside is told that something has happened: at the end of each
request, of each wait, of everything that goes into the journal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from k8snb.apiserver.access.gate import Gate, Keys
from k8snb.apiserver.archive import Archive, CannotRead
from k8snb.apiserver.bootstrap import bootstrap_objects
from k8snb.apiserver.rawstore import RawStore
from k8snb.apiserver.server import APIServer
from k8snb.clock import EPOCH, Clock, VirtualClock
from k8snb.cluster.inventory import Inventory, lay_out, manifests_of, rewire
from k8snb.cluster.journal import Entry, Past, past_of
from k8snb.cluster.keeping import Keeper, Start, bring_back, complete
from k8snb.cluster.machines import NO_MANIFESTS, Machines
from k8snb.controllers.settings import Settings
from k8snb.etcd.admin import Admin
from k8snb.etcd.kept import Belongings, KeptLeases
from k8snb.etcd.leases import Leases
from k8snb.i18n import _
from k8snb.network.posting import Functions
from k8snb.store.ledger import CannotOpen, Kept
from k8snb.typing import Object

SMALL_NODES = 200


class Lasting(Machines):
    """The life of a cluster beyond that of its process."""

    keeper: Keeper | None
    """Keeps the cluster in its file, if it has one."""
    server: APIServer
    raw: RawStore
    admin: Admin | None
    """Who looks after the members of etcd, if there are any."""
    leases: Leases
    _making: dict[str, Any]
    _begins: Kept | None
    """What another process left, if the cluster goes on from that."""
    _keeps_journal: bool
    _journal: list[Entry]
    _keys: Keys
    _flags: Settings
    webhooks: Functions
    _clock_given: Clock | None
    _lots: int
    """What the names and UIDs of this life follow from."""

    def close(self) -> None:
        """Let go of the data file. What was kept is in it; without one nothing happens."""
        if self.keeper is not None:
            self.keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        """Build the cluster and keep it; where that fails the file is free again."""
        try:
            self._build()
            self._keep()
            if not self._keeps_journal:  # nobody is going back to where it began
                self._begins = None
        except BaseException:
            if self.keeper is not None:
                self.keeper.file.close()
            raise

    def _keep(self) -> None:
        """Let the file have what has happened."""
        if self.keeper is not None:
            self.keeper.keep(time=True)

    def _touch(self, bucket: str, place: str, name: str) -> None:
        if self.keeper is not None:
            self.keeper.inventory.touch(bucket, place, name)

    @property
    def past(self) -> Past:
        """How this cluster was made and what came to it from outside: as data, where it is such (see `journal`)."""
        return past_of(self)

    @abstractmethod
    def _build(self) -> None:
        """Make everything."""

    # -- beginning ---------------------------------------------------------------------------------

    def _start_of(self, kept: Kept | None) -> Start:
        """What the cluster begins with, or goes on from; its clock goes on, too."""
        self.clock = self._clock_given or VirtualClock(EPOCH if kept is None else Start.of(kept).now)
        if kept is None:
            self._lots = self._making["seed"]
            return Start(self._making["seed"], self.clock.now(), len(self._making["nodes"]) > SMALL_NODES)
        former = Start.of(kept)
        self.clock.go_on(former.nanoseconds)
        start = former._replace(boots=former.boots + 1)
        self._lots = start.lots(kept.head.revision)
        return start

    def _bring_back(self, kept: Kept | None) -> None:
        """Put in place what was kept, encryption, and what has to be there."""
        config = self._making["encryption"]

        def encrypt() -> None:
            if config is not None:
                self.raw.encrypt(config)

        if kept is None:
            encrypt()
            return
        try:
            bring_back(kept, self.server, encrypt)
        except CannotRead as error:
            told = _("{why}; give the EncryptionConfiguration with which it was written")
            raise CannotOpen(told.format(why=error)) from None

    def _make_whole(self, kept: Kept | None, gate: Gate) -> None:
        """Make what has to be there and was deleted, if that can be agreed on."""
        if kept is not None and self._can_write():
            complete(self.server.store, self.clock.timestamp(), gate.authority.certificate.decode())

    def _can_write(self) -> bool:
        return self.admin is None or self.admin.ensemble.available

    def _bootstrap(self, kept: Kept | None) -> None:
        """Make what the API server makes when it starts, if that can be agreed on."""
        client = self._context.client
        for resource, obj in bootstrap_objects() if self._can_write() else ():
            meta = obj["metadata"]
            if kept is None or client.find(resource, meta["name"], meta.get("namespace", "")) is None:
                client.create(resource, obj)

    def _follow(self, start: Start) -> None:
        """Let what happens from here on be kept."""
        if self.keeper is not None:
            inventory = Inventory(self.specs, self.kubelets, self.pool, self.drivers, self.network.addresses.wiring)
            archive = Archive(self.server.store, self.server.kinds, self.server.history)
            members = [Belongings(self.admin, archive)] if self.admin is not None else []
            self.keeper.follow(self.server, self.clock, start, inventory, KeptLeases(self.leases), *members)

    def _start_machines(self, kept: Kept | None) -> None:
        """Make the machines, with what was on their disks."""
        manifests: Mapping[str, Mapping[str, Object]] = {}
        if kept is not None:
            manifests = manifests_of(kept)
            lay_out(kept, self.pool)
            self._bring_back_drivers(kept)
            for node in self.server.store.bucket("nodes").objects():
                rewire(kept, self.network.addresses.wiring, node)
        if self.keeper is not None:
            self.keeper.inventory.listen()
        for spec in self._making["nodes"]:
            self._add_node(spec, manifests.get(spec.name, NO_MANIFESTS))
