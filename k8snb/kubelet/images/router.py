"""The program of the ingress controller's image: it listens, and lets `k8snb.ingress` decide.

It is let in to the API with the token of its pod's account. What that account may not read, it asks for again until it
may. Its log has a line for every request, as nginx writes them.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from k8snb.client.controller import Context, Controller
from k8snb.errors import StatusError
from k8snb.ingress.controller import IngressController
from k8snb.ingress.forwarding import Forwarder, Outcome
from k8snb.ingress.gatewaycontroller import GatewayClassController, GatewayController, HTTPRouteController
from k8snb.ingress.options import Options
from k8snb.ingress.survey import RESOURCES, Gateways
from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Process, Program
from k8snb.machinery.names import Lottery
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
HEALTH_PORT = 10254
RETRY_SECONDS = 5.0
_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


class IngressRouter(Program):
    """The executable `/ingress-controller`."""

    idle = False
    memory = 90 * MEBIBYTE

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._ports: list[int] = []
        self._ingresses: IngressController | None = None
        self._gateways: Gateways | None = None
        self._forwarder: Forwarder | None = None

    def start(self) -> None:
        self._say("I", f"k8snb ingress controller {self.process.version}")
        try:
            context = self.process.cluster()
        except NetworkError:
            self._say("F", "Error while initiating a connection to the Kubernetes API server: no token is mounted")
            self.process.exit(255)
            return
        files = self.process.files
        options = Options.of(self.process.argv, files.read(_NAMESPACE).strip() if files.is_file(_NAMESPACE) else "")
        try:
            for port in (options.http_port, options.https_port, HEALTH_PORT):
                self.process.listen(port)
        except NetworkError as error:
            self._say("F", f"bind() to {error.address} failed (98: Address in use)")
            self.process.exit(255)
            return
        self._connect(context, options)

    def _connect(self, context: Context, options: Options) -> None:
        """Read what there is and follow it; again after a while, if that is refused."""
        try:
            ingresses = IngressController(context, options, self._say)
            ingresses.start()
        except StatusError as refusal:
            self._say("E", f"Failed to watch: {refusal.message}")
            context.informers.stop()
            self.process.after(RETRY_SECONDS, lambda: self._connect(context, options))
            return
        self._ingresses = ingresses
        lottery = Lottery(int.from_bytes(hashlib.sha256(self.process.hostname.encode()).digest()[:4]))
        self._forwarder = Forwarder(ingresses.cache, self.process.request, lottery)
        self._run(ingresses)
        try:
            definitions = context.informers.of(DEFINITIONS)
        except StatusError as refusal:
            self._say("W", f"Gateway API is not looked for: {refusal.message}")
        else:
            definitions.on_change(lambda old, new: self._follow_gateways(context, options, ingresses))

    def _run(self, controller: Controller) -> None:
        """Let a controller work for as long as the process lives."""
        self.process.at_end(lambda: setattr(controller.queue, "paused", True))

    def _follow_gateways(self, context: Context, options: Options, ingresses: IngressController) -> None:
        """Serve Gateway API too, once all of its definitions are there."""
        if self._gateways is not None or any(context.scheme.find(each) is None for each in RESOURCES):
            return
        try:
            self._gateways = gateways = Gateways(context, ingresses.cache, options, self._open)
            for kind in (GatewayClassController, GatewayController, HTTPRouteController):
                controller = kind(context, gateways)
                controller.start()
                self._run(controller)
        except StatusError as refusal:
            self._say("W", f"Gateway API is not served: {refusal.message}")

    def _open(self, port: int) -> None:
        """Listen on a port, unless it does already."""
        if port not in self._ports:
            self._ports.append(port)
            try:
                self.process.listen(port)
            except NetworkError as error:
                self._say("E", f"bind() to {error.address} failed (98: Address in use)")

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        if port == HEALTH_PORT:
            return self._health(web.path_of(request))
        if self._ingresses is None or self._forwarder is None:
            return web.text("404 Not Found\n", 404)
        listeners = self._ingresses.listeners().get(port) or ()
        if self._gateways is not None and not listeners:
            listeners = self._gateways.listeners().get(port, ())
        outcome = self._forwarder.answer(listeners, request)
        self.process.log(_line(request, outcome, self.process.now))
        return outcome.response

    def _health(self, path: str) -> HTTPResponse:
        if path != "/healthz":
            return web.text("404 page not found\n", 404)
        return web.text("ok") if self._ingresses is not None else web.text("not connected", 500)

    def _say(self, level: str, text: str) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%m%d %H:%M:%S.%f")
        self.process.log(f"{level}{stamp}       1 ingress] {text}\n", "stderr")


def _line(request: HTTPRequest, outcome: Outcome, now: float) -> str:
    """A request in the log: who asked for what, what was answered, and who did."""
    response, backend, place = outcome.response, outcome.backend, outcome.place
    agent, size = request.headers.get("user-agent", "-"), len(response.body.encode())
    head = f'{request.source} - - [{web.log_date(now)}] "{request.method} {request.path} HTTP/1.1"'
    whom = f"[{backend.service.namespace}-{backend.service.name}-{backend.port}]" if backend is not None else "[]"
    where = f"{place.host}:{place.port}" if place is not None else "-"
    return f'{head} {response.status} {size} "-" "{agent}" {whom} {where}\n'
