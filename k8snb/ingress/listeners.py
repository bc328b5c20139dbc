"""Where requests come in: ports, and on each the listeners that share it.

Of the listeners of a port the one with the most specific host takes a request, and no other looks at it. With TLS it is
chosen by the name that the client says at the start (SNI), without by the request's `Host` header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.ingress.certificates import fake
from k8snb.ingress.rules import Rule, host_matches, host_of, specificity
from k8snb.packet import HTTPRequest


@dataclass(frozen=True, slots=True)
class Listener:
    """What one port listens for: hosts, with TLS or without, and the rules of what comes in."""

    origin: str
    """The object that it belongs to: `Gateway/default/web`."""
    host: str = ""
    port: int = 80
    secure: bool = False
    rules: Sequence[Rule] = ()
    defaults: Sequence[Rule] = ()
    certificates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By host: the Secret (`Secret/name`) and its certificate. The host may be a wildcard, or empty for all."""
    strict: bool = False
    """Whether a client that asks for a name that no certificate is for is turned away."""

    def certificate(self, name: str) -> tuple[str, str]:
        """The certificate that is shown to who asks for a name, and the Secret that has it; empty for the fake one."""
        fitting = [host for host in self.certificates if host_matches(host, name)]
        best = max(fitting, key=specificity, default=None)
        return self.certificates[best] if best is not None else ("", fake())


def chosen(listeners: Sequence[Listener], request: HTTPRequest) -> Listener | None:
    """The listener for a request; None if it is for nobody here."""
    name = request.server_name.lower() if request.scheme == "https" else host_of(request)
    fitting = [each for each in listeners if host_matches(each.host, name, deep=True)]
    return max(fitting, key=lambda each: specificity(each.host), default=None)
