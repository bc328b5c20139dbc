"""`curl`: requests with headers and methods of one's own, redirects, and a look at what a server shows of itself.

With TLS a client that does not know the server's certificate refuses it, unless `-k` says not to look. It is known if
it, or who signed it, is in the file that `--cacert` names. What `-v` tells is shorter than the real one's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urljoin

from k8snb.kubelet.images.commands.net import REASONS, URL, Options, fetch, parse_options, parse_url, server_name
from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run
from k8snb.machinery import der, x509
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

_WITH_VALUE = {
    "o": "output", "output": "output", "m": "timeout", "max-time": "timeout", "connect-timeout": "timeout",
    "H": "header", "header": "header", "X": "method", "request": "method", "d": "data", "data": "data",
    "data-raw": "data", "w": "write-out", "write-out": "write-out", "A": "agent", "user-agent": "agent",
    "u": "user", "retry": "retry", "retry-delay": "delay", "resolve": "resolve", "cacert": "cacert",
    "max-redirs": "redirects", "b": "cookie", "cookie": "cookie", "e": "referer", "referer": "referer",
}  # fmt: skip
MOST_REDIRECTS = 50
UNTRUSTED = 60
_REDIRECTS = {301, 302, 303, 307, 308}
_HELP = """More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
"""
_LOCAL_ISSUER = "unable to get local issuer certificate"
_SELF_SIGNED = "self-signed certificate"
_CODES = {_SELF_SIGNED: 18, _LOCAL_ISSUER: 20, "certificate has expired": 10}
"""OpenSSL's numbers."""


def curl(call: Invocation) -> Run:
    options = parse_options(list(call.argv[1:]), _WITH_VALUE)
    if not options.urls:
        call.streams.err("curl: (2) no URL specified\n")
        return 2
    code = 0
    for text in options.urls:
        code = yield from _Transfer(call, options).run(parse_url(text))
    return code


class _Transfer:
    """One URL, with the redirects that it leads to."""

    def __init__(self, call: Invocation, options: Options) -> None:
        self._call = call
        self._options = options
        self._verbose = self._has("v", "verbose")
        self._head = self._has("I", "head")
        self._count = 0

    def _has(self, *names: str) -> bool:
        return any(name in self._options.flags for name in names)

    def run(self, url: URL) -> Run:
        """Send it, and follow where it leads."""
        options = self._options
        data = options.values.get("data", "")
        method = options.values.get("method") or ("HEAD" if self._head else "POST" if data else "GET")
        headers = {"user-agent": options.values.get("agent", "curl/8.11.1"), "accept": "*/*", **options.headers}
        if "cookie" in options.values:
            headers["cookie"] = options.values["cookie"]
        request = HTTPRequest(method, url.host, url.port, url.path, headers, data, url.scheme)
        while True:
            asked = replace(self._resolved(request, url), server_name=server_name(url))
            limit = float(options.values["timeout"]) if "timeout" in options.values else None
            self._trying(asked, url)
            try:
                response = yield from fetch(self._call, asked, limit)
            except NetworkError as error:
                return self._failed(url, error)
            trouble = _distrust(self._call, options, url, response) if url.scheme == "https" else ""
            self._connected(asked, url, response, trouble)
            if trouble and not self._has("k", "insecure"):
                return self._refuse(trouble)
            self._spoken(asked, response)
            location = response.headers.get("location", "")
            if not (response.status in _REDIRECTS and location and self._has("L", "location")):
                return self._finish(url, response)
            self._count += 1
            if self._count > int(options.values.get("redirects", MOST_REDIRECTS)):
                self._complain(f"(47) Maximum ({self._count - 1}) redirects followed")
                return 47
            if self._head or self._has("i", "include"):
                self._call.streams.out(_head_of(response))
            url, request = self._next(url, request, response.status, location)

    def _next(self, url: URL, request: HTTPRequest, status: int, location: str) -> tuple[URL, HTTPRequest]:
        """Where a redirect leads; a form becomes a plain question, unless the server says to keep the method."""
        there = parse_url(urljoin(_text(url), location))
        keeps = status in (307, 308) or request.method in ("GET", "HEAD")
        headers = {name: value for name, value in request.headers.items() if name != "host" or there.host == url.host}
        method, body = (request.method, request.body) if keeps else ("GET", "")
        return there, HTTPRequest(method, there.host, there.port, there.path, headers, body, there.scheme)

    def _resolved(self, request: HTTPRequest, url: URL) -> HTTPRequest:
        """The request to the address that `--resolve` names, if it names one."""
        for entry in self._options.values.get("resolve", "").split():
            host, port, address = [*entry.split(":", 2), "", ""][:3]
            if host in (url.host, "*") and port in (str(url.port), "*") and address:
                headers = {"host": request.authority, **request.headers}
                return replace(request, host=address, headers=headers)
        return request

    # -- what is said ------------------------------------------------------------------------------

    def _note(self, *lines: str, sign: str = "*") -> None:
        if self._verbose:
            self._call.streams.err("".join(f"{sign} {line}\n" for line in lines))

    def _trying(self, request: HTTPRequest, url: URL) -> None:
        if request.host != url.host:
            self._note(f"Added {url.host}:{url.port}:{request.host} to DNS cache")
        self._note(f"  Trying {self._address(request)}:{request.port}...")

    def _address(self, request: HTTPRequest) -> str:
        try:
            return self._call.process.resolve(request.host)[0]
        except NetworkError:
            return request.host

    def _connected(self, request: HTTPRequest, url: URL, response: HTTPResponse, trouble: str) -> None:
        self._note(f"Connected to {url.host} ({self._address(request)}) port {request.port}")
        if url.scheme != "https":
            return
        self._note("SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS")
        found = _read(response.certificate)
        if found is not None:
            issuer = f" issuer: CN={found.issuer}"
            life = [f" start date: {_date(found.not_before)}", f" expire date: {_date(found.not_after)}"]
            self._note("Server certificate:", f" subject: {_owner(found)}", *life, issuer)
        words = f"{trouble} ({_CODES.get(trouble, 62)}), continuing anyway" if trouble else "ok"
        if not trouble or self._has("k", "insecure"):
            self._note(f" SSL certificate verify {'result: ' if trouble else ''}{words}.")

    def _spoken(self, request: HTTPRequest, response: HTTPResponse) -> None:
        shown = {name: value for name, value in request.headers.items() if name != "host"}
        head = [f"{request.method} {request.path} HTTP/1.1", f"Host: {request.authority}"]
        self._note(*head, *(f"{_title(name)}: {value}" for name, value in shown.items()), "", sign=">")
        self._note(*_head_of(response).replace("\r", "").split("\n")[:-1], sign="<")

    def _finish(self, url: URL, response: HTTPResponse) -> int:
        if response.status >= 400 and self._has("f", "fail"):
            self._complain(f"(22) The requested URL returned error: {response.status}")
            return 22
        text = "" if self._head else response.body
        if self._head or self._has("i", "include"):
            text = _head_of(response) + text
        target = self._options.values.get("output")
        if target is None:
            self._call.streams.out(text)
        else:
            self._call.process.files.write(self._call.shell.path(target), text)
        self._note(f"Connection #0 to host {url.host} left intact")
        self._summary(url, response)
        return 0

    def _summary(self, url: URL, response: HTTPResponse | None) -> None:
        """What `-w` asks for."""
        location = response.headers.get("location", "") if response is not None else ""
        found = {
            "http_code": str(response.status) if response is not None else "000",
            "response_code": str(response.status) if response is not None else "000",
            "time_total": f"{response.seconds if response is not None else 0.0:.6f}",
            "redirect_url": urljoin(_text(url), location) if location else "",
            "num_redirects": str(self._count),
            "url_effective": _text(url),
            "content_type": response.headers.get("content-type", "") if response is not None else "",
            "scheme": url.scheme,
        }
        text = self._options.values.get("write-out", "")
        for name, value in found.items():
            text = text.replace(f"%{{{name}}}", value)
        self._call.streams.out(text.replace("\\n", "\n").replace("\\t", "\t"))

    def _failed(self, url: URL, error: NetworkError) -> int:
        refused = f"Failed to connect to {url.host} port {url.port} after 0 ms: Could not connect to server"
        code, message = {
            "not found": (6, f"Could not resolve host: {url.host}"),
            "timeout": (28, f"Connection timed out after {int(error.seconds * 1000) + 1} milliseconds"),
            "unresolved": (28, f"Resolving timed out after {int(error.seconds * 1000) + 1} milliseconds"),
            "no tls": (35, "TLS connect error: error:0A00010B:SSL routines::wrong version number"),
            "no tls name": (35, "TLS connect error: error:0A000458:SSL routines::tlsv1 unrecognized name"),
        }.get(error.kind, (7, refused))
        self._complain(f"({code}) {message}")
        self._summary(url, None)
        return code

    def _refuse(self, trouble: str) -> int:
        about = "SSL" if trouble.startswith("no alternative") else "SSL certificate problem"
        self._complain(f"({UNTRUSTED}) {about}: {trouble}", _HELP)
        return UNTRUSTED

    def _complain(self, message: str, more: str = "") -> None:
        if not self._has("s", "silent") or self._has("S", "show-error"):
            self._call.streams.err(f"curl: {message}\n{more}")


# -- certificates --------------------------------------------------------------------------------------


def _distrust(call: Invocation, options: Options, url: URL, response: HTTPResponse) -> str:
    """Why the server's certificate is not believed; empty if it is."""
    known = list(_authorities(call, options))
    found = _read(response.certificate)
    if found is None:
        return "" if known else _LOCAL_ISSUER
    names = {each.common_name for each in known}
    if found.issuer not in names:
        return _SELF_SIGNED if found.issuer == found.common_name else _LOCAL_ISSUER
    if found.not_after < call.process.now:
        return "certificate has expired"
    if not found.covers(url.host):
        return f"no alternative certificate subject name matches target host name '{url.host}'"
    return ""


def _authorities(call: Invocation, options: Options) -> Iterator[x509.Certificate]:
    """The certificates in the file that `--cacert` names."""
    named = options.values.get("cacert", "")
    path = call.shell.path(named) if named else ""
    text = call.process.files.read(path) if path and call.process.files.is_file(path) else ""
    for block in text.split("-----BEGIN CERTIFICATE-----")[1:]:
        found = _read(f"-----BEGIN CERTIFICATE-----{block}")
        if found is not None:
            yield found


def _read(pem: str) -> x509.Certificate | None:
    block = der.from_pem(pem.encode()) if pem else None
    try:
        return x509.read_certificate(block[1]) if block is not None else None
    except (ValueError, IndexError):
        return None


def _owner(found: x509.Certificate) -> str:
    return "; ".join([*(f"O={each}" for each in found.organizations), f"CN={found.common_name}"])


def _date(seconds: float) -> str:
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when:%b} {when.day:>2} {when:%H:%M:%S %Y} GMT"


# -- texts ---------------------------------------------------------------------------------------------


def _text(url: URL) -> str:
    usual = url.port == (443 if url.scheme == "https" else 80)
    return f"{url.scheme}://{url.host}{'' if usual else f':{url.port}'}{url.path}"


def _head_of(response: HTTPResponse) -> str:
    """The status line and the headers."""
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, '')}"]
    lines += [f"{_title(name)}: {value}" for name, value in response.headers.items()]
    return "".join(f"{line}\r\n" for line in lines) + "\r\n"


def _title(name: str) -> str:
    return name.title()


COMMANDS: dict[str, Command] = {"curl": curl}
