"""`etcdctl` and `etcdutl` in the image of etcd: the commands that one types in a member, or a backup runs.

`etcdctl` asks a member over the network, `etcdutl` works on files alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from k8snb.kubelet.images.etcd.data import Data, Disk, checksum, founded, number_of
from k8snb.kubelet.images.etcd.member import CLIENTS, encoded
from k8snb.kubelet.images.filesystem import FileError
from k8snb.kubelet.images.servers import option
from k8snb.kubelet.images.shell.interpreter import Invocation
from k8snb.packet import HTTPRequest, NetworkError

Body = dict[str, Any]
_LATE = "context deadline exceeded"
_TOOK = "2.3ms"
_SWITCHES = frozenset({"--prefix", "--keys-only", "--print-value-only", "--cluster", "--skip-hash-check"})


class Failed(Exception):
    """Why a command prints `Error: …` and ends with 1."""


class Words:
    """A command line: what is no flag, and the flags."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self.plain: list[str] = []
        given = iter(argv[1:])
        for word in given:
            if not word.startswith("-"):
                self.plain.append(word)
            elif "=" not in word and word not in _SWITCHES:
                next(given, "")

    def has(self, flag: str) -> bool:
        """Whether a switch is given."""
        return flag in self._argv or f"{flag}=true" in self._argv

    def flag(self, name: str, default: str = "") -> str:
        """The value of a flag."""
        return option(self._argv, name, default)

    def word(self, at: int, missing: str) -> str:
        """A word that has to be there."""
        if len(self.plain) <= at:
            raise Failed(missing)
        return self.plain[at]


class _Client:
    """Asks the members that `--endpoints` names, the first that answers."""

    def __init__(self, call: Invocation, words: Words) -> None:
        self._call = call
        self.files = call.process.files
        environment = call.shell.environment().get("ETCDCTL_ENDPOINTS", f"http://127.0.0.1:{CLIENTS}")
        self.endpoints = [each for each in words.flag("endpoints", environment).split(",") if each]

    def ask(self, path: str, **body: Any) -> Body:
        """What comes back; raises Failed."""
        why = _LATE
        for endpoint in self.endpoints:
            try:
                return self.ask_one(endpoint, path, **body)
            except Failed as failure:
                why = str(failure)
        raise Failed(why)

    def ask_one(self, endpoint: str, path: str, **body: Any) -> Body:
        """What one endpoint answers; raises Failed."""
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        asked = HTTPRequest("POST", parts.hostname or "", parts.port or CLIENTS, path, body=json.dumps(body))
        try:
            answer = self._call.process.request(asked)
        except NetworkError:
            raise Failed(_LATE) from None
        said: Body = json.loads(answer.body)
        if answer.status != 200:
            raise Failed(_LATE if answer.status == 503 else said["message"])
        return said


def _put(client: _Client, words: Words) -> str:
    key, value = words.word(1, "put command needs 1 argument"), words.word(2, "put command needs 2 arguments")
    client.ask("/v3/kv/put", key=encoded(key), value=encoded(value))
    return "OK\n"


def _selection(words: Words, verb: str) -> Body:
    key = words.word(1, f"{verb} command needs one argument as key and an optional argument as range_end")
    return {"key": encoded(key), **({"range_end": "AA=="} if words.has("--prefix") else {})}


def _get(client: _Client, words: Words) -> str:
    lines = []
    for found in client.ask("/v3/kv/range", **_selection(words, "get"))["kvs"]:
        key, value = (base64.b64decode(found[part]).decode() for part in ("key", "value"))
        lines += [] if words.has("--print-value-only") else [key]
        lines += [] if words.has("--keys-only") else [value]
    return "".join(f"{line}\n" for line in lines)


def _delete(client: _Client, words: Words) -> str:
    return f"{client.ask('/v3/kv/deleterange', **_selection(words, 'del'))['deleted']}\n"


def _members(client: _Client, words: Words) -> str:
    lines = []
    for member in client.ask("/v3/cluster/member/list")["members"]:
        begun = "started" if member.get("name") else "unstarted"
        urls = (",".join(member.get(kind, ())) for kind in ("peerURLs", "clientURLs"))
        lines.append(", ".join([_hexadecimal(member["ID"]), begun, member.get("name", ""), *urls, "false"]))
    return "".join(f"{line}\n" for line in lines)


def _add(client: _Client, words: Words) -> str:
    name, url = words.word(2, "member name not provided"), words.flag("peer-urls")
    if not url:
        raise Failed("member peer urls not provided")
    said = client.ask("/v3/cluster/member/add", peerURLs=[url])
    names = [f"{member.get('name', name)}={member['peerURLs'][0]}" for member in said["members"]]
    return (
        f"Member {_hexadecimal(said['member']['ID'])} added to cluster {_hexadecimal(said['header']['cluster_id'])}\n\n"
        f'ETCD_NAME="{name}"\nETCD_INITIAL_CLUSTER="{",".join(names)}"\n'
        f'ETCD_INITIAL_ADVERTISE_PEER_URLS="{url}"\nETCD_INITIAL_CLUSTER_STATE="existing"\n'
    )


def _remove(client: _Client, words: Words) -> str:
    number = words.word(2, "member ID is not provided")
    try:
        said = client.ask("/v3/cluster/member/remove", ID=str(int(number, 16)))
    except ValueError:
        raise Failed(f'bad member ID arg (strconv.ParseUint: parsing "{number}": invalid syntax)') from None
    return f"Member {number} removed from cluster {_hexadecimal(said['header']['cluster_id'])}\n"


def _hexadecimal(number: str) -> str:
    return f"{int(number):016x}"


def _each(client: _Client, words: Words) -> list[str]:
    """The endpoints that are asked one by one: those named, or with `--cluster` all that are known."""
    if not words.has("--cluster"):
        return client.endpoints
    members = client.ask("/v3/cluster/member/list")["members"]
    return [url for member in members for url in member.get("clientURLs", ())]


def _health(client: _Client, words: Words) -> str:
    lines, bad = [], False
    for endpoint in _each(client, words):
        try:
            client.ask_one(endpoint, "/v3/kv/range", key=encoded("health"))
            lines.append(f"{endpoint} is healthy: successfully committed proposal: took = {_TOOK}")
        except Failed as failure:
            bad = True
            lines.append(f"{endpoint} is unhealthy: failed to commit proposal: {failure}")
    if bad:
        raise Failed("\n".join([*lines, "Error: unhealthy cluster"]))
    return "".join(f"{line}\n" for line in lines)


def _status(client: _Client, words: Words) -> str:
    lines = []
    for endpoint in _each(client, words):
        said = client.ask_one(endpoint, "/v3/maintenance/status")
        number = _hexadecimal(said["header"]["member_id"])
        leads = str(number == _hexadecimal(said["leader"])).lower()
        lines.append(f"{endpoint}, {number}, {said['version']}, {said['dbSize']} B, {leads}, {said['raftIndex']}")
    return "".join(f"{line}\n" for line in lines)


def _save(client: _Client, words: Words) -> str:
    path = words.word(2, "snapshot save expects one argument")
    said = client.ask("/v3/maintenance/snapshot")
    client.files.write(path, base64.b64decode(said["result"]["blob"]).decode())
    return f"Snapshot saved at {path}\nServer version {said['version']}\n"


_CTL: dict[str, Callable[[_Client, Words], str]] = {
    "put": _put,
    "get": _get,
    "del": _delete,
    "member list": _members,
    "member add": _add,
    "member remove": _remove,
    "endpoint health": _health,
    "endpoint status": _status,
    "snapshot save": _save,
}


def etcdctl(call: Invocation) -> int:
    """`etcdctl`: keys, members, health, snapshots."""
    words = Words(call.argv)
    if words.plain[:1] == ["version"]:
        call.streams.out(f"etcdctl version: {call.process.version}\nAPI version: 3.6\n")
        return 0
    return _run(call, words, _CTL, lambda verb: verb(_Client(call, words), words))


def _run(call: Invocation, words: Words, verbs: dict[str, Any], do: Callable[[Any], str]) -> int:
    """Do what the words say, and say what came of it."""
    verb = verbs.get(" ".join(words.plain[:2])) or verbs.get(" ".join(words.plain[:1]))
    try:
        if verb is None:
            raise Failed(f'unknown command "{" ".join(words.plain[:2])}" for "{call.argv[0]}"')
        call.streams.out(do(verb))
    except FileError as error:
        call.streams.err(f"Error: open {error.path}: {error.why.lower()}\n")
        return 1
    except Failed as failure:
        text = str(failure)
        call.streams.err(f"{text}\n" if "\n" in text else f"Error: {text}\n")
        return 1
    return 0


def _restore(call: Invocation, words: Words) -> str:
    """`etcdutl snapshot restore`: a data directory of a new cluster that has the keys of a snapshot."""
    text = call.process.files.read(words.word(2, "snapshot restore requires exactly one argument"))
    name, token = words.flag("name", "default"), words.flag("initial-cluster-token", "etcd-cluster")
    url = words.flag("initial-advertise-peer-urls", "http://localhost:2380")
    directory = words.flag("data-dir", f"{name}.etcd")
    disk, kept = Disk(call.process.files, directory), Data.load(text)
    if disk.number:
        raise Failed(f'data-dir "{directory}" not empty or could not be read')
    fresh = founded(words.flag("initial-cluster", f"{name}={url}"), token)
    disk.begin(number_of(url, token), Data(fresh.cluster, fresh.members, 1, kept.revision, kept.keys))
    return ""


def _examined(call: Invocation, words: Words) -> str:
    """`etcdutl snapshot status`: hash, revision, number of keys, size."""
    text = call.process.files.read(words.word(2, "snapshot status requires exactly one argument"))
    data = Data.load(text)
    return f"{checksum(text)}, {data.revision}, {len(data.keys)}, {len(text)} B\n"


_UTL: dict[str, Callable[[Invocation, Words], str]] = {"snapshot restore": _restore, "snapshot status": _examined}


def etcdutl(call: Invocation) -> int:
    """`etcdutl`: snapshots as files."""
    words = Words(call.argv)
    if words.plain[:1] == ["version"]:
        call.streams.out(f"etcdutl version: {call.process.version}\nAPI version: 3.6\n")
        return 0
    return _run(call, words, _UTL, lambda verb: verb(call, words))


TOOLS: dict[str, Any] = {"etcdctl": etcdctl, "etcdutl": etcdutl}
