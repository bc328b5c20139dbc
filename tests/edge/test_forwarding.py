"""Connections into pods: port-forward, and the proxies of pods and services."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.apiserver.forwarding import Forwarder, Forwarding, Pipe
from k8snb.apiserver.port_channels import PortChannels, ports
from k8snb.apiserver.spdy import Spdy
from k8snb.packet import Endpoint, NetworkError
from tests.edge.asking import NAMESPACE, ask
from tests.edge.spdy_client import Client, data

GET = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    for name, image, port in (("web", "nginx", 80), ("store", "redis", 6379)):
        container = {"name": name, "image": image, "ports": [{"containerPort": port, "name": "main"}]}
        pod = {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [container]}}
        cluster.client.create("pods", pod, "default")
        spec = {"selector": {"app": name}, "ports": [{"port": 8080, "targetPort": "main", "name": "front"}]}
        cluster.client.create("services", {"metadata": {"name": name}, "spec": spec}, "default")
    idle = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    cluster.client.create("services", {"metadata": {"name": "idle"}, "spec": idle}, "default")
    cluster.settle()
    return cluster


def endpoint(cluster: Cluster, pod: str) -> Endpoint:
    found = cluster.kubelets["node-1"].port_forward(cluster.client.get("pods", pod, "default"))
    assert found is not None
    return found


def test_bytes_are_requests_however_they_are_cut(cluster: Cluster) -> None:
    pipe = Pipe(endpoint(cluster, "web"), 80)
    assert [pipe.feed(bytes([byte])) for byte in GET[:-1]] == [b""] * (len(GET) - 1)
    answer = pipe.feed(GET[-1:])
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Welcome to nginx!" in answer
    assert pipe.feed(GET + GET).count(b"HTTP/1.1 200 OK\r\n") == 2


def test_what_is_no_http_is_handed_over_as_it_is(cluster: Cluster) -> None:
    assert b"PONG" in Pipe(endpoint(cluster, "store"), 6379).feed(b"PING\r\n")


def test_a_port_where_nobody_listens_refuses(cluster: Cluster) -> None:
    with pytest.raises(NetworkError):
        Pipe(endpoint(cluster, "web"), 81).feed(GET)


def test_a_body_may_be_announced_and_come_in_chunks(cluster: Cluster) -> None:
    pipe = Pipe(endpoint(cluster, "web"), 80)
    head = b"PUT /up HTTP/1.1\r\nHost: x\r\n"
    assert pipe.feed(head + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert pipe.feed(b"ab") == b""
    assert pipe.feed(b"cd").startswith(b"HTTP/1.1 405 ")
    assert pipe.feed(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n") == b""
    assert pipe.feed(b"0\r\n\r\n" + GET).count(b"HTTP/1.1 ") == 2


def test_a_long_answer_is_sent_in_frames_whose_length_fits_their_head() -> None:
    sent: list[bytes] = []
    Spdy(sent.append, Forwarder.__new__(Forwarder)).send(3, bytes(17_000_000), end=True)
    heads = [struct.unpack(">IB", frame[:5]) for frame in sent]
    assert (sum(len(frame) - 8 for frame in sent), max(map(len, sent))) == (17_000_000, 32 * 1024 + 8)
    assert heads == [(3, 0)] * (len(sent) - 1) + [(3, 1)]


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_no_bytes_break_a_pipe(cluster: Cluster, pieces: list[bytes]) -> None:
    pipe = Pipe(endpoint(cluster, "web"), 80)
    for piece in pieces:
        pipe.feed(b"GET /" + piece)


def test_a_forwarded_connection_is_a_pair_of_streams(cluster: Cluster) -> None:
    client = Client(lambda write, close: Forwarder(Forwarding(endpoint(cluster, "web"), "web"), write, close))
    for number, port in ((1, "80"), (5, "81")):
        for stream, kind in ((number, "error"), (number + 2, "data")):
            client.send(client.opening(stream, {"streamtype": kind, "port": port, "requestID": str(number)}))
    client.send(data(1, b"", end=True), data(3, GET), data(7, GET), data(3, b"", end=True))
    assert client.data[3].startswith(b"HTTP/1.1 200 OK\r\n")
    assert client.data[5].decode() == (
        "error forwarding port 81 to pod web, uid : failed to connect to localhost:81 inside namespace: "
        "IPv4: dial tcp4 127.0.0.1:81: connect: connection refused"
    )
    assert sorted(client.ended) == [3, 5, 7]


def test_older_clients_have_two_channels_for_each_port(cluster: Cluster) -> None:
    sent: list[bytes] = []
    forwarding = Forwarding(endpoint(cluster, "web"), "web")
    channels = PortChannels(forwarding, ports("80,81"), sent.append, lambda: sent.append(b"closed"))
    assert sent[:4] == [b"\x00P\x00", b"\x01P\x00", b"\x02Q\x00", b"\x03Q\x00"]
    for message in (b"\x00" + GET[:9], b"\x00" + GET[9:], b"", b"\x02" + GET, b"\x09x"):
        channels.receive(message)
    refusal, answer = sent[4:]
    assert answer.startswith(b"\x00HTTP/1.1 200 OK\r\n")
    assert refusal.startswith(b"\x03error forwarding port 81 to pod web, uid : failed to connect to localhost:81")
    assert [ports(text) for text in ("", "x", "80,", "0", "65536", "80, 81")] == [[], [], [], [], [], [80, 81]]


@pytest.mark.parametrize(
    "target", ["pods/web/proxy/", "pods/web:80/proxy", "pods/web:main/proxy/", "pods/http:web:80/proxy/",
               "services/web/proxy/", "services/web:8080/proxy/", "services/web:front/proxy/"],
)  # fmt: skip
def test_a_proxy_passes_requests_on(cluster: Cluster, target: str) -> None:
    answer = ask(cluster, "GET", f"{NAMESPACE}/{target}")
    assert answer.code == 200
    assert "Welcome to nginx!" in answer.message
    assert cluster.kubectl("logs web --tail=1").startswith("192.168.49.2 - - [")


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("pods/none/proxy/", 404, 'pods "none" not found'),
        ("services/none/proxy/", 404, 'services "none" not found'),
        ("services/web:99/proxy/", 503, 'no service port "99" found for service "web"'),
        ("services/idle/proxy/", 503, 'no endpoints available for service "idle"'),
    ],
)
def test_a_proxy_to_nowhere_says_so(cluster: Cluster, target: str, code: int, message: str) -> None:
    answer = ask(cluster, "GET", f"{NAMESPACE}/{target}")
    assert (answer.code, answer.message) == (code, message)


def test_a_proxy_to_a_port_where_nobody_listens_is_refused(cluster: Cluster) -> None:
    ip = cluster.client.get("pods", "web", "default")["status"]["podIP"]
    answer = ask(cluster, "GET", f"{NAMESPACE}/pods/web:81/proxy/")
    why = f"error trying to reach service: dial tcp {ip}:81: connect: connection refused"
    assert (answer.code, answer.reason, answer.message) == (503, "ServiceUnavailable", why)
