"""Why something is as it is, and what came of something: as an indented tree, and as a story of who told whom.

`causality` links the record; here it is written down. The story shows every write on its way: to the API server, into
etcd, and from there as a watch event to each component that looks because of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import shorten

from k8snb.apiserver.encryption import registry_key
from k8snb.i18n import _
from k8snb.typing import Resource
from k8snb.view.acts import History
from k8snb.view.causality import Turn, Write
from k8snb.view.frames import Act, Frame, when
from k8snb.view.scene import population, scene_of
from k8snb.view.stepper import Stepper
from k8snb.view.story import observed_of

SERVER, STORE, PROXIES = "API server", "etcd", "kube-proxy"
HEARD_BY_PROXIES = ("Service/", "EndpointSlice/")
"""What every kube-proxy follows: it changes the rules of its node, and writes nothing."""

VIEWS = ("sequence", "topology", "diff", "timeline")
_LONGEST = 96
_STEP = "  "


class Causes:
    """Writes and turns, each below what caused it."""

    def __init__(self, title: str, roots: Sequence[Write | Turn], at: History, namespace: str) -> None:
        self.title = title
        self.roots = roots
        self._at = at
        self._namespace = namespace

    # -- as text -----------------------------------------------------------------------------------

    def __str__(self) -> str:
        lines = [*self._lines()]
        first = min((time for time, *_rest in lines), default=0.0)
        shown = [(when(time - first), f"@{revision}" if revision else "", words) for time, revision, words in lines]
        times, revisions = (max((len(line[at]) for line in shown), default=0) for at in (0, 1))
        return "\n".join([self.title, *(f"{time:>{times}}  {at:{revisions}}  {words}" for time, at, words in shown)])

    __repr__ = __str__

    def _lines(self) -> Iterator[tuple[float, int, str]]:
        """Of each line the time, the revision that it made, and the words."""
        for root in self.roots:
            yield from _turn_lines(root, "", 0) if isinstance(root, Turn) else _write_lines(root, "", named=True)

    # -- as a story --------------------------------------------------------------------------------

    def writes(self) -> list[Write]:
        """All writes, in the order in which they happened."""
        return sorted(_writes(self.roots), key=lambda write: write.sent.number)

    def stepper(self, title: str = "") -> Stepper:
        """One write after the other, with who is told of it."""
        turns = {id(write): turn for turn in _turns(self.roots) for write in turn.writes}
        writes = [write for write in self.writes() if write.objects]
        origin = writes[0].sent.time if writes else 0.0
        frames = [self._frame(write, turns.get(id(write)), origin) for write in writes]
        return Stepper(title or self.title, frames, VIEWS)

    def _frame(self, write: Write, turn: Turn | None, origin: float) -> Frame:
        sent = write.sent
        resource = sent.request.info.resource if sent.request.info is not None else None
        namespace = sent.request.info.namespace if sent.request.info is not None else ""
        objects = population(self._at(sent.revision), self._namespace)
        acts = []
        for act in write.acts:
            acts.append(Act(act.verb, act.object, act.code, act.revision, act.request, act.changes, to=SERVER))
            acts.append(_put(act, resource, namespace))
        told = dict.fromkeys(each.actor for each in write.turns)
        if _for_proxies(write):
            told[PROXIES] = None
        of = _("{actor} of @{revision}")
        acts += [
            Act(_("tell"), of.format(actor=actor, revision=sent.revision), 0, 0, to=actor, by=SERVER) for actor in told
        ]
        return Frame(
            actor=write.actor,
            subject=turn.span.key.name if turn is not None else write.acts[0].object,
            caption=turn.span.wanted if turn is not None else "",
            time=sent.time - origin,
            revision=sent.revision,
            cause=turn.span.cause if turn is not None else 0,
            observed=observed_of(turn.span) if turn is not None else (),
            acts=acts,
            scene=scene_of(objects),
            objects=objects,
            touched=write.objects,
        )


def _put(act: Act, resource: Resource | None, namespace: str) -> Act:
    """The write behind the API server: into the store, or out of it."""
    name = act.object.partition(" ")[2]
    key = registry_key(resource, namespace, name) if resource is not None else name
    return Act(_("remove") if act.verb == "delete" else _("put"), key, 0, act.revision, to=STORE, by=SERVER)


def _for_proxies(write: Write) -> bool:
    return any(name.startswith(HEARD_BY_PROXIES) for name in write.objects)


# -- lines -------------------------------------------------------------------------------------------------


def _write_lines(write: Write, indent: str, *, named: bool = False) -> Iterator[tuple[float, int, str]]:
    who = f"{write.actor} " if named else ""
    sent = write.sent
    for act in write.acts:
        yield sent.time, act.revision, f"{indent}{who}→ {_short(act.sentence)}"
    for turn in write.turns:
        yield from _turn_lines(turn, indent + _STEP, sent.time)
    if _for_proxies(write):
        told = _("{actor} on each node, told of @{revision}: write its rules")
        yield sent.time, 0, f"{indent}{_STEP}{told.format(actor=PROXIES, revision=sent.revision)}"


def _turn_lines(turn: Turn, indent: str, before: float) -> Iterator[tuple[float, int, str]]:
    span = turn.span
    if span.cause:
        why = _("told of @{revision}").format(revision=span.cause)
    elif before:
        why = _("{seconds:.1f} s later").format(seconds=span.time - before)
    else:
        why = _("by a timer")
    yield span.time, 0, f"{indent}{turn.actor}, {why}{f': {_short(span.wanted)}' if span.wanted else ''}"
    for write in turn.writes:
        yield from _write_lines(write, indent + _STEP)
    for later in turn.then:
        yield from _turn_lines(later, indent, span.time)


def _short(words: str) -> str:
    return shorten(words, _LONGEST, placeholder=" …")


# -- all of them -------------------------------------------------------------------------------------------


def _turns(roots: Sequence[Write | Turn]) -> Iterator[Turn]:
    for root in roots:
        if isinstance(root, Turn):
            yield root
            yield from _turns([*root.writes, *root.then])
        else:
            yield from _turns(root.turns)


def _writes(roots: Sequence[Write | Turn]) -> Iterator[Write]:
    for root in roots:
        if isinstance(root, Write):
            yield root
            yield from _writes(root.turns)
        else:
            yield from _writes([*root.writes, *root.then])
