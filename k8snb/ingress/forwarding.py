"""What a router does with one request: choose a rule, do what its filters say, send it on, bring the answer back.

Everything that it decides is kept as a `Step` of the answer, so that a reader can follow the request. Errors are those
of the reverse proxies that people know: 404 where no rule fits, 503 where a Service has nobody to send to, 502 and 504
where somebody is listed and does not answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from k8snb.i18n import _
from k8snb.ingress.cache import Cache, Place
from k8snb.ingress.listeners import Listener, chosen
from k8snb.ingress.routing import Decision, decide, told
from k8snb.ingress.rules import (
    PREFIX,
    REGEX,
    Allow,
    Backend,
    Filter,
    HeaderChanges,
    Mirror,
    Modify,
    Path,
    Redirect,
    Rewrite,
    Rule,
    host_of,
)
from k8snb.machinery.goregexp import compiled
from k8snb.machinery.names import Lottery
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError, Step

Send = Callable[[HTTPRequest], HTTPResponse]
REASONS = {
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
}  # fmt: skip
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
NOBODY = "default backend - 404"
PLAIN = "The plain HTTP request was sent to HTTPS port"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request, for the log: the answer, the rule, the backend, and where it was sent."""

    response: HTTPResponse
    rule: Rule | None = None
    backend: Backend | None = None
    place: Place | None = None


class Forwarder:
    """Sends requests on. It takes the endpoints of a backend in turn, and backends by weight and lot."""

    def __init__(self, cache: Cache, send: Send, lottery: Lottery) -> None:
        self._cache = cache
        self._send = send
        self._lottery = lottery
        self._turns: dict[tuple[str, str], int] = {}

    def answer(self, listeners: Sequence[Listener], request: HTTPRequest) -> Outcome:
        """What a request that came to a port is answered. Raises NetworkError where TLS does not come about."""
        secure = any(each.secure for each in listeners)
        if secure and request.scheme != "https":
            return Outcome(_page(400, PLAIN))
        if not secure and request.scheme == "https":
            raise NetworkError("no tls", request.host)
        listener = chosen(listeners, request)
        if listener is None:
            if secure:
                raise NetworkError("no tls name", request.server_name or request.host)
            return Outcome(_page(404, NOBODY, [Step(_("no listener is for this host"))]))
        found = self._answer(listener, request)
        if not secure:
            return found
        secret, pem = listener.certificate(request.server_name)
        shown = _shown(request.server_name, secret)
        response = found.response
        return replace(found, response=replace(response, certificate=pem, steps=[shown, *response.steps]))

    def _answer(self, listener: Listener, request: HTTPRequest) -> Outcome:
        headers = {**request.headers, "host": request.authority}
        request = replace(request, headers=headers, port=listener.port)
        decision = decide(listener.rules, listener.defaults, request)
        steps = _told(decision, listener)
        rule = decision.rule
        if rule is None:
            return Outcome(_page(404, NOBODY, steps))
        found = self._follow(rule, request, steps)
        secured = listener.secure and listener.origin == INGRESS and found.place is not None
        if not secured:
            return found
        headers = {**found.response.headers, "strict-transport-security": STRICT_TRANSPORT}
        return replace(found, response=replace(found.response, headers=headers))

    def _follow(self, rule: Rule, request: HTTPRequest, steps: list[Step]) -> Outcome:
        for filter in rule.filters:
            early = _refused(filter, request) or _redirected(filter, rule.path, request)
            if early is not None:
                return Outcome(replace(early, steps=[*steps, *early.steps]), rule)
        backend = self._weighed(rule.backends)
        if backend is None or backend.problem:
            why = backend.problem if backend is not None else _("no backend")
            steps.append(Step(_("{rule} leads nowhere: {why}").format(rule=rule.label, why=why)))
            return Outcome(_page(rule.failure, "", steps), rule, backend)
        sent = _prepared(request, [*rule.filters, *backend.filters], rule.path)
        for filter in rule.filters:
            if isinstance(filter, Mirror) and (filter.percent >= 100 or self._lottery.below(100) < filter.percent):
                self._mirrored(filter, sent)
        return self._forwarded(rule, backend, sent, steps)

    # -- backends ----------------------------------------------------------------------------------

    def _weighed(self, backends: Sequence[Backend]) -> Backend | None:
        if len(backends) < 2:
            return backends[0] if backends and backends[0].weight else None
        total = sum(each.weight for each in backends)
        lot = self._lottery.below(total) if total else -1
        for each in backends:
            if 0 <= lot < each.weight:
                return each
            lot -= each.weight
        return None

    def _place(self, backend: Backend) -> tuple[Place | None, int]:
        """Whose turn it is, of how many."""
        places = self._cache.places(backend)
        key = (str(backend.service), backend.port)
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        return (places[turn % len(places)] if places else None), len(places)

    def _forwarded(self, rule: Rule, backend: Backend, request: HTTPRequest, steps: list[Step]) -> Outcome:
        place, count = self._place(backend)
        named = f"Service/{backend.service.name}"
        if place is None:
            why = self._cache.trouble(backend)
            steps.append(Step(_("nobody to send to: {why}").format(why=why), objects=[named]))
            return Outcome(_page(503, "", steps), rule, backend)
        objects = [named, *([f"EndpointSlice/{place.slice}"] if place.slice else [])]
        objects += [f"Pod/{place.pod}"] if place.pod else []
        words = _("ready endpoints of Service {service}: {count}; it is the turn of {host}:{port}")
        text = words.format(service=backend.service.name, count=count, host=place.host, port=place.port)
        act = (_("send"), _("request of its own"))
        steps.append(Step(text, [(_("port"), backend.port)], objects, place.node, act=act))
        try:
            response = self._send(replace(request, host=place.host, port=place.port, scheme=backend.scheme))
        except NetworkError as error:
            status = 504 if error.kind == "timeout" else 502
            words = _("{host}:{port} does not answer: {why}")
            steps.append(Step(words.format(host=place.host, port=place.port, why=error.kind)))
            return Outcome(replace(_page(status, "", steps), seconds=error.seconds), rule, backend, place)
        words = _("pod {pod} answers {status}").format(pod=place.pod or place.host, status=response.status)
        steps.append(Step(words, objects=objects[-1:], actor=f"pod {place.pod}" if place.pod else ""))
        filters = [*rule.filters, *backend.filters]
        headers = _modified(
            response.headers, [each for each in filters if isinstance(each, Modify) and each.of_response]
        )
        return Outcome(replace(response, headers=headers, certificate="", steps=steps), rule, backend, place)

    def _mirrored(self, mirror: Mirror, request: HTTPRequest) -> None:
        place, _count = self._place(mirror.backend)
        if place is not None:
            try:
                self._send(replace(request, host=place.host, port=place.port))
            except NetworkError:
                return


INGRESS = "Ingress"
"""The origin of the listeners that all Ingresses share."""


# -- before -------------------------------------------------------------------------------------------


def _refused(filter: Filter, request: HTTPRequest) -> HTTPResponse | None:
    if not isinstance(filter, Allow):
        return None
    source = ip_address(request.source)
    if any(source in ip_network(each, strict=False) for each in filter.ranges):
        return None
    words = _("{source} is in none of the ranges {ranges}")
    return _page(403, "", [Step(words.format(source=source, ranges=", ".join(filter.ranges)))])


def _redirected(filter: Filter, path: Path, request: HTTPRequest) -> HTTPResponse | None:
    if not isinstance(filter, Redirect):
        return None
    asked, mark, query = request.path.partition("?")
    if (filter.unless_secure and request.scheme == "https") or (filter.only_root and asked != "/"):
        return None
    location = filter.url or _location(filter, path, request, asked) + mark + query
    words = _("the client is sent to {location}").format(location=location)
    return replace(_page(filter.code, "", [Step(words)]), headers={"content-type": "text/html", "location": location})


def _location(filter: Redirect, path: Path, request: HTTPRequest, asked: str) -> str:
    scheme = filter.scheme or request.scheme
    port = filter.port or _usual(filter.scheme) or request.port
    shown = "" if port == _usual(scheme) else f":{port}"
    where = filter.path or (_prefixed(asked, path, filter.prefix) if filter.prefix is not None else asked)
    return f"{scheme}://{filter.hostname or host_of(request)}{shown}{where}"


def _usual(scheme: str) -> int:
    return {"http": 80, "https": 443}.get(scheme, 0)


def _prefixed(asked: str, path: Path, prefix: str) -> str:
    """The path with what the rule matched replaced."""
    rest = asked[len(path.value.rstrip("/")) :]
    return f"{prefix.rstrip('/')}{rest if not rest or rest.startswith('/') else f'/{rest}'}" or "/"


def _prepared(request: HTTPRequest, filters: Sequence[Filter], path: Path) -> HTTPRequest:
    """The request as the backend gets it."""
    headers = {
        **{name.lower(): value for name, value in request.headers.items()},
        "x-forwarded-for": request.source,
        "x-forwarded-host": request.authority,
        "x-forwarded-port": str(request.port),
        "x-forwarded-proto": request.scheme,
        "x-real-ip": request.source,
    }
    found = replace(request, headers=headers)
    for each in filters:
        if isinstance(each, Rewrite):
            found = _rewritten(found, each, path)
    requests = [each for each in filters if isinstance(each, Modify) and not each.of_response]
    return replace(found, headers=_modified(found.headers, requests), server_name="")


def _rewritten(request: HTTPRequest, rewrite: Rewrite, path: Path) -> HTTPRequest:
    asked, mark, query = request.path.partition("?")
    headers = {**request.headers, "host": rewrite.hostname} if rewrite.hostname else request.headers
    if rewrite.path:
        asked = _filled(rewrite.path, path, asked)
    elif rewrite.prefix is not None and path.kind == PREFIX:
        asked = _prefixed(asked, path, rewrite.prefix)
    return replace(request, headers=headers, path=f"{asked}{mark}{query}")


def _filled(target: str, path: Path, asked: str) -> str:
    """The path that a rewrite asks for, with what the groups of the rule's expression matched."""
    match = compiled(path.value).match(asked) if path.kind == REGEX else None
    groups = match.groups() if match is not None else ()

    def group(found: re.Match[str]) -> str:
        number = int(found[1])
        return (groups[number - 1] or "") if 0 < number <= len(groups) else ""

    return re.sub(r"\$([0-9])", group, target) or "/"


def _modified(headers: Mapping[str, str], filters: Sequence[Modify]) -> Mapping[str, str]:
    for each in filters:
        headers = _changed(headers, each.changes)
    return headers


def _changed(headers: Mapping[str, str], changes: HeaderChanges) -> Mapping[str, str]:
    found = {name: value for name, value in headers.items() if name.lower() not in changes.remove}
    found |= dict(changes.set)
    for name, value in changes.add:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


# -- what is said -------------------------------------------------------------------------------------


def _told(decision: Decision, listener: Listener) -> list[Step]:
    steps = []
    for answer in decision.answers:
        origins = dict.fromkeys(_shown_origin(rule.origin) for rule in answer.left)
        saw = [(str(number), f"{rule} → {_aims(rule)}") for number, rule in enumerate(answer.left, 1)]
        kept = _("rules: {count}").format(count=len(answer.left))
        steps.append(Step(told(answer), saw, list(origins), act=(_("keep"), kept)))
    return steps


def _aims(rule: Rule) -> str:
    parts = [f"{each.service.name}:{each.port}" for each in rule.backends]
    return ", ".join(parts) or rule.label


def _shown_origin(origin: str) -> str:
    """`Ingress/default/web` as pictures name it: `Ingress/web`."""
    kind, _slash, rest = origin.partition("/")
    return f"{kind}/{rest.rpartition('/')[2]}"


def _shown(name: str, secret: str) -> Step:
    if secret:
        words = _("TLS for {name}: the certificate of {secret}")
        return Step(words.format(name=name, secret=secret), objects=[secret], act=(_("show"), _("certificate")))
    words = _("TLS for {name}: there is no certificate for it, so the controller shows its own")
    return Step(words.format(name=name or _("an address")), act=(_("show"), _("certificate of its own")))


def _page(status: int, text: str = "", steps: Sequence[Step] = ()) -> HTTPResponse:
    """An answer of the router itself."""
    said = text or f"{status} {REASONS.get(status, '')}".strip()
    body = f"{said}\n" if status >= 400 else ""
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    return HTTPResponse(status, body, headers, steps=steps)
