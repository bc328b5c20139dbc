"""A session in a live cluster, from the claim of its home to the cleaning up, and what killed sessions have left.

A session claims a home before anything else: it makes a namespace of its own, or takes up a Lease in one that was
lent to it. The Lease says who holds the session and until when, and what it has made elsewhere. A thread renews it as
long as the process lives. When the notebook lets go of its cluster, ends, or is interrupted while it connects, the
session is cleaned up at once. After a kernel that was killed nobody cleans, so whoever connects next does: a session
is over when its process is known to be gone, or when its Lease has expired.

What is deleted is looked at first: it has to bear the label of that session, and the deletion names its UID.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from k8snb.client.client import Client
from k8snb.clock import WallClock, parse_time
from k8snb.errors import StatusError, Unreachable
from k8snb.i18n import _
from k8snb.live.holders import holder, is_gone
from k8snb.live.territory import MADE, MANAGED, OURS, SESSION, Territory, home_of
from k8snb.machinery.objects import annotations_of, labels_of
from k8snb.typing import Object
from k8snb.wire import Response

LASTS = 600
"""So many seconds after its last sign a session is over, whatever became of its process."""
IS_HOME = "k8snb/home"
"""The label of a namespace that a session has made for itself."""
POD_SECURITY = {"pod-security.kubernetes.io/enforce": "baseline"}
"""A home lets no pod in that could get at its machine."""

ACCOUNT_LOOKS = 50
LEASES = "leases.coordination.k8s.io"
_PAUSES = (0.2, 0.5, 1.0, 2.0)
_AGAIN = (409, 429, 500, 502, 503, 504)
_KEPT = {"events", "events.events.k8s.io", "endpoints", "pods.metrics.k8s.io"}
"""What is not deleted by itself, because it goes by itself."""

INVENTED = "example.com/"
"""Whose finalizers pages set: nobody's, so no controller of any cluster takes one away."""

Result = TypeVar("Result")


ACTIVE: set[str] = set()
"""The sessions of this process that have not been cleaned up."""


class Now(NamedTuple):
    """What time it is: by the clock of this machine, and by that of the cluster."""

    here: float
    there: float


@dataclass
class Left:
    """A session as the cluster knows it."""

    territory: Territory
    holder: str = ""
    renewed: float = 0.0
    """The last sign of life, by the clock of whoever gave it."""
    written: float = 0.0
    """The same by the clock of the cluster, as far as it tells."""
    lasts: float = LASTS

    def is_over(self, now: Now) -> bool:
        """Whether nobody is there any more whose session it could be. Clocks that disagree are no proof of that."""
        ours = self.holder == holder() and self.territory.session not in ACTIVE
        expired = now.here > self.renewed + self.lasts and now.there > self.written + self.lasts
        return ours or expired or is_gone(self.holder)

    def __str__(self) -> str:
        mine = self.territory
        lent = _("what bears {label} in the namespace {home}").format(label=f"{SESSION}={mine.session}", home=mine.home)
        return ", ".join([lent if mine.lent else _("the namespace {home}").format(home=mine.home), *mine.made])


@dataclass
class Cleaned:
    """What was deleted, and what could not be, with the reason."""

    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Session:
    """A session of this process. `client` goes to the cluster directly."""

    def __init__(self, client: Client, territory: Territory, lasts: float = LASTS) -> None:
        self.territory = territory
        self._client = client
        self._lasts = lasts
        self._clock = WallClock()
        self._process = os.getpid()
        self._ended = threading.Event()

    def claim(self) -> None:
        """Make the home and the Lease. If that fails half-way, or is interrupted, nothing stays behind."""
        ACTIVE.add(self.territory.session)
        try:
            if not self.territory.lent:
                self._make_home()
            insist(lambda: self._make(LEASES, self._lease(), self.territory.home))
            threading.Thread(target=self._live, daemon=True, name="k8snb-session").start()
        except BaseException:
            self.end()
            raise

    def note(self) -> None:
        """Write down what has been made, before it is."""
        patch = {"metadata": {"annotations": {MADE: json.dumps(self.territory.made)}}}
        insist(lambda: self._client.patch(LEASES, self._name, patch, self.territory.home))

    def renew(self) -> None:
        """Give a sign of life."""
        patch = {"spec": {"renewTime": self._clock.micro_timestamp()}}
        self._client.patch(LEASES, self._name, patch, self.territory.home)

    def end(self) -> Cleaned:
        """Clean up; safe to repeat. In a process that was forked from the notebook's it does nothing."""
        if self._ended.is_set() or os.getpid() != self._process:
            return Cleaned()
        self._ended.set()
        ACTIVE.discard(self.territory.session)
        try:
            return clean(self._client, self.territory)
        except BaseException:
            self._ended.clear()  # interrupted: whoever asks next does the rest
            raise

    @property
    def ended(self) -> bool:
        """Whether it has been cleaned up."""
        return self._ended.is_set()

    @property
    def _name(self) -> str:
        return lease_name(self.territory)

    def _live(self) -> None:
        while not self._ended.wait(self._lasts / 3):
            with suppress(Exception):  # the next sign may get through
                self.renew()

    def _make_home(self) -> None:
        meta = {"name": self.territory.home, "labels": {**self.territory.labels, IS_HOME: "true", **POD_SECURITY}}
        namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
        rehearsal = self._client.request("POST", "/api/v1/namespaces", {"dryRun": "All"}, _JSON, _json(namespace))
        if rehearsal.code >= 400:
            status = _read(rehearsal)
            raise StatusError(rehearsal.code, str(status.get("reason", "")), str(status.get("message", "")))
        insist(lambda: self._make("namespaces", namespace))
        self._wait_for_account()

    def _wait_for_account(self) -> None:
        """Wait for the account of pods that name none, without which the cluster refuses them."""
        with suppress(StatusError):
            for _look in range(ACCOUNT_LOOKS):
                if self._client.find("serviceaccounts", "default", self.territory.home) is not None:
                    return
                self._ended.wait(0.1)

    def _make(self, resource: str, obj: Object, namespace: str = "") -> None:
        """Make something; that it is there already and ours is as well: the answer to an earlier try was lost."""
        try:
            self._client.create(resource, obj, namespace)
        except StatusError as error:
            found = self._client.find(resource, obj["metadata"]["name"], namespace) if error.code == 409 else None
            if found is None or labels_of(found).get(SESSION) != self.territory.session:
                raise

    def _lease(self) -> Object:
        now = self._clock.micro_timestamp()
        meta = {"name": self._name, "namespace": self.territory.home, "labels": self.territory.labels}
        times = {"acquireTime": now, "renewTime": now, "leaseDurationSeconds": int(self._lasts)}
        spec = {"holderIdentity": holder(), **times}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


_JSON = {"content-type": "application/json"}


def _json(obj: Object) -> bytes:
    return json.dumps(obj).encode()


def _read(answer: Response) -> Any:
    return json.loads(answer.body or b"{}") if answer.object is None else answer.object


def lease_name(territory: Territory) -> str:
    """What the Lease of a session is called."""
    return f"{OURS}-{territory.session}"


def insist(ask: Callable[[], Result]) -> Result:
    """Ask again, with growing pauses, while the answer is that of a cluster in trouble."""
    for pause in _PAUSES:
        try:
            return ask()
        except StatusError as error:
            if error.code not in _AGAIN:
                raise
            threading.Event().wait(pause)
    return ask()


# -- finding -----------------------------------------------------------------------------------------------


def sessions(client: Client, namespace: str = "") -> list[Left]:
    """The sessions of a cluster that can be seen: those in namespaces of their own, and those in one that is lent.

    A namespace that bears the labels of a session, but not its name, has them from somewhere else: it is nobody's home.
    """
    try:
        homes = insist(lambda: client.list("namespaces", labels=f"{MANAGED}={OURS},{IS_HOME}=true"))
    except StatusError as error:
        if error.code != 403:
            raise
        homes = []
    found = [_of_home(client, home) for home in homes if home["metadata"]["name"] == home_of(_session_of(home))]
    if namespace and namespace not in {each.territory.home for each in found}:
        try:
            leases = insist(lambda: client.list(LEASES, namespace, labels=f"{MANAGED}={OURS}"))
        except StatusError:
            leases = []
        found += [
            _of_lease(each, Territory(_session_of(each), namespace, lent=True)) for each in leases if _session_of(each)
        ]
    return found


def _session_of(obj: Object) -> str:
    return str(labels_of(obj).get(SESSION, ""))


def _of_home(client: Client, home: Object) -> Left:
    meta = home["metadata"]
    territory = Territory(labels_of(home)[SESSION], meta["name"])
    lease = client.find(LEASES, lease_name(territory), territory.home)
    made = parse_time(meta["creationTimestamp"])
    return _of_lease(lease, territory) if lease is not None else Left(territory, renewed=made, written=made)


def _of_lease(lease: Object, territory: Territory) -> Left:
    """What a Lease says. It lies where others may write, so whatever does not make sense is passed over."""
    meta, spec = lease["metadata"], lease.get("spec") or {}
    territory.made = _names(annotations_of(lease).get(MADE, ""))
    made = parse_time(meta["creationTimestamp"])
    times = [str(each.get("time", "")) for each in meta.get("managedFields") or ()]
    written = max([made, *map(_time, times)])
    lasts = spec.get("leaseDurationSeconds")
    return Left(
        territory,
        str(spec.get("holderIdentity", "")),
        _time(str(spec.get("renewTime", ""))) or made,
        written,
        float(lasts) if isinstance(lasts, int) else LASTS,
    )


def _names(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        return 0.0


def now(client: Client, namespace: str = "") -> Now:
    """What time it is here and there. The cluster says so in the answer to a rehearsal; nothing is made."""
    here = WallClock().now()
    kind, where = ("Lease", namespace) if namespace else ("Namespace", "")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{where}/leases" if where else "/api/v1/namespaces"
    version = "coordination.k8s.io/v1" if where else "v1"
    asked = {"apiVersion": version, "kind": kind, "metadata": {"generateName": f"{OURS}-"}}
    try:
        answer = client.request("POST", path, {"dryRun": "All"}, _JSON, _json(asked))
    except StatusError:
        return Now(here, math.inf)
    return Now(here, _time(str((_read(answer).get("metadata") or {}).get("creationTimestamp", ""))) or math.inf)


# -- cleaning ----------------------------------------------------------------------------------------------


def clean(client: Client, territory: Territory) -> Cleaned:
    """Delete what a session has made; its Lease or home last, so that it is found as long as something is left."""
    done = Cleaned()
    try:
        _clean(client, territory, done)
    except Unreachable as error:  # nor would anything else be answered
        done.kept.append(f"{territory.home}: {error.message}")
    return done


def _clean(client: Client, territory: Territory, done: Cleaned) -> None:
    _let_go(client, territory, territory.home)
    for each in reversed(territory.made):
        resource, _slash, name = each.partition("/")
        if resource == "namespaces" and _is_ours(client, territory, name):
            _let_go(client, territory, name)
        _delete(client, territory, resource, name, "", done)
    if territory.lent:
        for resource, name in _marked(client, territory, done):
            _delete(client, territory, resource, name, territory.home, done)
    if not done.kept and territory.lent:
        _delete(client, territory, LEASES, lease_name(territory), territory.home, done)
    elif not done.kept:
        _delete(client, territory, "namespaces", territory.home, "", done)


def _is_ours(client: Client, territory: Territory, namespace: str) -> bool:
    try:
        found = insist(lambda: client.find("namespaces", namespace))
    except Unreachable:
        raise
    except StatusError:
        return False
    return found is not None and labels_of(found).get(SESSION) == territory.session


def _let_go(client: Client, territory: Territory, namespace: str) -> None:
    """Take finalizers that pages have invented off their ConfigMaps: they would hold a namespace for ever."""
    try:
        found = insist(lambda: client.list("configmaps", namespace))
        for obj in found:
            meta = obj["metadata"]
            left = [each for each in meta.get("finalizers") or () if not each.startswith(INVENTED)]
            if left != (meta.get("finalizers") or []) and (namespace != territory.home or territory.has(obj)):
                patch = {"metadata": {"finalizers": left, "resourceVersion": meta["resourceVersion"]}}
                insist(partial(client.patch, "configmaps", meta["name"], patch, namespace))
    except Unreachable:
        raise
    except StatusError:
        return  # not there any more, or not allowed: what stays is told by `live clean`


def _marked(client: Client, territory: Territory, done: Cleaned) -> Iterator[tuple[str, str]]:
    """What bears the session's label in its home, but for its Lease."""
    selector, seen = f"{SESSION}={territory.session}", set(_KEPT)
    for row in client.scheme:
        if not row.namespaced or row.group_resource in seen or not {"list", "delete"} <= set(row.verbs):
            continue
        seen.add(row.group_resource)
        try:
            found = insist(lambda: client.list(row.group_resource, territory.home, labels=selector))  # noqa: B023 (asked at once)
        except Unreachable:
            raise
        except StatusError as error:
            if error.code not in (403, 404, 405):
                done.kept.append(f"{row.group_resource}: {error.message}")
            continue
        for obj in found:
            if (row.group_resource, obj["metadata"]["name"]) != (LEASES, lease_name(territory)):
                yield row.group_resource, obj["metadata"]["name"]


def _delete(client: Client, territory: Territory, resource: str, name: str, namespace: str, done: Cleaned) -> None:
    what = f"{resource}/{name}"

    def delete() -> bool:
        found = client.find(resource, name, namespace)
        if found is None or labels_of(found).get(SESSION) != territory.session:
            return False
        if "deletionTimestamp" not in found["metadata"]:
            client.delete(resource, name, namespace, propagation="Background", uid=found["metadata"]["uid"])
        return True

    try:
        if insist(delete):
            done.gone.append(what)
    except Unreachable:
        raise
    except StatusError as error:
        if error.code != 404:
            done.kept.append(f"{what}: {error.message}")
    except LookupError:
        done.kept.append(f"{what}: {resource}")


def gone(client: Client, territory: Territory) -> bool:
    """Whether nothing of a session is to be seen any more."""
    if territory.lent:
        return client.find(LEASES, lease_name(territory), territory.home) is None
    return client.find("namespaces", territory.home) is None
