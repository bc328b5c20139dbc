"""What a reader at a stepper with a kernel can do to the cluster: break it, go back, and try another future.

The front end sends a message that names the action, the pinned object and the revision at which the reader stands;
the cluster does it and goes on until it has come to rest, and the story is told anew. A fork lives beside its origin,
so that the two futures can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.view.scene import scene
from k8snb.view.stepper import Stepper

if TYPE_CHECKING:
    from k8snb.cluster.cluster import Cluster

NODE_LOST_SECONDS = 400.0
"""So long the cluster goes on after a node was cut off: until the pods of the node have been given up."""

HERE, THERE = "here", "there"

_STANDING = {"rewind", "fork"}
"""After these time stands still, so that the reader can act from exactly there."""


@dataclass
class Playing:
    """The clusters behind one stepper: the reader's own, and its fork if there is one."""

    cluster: Cluster
    tell: Callable[[Cluster], Stepper]
    namespace: str = "default"
    fork: Cluster | None = None
    said: str = ""
    _silent: set[tuple[str, str]] = field(default_factory=set)

    def act(self, message: Mapping[str, Any]) -> None:
        """Do what a message asks for; what the API refuses is said, in its words."""
        self.said = ""
        side = self.fork if message.get("side") == THERE and self.fork is not None else self.cluster
        action = getattr(self, f"_{message['do']}")
        try:
            action(side, message)
            if message["do"] not in _STANDING:
                side.settle()
        except StatusError as error:
            self.said = error.message

    @property
    def story(self) -> Stepper:
        """What has happened in the reader's cluster by now."""
        return self.tell(self.cluster)

    @property
    def other(self) -> Stepper | None:
        """What has happened in the fork."""
        return None if self.fork is None else self.tell(self.fork)

    def compared(self) -> list[list[str]]:
        """What is different at the end of the two futures: an object, how it is here, how it is there."""
        if self.fork is None:
            return []
        here, there = (self._words(each) for each in (self.cluster, self.fork))
        names = dict.fromkeys([*here, *there])
        absent = _("not there")
        return [
            [n, here.get(n, absent), there.get(n, absent)] for n in names if here.get(n, absent) != there.get(n, absent)
        ]

    def _words(self, cluster: Cluster) -> dict[str, str]:
        """Every object of the picture in a line."""
        items = scene(cluster.at(cluster.revision), self.namespace)
        return {name: _line(item) for name, item in items.items()}

    # -- actions -----------------------------------------------------------------------------------------------

    def _delete(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        kind, _slash, name = message["object"].partition("/")
        cluster.client.delete(kind, name, "" if kind == "Node" else self.namespace)

    def _crash(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        self.said = cluster.kubectl(f"exec {_name(message)} --namespace {self.namespace} -- kill 1").strip()

    def _cordon(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        name = _name(message)
        node = cluster.client.get("nodes", name)
        verb = "uncordon" if node["spec"].get("unschedulable") else "cordon"
        self.said = cluster.kubectl(f"{verb} {name}").strip()

    def _partition(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        name = _name(message)
        side = HERE if cluster is self.cluster else THERE
        if (side, name) in self._silent:
            self._silent.remove((side, name))
            cluster.start_kubelet(name)
            return
        self._silent.add((side, name))
        cluster.stop_kubelet(name)
        cluster.advance(NODE_LOST_SECONDS)

    def _apply(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        self.said = cluster.kubectl(f"replace --namespace {self.namespace} -f -", message["manifest"]).strip()

    def _rewind(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        cluster.rewind(message["revision"])

    def _continue(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        """Let time pass until the cluster has come to rest."""

    def _fork(self, cluster: Cluster, message: Mapping[str, Any]) -> None:
        self.fork = cluster.fork()
        self.fork.rewind(message["revision"])
        self.said = _("a second future begins at @{revision}").format(revision=message["revision"])


def _name(message: Mapping[str, Any]) -> str:
    return str(message["object"].partition("/")[2])


def _line(item: Mapping[str, Any]) -> str:
    facts = [f"{label} {value}" for label, value in item.get("facts", ())]
    place = item.get("place", "").removeprefix("Node/")
    return ", ".join(filter(None, [item.get("word", ""), place, *facts])) or "Ready"
