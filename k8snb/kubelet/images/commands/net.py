"""Commands that use the network: `wget`, `nslookup`, `nc`, `ping`; `curl` has a module of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run, Steps, Wait
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError, Unanswered

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
    303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip
CONNECT_SECONDS = 130.0
"""How long a connection is tried when nobody answers and no limit is given."""

_URL = re.compile(r"(?:(https?)://)?([^/:?#]+)(?::([0-9]+))?([^#]*)")


class URL(NamedTuple):
    """The parts of an address."""

    scheme: str
    host: str
    port: int
    path: str


def parse_url(text: str) -> URL:
    """The parts; what is missing has HTTP's defaults."""
    match = _URL.fullmatch(text)
    if match is None:
        return URL("http", text, 80, "/")
    scheme, host, port, path = match.groups()
    scheme = scheme or "http"
    path = path if path.startswith("/") else f"/{path}"
    return URL(scheme, host, int(port) if port else (443 if scheme == "https" else 80), path)


def server_name(url: URL) -> str:
    """The name that a client of TLS asks for: none, if the URL has an address."""
    return "" if url.scheme != "https" or url.host.replace(".", "").isdigit() else url.host


@dataclass(slots=True)
class Options:
    """What the words of `wget` or `curl` ask for."""

    urls: list[str] = field(default_factory=list)
    flags: dict[str, None] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def parse_options(words: list[str], with_value: Mapping[str, str]) -> Options:
    """Sort words into flags, values and URLs; `with_value` names the options that take one."""
    options = Options()
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, assigned, value = word[2:].partition("=")
            key = with_value.get(name, "")
            if key:
                _set(options, key, value if assigned else (words.pop(0) if words else ""))
            else:
                options.flags[name] = None
        elif word.startswith("-") and len(word) > 1:
            _letters(options, word[1:], words, with_value)
        else:
            options.urls.append(word)
    return options


def _letters(options: Options, letters: str, words: list[str], with_value: Mapping[str, str]) -> None:
    for position, letter in enumerate(letters):
        key = with_value.get(letter, "")
        if not key:
            options.flags[letter] = None
            continue
        rest = letters[position + 1 :]
        _set(options, key, rest or (words.pop(0) if words else ""))
        return


def _set(options: Options, key: str, value: str) -> None:
    if key == "header":
        name, _, content = value.partition(":")
        options.headers[name.strip().lower()] = content.strip()
    elif key == "data":
        before = options.values.get("data")
        options.values["data"] = f"{before}&{value}" if before else value
    elif key == "resolve":
        options.values["resolve"] = f"{options.values.get('resolve', '')} {value}".strip()
    else:
        options.values[key] = value


def fetch(call: Invocation, request: HTTPRequest, limit: float | None) -> Steps[HTTPResponse]:
    """Send a request, waiting as long as it takes; raises NetworkError.

    After `limit` seconds it is `timeout`, or `unresolved` where the name's address was still being asked for.
    """
    try:
        response = call.process.request(request)
    except NetworkError as error:
        seconds = error.seconds or (CONNECT_SECONDS if error.kind == "timeout" else 0.0)
        if limit is not None and seconds > limit:
            yield Wait(limit, call.shell.loops > 0)
            kind = "unresolved" if isinstance(error, Unanswered) else "timeout"
            raise NetworkError(kind, error.address, limit) from None
        if seconds:
            yield Wait(seconds, call.shell.loops > 0)
        raise
    if limit is not None and response.seconds > limit:
        yield Wait(limit, call.shell.loops > 0)
        raise NetworkError("timeout", request.host, limit)
    if response.seconds:
        yield Wait(response.seconds, call.shell.loops > 0)
    return response


# -- wget ----------------------------------------------------------------------------------------------

_WGET = {
    "O": "output", "output-document": "output", "T": "timeout", "timeout": "timeout", "header": "header",
    "post-data": "data", "U": "agent", "t": "tries", "tries": "tries", "Y": "proxy", "P": "directory",
}  # fmt: skip


def wget(call: Invocation) -> Run:
    options = parse_options(list(call.argv[1:]), _WGET)
    if not options.urls:
        return call.fail("missing URL")
    url = parse_url(options.urls[0])
    quiet = "q" in options.flags or "quiet" in options.flags
    limit = float(options.values["timeout"]) if "timeout" in options.values else None
    data = options.values.get("data", "")
    request = HTTPRequest(
        "POST" if data else "GET",
        url.host,
        url.port,
        url.path,
        {"user-agent": "Wget", **options.headers},
        data,
        url.scheme,
        server_name=server_name(url),
    )
    address = _address(call, url.host)
    if url.scheme == "https":
        call.streams.err("wget: note: TLS certificate validation not implemented\n")
    if not quiet and address:
        call.streams.err(f"Connecting to {url.host} ({address}:{url.port})\n")
    try:
        response = yield from fetch(call, request, limit)
    except NetworkError as error:
        return call.fail(_wget_error(url.host, address, error, limit))
    if response.status >= 400:
        return call.fail(f"server returned error: HTTP/1.1 {response.status} {REASONS.get(response.status, '')}")
    if "spider" in options.flags:
        return 0
    return _save(call, options, url, response, quiet)


def _address(call: Invocation, host: str) -> str:
    try:
        return call.process.resolve(host)[0]
    except NetworkError:
        return ""


def _wget_error(host: str, address: str, error: NetworkError, limit: float | None) -> str:
    if error.kind == "not found":
        return f"bad address '{host}'"
    if error.kind in ("timeout", "unresolved") and limit is not None:
        return "download timed out"
    why = {"refused": "Connection refused", "timeout": "Operation timed out"}.get(error.kind, "Host is unreachable")
    return f"can't connect to remote host ({address or error.address}): {why}"


def _save(call: Invocation, options: Options, url: URL, response: HTTPResponse, quiet: bool) -> int:
    name = options.values.get("output") or url.path.partition("?")[0].rpartition("/")[2] or "index.html"
    if name == "-":
        if not quiet:
            call.streams.err("writing to stdout\n")
        call.streams.out(response.body)
        if not quiet:
            call.streams.err(
                f"-                    100% |*******************************| {len(response.body):>5}  0:00:00 ETA\n"
            )
            call.streams.err("written to stdout\n")
        return 0
    call.process.files.write(call.shell.path(name), response.body)
    if not quiet:
        call.streams.err(f"saving to '{name}'\n'{name}' saved\n")
    return 0


# -- names and connections -----------------------------------------------------------------------------


_BIND = frozenset(("agnhost", "netshoot", "jessie-dnsutils"))
"""Images with BIND's `nslookup`; the others have BusyBox'."""


def lookup(call: Invocation) -> Run:
    words = [word for word in call.argv[1:] if not word.startswith("-")]
    if not words:
        return call.fail("usage: nslookup HOST")
    server, bind = call.process.nameserver, call.process.image.name.rpartition("/")[2] in _BIND
    said = [f"Server:\t\t{server}\nAddress:\t{server}{'#' if bind else ':'}53\n\n"]
    code = 1
    try:
        code = _answers(call, words[0], said, bind)
    except Unanswered as error:
        said = [";; connection timed out; no servers could be reached\n\n"]
        if error.seconds:
            yield Wait(error.seconds, call.shell.loops > 0)
    call.streams.out("".join(said))
    return code


def _answers(call: Invocation, word: str, said: list[str], bind: bool) -> int:
    """Ask for each full name of a word, and note what is answered; the exit status."""
    for name in [*(f"{word}.{domain}." for domain in _search(call)), word]:
        shown, alias = name.rstrip("."), call.process.alias(name)
        if alias:
            said.append(f"{shown}\tcanonical name = {alias}{'.' if bind else ''}\n")
            shown = alias
        try:
            found = call.process.resolve(name)
        except Unanswered:
            raise
        except NetworkError:
            if alias:
                return _unknown(said, alias)
            continue
        said.append("".join(f"Name:\t{shown}\nAddress: {address}\n" for address in found) + "\n")
        return 0
    return _unknown(said, word)


def _unknown(said: list[str], name: str) -> int:
    said.append(f"** server can't find {name}: NXDOMAIN\n\n")
    return 1


def _search(call: Invocation) -> list[str]:
    """The search domains of `/etc/resolv.conf`; a name that ends with a dot is full already."""
    lines = call.process.files.read("/etc/resolv.conf").splitlines()
    name = call.argv[-1]
    return [] if name.endswith(".") else [d for line in lines if line.startswith("search ") for d in line.split()[1:]]


def netcat(call: Invocation) -> Run:
    options = parse_options(list(call.argv[1:]), {"w": "timeout"})
    if len(options.urls) < 2:
        return call.fail("usage: nc HOST PORT")
    host, port = options.urls[0], int(options.urls[1])
    try:
        answer = call.process.tcp(host, port, "" if "z" in options.flags else call.streams.input.read())
    except NetworkError as error:
        limit = float(options.values.get("timeout", CONNECT_SECONDS))
        if error.kind == "timeout" or error.seconds:
            yield Wait(error.seconds if error.kind == "not found" else limit, call.shell.loops > 0)
        if error.kind == "not found":
            return call.fail(f"bad address '{host}'")
        why = {"refused": "Connection refused", "timeout": "Connection timed out"}.get(
            error.kind, "Host is unreachable"
        )
        if "z" not in options.flags or "v" in options.flags:
            call.fail(f"{host} ({_address(call, host) or error.address}:{port}): {why}")
        return 1
    if "v" in options.flags:
        call.streams.err(f"{host} ({_address(call, host)}:{port}) open\n")
    call.streams.out(answer)
    return 0


def ping(call: Invocation) -> Run:
    options = parse_options(list(call.argv[1:]), {"c": "count", "W": "timeout", "w": "deadline"})
    host = options.urls[0] if options.urls else ""
    count = int(options.values.get("count", "4"))
    address = _address(call, host)
    if not address:
        return call.fail(f"bad address '{host}'")
    call.streams.out(f"PING {host} ({address}): 56 data bytes\n")
    answered = 0
    for number in range(count):
        try:
            call.process.tcp(address, 0)
            reachable = True
        except NetworkError as error:
            reachable = error.kind == "refused"
        if reachable:
            answered += 1
            call.streams.out(f"64 bytes from {address}: seq={number} ttl=62 time=0.100 ms\n")
        yield Wait(1.0, call.shell.loops > 0)
    loss = round(100 * (count - answered) / count) if count else 0
    call.streams.out(f"\n--- {host} ping statistics ---\n")
    call.streams.out(f"{count} packets transmitted, {answered} packets received, {loss}% packet loss\n")
    return int(answered == 0)


COMMANDS: dict[str, Command] = {"nc": netcat, "nslookup": lookup, "ping": ping, "wget": wget}
