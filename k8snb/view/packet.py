"""One request from a client to a pod and back, as steps: who asks for what, and who changes the packet on its way.

The network tells its hops (`k8snb.network.path`); here they become the frames of a stepper. The packet itself is in
the picture: it sits on the node where it is. What a node's rules do to it is shown as a change, as everywhere else:
the destination that it had and the one that it has now. On the way back the same is undone, because the kernel
remembers each connection. A proxy on the way (an ingress controller) tells what it decided, step by step; it sends a
request of its own to the pod that it chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.objects import labels_of
from k8snb.network.dns import NAMESERVER, is_address, search_domains
from k8snb.network.fabric import Delivery
from k8snb.network.path import Hop
from k8snb.packet import HTTPResponse, NetworkError, Step
from k8snb.view.changes import Change
from k8snb.view.frames import DIRECT, Act, Frame, passed_on
from k8snb.view.scene import Scene, Snapshot, facts, identity, scene
from k8snb.view.stepper import Stepper

PACKET = "Packet/packet"
_SLICES = "endpointslices.discovery.k8s.io"
_SERVICE_NAME = "kubernetes.io/service-name"
_DECISIVE = {
    "Ingress": "ingresses.networking.k8s.io",
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
    "Secret": "secrets",
}
_TLS = dict.fromkeys(("no tls", "no tls name"), _("no TLS connection"))


class Journey:
    """Writes the frames of one delivery. `source` is the name of the pod that sent it, or an address outside."""

    def __init__(self, delivery: Delivery, snapshot: Snapshot, revision: int, source: str, namespace: str) -> None:
        self._delivery = delivery
        self._snapshot = snapshot
        self._revision = revision
        self._sender = "" if is_address(source) else source
        self._namespace = namespace
        self._still = self._background()
        self._place = self._home()

    def stepper(self, title: str = "") -> Stepper:
        """All of it."""
        request = self._delivery.request
        host = request.headers.get("host") or request.host
        known = _("One request to {host}").format(host=host)
        return Stepper(title or known, passed_on(list(self._frames())), DIRECT)

    # -- frames ------------------------------------------------------------------------------------

    def _frames(self) -> Iterator[Frame]:
        connection, request = self._delivery.connection, self._delivery.request
        hops = connection.hops
        if hops and hops[0].kind == "dns":
            yield self._asks()
            yield self._named(hops[0])
            hops = hops[1:]
        if connection.error is None or connection.error.kind != "not found":
            dialled = self._dialled()
            yield self._sends(dialled)
            before = (request.source, dialled)
            for hop in hops:
                self._place = f"Node/{hop.node}" if hop.node else self._place
                yield from self._hops(hop, before)
                if hop.kind == "pod":
                    yield from self._inside(hop)
                before = (hop.source, hop.address)
        yield from self._back()

    def _dialled(self) -> str:
        """The address and port that the client's program asked the kernel for."""
        connection, request = self._delivery.connection, self._delivery.request
        if connection.hops and connection.hops[0].kind == "dns":
            return f"{connection.hops[0].address}:{request.port}"
        return f"{request.host}:{request.port}"

    def _asks(self) -> Frame:
        seen = [(_("nameserver"), NAMESERVER), (_("search"), " ".join(search_domains(self._namespace)))]
        host = self._delivery.request.host
        words = _("{host} is a name, and packets need an address").format(host=host)
        act = Act(_("ask"), _("{server} for {host}").format(server=NAMESERVER, host=host), 0, 0)
        return self._frame(self._client(), words, act, seen=seen, touched=self._own())

    def _named(self, hop: Hop) -> Frame:
        act = Act(_("answer"), _("no address") if hop.failed else hop.address, 0, 0)
        barred = any(name.startswith("NetworkPolicy/") for name in hop.objects)
        return self._of(hop, _agent(hop) if barred else f"DNS {NAMESERVER}", act)

    def _sends(self, dialled: str) -> Frame:
        request = self._delivery.request
        words = _("{method} {path} for {address}").format(method=request.method, path=request.path, address=dialled)
        ends = [Change(_("source"), "", request.source), Change(_("destination"), "", dialled)]
        act = Act(_("send"), _("packet"), 0, 0, changes=ends)
        return self._frame(self._client(), words, act, touched=[*self._own(), PACKET], packet=f"→ {dialled}")

    def _hops(self, hop: Hop, before: tuple[str, str]) -> Iterator[Frame]:
        """The frames of one step: one, unless somebody tells it in more."""
        yield self._hop(hop, before)

    def _hop(self, hop: Hop, before: tuple[str, str]) -> Frame:
        response = self._delivery.response
        act = _act(hop, before)
        if hop.kind == "pod" and response is not None and not response.steps:
            act = Act(_("answer"), _spoken(response), 0, 0)
        return self._of(hop, _actor(hop), act, packet=f"→ {hop.address}")

    def _inside(self, hop: Hop) -> Iterator[Frame]:
        """What the program in the pod decides, and whom it asks; nothing if it answers by itself."""
        response, here = self._delivery.response, self._place
        for step in response.steps if response is not None else ():
            self._place = f"Node/{step.node}" if step.node else self._place
            act = Act(*step.act, 0, 0) if step.act[0] else None
            if step.actor and response is not None:
                act = Act(_("answer"), _spoken(response), 0, 0)
            touched = [*step.objects, PACKET]
            packet = f"← {_actor(hop)}" if step.actor else f"→ {self._asked()}"
            yield self._frame(step.actor or _actor(hop), step.text, act, seen=step.saw, touched=touched, packet=packet)
        if response is not None and response.steps:
            self._place = here
            act = Act(_("answer"), _spoken(response), 0, 0)
            words = _("the answer goes to whoever asked")
            yield self._frame(_actor(hop), words, act, touched=[*hop.objects, PACKET], packet=f"← {hop.address}")

    def _asked(self) -> str:
        """What the request is for: host and path."""
        request = self._delivery.request
        return f"{request.authority}{request.path}"

    def _back(self) -> Iterator[Frame]:
        """What the client hears: an answer, with all addresses put back, or how it failed."""
        connection, response = self._delivery.connection, self._delivery.response
        if response is None:
            yield self._gives_up(connection.error)
            return
        server = next(hop for hop in reversed(connection.hops) if hop.kind == "pod")
        rewritten = next((hop for hop in connection.hops if hop.kind == "service"), None)
        if rewritten is not None:
            self._place = f"Node/{rewritten.node}"
            yield self._restored(server, rewritten)
        self._place = self._home()
        act = Act(_("receive"), _spoken(response), 0, 0)
        words = _("the answer comes from {address}, where the request went").format(address=self._dialled())
        yield self._frame(self._client(), words, act, touched=[*self._own(), PACKET], packet=f"← {self._dialled()}")

    def _restored(self, server: Hop, rewritten: Hop) -> Frame:
        """The node that changed the request's addresses changes the answer's back."""
        changes = [Change(_("source"), server.address, self._dialled())]
        source = self._delivery.request.source
        if rewritten.source != source:
            changes.append(Change(_("destination"), rewritten.source, source))
        act = Act(_("rewrite"), _("answer"), 0, 0, changes=changes)
        words = _("the kernel remembers the connection and puts back what it had replaced")
        return self._frame(f"kernel {rewritten.node}", words, act, touched=[PACKET], packet=f"← {self._dialled()}")

    def _gives_up(self, error: NetworkError | None) -> Frame:
        self._place = self._home()
        kind = error.kind if error is not None else ""
        if kind == "not found" and error is not None and error.seconds:
            kind = "silent"
        words = {
            "silent": _("no answer comes; the resolver asks again, and gives up"),
            "not found": _("without an address there is nothing to send to"),
            "refused": _("the refusal comes back at once"),
            "no tls": _("the server does not speak TLS on this port"),
            "no tls name": _("the server knows no such name, and ends the handshake"),
        }.get(kind, _("nothing comes back; the program waits until it has waited long enough"))
        report = {
            "not found": _("unknown host"),
            "silent": _("resolving timed out"),
            "refused": _("connection refused"),
            **_TLS,
        }.get(kind, _("timeout"))
        return self._frame(self._client(), words, Act(_("report"), report, 0, 0), touched=self._own())

    # -- parts of a frame --------------------------------------------------------------------------

    def _of(self, hop: Hop, actor: str, act: Act, packet: str = "") -> Frame:
        touched = [*hop.objects, *([PACKET] if packet else [])]
        found = self._frame(actor, hop.text, act, seen=hop.saw, touched=touched, packet=packet)
        return replace(found, caption="", acts=(), error=hop.text) if hop.failed else found

    def _frame(
        self,
        actor: str,
        caption: str,
        act: Act | None,
        *,
        seen: Sequence[tuple[str, str]] = (),
        touched: Sequence[str] = (),
        packet: str = "",
    ) -> Frame:
        picture = dict(self._still)
        if packet:
            picture[PACKET] = {"place": self._place, "word": packet, "facts": []}
        shown = [name for name in touched if name in picture]
        return Frame(actor, "", caption, 0.0, self._revision, 0, seen, [act] if act else [], picture, shown)

    def _client(self) -> str:
        return f"pod {self._sender}" if self._sender else _("outside") + f" {self._delivery.request.source}"

    def _own(self) -> list[str]:
        return [f"Pod/{self._sender}"]

    def _home(self) -> str:
        """Where the client is."""
        here: Any = self._still.get(f"Pod/{self._sender}", {})
        return str(here.get("place", "")) or f"Node/{_('outside')}"

    # -- the picture -------------------------------------------------------------------------------

    def _background(self) -> Scene:
        """The Service, its slices and their pods, the client, and the nodes: what does not change on the way."""
        known = {name: item for each in self._namespaces for name, item in scene(self._snapshot, each).items()}
        wanted = dict.fromkeys(self._wanted())
        found = {name: item for name, item in known.items() if name in wanted or name.startswith("Node/")}
        found |= self._decisive()
        return found if self._sender else {**found, f"Node/{_('outside')}": {}}

    @property
    def _namespaces(self) -> Sequence[str]:
        """That of the sender and that of the Service that is called, if any is."""
        return list(dict.fromkeys(filter(None, (self._namespace, self._delivery.connection.namespace))))

    def _decisive(self) -> Scene:
        """The Ingresses, routes and Secrets that a proxy on the way looked at."""
        names = {name for step in self._steps() for name in step.objects}
        resources = [
            _DECISIVE[kind] for kind in sorted({name.partition("/")[0] for name in names}) if kind in _DECISIVE
        ]
        objects = (obj for resource in resources for obj in self._snapshot.list(resource, self._namespace))
        return {identity(obj): {"facts": facts(obj)} for obj in objects if identity(obj) in names}

    def _steps(self) -> Sequence[Step]:
        return self._delivery.response.steps if self._delivery.response is not None else ()

    def _wanted(self) -> Iterator[str]:
        """What has to do with the request: who it met, and who it was meant for, even if it never came there."""
        met = [name for hop in self._delivery.connection.hops for name in hop.objects]
        met += [name for step in self._steps() for name in step.objects]
        yield from (*self._own(), *met)
        services = {name.partition("/")[2] for name in met if name.startswith("Service/")}
        for namespace in self._namespaces:
            for each in self._snapshot.list("pods", namespace):
                if (each.get("status") or {}).get("podIP") == self._delivery.connection.ip:
                    yield identity(each)
            for each in self._snapshot.list(_SLICES, namespace):
                if labels_of(each).get(_SERVICE_NAME) in services:
                    yield identity(each)
                    yield from (f"Pod/{(e.get('targetRef') or {}).get('name')}" for e in each.get("endpoints") or ())


def _actor(hop: Hop) -> str:
    """Who does this step."""
    if hop.kind == "service":
        return f"kernel {hop.node}"
    if hop.kind == "policy":
        return _agent(hop)
    pod = next((name.removeprefix("Pod/") for name in hop.objects if name.startswith("Pod/")), "")
    return f"pod {pod}" if hop.kind == "pod" and pod else _("network")


def _agent(hop: Hop) -> str:
    """Who enforces policies where the packet is."""
    return _("agent {node}").format(node=hop.node)


def _act(hop: Hop, before: tuple[str, str]) -> Act:
    """What happens to the packet in this step: which of its addresses change."""
    if hop.kind == "policy":
        return Act(_("let through"), _("packet"), 0, 0)
    names = (_("source"), _("destination"))
    after = (hop.source, hop.address)
    changes = [Change(name, was, now) for name, was, now in zip(names, before, after, strict=True) if was != now]
    return Act(_("rewrite") if hop.kind == "service" else _("carry"), _("packet"), 0, 0, changes=changes)


def _spoken(response: HTTPResponse) -> str:
    """The status of an answer, and its first line."""
    return f"{response.status} {response.body.strip().partition(chr(10))[0]}".strip()


def origin(snapshot: Snapshot, source: str, namespace: str) -> str:
    """The address that a packet comes from: a pod's by its name, or one outside the cluster as it is.

    ValueError if there is no such pod, or if it has no address yet.
    """
    if is_address(source):
        return source
    named = (pod for pod in snapshot.list("pods", namespace) if pod["metadata"]["name"] == source)
    address = next((str((pod.get("status") or {}).get("podIP", "")) for pod in named), "")
    if not address:
        raise ValueError(_("there is no pod {name} with an address").format(name=source))
    return address
