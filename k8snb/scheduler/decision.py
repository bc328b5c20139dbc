"""One decision: a pod, the cluster as it was when its turn came, and everything that can be asked about it.

It is worked out when somebody asks, from the store's history: the objects just before the pod was bound (or told its
node, where binding took longer), or as they are while it waits. What extenders said cannot be worked out; of that there
is what was kept, of a pod that waits from its last attempt. Who asks again with other weights, or for remedies and
victims, asks the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from k8snb.i18n import _
from k8snb.machinery.objects import condition
from k8snb.scheduler import remedies, survey, weighing
from k8snb.scheduler.explain import NOBODY, Explanation, explain
from k8snb.scheduler.extenders import Extenders
from k8snb.scheduler.nominator import nominated_node
from k8snb.scheduler.picture import BeforeClaiming, Reader, picture
from k8snb.scheduler.registry import Profile
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.testimony import Testimony
from k8snb.typing import Object

NONE = Extenders()


class Decision:
    """Why a pod went where it went, or nowhere."""

    def __init__(self, framework: Framework, pod: Object, node: str, revision: int, heard: Testimony = NOBODY) -> None:
        self.framework = framework
        self.pod = pod
        self.node = node
        """Where the pod went; empty while it waits."""
        self.revision = revision
        """Of the objects that it is worked out from."""
        self.heard = heard
        """What extenders said."""
        self.explanation = explain(framework, pod, heard=heard)

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def winner(self) -> str:
        """The node that the pod has got, or would get."""
        return self.node or self.explanation.chosen

    @property
    def told(self) -> str:
        """What people were told of a pod that waits."""
        found = condition(self.pod, "PodScheduled")
        return str((found or {}).get("message") or "") if not self.node else ""

    @property
    def gates(self) -> str:
        """Why the pod may not enter the queue; empty if it may."""
        return self.framework.pre_enqueue(self.pod).message

    def with_weights(self, weights: Mapping[str, int]) -> Explanation:
        """What plugins say and extenders said, with some weights changed."""
        return explain(self.framework, self.pod, weights, self.heard)

    def flips(self) -> Sequence[weighing.Flip]:
        """Which weights would make another node win."""
        return weighing.flips(self.explanation)

    def remedies(self) -> list[remedies.Remedy]:
        """The least that would make the pod fit, node by node."""
        return remedies.remedies(self.framework, self.pod, self.heard)

    def survey(self) -> survey.Survey:
        """Who would have to leave for it."""
        return survey.survey(self.framework, self.pod, self.heard)


def _decided(versions: Sequence[tuple[int, Object]], placed: int, node: str) -> int:
    """Before which version the decision fell: that with the binding, or that which tells the node before a slow one."""
    told = placed
    while told > 1 and nominated_node(versions[told - 1][1]) == node:
        told -= 1
    before, after = ((versions[at][1].get("status") or {}).get("conditions") for at in (told - 1, told))
    return told if before == after else placed


def decision(
    versions: Sequence[tuple[int, Object]],
    at: Callable[[int], Reader],
    profiles: Sequence[Profile],
    now: int,
    extenders: Extenders = NONE,
) -> Decision:
    """The decision about a pod of which the store has these versions. ValueError if it is no scheduler's of ours."""
    placed = next((index for index, (_at, pod) in enumerate(versions) if pod["spec"].get("nodeName")), None)
    revision, pod, node = now, versions[-1][1], ""
    if placed is not None:
        node = versions[placed][1]["spec"]["nodeName"]
        if placed:
            decided = _decided(versions, placed, node)
            revision, pod = versions[decided][0] - 1, versions[decided - 1][1]
    wanted = pod["spec"].get("schedulerName")
    profile = next((each for each in profiles if each.name == wanted), None)
    if profile is None:
        raise ValueError(_("no profile is called {name}").format(name=wanted))
    reader = BeforeClaiming(at(revision), pod) if pod["spec"].get("resourceClaims") else at(revision)
    return Decision(
        picture(reader, profile), pod, node, revision, extenders.testimony(pod, placed=bool(node)) or NOBODY
    )
