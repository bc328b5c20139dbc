"""`etcdctl put`, `del` and `txn`: writing keys past the API server.

A transaction is read from the standard input: comparisons, what is done if all of them hold, and what if not, each part
ended by an empty line. Nothing comes between its requests, but each of them has a revision of its own.

Source: etcd `etcdctl/ctlv3/command/{put,del,txn}_command.go`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from k8snb.apiserver.rawwriter import Unreadable
from k8snb.errors import StatusError
from k8snb.etcd.errors import EtcdError
from k8snb.etcdctl import keys, leasing
from k8snb.etcdctl.printing import (
    Answer,
    Database,
    Found,
    check_format,
    compact,
    header,
    header_fields,
    kv_fields,
    kv_json,
    kvs_lines,
)
from k8snb.etcdctl.words import Words, words

Do = Callable[..., Any]
"""Does something to the database, so that a fork and a rewind live through it too."""

_COMPARISON = re.compile(r'(\w+)\(("(?:[^"\\]|\\.)*")\)\s*(=|!=|<|>)\s*("(?:[^"\\]|\\.)*")')
_HOLDS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt}
_NOTHING = {"version": 0, "create": 0, "mod": 0, "value": b"", "lease": 0}
_PROMPTS = b"compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\n"
_TARGETS = {"ver": "version", "c": "create", "m": "mod", "val": "value"}


def put(database: Database, words: Words, do: Do, stdin: str) -> Answer:
    """Store a value under a key."""
    if len(words.plain) < 2:
        raise EtcdError("put command needs 1 argument and input from stdin or 2 arguments")
    key, ignores, stays = words.plain[1], words.has("--ignore-value"), words.has("--ignore-lease")
    lease = leasing.parsed(words.flags.get("--lease") or "0")
    before = next(keys.exactly(database, key), None)
    if (ignores or stays) and before is None:
        raise EtcdError("etcdserver: key not found")
    if lease:
        database.leases.get(lease)
    elif stays and before is not None:
        lease = before.lease
    value = words.plain[2].encode() if len(words.plain) > 2 else stdin.encode()
    value = database.raw.bytes_of(before.event) if before is not None and ignores else value
    _do(do, "_put_key", key, value, *([lease] if lease else []))
    previous = [before] if before is not None and words.has("--prev-kv") else []
    prev = {"prev_kv": kv_json(database, previous[0])} if previous else {}
    fields = _previous_fields(database, previous)
    return Answer("response_put", b"OK\n" + kvs_lines(database, previous), fields, prev)


def delete(database: Database, words: Words, do: Do, _stdin: str) -> Answer:
    """Remove keys, and say how many."""
    found = keys.selected(database, keys.selection(words, "del"))
    for each in found:
        _do(do, "_delete_key", each.key)
    previous = found if words.has("--prev-kv") else []
    kvs = [kv_json(database, each) for each in previous]
    return Answer(
        "response_delete_range",
        f"{len(found)}\n".encode() + kvs_lines(database, previous),
        [("Deleted", len(found)), *_previous_fields(database, previous)],
        {"deleted": len(found), "prev_kvs": kvs},
    )


def _previous_fields(database: Database, found: list[Found]) -> list[tuple[str, Any]]:
    return [field for each in found for field in kv_fields(database, each, prefix="Prev")]


def transact(database: Database, asked: Words, do: Do, stdin: str) -> Answer:
    """Do one thing or another, whether all comparisons hold."""
    if len(asked.plain) > 1:
        raise EtcdError("txn command does not accept argument")
    parts = iter(stdin.splitlines())
    comparisons, success, failure = _part(parts), _part(parts), _part(parts)
    holds = all(_holds(database, line) for line in comparisons)
    requests = [_request(line) for line in (success if holds else failure)]
    prompts = _PROMPTS if asked.has("-i") or asked.has("--interactive") else b""
    simple = [prompts + (b"SUCCESS\n" if holds else b"FAILURE\n")]
    fields: list[tuple[str, Any]] = [("Succeeded", holds)]
    responses = []
    for request in requests:
        verb = request.plain[0]
        each = keys.answer(database, request) if verb == "get" else WRITES[verb](database, request, do, "")
        head = {"cluster_id": 0, "member_id": 0, "revision": database.store.revision, "raft_term": 0}
        simple.append(each.simple)
        fields += [*header_fields(head), *each.fields]
        responses.append({"Response": {each.word: compact({"header": compact(head), **each.json})}})
    return Answer("", b"\n".join(simple), fields, {"succeeded": holds, "responses": responses})


WRITES: Mapping[str, Callable[[Database, Words, Do, str], Answer]] = {"put": put, "del": delete, "txn": transact}


def write(database: Database, words: Words, do: Do, stdin: str, verb: str) -> bytes:
    """What `etcdctl put`, `del` or `txn` prints."""
    format = check_format(words)
    answer = WRITES[verb](database, words, do, stdin)
    return answer.written(format, header(database, words) if format != "simple" else {})


def _part(lines: Iterator[str]) -> list[str]:
    """The lines up to an empty one."""
    found = []
    for line in lines:
        if not line.strip():
            break
        found.append(line.strip())
    return found


def _request(line: str) -> Words:
    asked = words(line)
    if len(asked.plain) < 2 or asked.plain[0] not in ("get", "put", "del"):
        raise EtcdError(f"invalid txn request: {line}")
    return asked


def _holds(database: Database, line: str) -> bool:
    """Whether a comparison holds, such as `mod("/a") > "0"`."""
    found = _COMPARISON.fullmatch(line)
    if found is None:
        raise EtcdError(f"malformed comparison: {line}")
    target = _TARGETS.get(found[1], found[1])
    if target not in _NOTHING:
        raise EtcdError(f"malformed comparison: {line} (unknown target {found[1]})")
    value = orjson.loads(found[4])
    try:
        wanted = value.encode() if target == "value" else int(value, 16 if target == "lease" else 10)
    except ValueError:
        why = f'strconv.ParseInt: parsing "{value}": invalid syntax'
        raise EtcdError(f"invalid txn compare request: {line} ({why})") from None
    there = next(keys.exactly(database, orjson.loads(found[2])), None)
    if there is None and target == "value":
        return False
    return bool(_HOLDS[found[3]](_known(database, there)[target], wanted))


def _known(database: Database, found: Found | None) -> dict[str, Any]:
    if found is None:
        return _NOTHING
    numbers = {"version": found.version, "create": found.created, "mod": found.modified, "lease": found.lease}
    return {**numbers, "value": database.raw.bytes_of(found.event)}


def _do(do: Do, verb: str, *arguments: Any) -> None:
    try:
        do(verb, *arguments)
    except StatusError as error:
        raise EtcdError(error.message) from None
    except Unreadable as error:
        raise EtcdError(str(error)) from None
