"""HTTP as clients really speak it: kept connections, pipelines, limits, strangers and slow readers."""

from __future__ import annotations

import asyncio
import ssl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.apiserver import listener
from k8snb.serving.served import Served
from tests.edge.plays import CONFIG_MAPS, flood, kept, play
from tests.edge.wire import TOKEN, Open, fast_cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return fast_cluster()


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
