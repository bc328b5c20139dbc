"""A cluster's past as data: how it was made, and all that came from outside since.

Everything else follows from these, so whoever has them can live through it again (`Again`). What is written is JSON;
what is read may come from anybody. So nothing in it names a function or class to be called but those in the tables
below, which do no more than what somebody at a notebook can do to a simulated cluster, and what it may cost is
limited.

Not everything is data: programs that the reader runs, webhooks that are functions, plugins for the scheduler.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from k8snb.apiserver.access.gate import KNOWN
from k8snb.cluster.machines import NodeSpec
from k8snb.cluster.replicating import ControlPlane
from k8snb.cluster.rush import Asking
from k8snb.controllers.settings import Settings
from k8snb.errors import NotData
from k8snb.i18n import _
from k8snb.kubelet.thresholds import EvictionSettings
from k8snb.scheduler import configuration
from k8snb.wire import Request, User

if TYPE_CHECKING:
    from k8snb.cluster.cluster import Cluster
    from k8snb.cluster.lasting import Lasting

Entry: TypeAlias = tuple[str, tuple[Any, ...]]
"""One thing that came from outside: the name of a method of `Cluster` and its arguments."""

# fmt: off
CALLS = frozenset((
    "_handle_again", "_run_again", "_inspect", "_fetch", "_curl", "_rush", "_audit", "_encrypt", "_etcd",
    "_restore_etcd", "_add_node", "_add_driver", "_start_snapshots", "_call_driver", "_stop_kubelet",
    "_start_kubelet", "_stop_proxy", "_start_proxy", "_configure_kubelet", "_put_manifest", "_stop_process",
    "_start_process", "_configure_cni", "_ip", "_tunnel_pods", "_compact", "_grant_lease", "_renew_lease",
    "_revoke_lease",
))
# fmt: on
"""The methods of a cluster that an entry of a journal may name."""

OPTIONS = ("seed", "history", "quantum", "trace", "cloud", "audit", "etcd_members", "quota_backend_bytes", "encryption")
"""How a cluster was made, besides its machines."""

MOST_ENTRIES, MOST_NODES, MOST_TURNS, MOST_SECONDS = 20_000, 200, 2_000_000, 1e10

_RECORDS = {kind.__name__: kind for kind in (NodeSpec, ControlPlane, EvictionSettings)}
_TAG = "$"


class NoPast(ValueError):
    """What should be a past is none; says what is wrong with it."""


class Told(NamedTuple):
    """A past as JSON has it."""

    made: Mapping[str, Any]
    entries: Sequence[Any]


@dataclass(frozen=True)
class Past:
    """What a cluster was made with, and the entries of its journal. `strange` is what of it is known not to be data."""

    making: Mapping[str, Any]
    entries: Sequence[Entry]
    revision: int
    strange: str = ""

    def told(self) -> Told:
        """The past as data; raises `NotData`."""
        if self.strange:
            raise NotData(self.strange)
        made = {name: self.making[name] for name in (*OPTIONS, "nodes", "control_planes")}
        return Told(_written(made), [[name, *map(_written, arguments)] for name, arguments in self.entries])


def past_of(cluster: Lasting) -> Past:
    """The past of a cluster until now."""
    made = cluster._making
    strange = {
        _("webhooks that are functions"): cluster.webhooks.ever,
        _("webhooks outside"): made["outside"] is not None,
        _("a scheduler with a configuration of its own"): made["scheduler"] != configuration.read(None),
        _("a cluster that goes on from a file"): cluster._begins is not None,
        _("keys or flags of its own"): cluster._keys is not KNOWN or cluster._flags != Settings(),
        _("a cluster that keeps no journal"): not cluster._keeps_journal,
    }
    found = next((word for word, holds in strange.items() if holds), "")
    return Past(made, tuple(cluster._journal), cluster.server.store.revision, found)


class Again:
    """A cluster that lives through a past that somebody tells. Raises `NoPast` for what cannot be one."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        from k8snb.cluster.cluster import Cluster

        self._turns = 0
        self.cluster: Cluster = understood(lambda: Cluster(**_options(made)))

    def live(self, entries: Sequence[Any]) -> None:
        """Let happen what is written next."""
        if len(entries) > MOST_ENTRIES:
            raise NoPast(_("{count} entries are too many").format(count=len(entries)))
        understood(lambda: self.cluster.replay([self._entry(each) for each in entries]))

    def _entry(self, written: Any) -> Entry:
        name, *arguments = written
        if name not in CALLS:
            raise NoPast(_("nothing called {name} comes from outside").format(name=name))
        made = tuple(map(_read, arguments))
        if name == "_run_again":
            turns, now = made
            self._turns += turns
            if self._turns > MOST_TURNS or not 0 <= now <= MOST_SECONDS:
                raise NoPast(_("so much time has not passed"))
        if name == "_etcd" and str(made[0]).startswith("_"):
            raise NoPast(_("nothing called {name} comes from outside").format(name=made[0]))
        return name, made


def _options(made: Mapping[str, Any]) -> Mapping[str, Any]:
    options = {name: _read(value) for name, value in made.items()}
    known = {*OPTIONS, "nodes", "control_planes"}
    machines = [*options.get("nodes", ()), *options.get("control_planes", ())]
    if not {"seed", "nodes"} <= set(options) <= known or len(machines) > MOST_NODES:
        raise NoPast(_("a cluster was never made like that"))
    return options


def understood(work: Callable[[], Any]) -> Any:
    """What comes of some work; whatever breaks on the way is due to what was told, and a `NoPast`."""
    try:
        return work()
    except NoPast:
        raise
    except Exception as error:
        raise NoPast(f"{type(error).__name__}: {error}") from error


# -- values ----------------------------------------------------------------------------------------------


def _written(value: Any) -> Any:
    """A value as JSON has it: what JSON does not know is an object whose only key is `$` with a word."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Request):
        return {f"{_TAG}request": _written_request(value)}
    if isinstance(value, Asking | tuple):
        return {f"{_TAG}{type(value).__name__}": [_written(each) for each in value]}
    if isinstance(value, list):
        return [_written(each) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        pairs = {key: _written(each) for key, each in value.items()}
        return {f"{_TAG}map": list(pairs.items())} if any(key.startswith(_TAG) for key in pairs) else pairs
    if type(value).__name__ in _RECORDS:
        whole = {each.name: _written(getattr(value, each.name)) for each in fields(value)}
        return {f"{_TAG}{type(value).__name__}": whole}
    raise NotData(_("{kind} is no data").format(kind=getattr(value, "__name__", type(value).__name__)))


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(each) for each in value]
    if not isinstance(value, dict):
        return value
    word = next(iter(value), "")
    if not word.startswith(_TAG):
        return {key: _read(each) for key, each in value.items()}
    inner, kind = value[word], word.removeprefix(_TAG)
    if kind == "request":
        return _read_request(inner)
    if kind == "map":
        return {key: _read(each) for key, each in inner}
    if kind in ("tuple", "Asking"):
        each = (_read(part) for part in inner)
        return tuple(each) if kind == "tuple" else Asking(*each)
    if kind in _RECORDS:
        return _RECORDS[kind](**{key: _read(each) for key, each in inner.items()})
    raise NoPast(_("{kind} is no data").format(kind=kind))


def _written_request(request: Request) -> Mapping[str, Any]:
    user = request.user
    return dict(
        _given(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            body=_text(request.body),
            user=None if user is None else [user.name, list(user.groups), user.uid, _written(dict(user.extra))],
        )
    )


def _given(**parts: Any) -> Iterator[tuple[str, Any]]:
    return ((name, part) for name, part in parts.items() if part)


def _text(body: bytes) -> Any:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return [base64.b64encode(body).decode()]


def _read_request(written: Mapping[str, Any]) -> Request:
    body, user = written.get("body", ""), written.get("user")
    sender = None
    if user is not None:
        name, groups, uid, extra = user
        sender = User(name, tuple(groups), uid, _read(extra))
    return Request(
        written["method"],
        written["path"],
        written.get("query", {}),
        written.get("headers", {}),
        body.encode() if isinstance(body, str) else base64.b64decode(body[0]),
        user=sender,
    )
