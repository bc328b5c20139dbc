"""Scheduler extenders that are servers outside: asked whenever a pod is tried, but not for a past that is replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.clock import WallClock
from k8snb.packet import HTTPResponse
from k8snb.serving.outside import Outside
from k8snb.typing import Object
from tests.edge.test_outside import BUNDLE, Back, encrypted, told
from tests.edge.wire import listening
from tests.scheduler.test_configuration import HEAD


@contextmanager
def extender(answer: Callable[[int], Object]) -> Iterator[tuple[Object, list[Any]]]:
    """The configuration of a server that answers the first, second … request, and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps(answer(len(asked))).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with encrypted(Handler, "127.0.0.1") as port:
        where = {"urlPrefix": f"https://localhost:{port}/x", "enableHTTPS": True, "tlsConfig": {"caData": BUNDLE}}
        yield {**HEAD, "extenders": [{**where, "filterVerb": "filter", "nodeCacheCapable": True}]}, asked


def test_a_server_that_changes_its_mind_is_heard_and_a_fork_hears_what_it_said_each_time() -> None:
    def third_time(count: int) -> Object:
        return {"NodeNames": ["node-2"]} if count > 2 else {"NodeNames": [], "FailedNodes": {"node-1": "full"}}

    with extender(third_time) as (configured, asked):
        cluster = Cluster(2, seed=1, scheduler=configured, outside=Outside())
        cluster.kubectl("run a --image=nginx")
        cluster.advance(1000)
        assert cluster.client.get("pods", "a", "default")["spec"].get("nodeName") == "node-2"
        said, count = str(cluster.decision("a")), len(asked)
        assert (asked[-1], asked[-2]["NodeNames"]) == (asked[-2], ["node-1", "node-2"])
    twin = cluster.fork()
    assert (str(twin.decision("a")), len(asked)) == (said, count)


@pytest.mark.parametrize(
    ("host", "outside"),
    [
        ("203.0.113.5", True),
        ("127.0.0.1", True),
        ("extender.example.com", True),
        ("10.244.9.9", False),
        ("10.96.7.7", False),
        ("172.18.0.2", False),
    ],
)
def test_an_address_that_could_be_the_clusters_own_is_not_looked_for_outside(host: str, outside: bool) -> None:
    called: list[str] = []

    def everything(url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse:
        called.append(url)
        return HTTPResponse(200, '{"NodeNames": ["node-1"]}')

    configured = {
        **HEAD,
        "extenders": [{"urlPrefix": f"http://{host}:8888", "filterVerb": "f", "nodeCacheCapable": True}],
    }
    cluster = Cluster(1, seed=1, scheduler=configured, outside=everything)
    cluster.kubectl("run a --image=nginx")
    cluster.settle()
    assert called == [f"http://{host}:8888/f"] * outside


def test_one_of_a_served_cluster_may_ask_the_api_server_before_it_answers() -> None:
    back = Back()

    def last_node(count: int) -> Object:
        return {"NodeNames": [back.ask("GET", "/api/v1/nodes")["items"][-1]["metadata"]["name"]]}

    async def scheduled(cluster: Cluster) -> str:
        async with listening(cluster) as connect:
            wire = await connect()
            back.port = wire.writer.get_extra_info("peername")[1]
            await told(wire, "POST", "/api/v1/namespaces/default/pods", pod)
            while True:
                wire.ask("GET", "/api/v1/namespaces/default/pods/a")
                found = (await wire.reply()).object["spec"].get("nodeName")
                if found:
                    return str(found)
                await asyncio.sleep(0.01)

    spec = {"containers": [{"name": "c", "image": "nginx"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    with extender(last_node) as (configured, _asked):
        cluster = Cluster(2, seed=1, clock=WallClock(50.0), journal=False, scheduler=configured)
        assert asyncio.run(scheduled(cluster)) == "node-2"
    assert cluster.decision("a").decision.explanation.chosen == "node-2"
