"""`etcd`: a member of a group that keeps keys, in a pod.

Two ports: clients ask at 2379 in the words of etcd's JSON gateway (`/v3/kv/put` …), members each other at 2380. A
member answers nothing before it has heard of a majority, itself included, and taken over what the furthest of them
knows; what it changes it gives to all. Since requests between pods take no time and come one by one, that is enough for
every answer to be true, without Raft's log and elections, which the cluster's own etcd has. The member with the
smallest number that can be reached is called the leader.

What a member does when it starts is etcd's: one with data goes on, one without founds a cluster (`new`) or joins one
that has been told of it (`existing`), and neither is done twice. Source: etcd `server/etcdserver/bootstrap.go`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from k8snb.clock import rfc3339_micro
from k8snb.kubelet.images import web
from k8snb.kubelet.images.etcd.data import Data, Disk, Member, client_of, founded, minor, number_of
from k8snb.kubelet.images.program import MEBIBYTE, Process, Program
from k8snb.kubelet.images.servers import option
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

CLIENTS, PEERS = 2379, 2380
PUBLISH_SECONDS = 1.0
"""How long a member waits before it tries again to say that it is there."""
_REMOVED = "the member has been permanently removed from the cluster"

Body = dict[str, Any]


class Refused(Exception):
    """What etcd answers instead: its message, the code of gRPC and of HTTP."""

    def __init__(self, message: str, code: int = 9, status: int = 400) -> None:
        super().__init__(f"etcdserver: {message}")
        self.code = code
        self.status = status


def no_majority() -> Refused:
    """Too few members answer."""
    return Refused("request timed out", 14, 503)


class Etcd(Program):
    """A member."""

    idle = False
    memory = 24 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._name = option(process.argv, "name", "default")
        self._peer = option(process.argv, "initial-advertise-peer-urls", "http://localhost:2380")
        self._initial = option(process.argv, "initial-cluster", f"{self._name}={self._peer}")
        self._disk = Disk(process.files, option(process.argv, "data-dir", f"{self._name}.etcd"))
        self._data = Data("", {})
        self._number = ""
        self._verbs: dict[str, Callable[[Body], Body]] = {
            "/v3/kv/put": self._put,
            "/v3/kv/range": self._range,
            "/v3/kv/deleterange": self._delete,
            "/v3/cluster/member/list": self._list,
            "/v3/cluster/member/add": self._add,
            "/v3/cluster/member/remove": self._remove,
            "/v3/maintenance/status": self._status,
            "/v3/maintenance/snapshot": self._snapshot,
        }

    # -- beginning ---------------------------------------------------------------------------------

    def start(self) -> None:
        version = self.process.version
        self._log("info", "starting an etcd server", **{"etcd-version": version})
        why = self._begin()
        if not why and minor(version) < minor(self._data.version):
            why = "invalid downgrade; server version is lower than determined cluster version"
        if why:
            self._log("fatal", why)
            self.process.exit(1)
            return
        self.process.listen(CLIENTS)
        self.process.listen(PEERS)
        self._log("info", "ready to serve client requests", **{"local-member-id": self._number})
        self._publish()

    def _begin(self) -> str:
        """Become a member, or say why not."""
        self._number = self._disk.number
        if self._number:
            self._data = self._disk.load()
            return "" if self._number in self._data.members else _REMOVED
        existing = option(self.process.argv, "initial-cluster-state", "new") == "existing"
        return self._join() if existing else self._found()

    def _found(self) -> str:
        token = option(self.process.argv, "initial-cluster-token", "etcd-cluster")
        data = founded(self._initial, token)
        number = number_of(self._peer, token)
        if number not in data.members:
            return f'couldn\'t find local name "{self._name}" in the initial cluster configuration'
        if any(self._told(url) for url in self._initial_peers()):
            return f"member {number} has already been bootstrapped"
        self._become(number, data)
        return ""

    def _join(self) -> str:
        for url in self._initial_peers():
            data = self._told(url)
            if data is None:
                continue
            mine = [number for number, member in data.members.items() if member.peer == self._peer]
            if not mine:
                return "error validating peerURLs: unmatched member while checking PeerURLs"
            self._become(mine[0], data)
            return ""
        return "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs"

    def _become(self, number: str, data: Data) -> None:
        self._number, self._data = number, data
        self._disk.begin(number, data)

    def _initial_peers(self) -> list[str]:
        urls = [pair.partition("=")[2] for pair in self._initial.split(",") if pair]
        return [url for url in urls if url != self._peer]

    def _publish(self) -> None:
        """Tell the others the name and the version; later, if too few can be reached."""
        try:
            self._agree()
            known = Member(self._peer, self._name, client_of(self._peer), self.process.version)
            if self._number in self._data.members and self._data.members[self._number] != known:
                self._commit(self._data.with_member(self._number, known))
        except Refused:
            self.process.after(PUBLISH_SECONDS, self._publish)

    def _log(self, level: str, message: str, **more: str) -> None:
        line = {"level": level, "ts": rfc3339_micro(self.process.now), "msg": message, **more}
        self.process.log(f"{json.dumps(line, separators=(',', ':'))}\n", "stderr")

    # -- members -----------------------------------------------------------------------------------

    def _told(self, url: str, method: str = "GET", body: str = "") -> Data | None:
        """What the member at a peer URL knows, after it was told something; None if it does not answer.

        One that knows no more than this one does not repeat it.
        """
        parts = urlsplit(url)
        path = f"/raft/data?after={self._data.index}"
        try:
            asked = HTTPRequest(method, parts.hostname or "", parts.port or PEERS, path, body=body)
            answer = self.process.request(asked)
        except NetworkError:
            return None
        if answer.status != 200:
            return None
        return Data.load(answer.body) if answer.body else self._data

    def _agree(self) -> list[str]:
        """Take over what the furthest of a majority knows; returns the numbers of those that were heard of."""
        while True:
            found = {self._number: self._data}
            for number, member in self._data.members.items():
                data = self._told(member.peer) if number != self._number else None
                if data is not None:
                    found[number] = data
            if 2 * len(found) <= len(self._data.members):
                raise no_majority()
            newest = max(found.values(), key=lambda data: data.index)
            if newest.index <= self._data.index:
                return sorted(found)
            self._take(newest)

    def _take(self, data: Data) -> None:
        self._data = data
        self._disk.save(data)
        if self._number not in data.members:
            self._log("fatal", _REMOVED)
            self.process.after(self.stop_seconds, lambda: self.process.exit(1), background=False)

    def _commit(self, data: Data) -> None:
        """Let a majority know of a change."""
        data = replace(data, index=self._data.index + 1)
        peers = {**self._data.members, **data.members}
        self._take(data)
        for number, member in peers.items():
            if number != self._number:
                self._told(member.peer, "POST", data.dump())

    def _number_of(self, body: Body) -> str:
        number = f"{int(body.get('ID', 0)):016x}"
        if number not in self._data.members:
            raise Refused("member not found", 5, 404)
        return number

    # -- answering ---------------------------------------------------------------------------------

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        path = web.path_of(request)
        if port == PEERS and path == "/raft/data":
            return self._peer_asked(request)
        if port == CLIENTS and path in ("/health", "/readyz", "/livez"):
            return self._health()
        if port == CLIENTS and path == "/version":
            return web.text(json.dumps({"etcdserver": self.process.version, "etcdcluster": f"{self._data.version}.0"}))
        verb = self._verbs.get(path) if port == CLIENTS else None
        if verb is None:
            return HTTPResponse(404, "404 page not found\n")
        try:
            reached = self._agree()
            answer = verb(json.loads(request.body or "{}"))
        except Refused as refusal:
            said = {"error": str(refusal), "code": refusal.code, "message": str(refusal)}
            return HTTPResponse(refusal.status, json.dumps(said), {"content-type": "application/json"})
        head = {"cluster_id": _decimal(self._data.cluster), "member_id": _decimal(self._number)}
        head["revision"] = str(self._data.revision)
        answer = {"header": head, **answer, **({"leader": _decimal(reached[0])} if "leader" in answer else {})}
        return HTTPResponse(200, json.dumps(answer), {"content-type": "application/json"})

    def _peer_asked(self, request: HTTPRequest) -> HTTPResponse:
        if request.method == "POST":
            data = Data.load(request.body)
            if data.index > self._data.index:
                self._take(data)
        known = int(web.query_of(request).get("after", 0))
        return web.text(self._data.dump() if self._data.index > known else "")

    def _health(self) -> HTTPResponse:
        try:
            self._agree()
        except Refused:
            return HTTPResponse(503, '{"health":"false","reason":"RAFT NO LEADER"}')
        return web.text('{"health":"true","reason":""}')

    # -- keys --------------------------------------------------------------------------------------

    def _put(self, body: Body) -> Body:
        self._commit(self._data.put(_decoded(body["key"]), _decoded(body.get("value", ""))))
        return {}

    def _range(self, body: Body) -> Body:
        found = self._data.matching(_decoded(body["key"]), prefix=bool(body.get("range_end")))
        kvs = [
            {
                "key": encoded(key),
                "create_revision": str(kept.created),
                "mod_revision": str(kept.modified),
                "version": str(kept.version),
                "value": encoded(kept.value),
            }
            for key, kept in found.items()
        ]
        return {"kvs": kvs, "count": str(len(kvs))}

    def _delete(self, body: Body) -> Body:
        found = self._data.matching(_decoded(body["key"]), prefix=bool(body.get("range_end")))
        if found:
            self._commit(self._data.without({*found}))
        return {"deleted": str(len(found))}

    # -- membership --------------------------------------------------------------------------------

    def _list(self, body: Body) -> Body:
        return {"members": [_shown(number, member) for number, member in self._data.members.items()]}

    def _add(self, body: Body) -> Body:
        (peer,) = body["peerURLs"]
        if any(member.peer == peer for member in self._data.members.values()):
            raise Refused("Peer URLs already exists")
        if any(not member.name for member in self._data.members.values()):
            raise Refused("re-configuration failed due to not enough started members")
        number = number_of(peer, self._data.cluster, str(self._data.index))
        member = Member(peer)
        self._commit(self._data.with_member(number, member))
        return {"member": _shown(number, member), **self._list(body)}

    def _remove(self, body: Body) -> Body:
        self._commit(self._data.without_member(self._number_of(body)))
        return self._list(body)

    def _status(self, body: Body) -> Body:
        data = self._data
        size = str(len(data.dump()))
        return {"version": self.process.version, "dbSize": size, "leader": "", "raftIndex": str(data.index)}

    def _snapshot(self, body: Body) -> Body:
        return {"result": {"blob": encoded(self._data.dump())}, "version": self._data.version + ".0"}


def _shown(number: str, member: Member) -> Body:
    shown: Body = {"ID": _decimal(number), "peerURLs": [member.peer]}
    return {**shown, "name": member.name, "clientURLs": [member.client]} if member.name else shown


def _decimal(number: str) -> str:
    """A number as JSON has it, where it is 64 bits long."""
    return str(int(number, 16))


def encoded(text: str) -> str:
    """Text as the gateway carries bytes."""
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
