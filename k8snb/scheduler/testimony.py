"""What is known later of what extenders said of a pod: the answers of its last attempt, or that nobody kept them.

They are no opinions on things as they would be. Of nodes that an extender was not asked about, and of a pod or node
that would be changed, nobody knows what it would say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from k8snb.scheduler.answers import Attempt, Victims
from k8snb.scheduler.extender_settings import ExtenderSettings
from k8snb.scheduler.framework import MAX_NODE_SCORE, SUCCESS, Status

HIGHEST_PRIORITY = 10
"""An extender's scores lie between 0 and this; they are scaled to those of plugins."""
SCALE = MAX_NODE_SCORE // HIGHEST_PRIORITY


class Testimony:
    """Of the extenders that are asked about one pod. Without an `attempt` nothing is known but that they are asked."""

    def __init__(self, asked: Sequence[tuple[str, ExtenderSettings]], attempt: Attempt | None, placed: bool) -> None:
        self._settings = dict(asked)
        self.attempt = attempt
        self.placed = placed
        """Whether the attempt ended with a node for the pod."""
        self._running = self._in_the_running()
        filters = attempt.filters if attempt is not None else ()
        self._asked = {each.extender: frozenset(each.asked) for each in filters}
        self._heard = {each.extender: self._asked[each.extender] for each in filters if not each.error}

    @property
    def names(self) -> Sequence[str]:
        """Who is asked."""
        return list(self._settings)

    @property
    def weights(self) -> Mapping[str, int]:
        """What the scores of those weigh that score."""
        return {name: each.weight for name, each in self._settings.items() if each.prioritize_verb}

    @property
    def filtering(self) -> Sequence[str]:
        """Who leaves nodes out."""
        return [name for name, each in self._settings.items() if each.filter_verb]

    @property
    def sparing(self) -> Sequence[str]:
        """Who has a say in who would leave."""
        return [name for name, each in self._settings.items() if each.preempt_verb]

    def ignorable(self, name: str) -> bool:
        """Whether it can be done without this one."""
        return self._settings[name].ignorable

    @property
    def failure(self) -> tuple[str, str] | None:
        """Who ended the attempt by not answering before a node was chosen, and the error."""
        filters = self.attempt.filters if self.attempt is not None else ()
        return next(((each.extender, each.error) for each in filters if each.error and self._ends(each.extender)), None)

    def _ends(self, name: str) -> bool:
        return not self.ignorable(name)

    def _in_the_running(self) -> frozenset[str] | None:
        """The nodes that were left when scores were given; None where the answers do not tell."""
        if self.attempt is None or not self.placed:
            return None
        if self.attempt.filters:
            return frozenset(self.attempt.filters[-1].left)
        return frozenset(self.attempt.scores[0].asked) if self.attempt.scores else None

    # -- node by node ------------------------------------------------------------------------------

    def leaves(self, node: str) -> bool:
        """Whether it leaves a node in the running, as far as is known."""
        return self.status(node) is SUCCESS if self._running is None else node in self._running

    def status(self, node: str) -> Status:
        """The refusal of a node, signed by who refused it; SUCCESS if nobody is known to have."""
        for each in self.attempt.filters if self.attempt is not None else ():
            if node in each.out:
                make = Status.unresolvable if node in each.unresolvable else Status.unschedulable
                return make(each.out[node], plugin=each.extender)
        return SUCCESS

    def verdict(self, name: str, node: str) -> Status | None:
        """What one said of a node; None if it has said nothing."""
        if node not in self._heard.get(name, ()):
            return None
        status = self.status(node)
        return status if status.plugin == name else SUCCESS

    def score(self, name: str, node: str) -> int | None:
        """What one gave a node, from 0 to 10; None if it gave it nothing."""
        for each in self.attempt.scores if self.attempt is not None else ():
            if each.extender == name:
                return each.given.get(node)
        return None

    def points(self, node: str, weights: Mapping[str, int]) -> int:
        """What a node gets from all of them."""
        return sum((self.score(name, node) or 0) * SCALE * weights[name] for name in self.weights)

    def speaking(self) -> Sequence[str]:
        """Who said anything of nodes."""
        scores = self.attempt.scores if self.attempt is not None else ()
        said = {*self._heard, *(each.extender for each in scores if not each.error)}
        return [name for name in self._settings if name in said]

    def unheard(self, nodes: Iterable[str]) -> dict[str, list[str]]:
        """Who has not been asked which of these nodes, and would be."""
        found = {
            name: [node for node in nodes if node not in self._asked.get(name, ()) and self.status(node) is SUCCESS]
            for name in self.filtering
        }
        return {name: left for name, left in found.items() if left}

    # -- who would leave ---------------------------------------------------------------------------

    def spared(self, candidates: Victims) -> Victims | None:
        """Who would leave after all of them have had their say; None if they were not asked just this.

        An empty one says that nobody would.
        """
        if not self.sparing:
            return candidates
        answers = self.attempt.victims if self.attempt is not None else ()
        if not answers or answers[0].asked != candidates:
            return None
        last = answers[-1]
        return last.asked if last.error and self.ignorable(last.extender) else last.answered
