"""`etcdctl lease`: promises to delete keys after a time, granted here or made by the API server.

The API server's have numbers that follow from when they end: it writes Events with leases of a few more minutes than
an hour, so that many share one. Source: etcd `etcdctl/ctlv3/command/lease_command.go`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8snb.clock import Clock
from k8snb.etcd.errors import EtcdError
from k8snb.etcd.leases import NOT_FOUND, Granted
from k8snb.etcdctl import keys
from k8snb.etcdctl.printing import Database, as_fields, as_json, check_format, header, header_fields, quoted
from k8snb.etcdctl.words import Words
from k8snb.store.leased import FIRST_GRANTED, LEASE_WINDOW

Do = Callable[..., Any]
OF_EVENTS = 3660
"""For how many seconds the API server is granted a lease: an hour, and the minute in which it is shared."""


class _Shown(NamedTuple):
    number: int
    ttl: int
    left: int
    keys: Sequence[str]


def grant(database: Database, clock: Clock, words: Words, do: Do) -> bytes:
    """Make a lease."""
    if len(words.plain) != 3:
        raise EtcdError("lease grant command needs TTL argument")
    try:
        ttl = int(words.plain[2])
    except ValueError:
        raise EtcdError(f'bad TTL (strconv.ParseInt: parsing "{words.plain[2]}": invalid syntax)') from None
    try:
        made: Granted = do("_grant_lease", ttl)
    except EtcdError as error:
        raise EtcdError(f"failed to grant lease ({error})") from None
    return _said(database, words, made, f"lease {made.number:016x} granted with TTL({made.ttl}s)", {"Error": ""})


def revoke(database: Database, clock: Clock, words: Words, do: Do) -> bytes:
    """End a lease, and with it its keys."""
    if len(words.plain) != 3:
        raise EtcdError("lease revoke command needs 1 argument")
    number = parsed(words.plain[2])
    try:
        do("_revoke_lease", number)
    except EtcdError as error:
        raise EtcdError(f"failed to revoke lease ({error})") from None
    format, head = check_format(words), header(database, words)
    if format == "json":
        return as_json({"header": head})
    return as_fields(*header_fields(head)) if format == "fields" else f"lease {number:016x} revoked\n".encode()


def keep_alive(database: Database, clock: Clock, words: Words, do: Do) -> bytes:
    """Let a lease begin anew; without `--once` the first line of what goes on and on."""
    if len(words.plain) != 3:
        raise EtcdError("lease keep-alive command needs lease ID as argument")
    number = parsed(words.plain[2])
    try:
        lease: Granted = do("_renew_lease", number)
    except EtcdError as error:
        if words.has("--once") or str(error) != NOT_FOUND:
            raise
        return f"lease {number:016x} expired or revoked.\n".encode()
    return _said(database, words, lease, f"lease {lease.number:016x} keepalived with TTL({lease.ttl})", {})


def _said(database: Database, words: Words, lease: Granted, text: str, more: dict[str, str]) -> bytes:
    format = check_format(words)
    if format == "simple":
        return f"{text}\n".encode()
    head = header(database, words)
    if format == "fields":
        return as_fields(*header_fields(head), ("ID", lease.number), ("TTL", lease.ttl))
    return as_json({**head, "ID": lease.number, "TTL": lease.ttl, **more})


def listed(database: Database, clock: Clock, words: Words, do: Do) -> bytes:
    """The numbers of all leases."""
    found, format = _all(database, clock), check_format(words)
    if format == "simple":
        return (f"found {len(found)} leases\n" + "".join(f"{each.number:016x}\n" for each in found)).encode()
    head = header(database, words)
    if format == "fields":
        return as_fields(*header_fields(head), *(("ID", each.number) for each in found))
    return as_json({**head, "leases": [{"id": each.number} for each in found]})


def time_to_live(database: Database, clock: Clock, words: Words, do: Do) -> bytes:
    """How long a lease has left; with `--keys` what hangs on it."""
    if len(words.plain) != 3:
        raise EtcdError("lease timetolive command needs lease ID as argument")
    number, format, with_keys = parsed(words.plain[2]), check_format(words), words.has("--keys")
    found = next((each for each in _all(database, clock) if each.number == number), None)
    ttl, left, attached = (found.ttl, found.left, found.keys) if found is not None else (0, -1, ())
    attached = attached if with_keys else ()
    if format == "simple":
        if found is None:
            return f"lease {number:016x} already expired\n".encode()
        text = f"lease {number:016x} granted with TTL({ttl}s), remaining({left}s)"
        return (text + (f", attached keys([{' '.join(attached)}])" if with_keys else "") + "\n").encode()
    head = header(database, words)
    if format == "fields":
        own = (("ID", number), ("TTL", left), ("GrantedTTL", ttl))
        return as_fields(*header_fields(head), *own, *(("Key", quoted(key.encode())) for key in attached))
    shown = [base64.b64encode(key.encode()).decode() for key in attached]
    return as_json({**head, "id": number, "ttl": left, "granted-ttl": ttl, "keys": shown})


def parsed(text: str) -> int:
    """The number that a lease is named by; raises EtcdError."""
    try:
        return int(text, 16)
    except ValueError:
        why = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise EtcdError(f"bad lease ID ({why}), expecting ID in Hex") from None


def _all(database: Database, clock: Clock) -> list[_Shown]:
    """Those that clients were granted, and the API server's: what ends first stands first."""
    granted, now = database.leases, clock.now()
    held: dict[int, list[str]] = {}
    for each in keys.below(database, ""):
        held.setdefault(each.lease, []).append(each.key)
    own = [_Shown(each.number, each.ttl, granted.left(each), held.get(each.number, [])) for each in granted.all()]
    slots = {keys.number_of(slot): slot for slot in sorted(database.store.leased) if slot < FIRST_GRANTED}
    ends = ((number, int(slot * LEASE_WINDOW - now)) for number, slot in slots.items() if number in held)
    served = (_Shown(number, OF_EVENTS, left, held[number]) for number, left in ends)
    return sorted([*served, *own], key=lambda each: each.left)


VERBS = {
    "lease grant": grant,
    "lease revoke": revoke,
    "lease keep-alive": keep_alive,
    "lease list": listed,
    "lease timetolive": time_to_live,
}
