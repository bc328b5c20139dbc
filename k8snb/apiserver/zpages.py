"""`/statusz` and `/flagz`: what a component is, how long it has run, and with which flags, for people who debug it.

Both are text unless a client asks for the structured form with all that belongs to it
(`application/json;v=v1beta1;g=config.k8s.io;as=Statusz`). The text begins with a warning; upstream draws by lot what
stands between a name and its value so that nobody parses it, here it is a colon.
Upstream: `apiserver/pkg/server/statusz`, `apiserver/pkg/server/flagz` (feature gates `ComponentStatusz` and
`ComponentFlagz`, beta and on since 1.36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import yaml

from k8snb.apiserver.access.examining import ISSUER
from k8snb.apiserver.bootstrap import SERVER_ADDRESS, SERVER_PORT
from k8snb.apiserver.negotiation import JSON, YAML, View, choose
from k8snb.apiserver.registry.service_plan import SERVICE_CIDR
from k8snb.apiserver.status import VERSION
from k8snb.clock import rfc3339
from k8snb.errors import not_acceptable
from k8snb.wire import Response

TEXT = "text/plain"
_GROUP, _VERSIONS, _DEPRECATED = "config.k8s.io", ("v1beta1", "v1alpha1"), "v1alpha1"
_FORMATS = (JSON, YAML, TEXT)
_WARNING = (
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
    "for debugging purposes only."
)
_OLD = "This version of the {} endpoint is deprecated. Please use a newer version."


class Component(NamedTuple):
    """What there is to tell of one component."""

    name: str
    began: float
    """When its process began."""
    paths: Sequence[str]
    """What it answers besides."""
    flags: Mapping[str, str]
    """How it was started."""
    calls_itself: str = ""
    """What it is called in `/statusz`, if that is something else."""


_PATHS = ("/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")
_FLAGS = {
    "advertise-address": SERVER_ADDRESS,
    "allow-privileged": "true",
    "authorization-mode": "[Node,RBAC]",
    "enable-admission-plugins": "[NodeRestriction]",
    "secure-port": str(SERVER_PORT),
    "service-account-issuer": f"[{ISSUER}]",
    "service-cluster-ip-range": str(SERVICE_CIDR),
    "v": "0",
}
"""The flags of the API server that are not left to their defaults."""


def api_server(began: float) -> Component:
    """The API server whose process began then."""
    return Component("kube-apiserver", began, _PATHS, _FLAGS, "apiserver")


def answer(component: Component, page: str, accept: str, now: float) -> Response | None:
    """The answer to a request for a page, `statusz` or `flagz`; None for any other. Raises NotAcceptable."""
    if page not in _PAGES:
        return None
    kind = page.capitalize()
    views = frozenset(View(_GROUP, version, kind) for version in _VERSIONS)
    chosen = choose(accept or TEXT, _FORMATS, views, plain=TEXT)
    if chosen is None:
        raise not_acceptable(_FORMATS)
    content = _PAGES[page](component, now)
    name = component.calls_itself or component.name if page == "statusz" else component.name
    if chosen.view is None:
        return Response(200, body=f"\n{name} {page}\n{_WARNING}\n{content.text}".encode(), content_type=_PLAIN)
    head = {"kind": kind, "apiVersion": f"{_GROUP}/{chosen.view.version}", "metadata": {"name": name}}
    warnings = (_OLD.format(page),) if chosen.view.version == _DEPRECATED else ()
    whole = {**head, **content.fields}
    body = yaml.safe_dump(whole).encode() if chosen.media_type == YAML else orjson.dumps(whole) + b"\n"
    return Response(200, body=body, content_type=chosen.media_type, warnings=warnings)


_PLAIN = f"{TEXT}; charset=utf-8"


class _Content(NamedTuple):
    """A page as text, and as the fields of its structured form."""

    text: str
    fields: Mapping[str, Any]


def _status(component: Component, now: float) -> _Content:
    up = int(now - component.began)
    binary = VERSION.removeprefix("v")
    emulated = binary.rpartition(".")[0]
    lines = {
        "Started": _date(component.began),
        "Up": f"{up // 3600} hr {up // 60 % 60:02} min {up % 60:02} sec",
        "Go version": "",
        "Binary version": binary,
        "Emulation version": emulated,
        "Paths": " ".join(component.paths),
    }
    fields = {
        "startTime": rfc3339(component.began),
        "uptimeSeconds": up,
        "goVersion": "",
        "binaryVersion": binary,
        "emulationVersion": emulated,
        "paths": list(component.paths),
    }
    return _Content("\n" + "".join(f"{name}: {value}\n" for name, value in lines.items()), fields)


def _date(seconds: float) -> str:
    """A time as Go's `UnixDate`: `Mon Jan  5 11:37:40 UTC 2026`."""
    then = datetime.fromtimestamp(int(seconds), UTC)
    return f"{then:%a %b} {then.day:>2} {then:%H:%M:%S} UTC {then.year}"


def _flags(component: Component, now: float) -> _Content:
    lines = "".join(f"{name}: {component.flags[name]}\n" for name in sorted(component.flags))
    return _Content(f"\n{lines}", {"flags": dict(sorted(component.flags.items()))})


_PAGES = {"statusz": _status, "flagz": _flags}
