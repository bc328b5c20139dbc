"""Which write made whom look, and what they wrote then: the record of the cluster, linked by its causes.

A request makes a revision; whoever watches is told of it; that makes somebody look (a *turn*: one reconcile) and send
requests. Both links are on record: a turn knows the revision that caused it, and its requests. Where a turn has no such
revision a timer caused it, which the same component set when it last looked at the same key; so it goes on from that
turn. A key waits once: what a component is told while the key waits already is no cause of its own.

Nothing here is kept for this purpose, so it costs nothing until somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from k8snb.trace import Sent, Span
from k8snb.typing import ObjectKey
from k8snb.view.acts import History, actor_name, acts_of, effective, id_of_act, is_event
from k8snb.view.frames import Act

SILENT = frozenset({"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"})
"""What is written all the time, or kept nowhere."""

_READING = frozenset({"get", "list", "watch", ""})


@dataclass(slots=True, eq=False)
class Write:
    """A request that changed something, and the turns that it caused."""

    sent: Sent
    actor: str
    acts: Sequence[Act]
    turns: list[Turn] = field(default_factory=list)

    @property
    def objects(self) -> list[str]:
        """The ids of what it changed: `Pod/web-x7k2p`."""
        return [id_of_act(act) for act in self.acts if not act.note]


@dataclass(slots=True, eq=False)
class Turn:
    """One look of a component at a key: because of a write, or again later because of a timer (`then`)."""

    span: Span
    actor: str
    writes: list[Write] = field(default_factory=list)
    then: list[Turn] = field(default_factory=list)

    @property
    def fruitful(self) -> bool:
        """Whether anything came of it."""
        return bool(self.writes or self.then)


class Record:
    """What is on record after revision `since` and up to `until`, by revision and by turn."""

    def __init__(self, spans: Iterable[Span], requests: Iterable[Sent], at: History, *, since: int, until: int) -> None:
        self._at = at
        wrote = [sent for sent in effective(requests) if since < sent.revision <= until and _wrote(sent)]
        self._shown = {sent.number for sent in wrote if _resource(sent) not in SILENT}
        self._makers = [sent for sent in wrote if not is_event(sent)]
        self._revisions = [sent.revision for sent in self._makers]
        self._spans = [span for span in spans if since <= span.revision <= until]
        self._before: dict[int, Span] = {}
        """By the number of a turn that a timer caused: the one before of the same component about the same key."""
        last: dict[tuple[str, ObjectKey], Span] = {}
        for span in self._spans:
            key = span.component, span.key
            if not span.cause and key in last:
                self._before[span.number] = last[key]
            last[key] = span

    def from_outside(self) -> list[Sent]:
        """The writes of those who are no part of the cluster."""
        own = (sent for sent in self._makers if sent.span is None and sent.number in self._shown)
        return [sent for sent in own if not sent.user.startswith("system:")]

    def maker(self, revision: int) -> Sent | None:
        """The request that made a revision; None if that is not on record. One request may make several."""
        at = bisect_left(self._revisions, revision)
        if at == len(self._makers) or (at == 0 and self._revisions[0] != revision):
            return None
        return self._makers[at]

    def write(self, sent: Sent) -> Write:
        """A request with what it changed."""
        actor = actor_name(sent.user if sent.span is None else sent.span.component)
        return Write(sent, actor, list(acts_of(sent, self._at)))

    # -- forwards ----------------------------------------------------------------------------------

    def grown(self, roots: Sequence[Sent], *, events: bool) -> list[Write]:
        """The requests with all that came of them; turns of which nothing came are left out."""
        writes = {sent.number: self.write(sent) for sent in roots}
        trees = [*writes.values()]
        turns: dict[int, Turn] = {}
        for span in self._spans:
            cause = self._cause(span)
            if isinstance(cause, Sent) and cause.number in writes:
                siblings = writes[cause.number].turns
            elif isinstance(cause, Span) and cause.number in turns:
                siblings = turns[cause.number].then
            else:
                continue
            turn = turns[span.number] = Turn(span, actor_name(span.component))
            siblings.append(turn)
            for sent in span.requests:
                if sent.number in self._shown and (events or not is_event(sent)):
                    written = writes[sent.number] = self.write(sent)
                    turn.writes.append(written)
        for turn in reversed([*turns.values()]):
            turn.then = [each for each in turn.then if each.fruitful]
        for written in writes.values():
            written.turns = [turn for turn in written.turns if turn.fruitful]
        return trees

    # -- backwards ---------------------------------------------------------------------------------

    def path(self, sent: Sent) -> Iterator[Sent | Span]:
        """From a request back to where it began."""
        here: Sent | Span | None = sent
        while here is not None:
            yield here
            here = here.span if isinstance(here, Sent) else self._cause(here)

    def branch(self, sent: Sent) -> Write | Turn:
        """The one branch that leads to a request, from where it began."""
        below: Write | Turn | None = None
        for here in self.path(sent):
            if isinstance(here, Sent):
                write = self.write(here)
                write.turns = [below] if isinstance(below, Turn) else []
                below = write
                continue
            turn = Turn(here, actor_name(here.component))
            if isinstance(below, Write):
                turn.writes = [below]
            elif below is not None:
                turn.then = [below]
            below = turn
        assert below is not None
        return below

    def _cause(self, span: Span) -> Sent | Span | None:
        return self.maker(span.cause) if span.cause else self._before.get(span.number)


def _wrote(sent: Sent) -> bool:
    info = sent.request.info
    if info is None or info.resource is None or info.verb in _READING or sent.code >= 300:
        return False
    return "dryRun" not in sent.request.query


def _resource(sent: Sent) -> str:
    info = sent.request.info
    return info.resource.plural if info is not None and info.resource is not None else ""
