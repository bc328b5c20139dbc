"""What a connection is about, as an object that webhooks and policies can look at: the query of the request, typed.

Upstream: `pkg/apis/core/types.go` (`PodExecOptions` and its kin), `apiserver/pkg/endpoints/handlers/rest.go`
(`ConnectResource`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.options import flag
from k8snb.typing import Object, Resource
from k8snb.wire import REPEATED

CONNECTIONS = frozenset({"exec", "attach", "portforward", "proxy"})
"""The subresources that are connections."""

_STREAMS = ("stdin", "stdout", "stderr", "tty")
_NAMES = {"exec": "Exec", "attach": "Attach", "portforward": "PortForward", "proxy": "Proxy"}


def connect_options(resource: Resource, below: str, path: str, query: Mapping[str, str]) -> Object:
    """The options of a connection."""
    options: dict[str, Any] = {"kind": f"{resource.kind}{_NAMES[below]}Options", "apiVersion": "v1"}
    if below == "proxy":
        return {**options, "path": path} if path else options
    if below == "portforward":
        ports = [int(each) for each in query.get("ports", "").split(",") if each.isdigit()]
        return {**options, "ports": ports} if ports else options
    options |= {name: True for name in _STREAMS if flag(query, name)}
    if query.get("container"):
        options["container"] = query["container"]
    if below == "exec" and query.get("command"):
        options["command"] = query["command"].split(REPEATED)
    return options


def query_of(options: Object) -> dict[str, str]:
    """The query that says what the options say."""
    found = {}
    for name, value in options.items():
        if name in ("kind", "apiVersion", "path"):
            continue
        if isinstance(value, list):
            found[name] = (REPEATED if name == "command" else ",").join(str(each) for each in value)
        elif value is not False:
            found[name] = "true" if value is True else str(value)
    return found
