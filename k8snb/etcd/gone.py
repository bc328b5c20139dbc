"""An etcd of one member that does not run: nothing can be written, and nobody knows what is newest."""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.etcd import errors
from k8snb.etcd.keyspace import Txn
from k8snb.store.agreement import Write
from k8snb.wire import WatchEvent


class Gone:
    """Refuses everything (an `Agreement`)."""

    available = False
    last: Txn | None = None

    def __init__(self) -> None:
        self.refusals = 0

    def write(self, write: Write) -> WatchEvent:
        raise self._refusal(errors.refused())

    def compact(self, revision: int) -> None:
        """Nobody is there to forget anything."""

    def confirm(self) -> None:
        raise self._refusal(errors.unanswered())

    def _refusal(self, error: StatusError) -> StatusError:
        self.refusals += 1
        return error
