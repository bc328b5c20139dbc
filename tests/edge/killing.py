"""A server that is killed again and again while clients write, and the books of those clients.

Each life of the server is a process of its own, forked so that it need not import anything, on the same data file.
Clients write over HTTPS, one request after the other, and note what was acknowledged. Then the process gets SIGKILL, at
any moment: while it starts, answers, commits or does nothing. The next life has to have everything that anybody was
told.

What a client was waiting for when the server died may have happened or not, and nothing between.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from k8snb.serving.served import Extras, run, serve

CLIENTS = 4
NAMES = 12
"""How many objects of each kind a client has at most."""
SECONDS = 30.0

_MAPS = "/api/v1/namespaces/default/configmaps"
_POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname, _CONTEXT.verify_mode = False, ssl.CERT_NONE
_LOST = (OSError, http.client.HTTPException, ValueError)


class Seen(NamedTuple):
    """What a client knows of an object."""

    uid: str
    revision: int
    generation: int
    content: Any


def _body(kind: str, name: str, value: int, revision: int = 0) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, **({"resourceVersion": str(revision)} if revision else {})}
    if kind == _MAPS:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": str(value)}}
    spec = {"podSelector": {"matchLabels": {"value": str(value)}}, "policyTypes": ["Ingress"]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def _content(obj: Mapping[str, Any]) -> Any:
    return obj.get("data") or obj.get("spec")


def _seen(obj: Mapping[str, Any]) -> Seen:
    meta = obj["metadata"]
    return Seen(meta["uid"], int(meta["resourceVersion"]), meta.get("generation", 0), _content(obj))


@dataclass
class Client:
    """One who writes: its objects as they were acknowledged, and what it was last asking for."""

    number: int
    lots: random.Random
    has: dict[tuple[str, str], Seen] = field(default_factory=dict)
    asking: tuple[str, tuple[str, str], Any] | None = None
    acknowledged: int = 0
    refused: list[str] = field(default_factory=list)

    def work(self, life: Life) -> None:
        """Write until the server is gone."""
        try:
            connection = life.connect()
            while True:
                self._write(connection, life.token)
        except _LOST:
            return

    def _write(self, connection: http.client.HTTPConnection, token: str) -> None:
        kind = self.lots.choice((_MAPS, _POLICIES))
        name = f"c{self.number}-{self.lots.randrange(NAMES)}"
        known = self.has.get((kind, name))
        verb = "POST" if known is None else self.lots.choice(("PUT", "PUT", "DELETE"))
        body = _body(kind, name, self.lots.randrange(10**6), known.revision if known is not None else 0)
        self.asking = (verb, (kind, name), _content(body))
        path = kind if verb == "POST" else f"{kind}/{name}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(verb, path, None if verb == "DELETE" else json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            self.refused.append(f"{verb} {path}: {answer}")
        elif verb == "DELETE":
            del self.has[kind, name]
        else:
            self.has[kind, name] = _seen(answer)
        self.asking = None
        self.acknowledged += 1

    def check(self, found: Mapping[tuple[str, str], Seen]) -> list[str]:
        """What is not as it was acknowledged; then the client goes on with what there is."""
        mine = {key: seen for key, seen in found.items() if key[1].startswith(f"c{self.number}-")}
        wrong = [
            f"{key[1]}: {self.has.get(key)} has become {mine.get(key)}"
            for key in {**self.has, **mine}
            if self.has.get(key) != mine.get(key) and not self._may_be(key, mine.get(key))
        ]
        self.has, self.asking = mine, None
        return wrong

    def _may_be(self, key: tuple[str, str], found: Seen | None) -> bool:
        """Whether that is what the client was asking for when the server died."""
        if self.asking is None or self.asking[1] != key:
            return False
        verb, _, content = self.asking
        before = self.has.get(key)
        if verb == "DELETE" or found is None:
            return verb == "DELETE" and found is None
        if before is None:
            return found.content == content
        steps = 1 if key[0] == _POLICIES and content != before.content else 0
        grown = found.revision > before.revision and found.generation == before.generation + steps
        return found.content == content and found.uid == before.uid and grown


class Watcher:
    """One who watches: the newest revision that it was told."""

    def __init__(self) -> None:
        self.revision = 0

    def work(self, life: Life) -> None:
        """Watch until the server is gone."""
        try:
            connection = life.connect()
            connection.request("GET", f"{_MAPS}?watch=1", headers={"Authorization": f"Bearer {life.token}"})
            response = connection.getresponse()
            while line := response.readline():
                told = json.loads(line)["object"]["metadata"]["resourceVersion"]
                self.revision = max(self.revision, int(told))
        except _LOST:
            return


class Life:
    """One life of the server: from its start until it is killed."""

    def __init__(self, data: Path, nodes: int = 0, speed: float = 1.0, port: int = 0, members: int = 0) -> None:
        self.kubeconfig = data.with_suffix(".kubeconfig")
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            extras = Extras(data=data, control_planes=0, etcd_members=members)
            _serve(extras, (nodes, port, self.kubeconfig, speed, 1), writing)
        os.close(writing)
        self._told = os.fdopen(reading)
        self.token = ""
        self.port = 0

    def is_ready(self) -> bool:
        """Wait until the server is there; False if it never comes."""
        found = re.search(r":(\d+);", self._told.readline())
        if found is None:
            return False
        self.port = int(found[1])
        self.token = re.findall("token: (.*)", self.kubeconfig.read_text())[0]
        return True

    def connect(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=_CONTEXT)

    def objects(self) -> tuple[int, dict[tuple[str, str], Seen]]:
        """The newest revision, and all that clients wrote."""
        connection, found, revision = self.connect(), {}, 0
        for kind in (_MAPS, _POLICIES):
            connection.request("GET", kind, headers={"Authorization": f"Bearer {self.token}"})
            listed = json.loads(connection.getresponse().read())
            revision = int(listed["metadata"]["resourceVersion"])
            found |= {(kind, obj["metadata"]["name"]): _seen(obj) for obj in listed["items"]}
        connection.close()
        return revision, found

    def kill(self) -> None:
        """End it, wherever it is."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._told.close()


def _serve(extras: Extras, made: tuple[int, int, Path, float, int], out: int) -> None:
    """The child: serve, and say so on a pipe."""
    try:
        sys.stdout = os.fdopen(out, "w")
        run(serve(*made, extras=extras))
    except Exception:
        traceback.print_exc()  # a server that does not come back says why
    finally:
        sys.stderr.flush()
        os._exit(1)


@dataclass
class Outcome:
    """What came of many kills."""

    kills: int = 0
    while_starting: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def killed(data: Path, times: int, seed: int, most: int = 40, members: int = 0) -> Outcome:
    """Kill a server so many times, each when clients have written up to `most` times; what came of it."""
    lots, outcome, began = random.Random(seed), Outcome(), time.monotonic()
    clients = [Client(number, random.Random(seed + number)) for number in range(CLIENTS)]
    watcher = Watcher()
    while True:
        life = Life(data, members=members)
        if outcome.kills and lots.random() < 0.1:  # before anybody is there
            time.sleep(lots.random() / 4)
            life.kill()
            outcome.kills, outcome.while_starting = outcome.kills + 1, outcome.while_starting + 1
            continue
        if not life.is_ready():
            outcome.wrong.append("the server did not come back")
            life.kill()
            break
        revision, found = life.objects()
        if revision < watcher.revision:
            outcome.wrong.append(f"revision {watcher.revision} was told to a watcher, and it is {revision}")
        outcome.wrong += [wrong for client in clients for wrong in client.check(found)]
        if outcome.kills >= times or outcome.wrong:
            life.kill()
            break
        threads = [threading.Thread(target=each.work, args=(life,)) for each in (*clients, watcher)]
        for thread in threads:
            thread.start()
        _wait_for(clients, lots.randrange(most))
        time.sleep(lots.random() / 100)
        life.kill()
        for thread in threads:
            thread.join()
        outcome.kills += 1
    outcome.wrong += [refusal for client in clients for refusal in client.refused]
    outcome.acknowledged = sum(client.acknowledged for client in clients)
    outcome.seconds = time.monotonic() - began
    return outcome


def _wait_for(clients: list[Client], writes: int) -> None:
    """Let the clients write so often, if they get to it."""
    enough, until = sum(client.acknowledged for client in clients) + writes, time.monotonic() + SECONDS / 10
    while sum(client.acknowledged for client in clients) < enough and time.monotonic() < until:
        time.sleep(0.001)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        times, seed, *members = map(int, sys.argv[1:])
        print(killed(Path(folder, "cluster.db"), times, seed, members=sum(members)))
