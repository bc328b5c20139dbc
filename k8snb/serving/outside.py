"""Webhooks and scheduler extenders outside the cluster: real servers, called from where this process runs.

`post` is one call; what goes wrong it says in the words of Go's HTTP client, as they end up in the API's messages.
`Outside` is for a cluster in a notebook: it remembers what it heard, so that a fork or a rewound cluster hears the
same again. `Errands` is for a served cluster: what waits for an answer stands still, and everything else goes on, so a
webhook may itself ask the API server before it answers. Upstream: `apiserver/pkg/util/webhook/client.go`.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import urlsplit

from greenlet import getcurrent, greenlet

from k8snb.apiserver.server import APIServer
from k8snb.network.posting import Remote
from k8snb.packet import HTTPResponse
from k8snb.typing import Object

Result = TypeVar("Result")

MAX_ANSWER_BYTES = 3 * 1024 * 1024
LATE = "context deadline exceeded"
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_EXPIRED, _NOT_YET = 10, 9


CALLERS = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
    "apiservices.apiregistration.k8s.io",
)
"""The resources whose objects may name URLs to call, or Services that are somewhere else."""


def calls_out(obj: Object) -> bool:
    """Whether an object of one of the `CALLERS` may lead outside."""
    spec = obj.get("spec") or {}
    if obj.get("kind") == "APIService":
        return spec.get("service") is not None
    conversion = spec.get("conversion") or {}
    callers = (*(obj.get("webhooks") or ()), conversion.get("webhook") or {})
    return any((each.get("clientConfig") or {}).get("url") for each in callers)


def post(url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse:
    """What the server at a URL answers. `bundle` is a `caBundle`; empty trusts whom the machine trusts, None everybody.

    Raises OSError, with a message as Go has it.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with secured(host, port, bundle, seconds) if secure else _dialed(host, port, seconds) as dialled:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = dialled
            connection.request("POST", path, body, _headers(parts.netloc))
            answer = connection.getresponse()
            return HTTPResponse(answer.status, answer.read(MAX_ANSWER_BYTES).decode("utf-8", "replace"))
    except TimeoutError:
        raise OSError(LATE) from None
    except (http.client.HTTPException, ConnectionError):
        raise OSError("EOF") from None


def _headers(host: str) -> dict[str, str]:
    return {"host": host, "accept": "application/json, */*", "content-type": "application/json"}


def secured(host: str, port: int, bundle: bytes | None, seconds: float, name: str = "") -> ssl.SSLSocket:
    """A connection to a server that is who it says, by its address or `name`; without a bundle, to whoever it is."""
    plain, name = _dialed(host, port, seconds), name or host
    try:
        found = _trusting(bundle).wrap_socket(plain, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise OSError(f"tls: failed to verify certificate: x509: {_distrust(error.verify_code)}") from None
    except ssl.SSLError as error:
        plain.close()
        if error.reason in _PLAIN_HTTP:
            raise OSError("http: server gave HTTP response to HTTPS client") from None
        raise OSError("remote error: tls: handshake failure") from None
    wrong = "" if bundle is None else _mismatch(name, found.getpeercert() or {})
    if wrong:
        found.close()
        raise OSError(f"tls: failed to verify certificate: x509: {wrong}")
    return found


def _dialed(host: str, port: int, seconds: float) -> socket.socket:
    try:
        address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror:
        raise OSError(f"dial tcp: lookup {host}: no such host") from None
    try:
        return socket.create_connection((address, port), seconds)
    except TimeoutError:
        raise
    except OSError as error:
        shown = f"[{address}]" if ":" in address else address
        raise OSError(f"dial tcp {shown}:{port}: connect: {(error.strerror or str(error)).lower()}") from None


def _trusting(bundle: bytes | None) -> ssl.SSLContext:
    """TLS as Go does it: what is in the bundle is trusted, be it an authority or the server's own certificate."""
    if bundle is None:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        return anybody
    try:
        given = base64.b64decode(bundle).decode() if bundle else None
        context = ssl.create_default_context(cadata=given)
    except (ValueError, ssl.SSLError):
        raise OSError("unable to load root certificates: unable to parse bytes as PEM block") from None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _distrust(code: int) -> str:
    if code in (_EXPIRED, _NOT_YET):
        return "certificate has expired or is not yet valid"
    return "certificate signed by unknown authority"


def _mismatch(host: str, certificate: object) -> str:
    """Why a certificate is not for a host; empty if it is."""
    names = [*_alternatives(certificate, "DNS")]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if any(_covers(name.lower(), host.lower()) for name in names):
            return ""
        if not names:
            return f"certificate is not valid for any names, but wanted to match {host}"
        return f"certificate is valid for {', '.join(names)}, not {host}"
    addresses = [ipaddress.ip_address(each) for each in _alternatives(certificate, "IP Address")]
    if not addresses:
        return f"cannot validate certificate for {host} because it doesn't contain any IP SANs"
    if address in addresses:
        return ""
    return f"certificate is valid for {', '.join(map(str, addresses))}, not {host}"


def _alternatives(certificate: object, kind: str) -> Iterator[str]:
    found = certificate.get("subjectAltName", ()) if isinstance(certificate, dict) else ()
    return (value for name, value in found if name == kind)


def _covers(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host


class Outside:
    """Lets a cluster in this process call real URLs: `Cluster(outside=Outside())`.

    A cluster begins with `begin`, and anew where its past is lived through again: then a question gets the answer that
    it got then. Reviews carry their own uid, but a scheduler may ask an extender the same thing several times; then
    each time has its own answer.
    """

    def __init__(self) -> None:
        self._heard: dict[tuple[str, bytes], list[HTTPResponse | str]] = {}
        self._begun = self.begin()

    def begin(self) -> Remote:
        """Calls as `post` does, from the beginning."""
        times: Counter[tuple[str, bytes]] = Counter()

        def call(url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse:
            heard = self._heard.setdefault((url, body), [])
            times[url, body] += 1
            if len(heard) < times[url, body]:
                heard.append(_heard(url, bundle, body, seconds))
            answer = heard[times[url, body] - 1]
            if isinstance(answer, str):
                raise OSError(answer)
            return answer

        return call

    def __call__(self, url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse:
        """As `post`."""
        return self._begun(url, bundle, body, seconds)


def _heard(url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse | str:
    """The answer, or why there is none."""
    try:
        return post(url, bundle, body, seconds)
    except OSError as error:
        return str(error)


class Errands:
    """Runs what may have to wait for an answer from outside, without holding up the event loop.

    Each errand has a stack of its own. Where it calls outside, the event loop goes on until the answer is there; only
    then does the errand. What the server knows of the request in hand is put aside meanwhile.
    """

    def __init__(self, server: APIServer) -> None:
        self._server = server

    def run(self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do the work, and hand what it gives to `then`: at once, or when the answer is there that it waits for."""
        greenlet(lambda: then(work())).switch()

    def call(self, url: str, bundle: bytes | None, body: bytes, seconds: float) -> HTTPResponse:
        """As `post`, from within an errand; anywhere else everything waits."""
        return self.wait(seconds, lambda: post(url, bundle, body, seconds))

    def wait(self, seconds: float, ask: Callable[[], HTTPResponse]) -> HTTPResponse:
        """What a question gives that may take its time. Raises OSError where it takes too long."""
        here = getcurrent()
        if here.parent is None:
            return ask()
        task = asyncio.get_running_loop().create_task(_answered(seconds, ask))
        task.add_done_callback(lambda _: here.switch())
        chain, trace = self._server.admission, self._server.trace
        told, span, trace.current = chain.warnings(), trace.current, None
        here.parent.switch()
        chain.warnings()
        for text in told:
            chain.reader.warn(text)
        trace.current = span
        return task.result()


async def _answered(seconds: float, ask: Callable[[], HTTPResponse]) -> HTTPResponse:
    work = asyncio.get_running_loop().run_in_executor(None, ask)
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise OSError(LATE) from None
