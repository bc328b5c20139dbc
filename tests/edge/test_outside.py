"""Webhooks at real URLs: an HTTPS server of this test is asked, by a served cluster and by one in a notebook."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.serving.credentials import FreshKeys
from k8snb.serving.outside import Outside, post
from k8snb.typing import Object
from tests.edge.wire import TOKEN, Wire, fast_cluster, listening

KEYS = FreshKeys()
BUNDLE = base64.b64encode(KEYS.certificate).decode()
GROUP = "admissionregistration.k8s.io/v1"
HOOKS = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


class Hook:
    """A webhook server; `answer` is what it makes of a review."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[Object] = []

    def config(self, kind: str = "Validating", host: str = "localhost", **more: Any) -> Object:
        """A configuration that has it asked about config maps."""
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
        client = {"url": f"https://{host}:{self.port}/check", "caBundle": more.pop("bundle", BUNDLE)}
        own = {"name": "a.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None"}
        webhook = {**own, "admissionReviewVersions": ["v1"], **more}
        return {"apiVersion": GROUP, "kind": f"{kind}WebhookConfiguration", **named("w"), "webhooks": [webhook]}


def named(name: str) -> Object:
    return {"metadata": {"name": name}}


def config_map(name: str = "c") -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", **named(name), "data": {"a": "1"}}


@contextmanager
def hook(answer: Callable[[Object], Object], address: str = "127.0.0.1") -> Iterator[Hook]:
    """A server with a certificate for localhost."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["content-length"])))
            here.asked.append(review["request"])
            made = answer(review["request"])
            response = {"uid": review["request"]["uid"], **made}
            body = orjson.dumps({**review, "request": None, "response": response})
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with encrypted(Handler, address) as port:
        here = Hook(port)
        yield here


@contextmanager
def encrypted(handler: type[BaseHTTPRequestHandler], address: str) -> Iterator[int]:
    """A server of TLS; gives its port."""
    server = ThreadingHTTPServer((address, 0), handler)
    server.daemon_threads = True
    context = KEYS.context()
    context.verify_mode = ssl.CERT_NONE
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def yes(request: Object) -> Object:
    return {"allowed": True}


def no(request: Object) -> Object:
    return {"allowed": False, "status": {"message": "not today"}}


def patched(path: str, value: str) -> Object:
    patch = base64.b64encode(orjson.dumps([{"op": "add", "path": path, "value": value}])).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def patching(request: Object) -> Object:
    return patched("/data/b", "2")


def outsider(*configurations: Object) -> Cluster:
    cluster = Cluster(nodes=1, outside=Outside())
    for each in configurations:
        cluster.client.create(f"{each['kind'].lower()}s", each)
    return cluster


def test_a_cluster_in_a_notebook_calls_a_real_webhook_and_its_fork_hears_the_same_without_asking() -> None:
    with hook(patching) as there:
        cluster = outsider(there.config("Mutating"))
        made = cluster.client.create("configmaps", {**config_map(), "metadata": {"name": "c", "namespace": "default"}})
        assert made["data"] == {"a": "1", "b": "2"}
        assert cluster.fork().client.get("configmaps", "c", "default") == made
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("host", "bundle", "expected"),
    [
        ("127.0.0.2", BUNDLE, "certificate is valid for 127.0.0.1, ::1, 10.96.0.1, not 127.0.0.2"),
        ("localhost", base64.b64encode(FreshKeys().certificate).decode(), "certificate signed by unknown authority"),
    ],
)
def test_a_server_has_to_be_the_one_that_is_meant(host: str, bundle: str, expected: str) -> None:
    address = "127.0.0.1" if host == "localhost" else host
    with hook(yes, address) as there, pytest.raises(OSError, match="x509") as raised:
        post(f"https://{host}:{there.port}/", bundle.encode(), b"{}", 5)
    assert str(raised.value) == f"tls: failed to verify certificate: x509: {expected}"


def test_a_server_that_is_not_there_refuses_the_write_in_the_words_of_the_client() -> None:
    with hook(yes) as there:
        cluster = outsider(there.config(host="127.0.0.1", timeoutSeconds=3))
    with pytest.raises(StatusError) as refused:
        cluster.client.create("configmaps", {**config_map(), "metadata": {"name": "c", "namespace": "default"}})
    url = f"https://127.0.0.1:{there.port}"
    assert (refused.value.code, refused.value.message) == (
        500,
        f'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post '
        f'"{url}/check?timeout=3s": dial tcp {url[8:]}: connect: connection refused',
    )


def test_without_being_let_out_a_cluster_in_a_notebook_knows_no_host_outside() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create("validatingwebhookconfigurations", Hook(8443).config(host="hook.example.com"))
    with pytest.raises(StatusError, match="dial tcp: lookup hook.example.com: no such host"):
        cluster.client.create("configmaps", {**config_map(), "metadata": {"name": "c", "namespace": "default"}})


# -- a served cluster ----------------------------------------------------------------------------------


class Back:
    """What a webhook asks the API server itself while it is being asked."""

    port = 0

    def ask(self, method: str, path: str, body: Object | None = None) -> Object:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": kind}
        connection.request(method, path, b"" if body is None else orjson.dumps(body), headers)
        found: Object = orjson.loads(connection.getresponse().read())
        connection.close()
        return found


async def told(wire: Wire, method: str, path: str, body: Object, **headers: str) -> Object:
    """What the API server answers to a write."""
    wire.ask(method, path, orjson.dumps(body), **{"content_type": "application/json", **headers})
    return (await wire.reply()).object


async def with_hook(there: Hook, back: Back, configuration: Object, ask: Callable[[Wire], Any]) -> Any:
    """What a client gets of a served cluster that asks the webhook."""
    async with listening(fast_cluster()) as connect:
        wire = await connect()
        back.port = wire.writer.get_extra_info("peername")[1]
        made = await told(wire, "POST", f"{HOOKS}/{configuration['kind'].lower()}s", configuration)
        assert made["kind"] == configuration["kind"], made
        return await ask(wire)


def test_a_webhook_may_ask_the_api_server_before_it_answers() -> None:
    back = Back()

    def answer(request: Object) -> Object:
        names = [each["metadata"]["name"] for each in back.ask("GET", MAPS)["items"]]
        return {"allowed": False, "status": {"message": f"there is {names}"}}

    with hook(answer) as there:
        ask = lambda wire: told(wire, "POST", MAPS, config_map())  # noqa: E731
        refused = asyncio.run(with_hook(there, back, there.config(), ask))
    assert refused["message"] == (
        "admission webhook \"a.example.com\" denied the request: there is ['kube-root-ca.crt']"
    )


def test_a_patch_that_was_overtaken_while_a_webhook_thought_about_it_is_made_anew() -> None:
    back = Back()

    def answer(request: Object) -> Object:
        data = (request["object"] or {}).get("data", {})
        if data.get("mine") and not data.get("other"):
            back.ask("PATCH", f"{MAPS}/c", {"data": {"other": "1"}})
        return {"allowed": True}

    async def changed(wire: Wire) -> Object:
        await told(wire, "POST", MAPS, config_map())
        merge = {"content_type": "application/merge-patch+json"}
        return await told(wire, "PATCH", f"{MAPS}/c", {"data": {"mine": "1"}}, **merge)

    with hook(answer) as there:
        made = asyncio.run(with_hook(there, back, there.config(), changed))
        assert made["data"] == {"a": "1", "mine": "1", "other": "1"}
        assert [each["operation"] for each in there.asked] == ["CREATE", "UPDATE", "UPDATE", "UPDATE"]


@pytest.mark.parametrize(("policy", "expected"), [("Fail", "Failure"), ("Ignore", None)])
def test_a_webhook_that_takes_too_long_fails_and_holds_up_nobody_else(policy: str, expected: str | None) -> None:
    free = threading.Event()

    def answer(request: Object) -> Object:
        free.wait(10)
        return {"allowed": True}

    async def meanwhile(wire: Wire) -> tuple[Object, Object]:
        waiting = asyncio.ensure_future(told(wire, "POST", MAPS, config_map()))
        other = Wire(*await asyncio.open_connection("127.0.0.1", back.port))
        await asyncio.sleep(0)
        found = await told(other, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", **named("n")})
        assert not waiting.done()
        other.writer.close()
        return found, await waiting

    back = Back()
    with hook(answer) as there:
        config = there.config(timeoutSeconds=1, failurePolicy=policy)
        found, late = asyncio.run(with_hook(there, back, config, meanwhile))
        free.set()
    assert (found["kind"], late.get("status")) == ("Namespace", expected)
    if expected:
        assert late["message"] == (
            f'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post '
            f'"https://localhost:{there.port}/check?timeout=1s": context deadline exceeded'
        )


def test_what_controllers_make_passes_a_webhook_outside_too() -> None:
    back = Back()

    def answer(request: Object) -> Object:
        assert back.ask("GET", "/api/v1/namespaces/default")["kind"] == "Namespace"
        return patched("/metadata/labels/seen", "yes")

    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    made = {"apiVersion": "apps/v1", "kind": "ReplicaSet", **named("web"), "spec": spec}
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]

    async def running(wire: Wire) -> list[str]:
        await told(wire, "POST", "/apis/apps/v1/namespaces/default/replicasets", made)
        while True:
            wire.ask("GET", "/api/v1/namespaces/default/pods?labelSelector=seen%3Dyes")
            pods: Any = (await wire.reply()).object["items"]
            if len(pods) == 2:
                return [each["metadata"]["labels"]["app"] for each in pods]
            await asyncio.sleep(0.01)

    with hook(answer) as there:
        config = there.config("Mutating", rules=rules)
        assert asyncio.run(with_hook(there, back, config, running)) == ["web", "web"]


# -- aggregated APIs -----------------------------------------------------------------------------------

ROOT = "/apis/a.example.com/v1"
THINGS = {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": ["list", "watch"]}
RESOURCES = {"kind": "APIResourceList", "groupVersion": "a.example.com/v1", "resources": [THINGS]}


@contextmanager
def api_server() -> Iterator[tuple[int, threading.Event]]:
    """An API server of things; a watch gets a second event when the other value is set."""
    more = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            if "watch=" not in self.path:
                told = RESOURCES if self.path == ROOT else {"user": self.headers["x-remote-user"], "path": self.path}
                self.wfile.write(orjson.dumps(told))
                return
            for name in ("one", "two"):
                self.wfile.write(orjson.dumps({"type": "ADDED", "object": named(name)}) + b"\n")
                more.wait(10)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with encrypted(Handler, "127.0.0.1") as port:
        yield port, more


def test_an_api_server_outside_is_part_of_a_served_cluster_and_can_be_watched() -> None:
    with api_server() as (port, more):
        asyncio.run(_asked_through(fast_cluster(), port, more))


async def _asked_through(cluster: Cluster, port: int, more: threading.Event) -> None:
    external = {"type": "ExternalName", "externalName": "localhost"}
    cluster.client.create("services", {"metadata": {"name": "things", "namespace": "default"}, "spec": external})
    service = {"namespace": "default", "name": "things", "port": port}
    spec = {"group": "a.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    whole = {**spec, "service": service, "insecureSkipTLSVerify": True}
    async with listening(cluster) as connect:
        wire = await connect()
        body = orjson.dumps({"metadata": {"name": "v1.a.example.com"}, "spec": whole})
        wire.ask("POST", "/apis/apiregistration.k8s.io/v1/apiservices", body)
        assert (await wire.reply()).code == 201
        code, found = 503, None
        while code == 503:
            wire.ask("GET", f"{ROOT}/things?limit=5")
            found = await wire.reply()
            code = found.code
        assert found is not None
        assert found.object == {"user": "kubernetes-admin", "path": f"{ROOT}/things?limit=5"}
        wire.ask("GET", f"{ROOT}/things?watch=true")
        assert (await wire.head()).code == 200
        seen = []
        async for chunk in wire.chunks():
            seen.append(orjson.loads(chunk)["object"]["metadata"]["name"])
            more.set()
        assert seen == ["one", "two"]
