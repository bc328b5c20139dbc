"""What only an embedded cluster has, and why a live one has not.

That is every name that is there on a `Cluster` and not on a `LiveCluster`; so nobody has to keep a list of them.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from k8snb.cluster.cluster import Cluster
from k8snb.errors import NeedsEmbedded
from k8snb.i18n import _


class Reason:
    """Why some things cannot be had of a live cluster."""

    def __init__(self, sentence: str, *names: str) -> None:
        self.sentence = sentence
        self.names = names


REASONS = (
    Reason("a live cluster's time cannot be moved on", "advance"),
    Reason("a live cluster has one future", "fork"),
    Reason("a live cluster does not go back", "rewind"),
    Reason("a live cluster does not stand still", "pause", "resume", "step"),
    Reason("the parts of a live cluster are not ours to stop", "stop", "start"),
    Reason("the machines of a live cluster are not ours to break", "crash", "stop_kubelet", "start_kubelet"),
    Reason("machines are not ours to add to a live cluster", "add_node"),
    Reason("a storage driver is for the whole cluster", "add_driver"),
)
"""Where there is more to say than that only the embedded cluster has it."""


@cache
def embedded_names() -> frozenset[str]:
    """Every name that an embedded cluster may have: those of its classes, and those that their methods speak of."""
    found = {name for reason in REASONS for name in reason.names}
    for each in Cluster.__mro__:
        found |= {*vars(each), *vars(each).get("__annotations__", ())}
        found |= {name for method in vars(each).values() for name in getattr(method, "__code__", _NO_CODE).co_names}
    return frozenset(name for name in found if not name.startswith("_"))


_NO_CODE = SimpleNamespace(co_names=())


class Elsewhere(NeedsEmbedded, AttributeError):
    """An attribute that only an embedded cluster has; who asks whether it is there (`getattr`, `hasattr`) hears no."""


def needs_embedded(name: str, why: str = "") -> NeedsEmbedded:
    """What is raised for something that only the embedded cluster can do."""
    known = (_(each.sentence) for each in REASONS if name in each.names)
    reason = why or next(known, _("only the embedded cluster has it"))
    return NeedsEmbedded(_("needs the embedded cluster: {name}: {why}").format(name=name, why=reason))
