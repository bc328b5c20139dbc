"""`-v=6` and up: the requests of a command as lines of a log, in the form that the real one gives them.

From 6 on there is a line for each answer, 7 shows the headers of requests, 8 bodies cut at a kilobyte, 9 the request
as a curl command and bodies almost whole. Lines about files, caches and gates of the real one have nothing to
tell here and are left out. Upstream: `klog/v2` (`textlogger`), `client-go/transport/round_trippers.go` and
`client-go/rest/request.go`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from k8snb.kubectl.exchange import Exchange
from k8snb.wire import REPEATED

ANSWERS, HEADERS, BODIES, CURL, WHOLE = 6, 7, 8, 9, 10
"""What is told from which verbosity on."""

AGENT = "kubectl/v1.36.0 (linux/amd64) kubernetes/k8snb"
_LONGEST = {BODIES: 1024, CURL: 10240}
_CALLERS = {"GET": "helper.go:105", "POST": "helper.go:246", "PATCH": "helper.go:225", "DELETE": "helper.go:202"}
"""Where in client code a request is made, which is what a line of a log begins with."""
_MASKED = "Bearer <masked>"


def log_lines(exchange: Exchange, verbosity: int, server: str) -> str:
    """What the log says about one request."""
    if verbosity < ANSWERS:
        return ""
    url = server + exchange.url
    lines: list[str] = []
    if verbosity >= BODIES:
        lines.append(_line(exchange, _caller(exchange), f'"Request Body" body={_body(exchange.body, verbosity)}'))
    if verbosity >= CURL:
        lines.append(_line(exchange, "round_trippers.go:527", f'"Request" curlCommand={_block(_curl(exchange, url))}'))
    elif verbosity >= HEADERS:
        said = f'"Request" verb="{exchange.method}" url="{url}" headers={_block(_header_text(_sent(exchange)))}'
        lines.append(_line(exchange, "round_trippers.go:527", said))
    lines.append(_line(exchange, "round_trippers.go:632", f'"Response" {_answer(exchange, url, verbosity)}'))
    if verbosity >= BODIES and exchange.answer.stream is None:
        body = _body(exchange.response, verbosity)
        lines.append(_line(exchange, _caller(exchange), f'"Response Body" body={body}'))
    return "".join(lines)


def refusal_line(exchange: Exchange, verbosity: int) -> str:
    """The whole `Status` of a refusal, as the log repeats it."""
    if verbosity < BODIES or exchange.answer.object is None:
        return ""
    text = json.dumps(exchange.answer.object, indent=2, ensure_ascii=False)
    return _line(exchange, "helpers.go:246", f"server response object: %s[{text}]")


def warning_line(at: float, caller: str, text: str) -> str:
    """A warning of kubectl itself, which is logged at any verbosity."""
    return _logged("W", at, caller, text)


def _line(exchange: Exchange, caller: str, text: str) -> str:
    return _logged("I", exchange.at, caller, text)


def _logged(level: str, at: float, caller: str, text: str) -> str:
    stamp = datetime.fromtimestamp(at, UTC).strftime("%m%d %H:%M:%S.%f")
    return f"{level}{stamp} {1:>7} {caller}] {text}\n"


def _caller(exchange: Exchange) -> str:
    if exchange.answer.stream is not None:
        return "request.go:759"
    if exchange.method == "GET" and "limit" in exchange.query:
        return "helper.go:113"
    return _CALLERS.get(exchange.method, "helper.go:289")


def _answer(exchange: Exchange, url: str, verbosity: int) -> str:
    status = f'status="{exchange.code} {HTTPStatus(exchange.code).phrase}"'
    asked = f'verb="{exchange.method}" url="{url}" '
    if verbosity < HEADERS:
        return f"{asked}{status} milliseconds=0"
    if verbosity < BODIES:
        return f"{status} milliseconds=0"
    text = f"{status} headers={_block(_header_text(_received(exchange)))} milliseconds=0"
    if verbosity < CURL:
        return text
    return f"{asked}{text} getConnectionMilliseconds=0 serverProcessingMilliseconds=0"


def _sent(exchange: Exchange) -> Mapping[str, str]:
    return {"authorization": _MASKED, "user-agent": AGENT, **_without_secrets(exchange.headers)}


def _without_secrets(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: _MASKED if name == "authorization" else value for name, value in headers.items()}


def _received(exchange: Exchange) -> Mapping[str, str]:
    answer = exchange.answer
    found = {"cache-control": "no-cache, private", "content-type": answer.content_type, **answer.headers}
    if answer.stream is None:
        found["content-length"] = str(len(exchange.response.encode()))
    return found


def _header_text(headers: Mapping[str, str]) -> str:
    named = {"-".join(part.capitalize() for part in name.split("-")): value for name, value in headers.items()}
    lines = ((name, value) for name, joined in sorted(named.items()) for value in joined.split(REPEATED))
    return "\n".join(f"{name}: {value}" for name, value in lines)


def _curl(exchange: Exchange, url: str) -> str:
    headers = "".join(f' -H "{line}"' for line in _header_text(_sent(exchange)).split("\n"))
    return f"curl -v -X{exchange.method} {headers} '{url}'"


def _body(text: str, verbosity: int) -> str:
    longest = _LONGEST.get(verbosity, 0)
    if longest and len(text) > longest:
        text = f"{text[:longest]} [truncated {len(text) - longest} chars]"
    return _block(text.removesuffix("\n")) if "\n" in text else json.dumps(text, ensure_ascii=False)


def _block(text: str) -> str:
    """A value of several lines, as klog sets it off."""
    inside = "".join(f"\t{line}\n" for line in text.split("\n"))
    return f"<\n{inside} >"
