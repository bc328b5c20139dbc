"""What the listener makes of answers: their form, compression, watches and upgrades; and the process around it."""

from __future__ import annotations

import asyncio
import gzip
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import yaml

from k8snb import Cluster
from k8snb.apiserver import listener
from k8snb.testing import served
from tests.edge.plays import CONFIG_MAPS, play
from tests.edge.wire import Open, fast_cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return fast_cluster()


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
