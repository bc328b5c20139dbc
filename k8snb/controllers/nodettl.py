"""TTL: tells the kubelets for how long they may use a Secret or a ConfigMap before they ask for it again.

The more nodes there are, the longer, so that they do not flood the API server. The annotation is for kubelets that
fetch what they mount; those that watch it, as they do by default, do not need it. The steps overlap, so that a cluster
whose size varies around one of them does not write all its nodes time and again. A node hears of a new step when it
changes itself. Upstream: `pkg/controller/ttl/ttl_controller.go`.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.client.controller import Context, Controller
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object, ObjectKey

ANNOTATION = "node.alpha.kubernetes.io/ttl"


class Step(NamedTuple):
    """How long what a kubelet has fetched may be used in a cluster of that many nodes."""

    fewest: int
    most: float
    seconds: int


STEPS = (
    Step(0, 100, 0),
    Step(90, 500, 15),
    Step(450, 1000, 30),
    Step(900, 2000, 60),
    Step(1800, 10000, 300),
    Step(9000, float("inf"), 600),
)


class TTLController(Controller):
    """Writes the annotation `node.alpha.kubernetes.io/ttl` of every node."""

    name = "ttl-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._nodes = self.informers.of("nodes")
        self._count = 0
        self._step = 0

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._count -= 1
            if self._count < STEPS[self._step].fewest:
                self._step -= 1
            return
        if old is None:
            self._count += 1
            if self._count > STEPS[self._step].most:
                self._step += 1
        if annotations_of(new).get(ANNOTATION) != self._wanted:
            self.queue.add(ObjectKey("", new["metadata"]["name"]), int(new["metadata"]["resourceVersion"]))

    @property
    def _wanted(self) -> str:
        return str(STEPS[self._step].seconds)

    def reconcile(self, key: ObjectKey) -> float | None:
        node = self._nodes.get(*key)
        if node is None:
            return None
        known, wanted = annotations_of(node).get(ANNOTATION), self._wanted
        self.compares(ANNOTATION, _("none") if known is None else known, wanted)
        if known != wanted:
            self.wants(_("{seconds} s with that many nodes: write it on the node"), seconds=wanted)
            self.client.patch("nodes", key.name, {"metadata": {"annotations": {ANNOTATION: wanted}}}, kind="strategic")
        return None
