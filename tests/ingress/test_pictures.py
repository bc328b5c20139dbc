"""Pictures of Gateways and routes: from the class to the pods, with what is not there drawn as missing."""

from __future__ import annotations

import re

from tests.ingress.entry import Entry

PICTURE = """\
GatewayClass ours
Gateway web: HTTP *:80, HTTPS *:443
HTTPRoute way: parents web, hosts a.example.com
Service one
EndpointSlice one
Pod one on node-1
Service gone: not there
Secret lost: not there"""


def drawn(text: str) -> str:
    """What is drawn, without arrows and without the facts of Services and what is behind them."""
    lines = [re.sub(r"^.*→ (?=[●✕]? ?[A-Z])|[●✕] ", "", line.strip()) for line in text.splitlines()[1:]]
    short = [re.sub(r"(Service one|EndpointSlice one|Pod one on node-1).*", r"\1", line) for line in lines]
    return "\n".join(line for line in short if not line.endswith("(above)"))


def test_a_gateway_is_drawn_with_its_routes_and_what_they_lead_to() -> None:
    entry = Entry("one", gateways=True, cloud=True)
    entry.object("GatewayClass", "ours", {"controllerName": "k8snb.dev/gateway"})
    tls = {"certificateRefs": [{"name": "lost"}]}
    plain, secure = (
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS"},
    )
    entry.object("Gateway", "web", {"gatewayClassName": "ours", "listeners": [plain, {**secure, "tls": tls}]})
    refs = [{"name": "one", "port": 80, "weight": 9}, {"name": "gone", "port": 80}]
    rules = [{"matches": [{"path": {"value": "/x"}}], "backendRefs": refs}]
    entry.object("HTTPRoute", "way", {"parentRefs": [{"name": "web"}], "hostnames": ["a.example.com"], "rules": rules})
    pictures = [drawn(str(entry.cluster.diagram(name))) for name in ("gateway/web", "httproute/way")]
    assert pictures == [PICTURE, PICTURE]
    assert "Gateway web" in str(entry.cluster.diagram("gc/ours"))
