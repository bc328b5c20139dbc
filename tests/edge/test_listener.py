"""HTTP as clients really speak it: kept connections, pipelines, limits, strangers and slow readers."""

from __future__ import annotations

import asyncio
import gzip
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.apiserver import listener
from k8snb.serving.served import Served
from k8snb.testing import served
from tests.edge.wire import TOKEN, Open, Wire, fast_cluster, listening

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
Story = Callable[[Open], Awaitable[None]]


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return fast_cluster()


async def flood(wire: Wire) -> None:
    """Send more than anybody should take."""
    for _ in range(64):
        wire.send(b"x" * 2**20)
        await wire.writer.drain()


def kept(cluster: Cluster) -> list[str]:
    """What clients could have changed; heartbeats go on meanwhile."""
    found = [*cluster.client.list("nodes"), *cluster.client.list("configmaps")]
    return [str(obj["metadata"]["uid"]) for obj in found]


def play(cluster: Cluster, story: Story) -> None:
    """Run a story against a listener; nothing may have gone wrong inside the server."""

    async def run() -> None:
        async with listening(cluster) as connect:
            await story(connect)

    asyncio.run(run())
    assert cluster.server.panics == []


def test_what_is_no_object_of_the_api_is_indented_for_everybody(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        for path in ("/version", "/", "/openapi/v3", "/api"):
            wire.ask("GET", path)
        starts = [(await wire.reply()).body[:12] for _ in range(4)]
        assert starts == [b'{\n  "major":', b'{\n  "paths":', b'{"paths":{"a', b'{"kind":"API']

    play(cluster, story)


def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_order(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        for path in ("/version", "/api", "/nope", "/healthz"):
            wire.ask("GET", path)
        assert [(await wire.reply()).code for _ in range(4)] == [200, 200, 404, 200]
        wire.ask("GET", "/livez", connection="close")
        assert (await wire.reply()).headers["connection"] == "close"
        assert await wire.at_end()

    play(cluster, story)


@pytest.mark.parametrize("authorization", ["Bearer wrong", f"Bearer {TOKEN}x", "Bearer \xff"])
def test_who_has_a_wrong_token_is_turned_away(cluster: Cluster, authorization: str) -> None:
    assert asked_by_strangers(cluster, authorization) == [(401, "Unauthorized")] * 3


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Basic {TOKEN}", TOKEN])
def test_who_has_none_may_ask_for_the_version_and_little_else(cluster: Cluster, authorization: str) -> None:
    assert asked_by_strangers(cluster, authorization) == [(200, ""), (403, "Forbidden"), (403, "Forbidden")]


def asked_by_strangers(cluster: Cluster, authorization: str) -> list[tuple[int, str]]:
    """Code and reason of the answers to three requests, none of which may change anything."""
    told: list[tuple[int, str]] = []

    async def story(connect: Open) -> None:
        wire = await connect()
        before = kept(cluster)
        for method, path in (("GET", "/version"), ("DELETE", "/api/v1/nodes/node-1"), ("GET", "/nope")):
            wire.ask(method, path, authorization=authorization)
            reply = await wire.reply()
            told.append((reply.code, reply.object.get("reason", "")))
        assert kept(cluster) == before

    play(cluster, story)
    return told


def test_the_listener_is_on_the_loopback_address_alone(cluster: Cluster) -> None:
    async def run() -> list[str]:
        server = await listener.listen(Served(cluster, TOKEN), 0, None)
        addresses = [each.getsockname()[0] for each in server.sockets]
        server.close()
        return addresses

    assert asyncio.run(run()) == ["127.0.0.1"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_while_it_is_sent(cluster: Cluster, chunked: bool) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        body = b"x" * (listener.MAX_BODY_BYTES + 1)
        if chunked:
            wire.ask("POST", CONFIG_MAPS, content_length="", transfer_encoding="chunked")
            wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            wire.ask("POST", CONFIG_MAPS, body)
        reply = await wire.reply()
        assert (reply.code, reply.object["reason"]) == (413, "RequestEntityTooLarge")
        assert reply.object["message"] == "Request entity is too large: limit is 3145728"
        assert await wire.at_end()

    play(cluster, story)


def test_headers_that_are_too_large_are_refused(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.ask("GET", "/version", filler="x" * listener.MAX_HEADER_BYTES)
        assert (await wire.reply()).code == 431

    play(cluster, story)


def test_headers_are_refused_while_they_still_come_in(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.send("GET /version HTTP/1.1\r\nfiller: ")
        await wire.writer.drain()
        wire.send("x" * (5 * listener.MAX_HEADER_BYTES))
        assert (await wire.reply()).code == 431

    play(cluster, story)


def test_a_header_that_never_ends_is_not_kept(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.send("GET / HTTP/1.1\r\nfiller: ")
        with pytest.raises((ConnectionError, BrokenPipeError)):
            await flood(wire)
        assert (await (await connect()).reader.read(0)) == b""

    play(cluster, story)


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02", b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100])
def test_what_is_no_http_is_answered_and_closed(cluster: Cluster, sent: bytes) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.send(sent)
        reply = await wire.reply()
        assert (reply.code, reply.object["message"]) == (400, "the request is not valid HTTP/1.1")
        assert await wire.at_end()

    play(cluster, story)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_no_bytes_break_the_listener(cluster: Cluster, pieces: list[bytes]) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.send("GET /version HTTP/1.1\r\n")
        for piece in pieces:
            wire.send(piece)
        wire.send("\r\n\r\n")
        other = await connect()
        other.ask("GET", "/version")
        assert (await other.reply()).code == 200

    play(cluster, story)


def test_a_truncated_body_changes_nothing_and_keeps_nobody_waiting(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        before = kept(cluster)
        slow = await connect()
        slow.ask("POST", CONFIG_MAPS, b'{"metadata":{"name":', content_length="100")
        quick = await connect()
        quick.ask("GET", "/version")
        assert (await quick.reply()).code == 200
        slow.writer.close()
        quick.ask("GET", "/version")
        await quick.reply()
        assert kept(cluster) == before

    play(cluster, story)


def test_a_client_that_waits_for_a_go_ahead_gets_it(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        body = b'{"metadata":{"name":"A"}}'
        wire.ask("POST", CONFIG_MAPS, content_length=str(len(body)), expect="100-continue")
        assert (await wire.head()).code == 100
        wire.send(body)
        assert (await wire.reply()).code == 422

    play(cluster, story)


def test_a_client_that_would_send_too_much_is_told_before_it_does(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        size = str(listener.MAX_BODY_BYTES + 1)
        wire.ask("POST", CONFIG_MAPS, content_length=size, expect="100-continue")
        assert (await wire.reply()).code == 413
        assert await wire.at_end()

    play(cluster, story)


@pytest.mark.parametrize(("asked", "told"), [("", "close"), ("keep-alive", "keep-alive")])
def test_an_old_client_keeps_its_connection_only_if_it_says_so(cluster: Cluster, asked: str, told: str) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        for _ in range(2):
            wire.send(f"GET /version HTTP/1.0\r\nconnection: {asked}\r\n\r\n")
            reply = await wire.reply()
            assert (reply.code, reply.headers["connection"]) == (200, told)
            if told == "close":
                assert await wire.at_end()
                return

    play(cluster, story)


def test_a_watch_of_an_old_client_is_lines_up_to_the_end_of_the_connection(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        target = f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=kube-root-ca.crt"
        wire.send(f"GET {target} HTTP/1.0\r\nauthorization: Bearer {TOKEN}\r\nconnection: keep-alive\r\n\r\n")
        head = await wire.head()
        assert ("transfer-encoding" in head.headers, head.headers["connection"]) == (False, "close")
        lines = (await asyncio.wait_for(wire.reader.read(), 10)).splitlines()
        assert [orjson.loads(line)["type"] for line in lines] == ["ADDED"]

    play(cluster, story)


def test_a_client_that_insists_on_protobuf_watches_in_it(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        target = f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=kube-root-ca.crt"
        wire.ask("GET", target, accept="application/vnd.kubernetes.protobuf;stream=watch")
        reply = await wire.reply()
        kind, frame = reply.headers["content-type"], reply.body
        assert kind == "application/vnd.kubernetes.protobuf;stream=watch"
        assert (int.from_bytes(frame[:4], "big"), frame[6:11]) == (len(frame) - 4, b"ADDED")

    play(cluster, story)


def test_a_watch_that_asks_for_it_closes_the_connection_at_its_end(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.ask("GET", f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1&labelSelector=no=one", connection="close")
        reply = await wire.reply()
        assert (reply.headers["connection"], reply.body) == ("close", b"")
        assert await wire.at_end()

    play(cluster, story)


def test_a_head_or_a_body_that_stalls_is_given_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 0.05)

    async def story(connect: Open) -> None:
        for sent in ("GET /version HTTP/1.1\r\nhost:", "POST /api HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
            wire = await connect()
            wire.send(sent)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(wire.reader.readexactly(1), 10)

    play(cluster, story)


def test_a_handshake_that_stalls_is_given_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 0.05)

    async def story() -> None:
        server = await listener.listen(Served(cluster, TOKEN), 0, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        address = server.sockets[0].getsockname()
        for sent in (b"", b"\x16\x03\x01\x02"):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(sent)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 10)
            writer.close()
        server.close()

    asyncio.run(story())


def test_head_is_get_without_a_body_where_it_is_offered(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        for target, code in (("/healthz", 200), ("/apis", 200), ("/version", 405), (f"{CONFIG_MAPS}/a", 405)):
            wire.ask("HEAD", target)
            head = await wire.head()
            assert (head.code, int(head.headers["content-length"]) > 0) == (code, True)
        wire.ask("GET", "/version")
        assert (await wire.reply()).code == 200

    play(cluster, story)


def test_people_get_indented_json(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.ask("GET", "/api/v1/namespaces/default", user_agent="curl/8")
        assert (await wire.reply()).body.startswith(b'{\n  "')

    play(cluster, story)


def test_long_answers_are_compressed_for_those_who_can_read_that(cluster: Cluster) -> None:
    cluster.client.create("configmaps", {"metadata": {"name": "long"}, "data": {"a": "x" * 200_000}}, "default")

    async def story(connect: Open) -> None:
        wire = await connect()
        wire.ask("GET", f"{CONFIG_MAPS}/long", accept_encoding="gzip")
        packed = await wire.reply()
        assert packed.headers["content-encoding"] == "gzip"
        wire.ask("GET", f"{CONFIG_MAPS}/long")
        plain = await wire.reply()
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(packed.body) == plain.body
        wire.ask("GET", f"{CONFIG_MAPS}/kube-root-ca.crt", accept_encoding="gzip")
        assert "content-encoding" not in (await wire.reply()).headers

    play(cluster, story)


def test_a_watch_is_a_chunk_for_every_change_and_then_the_connection_is_free_again(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        watcher, writer = await connect(), await connect()
        since = cluster.revision
        query = f"watch=1&resourceVersion={since}&timeoutSeconds=1&fieldSelector=metadata.name=w"
        watcher.ask("GET", f"{CONFIG_MAPS}?{query}")
        watcher.ask("GET", "/version")
        writer.ask("POST", CONFIG_MAPS, b'{"metadata":{"name":"w"}}')
        assert (await writer.reply()).code == 201
        writer.ask("DELETE", f"{CONFIG_MAPS}/w")
        assert (await writer.reply()).code == 200
        reply = await watcher.reply()
        assert reply.headers["content-type"] == "application/json"
        events = [orjson.loads(line) for line in reply.body.splitlines()]
        assert [event["type"] for event in events] == ["ADDED", "DELETED"]
        assert (await watcher.reply()).object["gitVersion"] == "v1.36.0"

    play(cluster, story)


def test_a_watcher_that_does_not_read_is_cut_off_and_the_others_go_on(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MAX_UNREAD_BYTES", 2**20)

    async def story(connect: Open) -> None:
        sleeper, writer = await connect(), await connect()
        sleeper.ask("GET", f"{CONFIG_MAPS}?watch=1&resourceVersion={cluster.revision}")
        await sleeper.head()
        for number in range(20):
            body = {"metadata": {"name": "big"}, "data": {"a": f"{number}" + "x" * 900_000}}
            method, path = ("PUT", f"{CONFIG_MAPS}/big") if number else ("POST", CONFIG_MAPS)
            writer.ask(method, path, orjson.dumps(body))
            assert (await writer.reply()).code in (200, 201)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(sleeper.reader.readexactly(2**26), 10)
        writer.ask("DELETE", f"{CONFIG_MAPS}/big")
        assert (await writer.reply()).code == 200

    play(cluster, story)


def test_an_upgrade_to_what_is_not_spoken_is_refused(cluster: Cluster) -> None:
    spec = {"containers": [{"name": "a", "image": "nginx"}]}
    cluster.client.create("pods", {"metadata": {"name": "up"}, "spec": spec}, "default")

    async def story(connect: Open) -> None:
        wire = await connect()
        while cluster.client.get("pods", "up", "default")["status"]["phase"] != "Running":
            wire.ask("GET", "/version")
            await wire.reply()
        target = "/api/v1/namespaces/default/pods/up/exec?command=ls&stdout=1"
        wire.ask("POST", target, connection="Upgrade", upgrade="SPDY/3.1", x_stream_protocol_version="v9")
        assert (await wire.reply()).code == 400
        wire = await connect()
        wire.ask("GET", target, connection="Upgrade", upgrade="carrier-pigeon")
        assert (await wire.reply()).code == 400

    play(cluster, story)


def test_an_upgrade_that_nobody_offers_is_passed_over(cluster: Cluster) -> None:
    async def story(connect: Open) -> None:
        wire = await connect()
        wire.ask("GET", "/version", connection="Upgrade, HTTP2-Settings", upgrade="h2c")
        assert (await wire.reply()).code == 200
        wire.ask("GET", "/version")
        assert (await wire.reply()).code == 200

    play(cluster, story)


# -- the process ---------------------------------------------------------------------------------------


def test_nobody_else_can_read_the_kubeconfig_and_plain_http_gets_nothing() -> None:
    with served(nodes=0) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        host, _, port = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]["server"][8:].partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(b"GET /version HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200" not in plain.recv(1000)
        stranger = ssl.create_default_context()
        with socket.create_connection((host, int(port)), timeout=10) as raw, pytest.raises(ssl.SSLError):
            stranger.wrap_socket(raw, server_hostname="localhost")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_takes_the_kubeconfig_away(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "k8snb", "serve", "--port", "0", "--nodes", "1", "--kubeconfig", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("cluster of 1 nodes ready at https://127.0.0.1:")
        assert path.exists()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not path.exists()


def test_a_file_that_is_not_ours_is_not_written_over(tmp_path: Path) -> None:
    precious = tmp_path / "config"
    precious.write_text("apiVersion: v1\nkind: Config\n")
    command = [sys.executable, "-m", "k8snb", "serve", "--port", "0", "--kubeconfig", str(precious)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"k8snb: {precious} exists and is not ours; name another file with --kubeconfig\n"
    assert precious.read_text() == "apiVersion: v1\nkind: Config\n"
